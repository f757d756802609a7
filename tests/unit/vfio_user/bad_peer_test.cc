// SPDX-License-Identifier: MIT
// Clients that do not keep to the protocol, message by message: an error reply or an end, and nothing is left behind.
#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/vfio_user/served_session.h"

namespace holdover::serve {
namespace {

using namespace vfio_user;
using vfio_user::testing::open_descriptors;
using vfio_user::testing::write_raw;

class BadPeer : public ServedSession {};

std::vector<std::byte> proposal(std::uint16_t major, const std::string& json) {
  std::vector<std::byte> body = bytes_of(VersionHeader{major, 1});
  const auto text = std::as_bytes(std::span(json.c_str(), json.size() + 1));
  body.insert(body.end(), text.begin(), text.end());
  return body;
}

TEST_F(BadPeer, WhoeverBeginsWithAnotherMessageIsRefused) {
  EXPECT_EQ(error_of(Command::DeviceGetInfo, bytes_of(DeviceInfo{16, 0, 0, 0})), EINVAL);
  EXPECT_FALSE(open_);
}

TEST_F(BadPeer, AnotherMajorVersionIsRefused) {
  EXPECT_EQ(error_of(Command::Version, proposal(1, "{}")), EINVAL);
  EXPECT_FALSE(open_);
}

TEST_F(BadPeer, AProposalThatIsNoneIsRefused) {
  EXPECT_EQ(error_of(Command::Version, proposal(0, "{\"capabilities\":[]}")), EINVAL);
  EXPECT_FALSE(open_);
}

TEST_F(BadPeer, ATransferSizeBelowARequestIsRefused) {
  EXPECT_EQ(error_of(Command::Version, proposal(0, "{\"capabilities\":{\"max_data_xfer_size\":64}}")), EINVAL);
  EXPECT_FALSE(open_);
}

TEST_F(BadPeer, ANewerMinorVersionIsTalkedDown) {
  const auto reply = ask(Command::Version, bytes_of(VersionHeader{0, 9}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(parse_version(reply->body).value.minor, kMinorVersion);
  EXPECT_TRUE(open_);
}

TEST_F(BadPeer, AVersionIsAgreedOnOnce) {
  establish();
  EXPECT_EQ(error_of(Command::Version, version_body(Version{})), EINVAL);
  EXPECT_TRUE(open_);
}

TEST_F(BadPeer, CommandsThatAreNotThereAreRefused) {
  establish();
  EXPECT_EQ(error_of(static_cast<Command>(0), {}), EINVAL);
  EXPECT_EQ(error_of(static_cast<Command>(19), {}), EINVAL);
  EXPECT_EQ(error_of(static_cast<Command>(0xffff), {}), EINVAL);
  EXPECT_EQ(error_of(Command::DmaRead, bytes_of(DmaAccess{0, 8})), EINVAL);
  EXPECT_EQ(error_of(Command::DmaWrite, bytes_of(DmaAccess{0, 8}, std::uint64_t{0})), EINVAL);
  EXPECT_EQ(error_of(Command::DeviceFeature, bytes_of(std::uint64_t{0})), ENOTTY);
  for (const Command command : {Command::DeviceGetRegionIoFds, Command::DirtyPages, Command::RegionWriteMulti,
                                Command::MigDataRead, Command::MigDataWrite}) {
    EXPECT_EQ(error_of(command, bytes_of(std::uint64_t{0})), EOPNOTSUPP);
  }
  EXPECT_TRUE(open_);
}

TEST_F(BadPeer, EveryCommandIsRefusedWithoutItsBody) {
  establish();
  for (const Command command :
       {Command::DmaMap, Command::DmaUnmap, Command::DeviceGetInfo, Command::DeviceGetRegionInfo,
        Command::DeviceGetIrqInfo, Command::DeviceSetIrqs, Command::RegionRead, Command::RegionWrite}) {
    for (const std::size_t size : {0u, 1u, 3u, 7u, 15u}) {
      EXPECT_EQ(error_of(command, std::vector<std::byte>(size)), EINVAL)
          << static_cast<unsigned>(command) << " with " << size << " bytes";
    }
  }
  EXPECT_EQ(error_of(Command::DeviceReset, bytes_of(std::uint32_t{0})), EINVAL);
  EXPECT_TRUE(open_);
}

TEST_F(BadPeer, AccessesOutsideARegionAreRefused) {
  establish();
  const auto read = [&](std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
    return error_of(Command::RegionRead, bytes_of(RegionAccess{offset, region, count}));
  };
  EXPECT_EQ(read(kRegionConfig, 4092, 4), 0);
  EXPECT_EQ(read(kRegionConfig, 4093, 4), EINVAL);
  EXPECT_EQ(read(kRegionConfig, 4096, 0), 0);
  EXPECT_EQ(read(kRegionConfig, ~std::uint64_t{0}, 4), EINVAL);
  EXPECT_EQ(read(0, 0x2000, 1), EINVAL);
  EXPECT_EQ(read(0, ~std::uint64_t{0} - 1, 4), EINVAL);
  EXPECT_EQ(read(1, 0, 4), EINVAL) << "no BAR";
  EXPECT_EQ(read(10, 0, 4), EINVAL);
  EXPECT_EQ(read(0xffff'ffff, 0, 4), EINVAL);
  EXPECT_EQ(read(0, 0, 4097), EINVAL);
  EXPECT_EQ(error_of(Command::RegionWrite, bytes_of(RegionAccess{0x1ffe, 0, 4}, std::uint32_t{0})), EINVAL);
  EXPECT_TRUE(open_);
}

TEST_F(BadPeer, AMessageThatIsTooLongIsAnsweredAndTheEnd) {
  establish();
  Header header = header_of(Command::RegionWrite, 0, ++id_);
  header.size = 0x7fff'ffff;
  write_raw(client_.descriptor(), bytes_of(header));
  EXPECT_FALSE(pump());
  const auto reply = receive();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header.error, static_cast<std::uint32_t>(E2BIG));
}

TEST_F(BadPeer, HeadersThatAreNoneAreTheEnd) {
  establish();
  Header header = header_of(Command::DeviceReset, 0, ++id_);
  header.size = 8;
  write_raw(client_.descriptor(), bytes_of(header));
  EXPECT_FALSE(pump());
}

TEST_F(BadPeer, AReplyToNothingIsTheEnd) {
  establish();
  send(Command::DmaRead, bytes_of(DmaAccess{0, 0}), {}, kFlagReply);
  EXPECT_FALSE(pump());
}

TEST_F(BadPeer, AMessageThatEndsInTheMiddleIsTheEnd) {
  establish();
  write_raw(client_.descriptor(), bytes_of(header_of(Command::RegionRead, 16, 1), std::uint32_t{0}));
  EXPECT_TRUE(pump()) << "the rest may come";
  static_cast<void>(client_.release());
  EXPECT_FALSE(pump());
}

TEST_F(BadPeer, DescriptorsThatNobodyAskedForAreClosed) {
  establish();
  const std::array<int, 2> two{client_.descriptor(), client_.descriptor()};
  const unsigned before = open_descriptors();
  EXPECT_EQ(error_of(Command::DeviceGetInfo, bytes_of(DeviceInfo{16, 0, 0, 0}), two), EINVAL);
  EXPECT_EQ(error_of(Command::RegionRead, bytes_of(RegionAccess{0, 7, 4}), two), EINVAL);
  EXPECT_EQ(error_of(Command::DmaMap, bytes_of(DmaMap{32, 3, 0, 0, 0x1000}), two), EINVAL);
  EXPECT_EQ(error_of(Command::DeviceReset, {}, two), EINVAL);
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(open_);
}

TEST_F(BadPeer, MoreDescriptorsThanAgreedOnAreTheEnd) {
  establish();
  std::vector<int> many(kMaxDescriptors + 1, client_.descriptor());
  const unsigned before = open_descriptors();
  write_raw(client_.descriptor(), bytes_of(header_of(Command::DeviceGetInfo, 16, ++id_), DeviceInfo{16, 0, 0, 0}),
            many);
  EXPECT_FALSE(pump());
  session_.reset();
  EXPECT_EQ(open_descriptors(), before - 1);
}

TEST_F(BadPeer, AClientThatReadsNoRepliesIsNotListenedTo) {
  establish();
  const std::vector<std::byte> body = bytes_of(RegionAccess{0, kRegionConfig, 4096});
  for (unsigned i = 0; i < 2000; ++i) send(Command::RegionRead, body);
  for (unsigned i = 0; i < 100; ++i) EXPECT_TRUE(pump());
  EXPECT_EQ(session_->events(), POLLOUT);
  EXPECT_LT(session_->requests(), 150u);
  unsigned replies = 0;
  while (replies < 2000) {
    ASSERT_TRUE(pump());
    static_cast<void>(client_.flush());
    while (receive()) ++replies;
  }
}

TEST_F(BadPeer, NoDescriptorOutlivesASession) {
  const unsigned before = open_descriptors();
  for (unsigned round = 0; round < 3; ++round) {
    auto ends = vfio_user::testing::connected();
    MessageSocket client(std::move(ends.first), {1 << 16, 16});
    ClientMemory memory;
    Session session(std::move(ends.second), function_, memory);
    const FileDescriptor file{::memfd_create("client", MFD_CLOEXEC)};
    ASSERT_EQ(::ftruncate(file.number(), 0x1000), 0);
    const std::array<int, 1> one{file.number()};
    client.send(header_of(Command::Version, 0), version_body(Version{}));
    client.send(header_of(Command::DmaMap, 0), bytes_of(DmaMap{32, 3, 0, 0x1000, 0x1000}), one);
    client.send(header_of(Command::DmaMap, 0), bytes_of(DmaMap{32, 3, 0, 0x1000, 0x1000}), one);
    client.send(header_of(Command::DeviceSetIrqs, 0),
                bytes_of(IrqSet{20, kIrqDataEventfd | kIrqActionTrigger, kIrqMsix, 0, 1}), one);
    EXPECT_TRUE(session.pump());
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace holdover::serve
