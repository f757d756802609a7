// SPDX-License-Identifier: MIT
#include "sim/remote/platform_server.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "pcie/error.h"
#include "sim/remote/protocol.h"

namespace holdover::sim {
namespace {

using remote::Operation;
using remote::Reply;
using remote::Request;

// How long one receive waits before `stop` is asked again.
constexpr std::chrono::milliseconds kIdle{100};
constexpr timeval kIdleInterval{0, std::chrono::microseconds{kIdle}.count()};

[[noreturn]] void corrupt(const std::string& reason) {
  throw Error(ErrorCode::Corrupt, "the host process sent what is no request: " + reason);
}

void check_access(const Request& request, unsigned most) {
  const unsigned size = request.size;
  const bool power = size != 0 && (size & (size - 1)) == 0;
  if (!power || size > most || request.address % size != 0) {
    corrupt("an access of " + std::to_string(size) + " bytes at " + std::to_string(request.address));
  }
}

void check_config(const Request& request) {
  check_access(request, 4);
  if (request.address >= 4096) corrupt("configuration offset " + std::to_string(request.address));
}

// The value of the reply, nothing for one-way requests.
std::optional<std::uint64_t> execute(pcie::Platform& platform, const Request& request, std::string_view text) {
  const pcie::Bdf function = pcie::Bdf::from_requester_id(request.function, request.segment);
  switch (request.operation) {
    case Operation::ConfigRead:
      check_config(request);
      return platform.config_read(function, Bytes{request.address}, request.size);
    case Operation::ConfigWrite:
      check_config(request);
      platform.config_write(function, Bytes{request.address}, request.size, static_cast<std::uint32_t>(request.value));
      return 0;
    case Operation::MmioRead:
      check_access(request, 8);
      return platform.mmio_read(BusAddress{request.address}, request.size);
    case Operation::MmioWrite:
      check_access(request, 8);
      platform.mmio_write(BusAddress{request.address}, request.size, request.value);
      return 0;
    case Operation::TakeInterrupt: {
      const std::optional<std::uint8_t> vector = platform.take_interrupt();
      return vector ? std::uint64_t{*vector} : remote::kNoInterrupt;
    }
    case Operation::Now:
      return 0;
    case Operation::Wait:
      platform.wait(Time{request.address});
      return 0;
    case Operation::Jump:
      platform.jump(PhysicalAddress{request.address});
      return 0;
    case Operation::Console:
      platform.console(text);
      return std::nullopt;
    case Operation::Mark:
      if (request.phase >= pcie::kPhaseCount || request.step >= pcie::kStepCount) {
        corrupt("a mark of phase " + std::to_string(request.phase) + ", step " + std::to_string(request.step));
      }
      platform.mark(static_cast<pcie::Phase>(request.phase), static_cast<pcie::Step>(request.step), request.value);
      return 0;
  }
  corrupt("operation " + std::to_string(static_cast<unsigned>(request.operation)));
}

// False: the peer is gone.
bool answer(int socket, const Reply& reply) {
  while (::send(socket, &reply, sizeof reply, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno == EPIPE || errno == ECONNRESET) return false;
    throw Error(ErrorCode::Unavailable,
                std::string{"the connection to the host process failed: "} + std::strerror(errno));
  }
  return true;
}

}  // namespace

PlatformServer::PlatformServer(pcie::Platform& platform, FileDescriptor socket, std::chrono::milliseconds patience)
    : platform_(platform), socket_(std::move(socket)), patience_(patience) {
  if (::setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &kIdleInterval, sizeof kIdleInterval) != 0) {
    throw Error(ErrorCode::Unavailable, std::string{"the machine's end is not a socket: "} + std::strerror(errno));
  }
}

ServeResult PlatformServer::serve(const std::function<bool()>& stop) {
  std::array<char, sizeof(Request) + remote::kMostText> packet{};
  std::chrono::milliseconds silence{0};
  for (;;) {
    if (stop && stop()) return ServeResult{ServeResult::Kind::Stopped, {}};
    const ssize_t count = ::recv(socket_.number(), packet.data(), packet.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      silence += kIdle;
      if (silence >= patience_) return ServeResult{ServeResult::Kind::Silent, {}};
      continue;
    }
    silence = std::chrono::milliseconds{0};
    if (count == 0 || (count < 0 && errno == ECONNRESET)) return ServeResult{ServeResult::Kind::PeerClosed, {}};
    if (count < 0) {
      throw Error(ErrorCode::Unavailable,
                  std::string{"the connection to the host process failed: "} + std::strerror(errno));
    }
    const std::size_t size = static_cast<std::size_t>(count);
    if (size < sizeof(Request)) corrupt(std::to_string(size) + " bytes");
    Request request;
    std::memcpy(&request, packet.data(), sizeof request);
    const std::string_view text{packet.data() + sizeof request, size - sizeof request};
    const std::optional<std::uint64_t> value = execute(platform_, request, text);
    if (!value) continue;
    const bool alive = answer(socket_.number(), Reply{*value, platform_.now().count()});
    // The jump counts even where the old image did not wait for its answer.
    if (request.operation == Operation::Jump) {
      return ServeResult{ServeResult::Kind::Jumped, PhysicalAddress{request.address}};
    }
    if (!alive) return ServeResult{ServeResult::Kind::PeerClosed, {}};
  }
}

}  // namespace holdover::sim
