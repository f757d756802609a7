// SPDX-License-Identifier: MIT
// Messages made by hand, and the two ends of a connection.
#pragma once

#include <dirent.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "vfio_user/message.h"

namespace holdover::vfio_user::testing {

template <typename... Parts>
std::vector<std::byte> bytes_of(const Parts&... parts) {
  std::vector<std::byte> bytes;
  (append(bytes, parts), ...);
  return bytes;
}

inline Header header_of(Command command, std::size_t body, std::uint16_t id = 1, std::uint32_t flags = 0) {
  Header header;
  header.id = id;
  header.command = static_cast<std::uint16_t>(command);
  header.size = static_cast<std::uint32_t>(sizeof(Header) + body);
  header.flags = flags;
  return header;
}

inline Message message_of(Command command, std::vector<std::byte> body, unsigned descriptors = 0) {
  Message message;
  message.header = header_of(command, body.size());
  message.body = std::move(body);
  for (unsigned i = 0; i < descriptors; ++i) message.descriptors.emplace_back(::memfd_create("test", MFD_CLOEXEC));
  return message;
}

inline std::pair<FileDescriptor, FileDescriptor> connected() {
  int ends[2] = {-1, -1};
  static_cast<void>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  return {FileDescriptor{ends[0]}, FileDescriptor{ends[1]}};
}

// Descriptors that this process has open.
inline unsigned open_descriptors() {
  unsigned count = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

// Writes bytes, with descriptors beside the first of them.
inline void write_raw(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors = {}) {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<std::byte> control(CMSG_SPACE(sizeof(int) * descriptors.size()));
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(head), descriptors.data(), sizeof(int) * descriptors.size());
  }
  static_cast<void>(::sendmsg(socket, &message, MSG_NOSIGNAL));
}

}  // namespace holdover::vfio_user::testing
