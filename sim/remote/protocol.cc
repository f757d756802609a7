// SPDX-License-Identifier: MIT
#include "sim/remote/protocol.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "pcie/error.h"

namespace holdover::sim {

Connection make_connection() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) {
    throw Error(ErrorCode::Unavailable,
                std::string{"no socket pair between machine and host process: "} + std::strerror(errno));
  }
  Connection connection{FileDescriptor{ends[0]}, FileDescriptor{ends[1]}};
  // Were the machine's end inherited by the host, the host would never see the machine's process go.
  if (::fcntl(connection.machine.number(), F_SETFD, FD_CLOEXEC) != 0) {
    throw Error(ErrorCode::Unavailable,
                std::string{"the machine's socket cannot be kept from the host process: "} + std::strerror(errno));
  }
  return connection;
}

}  // namespace holdover::sim
