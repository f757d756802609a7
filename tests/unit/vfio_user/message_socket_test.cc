// SPDX-License-Identifier: MIT
#include "vfio_user/message_socket.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/vfio_user/wire.h"

namespace holdover::vfio_user {
namespace {

using Status = MessageSocket::Status;
using testing::bytes_of;
using testing::header_of;
using testing::open_descriptors;
using testing::write_raw;

class MessageSocketTest : public ::testing::Test {
 protected:
  MessageSocketTest() : MessageSocketTest(testing::connected()) {}
  explicit MessageSocketTest(std::pair<FileDescriptor, FileDescriptor> ends)
      : peer_(std::move(ends.first)), socket_(std::move(ends.second), {1024, 2}) {}

  void put(std::span<const std::byte> bytes, std::span<const int> descriptors = {}) {
    write_raw(peer_.number(), bytes, descriptors);
  }

  unsigned before_ = open_descriptors();
  FileDescriptor peer_;
  MessageSocket socket_;
};

TEST_F(MessageSocketTest, PutsAMessageTogetherFromSingleBytes) {
  const std::vector<std::byte> bytes = bytes_of(header_of(Command::RegionRead, 16, 5), RegionAccess{8, 7, 4});
  for (const std::byte& byte : bytes) {
    EXPECT_EQ(socket_.receive(), Status::Wait);
    put({&byte, 1});
  }
  ASSERT_EQ(socket_.receive(), Status::Complete);
  const Message message = socket_.take();
  EXPECT_EQ(message.header.id, 5);
  EXPECT_EQ(message.body.size(), 16u);
  EXPECT_EQ(socket_.receive(), Status::Wait);
}

TEST_F(MessageSocketTest, DescriptorsBelongToTheMessageInWhoseBytesTheyCame) {
  const FileDescriptor file{::memfd_create("test", MFD_CLOEXEC)};
  const std::array<int, 1> one{file.number()};
  put(bytes_of(header_of(Command::DmaMap, 32, 1), DmaMap{}));
  put(bytes_of(header_of(Command::DmaMap, 32, 2), DmaMap{}), one);
  put(bytes_of(header_of(Command::DeviceReset, 0, 3)));
  for (const std::size_t expected : {0u, 1u, 0u}) {
    ASSERT_EQ(socket_.receive(), Status::Complete);
    EXPECT_EQ(socket_.take().descriptors.size(), expected);
  }
}

// One call of the kernel for all of them: on a socket that keeps what it is given apart, one packet.
TEST_F(MessageSocketTest, SeveralThatGoTogetherAreThereAtOnce) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const FileDescriptor peer{ends[0]};
  MessageSocket socket{FileDescriptor{ends[1]}, {1024, 2}};
  std::vector<Message> messages(3);
  for (std::uint16_t id = 0; id < 3; ++id) messages[id].header = header_of(Command::RegionRead, 0, id);
  messages[1].body = bytes_of(RegionAccess{8, 7, 4});
  socket.send_together(messages);
  EXPECT_EQ(socket.unsent(), 0u);
  std::vector<std::byte> piece(1024);
  ASSERT_EQ(::recv(peer.number(), piece.data(), piece.size(), MSG_DONTWAIT), 3 * 16 + 16);
  piece.resize(3 * 16 + 16);
  EXPECT_EQ(piece, bytes_of(header_of(Command::RegionRead, 0, 0), header_of(Command::RegionRead, 16, 1),
                            RegionAccess{8, 7, 4}, header_of(Command::RegionRead, 0, 2)));
}

TEST_F(MessageSocketTest, SaysWhatIsWrongWithAStream) {
  const auto status = [](const Header& header, std::size_t body, bool close) {
    auto [peer, end] = testing::connected();
    MessageSocket socket(std::move(end), {1024, 2});
    std::vector<std::byte> bytes = bytes_of(header);
    bytes.resize(bytes.size() + body);
    write_raw(peer.number(), bytes);
    if (close) peer.reset();
    return socket.receive();
  };
  EXPECT_EQ(status(header_of(Command::DeviceReset, 0), 0, false), Status::Complete);
  Header header = header_of(Command::DeviceReset, 0);
  header.size = 15;
  EXPECT_EQ(status(header, 0, false), Status::BadSize);
  EXPECT_EQ(status(header_of(Command::RegionWrite, 1025), 0, false), Status::TooLarge);
  header.size = 0xffff'ffff;
  EXPECT_EQ(status(header, 0, false), Status::TooLarge);
  EXPECT_EQ(status(header_of(Command::DeviceReset, 0, 1, 2), 0, false), Status::BadType);
  EXPECT_EQ(status(header_of(Command::RegionWrite, 1024), 100, true), Status::Truncated);
}

TEST_F(MessageSocketTest, AnEndBetweenMessagesIsNoFault) {
  put(bytes_of(header_of(Command::DeviceReset, 0)));
  peer_.reset();
  EXPECT_EQ(socket_.receive(), Status::Complete);
  EXPECT_EQ(socket_.receive(), Status::Closed);
}

TEST_F(MessageSocketTest, TooManyDescriptorsAreAllClosed) {
  const std::array<int, 3> three{peer_.number(), peer_.number(), peer_.number()};
  const unsigned before = open_descriptors();
  put(bytes_of(header_of(Command::DeviceSetIrqs, 0)), three);
  EXPECT_EQ(socket_.receive(), Status::TooManyDescriptors);
  { const MessageSocket dropped = std::move(socket_); }
  EXPECT_EQ(open_descriptors(), before - 1);
}

TEST_F(MessageSocketTest, DescriptorsOfAHalfHeaderCountAsWell) {
  const std::array<int, 2> two{peer_.number(), peer_.number()};
  const std::vector<std::byte> header = bytes_of(header_of(Command::DeviceSetIrqs, 0));
  put(std::vector(header.begin(), header.begin() + 1), two);
  EXPECT_EQ(socket_.receive(), Status::Wait);
  put(std::vector(header.begin() + 1, header.begin() + 2), two);
  EXPECT_EQ(socket_.receive(), Status::TooManyDescriptors);
}

TEST_F(MessageSocketTest, KeepsWhatThePeerDoesNotTakeYet) {
  auto [peer, end] = testing::connected();
  MessageSocket sender(std::move(end), {1024, 2});
  MessageSocket receiver(std::move(peer), {1 << 20, 2});
  const std::vector<std::byte> body(1 << 20, std::byte{0x5a});
  const std::array<int, 1> one{sender.descriptor()};
  sender.send(header_of(Command::RegionRead, 0, 1, kFlagReply), body);
  sender.send(header_of(Command::RegionRead, 0, 2, kFlagReply), body, one);
  EXPECT_GT(sender.unsent(), 0u);
  std::vector<Message> received;
  while (received.size() < 2) {
    ASSERT_TRUE(sender.flush());
    if (receiver.receive() == Status::Complete) received.push_back(receiver.take());
  }
  EXPECT_EQ(sender.unsent(), 0u);
  EXPECT_EQ(received[0].body, body);
  EXPECT_EQ(received[1].descriptors.size(), 1u);
}

TEST_F(MessageSocketTest, APeerThatIsGoneIsNoSignal) {
  peer_.reset();
  socket_.send(header_of(Command::RegionRead, 0, 1, kFlagReply), {});
  EXPECT_TRUE(socket_.broken());
  EXPECT_EQ(socket_.unsent(), 0u);
}

}  // namespace
}  // namespace holdover::vfio_user
