// SPDX-License-Identifier: MIT
#include "vfio_user/message_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "pcie/error.h"

namespace holdover::vfio_user {
namespace {

// The kernel passes no more with one message (SCM_MAX_FD).
constexpr std::size_t kMostPassed = 253;
// Bodies grow as they arrive: a size in a header costs nothing until the bytes have come.
constexpr std::size_t kPiece = 64 * 1024;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

MessageSocket::MessageSocket(FileDescriptor socket, Limits limits) : socket_(std::move(socket)), limits_(limits) {
  const int flags = ::fcntl(socket_.number(), F_GETFL);
  if (flags < 0 || ::fcntl(socket_.number(), F_SETFL, flags | O_NONBLOCK) != 0) broken_ = true;
}

FileDescriptor MessageSocket::release() {
  HOLDOVER_CHECK(unsent_ == 0 && received_ == 0);
  return std::move(socket_);
}

long MessageSocket::read_some(std::span<std::byte> into) {
  iovec part{into.data(), into.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * kMostPassed)> control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket_.number(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) return count;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t bytes = each->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(each) + at, sizeof number);
      incoming_.descriptors.emplace_back(number);
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) descriptors_lost_ = true;
  return count;
}

std::optional<MessageSocket::Status> MessageSocket::check_header() const {
  const Header& header = incoming_.header;
  const std::uint32_t type = header.flags & kFlagTypeMask;
  if (header.size < sizeof(Header)) return Status::BadSize;
  if (type != kFlagCommand && type != kFlagReply) return Status::BadType;
  if (header.size - sizeof(Header) > limits_.body) return Status::TooLarge;
  return std::nullopt;
}

MessageSocket::Status MessageSocket::receive() {
  if (broken_) return Status::Closed;
  for (;;) {
    std::span<std::byte> into;
    if (received_ < sizeof(Header)) {
      into = std::as_writable_bytes(std::span(&incoming_.header, 1)).subspan(received_);
    } else {
      const std::size_t have = received_ - sizeof(Header);
      const std::size_t all = incoming_.header.size - sizeof(Header);
      if (have == all) {
        complete_ = std::exchange(incoming_, Message{});
        received_ = 0;
        return Status::Complete;
      }
      incoming_.body.resize(have + std::min(all - have, kPiece));
      into = std::span(incoming_.body).subspan(have);
    }
    const long count = read_some(into);
    if (received_ >= sizeof(Header)) {
      incoming_.body.resize(received_ - sizeof(Header) + static_cast<std::size_t>(std::max(count, 0L)));
    }
    if (count < 0 && would_block()) return Status::Wait;
    if (count < 0) {
      broken_ = true;
      return Status::Closed;
    }
    if (count == 0) return received_ == 0 ? Status::Closed : Status::Truncated;
    if (incoming_.descriptors.size() > limits_.descriptors || descriptors_lost_) return Status::TooManyDescriptors;
    const bool had_header = received_ >= sizeof(Header);
    received_ += static_cast<std::size_t>(count);
    if (!had_header && received_ == sizeof(Header)) {
      if (const auto wrong = check_header()) return *wrong;
    }
  }
}

void MessageSocket::put(Outgoing& out, Header header, std::span<const std::byte> body) {
  header.size = static_cast<std::uint32_t>(sizeof(Header) + body.size());
  append(out.bytes, header);
  out.bytes.insert(out.bytes.end(), body.begin(), body.end());
}

void MessageSocket::send(Outgoing out) {
  if (broken_) return;
  unsent_ += out.bytes.size();
  outgoing_.push_back(std::move(out));
  static_cast<void>(flush());
}

void MessageSocket::send(Header header, std::span<const std::byte> body, std::span<const int> descriptors) {
  Outgoing out;
  put(out, header, body);
  for (const int number : descriptors) out.descriptors.emplace_back(::fcntl(number, F_DUPFD_CLOEXEC, 0));
  send(std::move(out));
}

void MessageSocket::send_together(const std::vector<Message>& messages) {
  Outgoing out;
  for (const Message& message : messages) put(out, message.header, message.body);
  send(std::move(out));
}

bool MessageSocket::flush() {
  while (!broken_ && !outgoing_.empty()) {
    Outgoing& out = outgoing_.front();
    iovec part{out.bytes.data() + out.sent, out.bytes.size() - out.sent};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::vector<std::byte> control;
    if (!out.descriptors.empty()) {
      control.resize(CMSG_SPACE(sizeof(int) * out.descriptors.size()));
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* const head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(sizeof(int) * out.descriptors.size());
      for (std::size_t i = 0; i < out.descriptors.size(); ++i) {
        const int number = out.descriptors[i].number();
        std::memcpy(CMSG_DATA(head) + i * sizeof number, &number, sizeof number);
      }
    }
    const ssize_t count = ::sendmsg(socket_.number(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && would_block()) return true;
    if (count < 0) {
      broken_ = true;
      break;
    }
    out.descriptors.clear();
    out.sent += static_cast<std::size_t>(count);
    unsent_ -= static_cast<std::size_t>(count);
    if (out.sent == out.bytes.size()) outgoing_.pop_front();
  }
  if (broken_) {
    outgoing_.clear();
    unsent_ = 0;
  }
  return !broken_;
}

}  // namespace holdover::vfio_user
