// SPDX-License-Identifier: MIT
// The client's end of a connection to a server that asks and asks: whatever it wants, time and memory have an end.
#include <gmock/gmock.h>

#include "host/backend/vfio_user/connection.h"
#include "pcie/error.h"
#include "tests/unit/vfio_user/wire.h"

namespace holdover::host {
namespace {

using namespace vfio_user;
using ::testing::HasSubstr;
using vfio_user::testing::bytes_of;
using vfio_user::testing::header_of;
using vfio_user::testing::write_raw;

// A second passes from one look at the clock to the next.
class HurriedClock final : public KernelSystemCalls {
 public:
  [[nodiscard]] std::chrono::nanoseconds now() override { return time_ += std::chrono::seconds(1); }

 private:
  std::chrono::nanoseconds time_{0};
};

class CountedTarget final : public DmaTarget {
 public:
  [[nodiscard]] int dma_read(std::uint64_t, std::span<std::byte>) override { return ++count, 0; }
  [[nodiscard]] int dma_write(std::uint64_t, std::span<const std::byte>) override { return ++count, 0; }

  unsigned count = 0;
};

class BusyServer : public ::testing::Test {
 protected:
  static constexpr unsigned kQuestions = 1000;
  // Of the longest reads: more than what may wait for the server, and no more than fit before the deadline.
  static constexpr unsigned kTooMany = VfioUserConnection::kMostWaiting / kDefaultMaxTransfer + 8;
  static constexpr std::uint64_t kMost = VfioUserConnection::kPatience / std::chrono::seconds(1);

  BusyServer() : BusyServer(vfio_user::testing::connected()) {}
  explicit BusyServer(std::pair<FileDescriptor, FileDescriptor> ends)
      : connection_(std::move(ends.first), Capabilities{}, calls_), server_(std::move(ends.second)) {
    connection_.set_target(&target_);
  }

  // All of it is there before the client looks: nobody has to run beside it.
  void ask(unsigned times, std::uint64_t size = 8, std::uint32_t flags = kFlagNoReply) {
    std::vector<std::byte> bytes;
    for (unsigned n = 0; n < times; ++n) {
      append(bytes, header_of(Command::DmaRead, sizeof(DmaAccess), static_cast<std::uint16_t>(n), flags));
      append(bytes, DmaAccess{0x1000, size});
    }
    write_raw(server_.number(), bytes);
  }
  // To the first read of four bytes.
  void answer() {
    Header header = header_of(Command::RegionRead, sizeof(RegionAccess) + 4, 0, kFlagReply);
    write_raw(server_.number(), bytes_of(header, RegionAccess{0, 0, 4}, std::uint32_t{0x1234}));
  }
  std::uint32_t read() {
    std::uint32_t value = 0;
    connection_.read_region(0, 0, std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  // The sentence of the error with which the connection is given up; empty where it is not.
  template <typename Call>
  static std::string given_up(const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::PeerDied);
      return error.what();
    }
    return {};
  }

  HurriedClock calls_;
  CountedTarget target_;
  VfioUserConnection connection_;
  FileDescriptor server_;
};

TEST_F(BusyServer, IsAnsweredUntilItAnswers) {
  connection_.resume();
  ask(kMost / 2);
  answer();
  EXPECT_EQ(read(), 0x1234u);
  EXPECT_EQ(target_.count, kMost / 2);
}

TEST_F(BusyServer, CannotPutOffItsAnswerByAsking) {
  connection_.resume();
  ask(kQuestions);
  answer();
  EXPECT_THAT(given_up([this] { (void)read(); }), HasSubstr("leaves to read region 0 unanswered"));
  EXPECT_LE(target_.count, kMost + 1);
}

TEST_F(BusyServer, CannotPutItOffWhileItsQuestionsAreKept) {
  ask(kQuestions);
  answer();
  EXPECT_THAT(given_up([this] { (void)read(); }), HasSubstr("leaves to read region 0 unanswered"));
  EXPECT_EQ(target_.count, 0u);
}

TEST_F(BusyServer, DoesNotHoldWhoeverServesItForSomeTime) {
  connection_.resume();
  ask(kQuestions);
  connection_.serve(std::chrono::seconds(5));
  EXPECT_GE(target_.count, 1u);
  EXPECT_LE(target_.count, 6u);
}

TEST_F(BusyServer, IsGivenUpWhereItTakesNoAnswers) {
  connection_.resume();
  ask(kTooMany, kDefaultMaxTransfer, 0);
  answer();
  EXPECT_THAT(given_up([this] { (void)read(); }), HasSubstr("takes no answer"));
  EXPECT_LT(target_.count, kTooMany);
}

TEST_F(BusyServer, IsGivenUpWhereItTakesNoAnswersToWhatWasKept) {
  ask(kTooMany, kDefaultMaxTransfer, 0);
  answer();
  EXPECT_EQ(read(), 0x1234u);
  EXPECT_THAT(given_up([this] { connection_.resume(); }), HasSubstr("takes no answer"));
  EXPECT_LT(target_.count, kTooMany);
}

}  // namespace
}  // namespace holdover::host
