// SPDX-License-Identifier: MIT
// A session over a scripted function, and the hand of a client: one message, one answer, without a second thread.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "serve/vfio_user/session.h"
#include "tests/support/scripted_function.h"
#include "tests/unit/vfio_user/wire.h"
#include "vfio_user/message_socket.h"
#include "vfio_user/version.h"

namespace holdover::serve {

using vfio_user::Command;
using vfio_user::Header;
using vfio_user::Message;
using vfio_user::MessageSocket;
using vfio_user::testing::bytes_of;
using vfio_user::testing::header_of;

class ServedSession : public ::testing::Test {
 protected:
  ServedSession() : ServedSession(vfio_user::testing::connected()) {}
  explicit ServedSession(std::pair<FileDescriptor, FileDescriptor> ends)
      : client_(std::move(ends.first), {1 << 21, 16}) {
    session_.emplace(std::move(ends.second), function_, memory_);
  }

  // False: the session is over.
  bool pump() { return session_->pump(); }
  std::optional<Message> receive() {
    return client_.receive() == MessageSocket::Status::Complete ? std::optional(client_.take()) : std::nullopt;
  }
  void send(Command command, const std::vector<std::byte>& body, std::span<const int> descriptors = {},
            std::uint32_t flags = 0) {
    client_.send(header_of(command, 0, ++id_, flags), body, descriptors);
  }
  // The reply to it. Its errno is in the header; nothing where there was none.
  std::optional<Message> ask(Command command, const std::vector<std::byte>& body,
                             std::span<const int> descriptors = {}) {
    send(command, body, descriptors);
    open_ = pump();
    return receive();
  }
  int error_of(Command command, const std::vector<std::byte>& body, std::span<const int> descriptors = {}) {
    const std::optional<Message> reply = ask(command, body, descriptors);
    if (!reply || !reply->is_reply() || reply->header.id != id_) return -1;
    const bool failed = (reply->header.flags & vfio_user::kFlagError) != 0;
    EXPECT_TRUE(!failed || reply->body.empty()) << "a reply with an error is its header alone";
    return failed ? static_cast<int>(reply->header.error) : 0;
  }
  void establish() {
    ASSERT_EQ(error_of(Command::Version, vfio_user::version_body(vfio_user::Version{})), 0);
    ASSERT_TRUE(open_);
  }

  std::vector<std::byte> read_region(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
    const auto reply = ask(Command::RegionRead, bytes_of(vfio_user::RegionAccess{offset, region, count}));
    if (!reply || reply->body.size() != sizeof(vfio_user::RegionAccess) + count) return {};
    return {reply->body.begin() + sizeof(vfio_user::RegionAccess), reply->body.end()};
  }
  std::uint32_t read32(std::uint32_t region, std::uint64_t offset) {
    std::uint32_t value = 0xdead'beef;
    const auto bytes = read_region(region, offset, 4);
    if (bytes.size() == 4) std::memcpy(&value, bytes.data(), 4);
    return value;
  }
  template <typename T>
  int write(std::uint32_t region, std::uint64_t offset, T value) {
    return error_of(Command::RegionWrite, bytes_of(vfio_user::RegionAccess{offset, region, sizeof value}, value));
  }

  ScriptedFunction function_;
  ClientMemory memory_;
  MessageSocket client_;
  std::optional<Session> session_;
  std::uint16_t id_ = 0;
  bool open_ = true;
};

}  // namespace holdover::serve
