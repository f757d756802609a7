// SPDX-License-Identifier: MIT
// What a client maps, and what requests of the function find there.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/vfio_user/served_session.h"

namespace holdover::serve {
namespace {

using namespace vfio_user;
using Answer = sim::RequestMemory::Answer;
namespace config = pcie::config;

constexpr std::uint32_t kBoth = kDmaMapRead | kDmaMapWrite;

class Waiter final : public sim::ReadWaiter {
 public:
  void on_read(std::uint64_t number, std::span<const std::byte> data) override {
    answered.emplace_back(number, std::vector<std::byte>(data.begin(), data.end()));
  }
  void on_read_refused(std::uint64_t number) override { refused.push_back(number); }

  std::vector<std::pair<std::uint64_t, std::vector<std::byte>>> answered;
  std::vector<std::uint64_t> refused;
};

class ClientMemoryTest : public ServedSession {
 protected:
  ClientMemoryTest() : file_(::memfd_create("client", MFD_CLOEXEC)) {
    establish();
    EXPECT_EQ(::ftruncate(file_.number(), 0x4000), 0);
    bytes_ = static_cast<std::byte*>(::mmap(nullptr, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED, file_.number(), 0));
  }
  ~ClientMemoryTest() override {
    session_.reset();  // while there is still somebody to be told
    ::munmap(bytes_, 0x4000);
  }

  int map(std::uint64_t address, std::uint64_t size, std::uint32_t flags = kBoth, std::uint64_t offset = 0) {
    const std::array<int, 1> descriptor{file_.number()};
    return error_of(Command::DmaMap, bytes_of(DmaMap{32, flags, offset, address, size}), descriptor);
  }
  int map_without_file(std::uint64_t address, std::uint64_t size) {
    return error_of(Command::DmaMap, bytes_of(DmaMap{32, kBoth, 0, address, size}));
  }
  int unmap(std::uint64_t address, std::uint64_t size, std::uint32_t flags = 0) {
    return error_of(Command::DmaUnmap, bytes_of(DmaUnmap{24, flags, address, size}));
  }
  Answer read(std::uint64_t address, std::size_t size = 8, std::uint64_t number = 0) {
    data_.assign(size, std::byte{0});
    return memory_.read(PhysicalAddress{address}, data_, sim::ReadTicket{&waiter_, number});
  }
  bool write(std::uint64_t address, std::vector<std::byte> data, unsigned first = 0xf, unsigned last = 0xf) {
    return memory_.write(PhysicalAddress{address}, data, first, last);
  }
  static std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i + 1);
    return bytes;
  }
  void answer(const Message& command, std::uint32_t flags, const std::vector<std::byte>& body,
              std::uint32_t error = 0) {
    Header header = command.header;
    header.flags = kFlagReply | flags;
    header.error = error;
    client_.send(header, body);
    open_ = pump();
  }

  FileDescriptor file_;
  std::byte* bytes_ = nullptr;
  std::vector<std::byte> data_;
  Waiter waiter_;
};

TEST_F(ClientMemoryTest, IsReachedThroughTheFileThatCameWithTheMapping) {
  ASSERT_EQ(map(0x10'0000, 0x2000, kBoth, 0x1000), 0);
  EXPECT_TRUE(write(0x10'0008, pattern(8)));
  EXPECT_EQ(bytes_[0x1008], std::byte{1});
  EXPECT_EQ(bytes_[0x100f], std::byte{8});
  bytes_[0x2ff8] = std::byte{0x77};
  EXPECT_EQ(read(0x10'1ff8), Answer::Done);
  EXPECT_EQ(data_[0], std::byte{0x77});
  EXPECT_EQ(read(0x10'2000), Answer::Unsupported);
  EXPECT_EQ(read(0xf'fff8), Answer::Unsupported);
  EXPECT_FALSE(write(0x10'2000, pattern(8)));
  EXPECT_EQ(memory_.refused(), 3u);
}

TEST_F(ClientMemoryTest, ServesTheLastBytesOfTheAddressSpace) {
  ASSERT_EQ(map(~std::uint64_t{0} - 0xfff, 0x1000), 0);
  EXPECT_TRUE(write(~std::uint64_t{0} - 7, pattern(8)));
  EXPECT_EQ(bytes_[0xfff], std::byte{8});
}

TEST_F(ClientMemoryTest, HoldsWhatAMappingDoesNotPermit) {
  ASSERT_EQ(map(0x1000, 0x1000, kDmaMapRead), 0);
  ASSERT_EQ(map(0x2000, 0x1000, kDmaMapWrite), 0);
  EXPECT_FALSE(write(0x1000, pattern(4), 0xf, 0));
  EXPECT_EQ(read(0x2000), Answer::Unsupported);
  EXPECT_EQ(read(0x1000), Answer::Done);
  EXPECT_TRUE(write(0x2000, pattern(4), 0xf, 0));
}

TEST_F(ClientMemoryTest, ByteEnablesSelectBytes) {
  ASSERT_EQ(map(0, 0x1000), 0);
  ASSERT_EQ(map_without_file(0x1'0000, 0x1000), 0);
  EXPECT_TRUE(write(0x10, pattern(12), 0xc, 0x1));
  EXPECT_EQ(bytes_[0x11], std::byte{0});
  EXPECT_EQ(bytes_[0x12], std::byte{3});
  EXPECT_EQ(bytes_[0x18], std::byte{9});
  EXPECT_EQ(bytes_[0x19], std::byte{0});
  EXPECT_TRUE(write(0x1'0000, pattern(4), 0x9, 0));
  const auto first = receive();
  const auto second = receive();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->body, bytes_of(DmaAccess{0x1'0000, 1}, std::uint8_t{1}));
  EXPECT_EQ(second->body, bytes_of(DmaAccess{0x1'0003, 1}, std::uint8_t{4}));
}

TEST_F(ClientMemoryTest, RefusesMappingsThatCannotBe) {
  ASSERT_EQ(map(0x4000, 0x2000), 0);
  EXPECT_EQ(map(0x5000, 0x1000), EEXIST);
  EXPECT_EQ(map(0x3000, 0x2000), EEXIST);
  EXPECT_EQ(map(0x3000, 0x4000), EEXIST);
  EXPECT_EQ(map(0x8000, 0x5000), EINVAL) << "the file is shorter";
  EXPECT_EQ(map(0x8000, 0x1000, kBoth, 0x4000), EINVAL);
  EXPECT_EQ(map(0x3000, 0x1000), 0);
  EXPECT_EQ(map(0x6000, 0x1000), 0);
}

// The rest of a machine's map as QEMU has it for an x86 guest of 4 GiB is mapped.
TEST_F(ClientMemoryTest, TheInterruptWindowIsNoMemory) {
  EXPECT_EQ(map_without_file(0xfee0'0000, 0x10'0000), EINVAL) << "as a Linux host says of a reserved region";
  EXPECT_EQ(map_without_file(0xfeef'f000, 0x1000), EINVAL);
  EXPECT_EQ(map_without_file(0xfedf'f000, 0x2000), EINVAL);
  EXPECT_EQ(map_without_file(0xc000'0000, 0x4000'0000), EINVAL);
  EXPECT_EQ(map_without_file(0, 0xa'0000), 0);
  EXPECT_EQ(map_without_file(0xc'0000, 0x7ff4'0000), 0);
  EXPECT_EQ(map_without_file(0x8000'0000, 0x4000'0000), 0);
  EXPECT_EQ(map_without_file(0xfedf'f000, 0x1000), 0);
  EXPECT_EQ(map_without_file(0xfef0'0000, 0x1000), 0);
  EXPECT_EQ(map_without_file(0xfffc'0000, 0x4'0000), 0);
  EXPECT_EQ(map_without_file(0x1'0000'0000, 0x8000'0000), 0);
}

TEST_F(ClientMemoryTest, UnmapsWholeMappings) {
  ASSERT_EQ(map(0x4000, 0x2000), 0);
  ASSERT_EQ(map(0x6000, 0x1000), 0);
  EXPECT_EQ(unmap(0x5000, 0x1000), EINVAL);
  EXPECT_EQ(unmap(0x4000, 0x1000), EINVAL);
  EXPECT_EQ(unmap(0x5000, 0x2000), EINVAL);
  EXPECT_EQ(unmap(0x8000, 0x1000), ENOENT);
  EXPECT_EQ(read(0x5000), Answer::Done);
  EXPECT_EQ(unmap(0x4000, 0x2000), 0);
  EXPECT_EQ(read(0x5000), Answer::Unsupported);
  EXPECT_EQ(read(0x6000), Answer::Done);
  ASSERT_EQ(map(0x4000, 0x1000), 0);
  EXPECT_EQ(unmap(0, 0xfee0'0000), 0) << "a range that holds several";
  EXPECT_EQ(read(0x6000), Answer::Unsupported);
  ASSERT_EQ(map(0x4000, 0x1000), 0);
  EXPECT_EQ(unmap(0, 0, kDmaUnmapAll), 0);
  EXPECT_EQ(read(0x4000), Answer::Unsupported);
}

TEST_F(ClientMemoryTest, AFileThatBecomesShorterHarmsNobody) {
  ASSERT_EQ(map(0, 0x4000), 0);
  ASSERT_EQ(::ftruncate(file_.number(), 0x1000), 0);
  EXPECT_EQ(read(0), Answer::Done);
  EXPECT_EQ(read(0x2000), Answer::Unsupported);
  EXPECT_FALSE(write(0x2000, pattern(64)));
  EXPECT_EQ(memory_.refused(), 2u);
  EXPECT_EQ(read(0), Answer::Done);
}

TEST_F(ClientMemoryTest, WhatCannotBeMappedSafelyIsReachedByMessages) {
  const FileDescriptor event{::eventfd(0, 0)};
  const std::array<int, 1> descriptor{event.number()};
  ASSERT_EQ(error_of(Command::DmaMap, bytes_of(DmaMap{32, kBoth, 0, 0, 0x1000}), descriptor), 0);
  EXPECT_EQ(read(0), Answer::Later);
}

TEST_F(ClientMemoryTest, AMessageAsksForWhatCameWithoutAFile) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_EQ(read(0x1008, 8, 42), Answer::Later);
  EXPECT_FALSE(session_->may_run());
  const auto command = receive();
  ASSERT_TRUE(command);
  EXPECT_EQ(command->command(), Command::DmaRead);
  EXPECT_EQ(command->body, bytes_of(DmaAccess{0x1008, 8}));
  answer(*command, 0, bytes_of(DmaAccess{0x1008, 8}, std::uint64_t{0x0102'0304'0506'0708}));
  EXPECT_TRUE(open_);
  EXPECT_TRUE(session_->may_run());
  ASSERT_EQ(waiter_.answered.size(), 1u);
  EXPECT_EQ(waiter_.answered[0].first, 42u);
  EXPECT_EQ(waiter_.answered[0].second[0], std::byte{8});
}

TEST_F(ClientMemoryTest, AClientMayRefuseWhatItIsAskedFor) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_EQ(read(0x1000, 8, 7), Answer::Later);
  answer(*receive(), kFlagError, {}, ENODEV);
  EXPECT_THAT(waiter_.refused, ::testing::ElementsAre(7u));
  EXPECT_TRUE(write(0x1000, pattern(4), 0xf, 0));
  answer(*receive(), kFlagError, {}, ENODEV);
  EXPECT_TRUE(open_);
  EXPECT_EQ(memory_.refused(), 2u);
}

TEST_F(ClientMemoryTest, RequestsAreAnsweredWhileTheClientIsAskedForSomething) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_EQ(read(0x1000), Answer::Later);
  const auto command = receive();
  EXPECT_EQ(read32(kRegionConfig, 0), 0x0d17'1172u);
  EXPECT_EQ(error_of(Command::DeviceReset, {}), 0) << "which waits for nobody";
  EXPECT_EQ(waiter_.refused.size(), 1u);
  EXPECT_TRUE(session_->may_run());
  answer(*command, 0, bytes_of(DmaAccess{0x1000, 8}, std::uint64_t{0}));
  EXPECT_TRUE(open_) << "an answer that nobody waits for any more is no fault";
  EXPECT_TRUE(waiter_.answered.empty());
}

TEST_F(ClientMemoryTest, NobodyIsAskedForMemoryDuringAReset) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  ASSERT_EQ(map(0x4000, 0x1000), 0);
  std::vector<Answer> answers;
  const auto pending = ScriptedFunction::kExpress + config::kExpressDeviceControl;
  function_.meanwhile = [&] {
    // It has sent more than it knew of, until it is reset.
    if (function_.resets != 0) return;
    answers.push_back(read(0x1000, 8, answers.size()));
    answers.push_back(read(0x4000));
    function_.put(pending, function_.get(pending) | std::uint32_t{config::kDeviceStatusTransactionsPending} << 16);
  };
  EXPECT_EQ(error_of(Command::DeviceReset, {}), 0) << "the first message is the reply";
  EXPECT_GE(answers.size(), 4u);
  EXPECT_THAT(answers, ::testing::Contains(Answer::Unsupported));
  EXPECT_THAT(answers, ::testing::Contains(Answer::Done)) << "what is mapped from a file is asked of nobody";
  EXPECT_THAT(answers, ::testing::Not(::testing::Contains(Answer::Later)));
  EXPECT_FALSE(receive().has_value());
  EXPECT_TRUE(session_->may_run());
  function_.meanwhile = nullptr;
  EXPECT_EQ(read(0x1000), Answer::Later) << "afterwards they are asked for again";
}

TEST_F(ClientMemoryTest, ReadsAreRefusedWhenTimePassesWithoutTheClientsAnswer) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_EQ(read(0x1000, 8, 3), Answer::Later);
  memory_.refuse_overdue_reads(100_us, 10_us);
  EXPECT_EQ(read(0x1000, 8, 4), Answer::Later);
  memory_.refuse_overdue_reads(109_us, 10_us);
  EXPECT_TRUE(waiter_.refused.empty());
  memory_.refuse_overdue_reads(110_us, 10_us);
  EXPECT_THAT(waiter_.refused, ::testing::ElementsAre(3u));
  answer(*receive(), 0, bytes_of(DmaAccess{0x1000, 8}, std::uint64_t{0}));
  EXPECT_TRUE(open_) << "an answer that comes after all is no fault";
  memory_.refuse_overdue_reads(119_us, 10_us);
  EXPECT_THAT(waiter_.refused, ::testing::ElementsAre(3u, 4u));
  EXPECT_TRUE(session_->may_run());
}

TEST_F(ClientMemoryTest, NobodyWaitsForMemoryThatIsUnmapped) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_EQ(read(0x1000, 8, 9), Answer::Later);
  ASSERT_TRUE(receive());
  EXPECT_EQ(unmap(0x1000, 0x1000), 0);
  EXPECT_THAT(waiter_.refused, ::testing::ElementsAre(9u));
}

TEST_F(ClientMemoryTest, AnInterruptComesAfterTheDataThatItAnnounces) {
  const FileDescriptor event{::eventfd(0, EFD_NONBLOCK)};
  const std::array<int, 1> descriptor{event.number()};
  ASSERT_EQ(error_of(Command::DeviceSetIrqs, bytes_of(IrqSet{20, kIrqDataEventfd | kIrqActionTrigger, kIrqMsix, 0, 1}),
                     descriptor),
            0);
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_TRUE(write(0x1000, pattern(4), 0xf, 0));
  session_->listener().on_vector(0);
  std::uint64_t count = 0;
  EXPECT_LT(::read(event.number(), &count, sizeof count), 0);
  answer(*receive(), 0, bytes_of(DmaAccess{0x1000, 4}));
  EXPECT_EQ(::read(event.number(), &count, sizeof count), 8);
  EXPECT_EQ(count, 1u);
}

TEST_F(ClientMemoryTest, InterruptsThatWaitForDataBecomeOne) {
  const FileDescriptor event{::eventfd(0, EFD_NONBLOCK)};
  const std::array<int, 1> descriptor{event.number()};
  ASSERT_EQ(error_of(Command::DeviceSetIrqs, bytes_of(IrqSet{20, kIrqDataEventfd | kIrqActionTrigger, kIrqMsix, 0, 1}),
                     descriptor),
            0);
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  std::vector<Message> writes;
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_TRUE(write(0x1000, pattern(4), 0xf, 0));
    writes.push_back(*receive());
    for (unsigned again = 0; again < 1000; ++again) session_->listener().on_vector(0);
  }
  std::uint64_t count = 0;
  EXPECT_LT(::read(event.number(), &count, sizeof count), 0);
  answer(writes[0], 0, bytes_of(DmaAccess{0x1000, 4}));
  EXPECT_EQ(::read(event.number(), &count, sizeof count), 8) << "the first is not put off by those that follow";
  EXPECT_EQ(count, 1u);
  answer(writes[1], 0, bytes_of(DmaAccess{0x1000, 4}));
  EXPECT_LT(::read(event.number(), &count, sizeof count), 0) << "and the others come after the last data";
  answer(writes[2], 0, bytes_of(DmaAccess{0x1000, 4}));
  EXPECT_EQ(::read(event.number(), &count, sizeof count), 8);
  EXPECT_EQ(count, 1u);
}

// A client with one thread, which answers before it reads on.
TEST_F(ClientMemoryTest, AnswersAreTakenWhileTheServerHasMoreToSay) {
  ASSERT_EQ(map_without_file(0, 0x1000), 0);
  EXPECT_TRUE(write(0, pattern(4), 0xf, 0));
  const auto first = receive();
  ASSERT_TRUE(first);
  const std::vector<std::byte> data(4096);
  for (unsigned i = 0; i < 200; ++i) EXPECT_TRUE(write(0, data));
  ASSERT_NE(session_->events() & POLLOUT, 0) << "the connection is full";
  EXPECT_NE(session_->events() & POLLIN, 0);
  answer(*first, 0, bytes_of(DmaAccess{0, 4}));
  EXPECT_TRUE(open_);
  EXPECT_EQ(memory_.writes_waiting(), 200u);
}

TEST_F(ClientMemoryTest, AClientThatAnswersNothingIsLetGo) {
  ASSERT_EQ(map_without_file(0, 0x1000), 0);
  const std::vector<std::byte> data(4096);
  for (unsigned i = 0; i < 40'000 && session_->settle(); ++i) static_cast<void>(write(0, data));
  EXPECT_FALSE(session_->settle());
  EXPECT_NE(session_->ending().find("unanswered"), std::string::npos) << session_->ending();
}

TEST_F(ClientMemoryTest, AnswersThatFitNoQuestionEndTheConnection) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_EQ(read(0x1000, 8), Answer::Later);
  const auto command = receive();
  answer(*command, 0, bytes_of(DmaAccess{0x1000, 8}, std::uint32_t{0}));
  EXPECT_FALSE(open_) << "fewer bytes than it says";
}

TEST_F(ClientMemoryTest, AWriteMayBeAnsweredByTheHeaderAlone) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_TRUE(write(0x1000, pattern(4), 0xf, 0));
  answer(*receive(), 0, {});
  EXPECT_TRUE(open_) << "as QEMU does";
  EXPECT_EQ(memory_.writes_waiting(), 0u);
  EXPECT_EQ(memory_.refused(), 0u);
  EXPECT_EQ(read(0x1000, 8), Answer::Later);
  answer(*receive(), 0, {});
  EXPECT_FALSE(open_) << "a read is not answered without data";
}

TEST_F(ClientMemoryTest, AnswersThatNameOtherBytesEndTheConnection) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_EQ(read(0x1000, 8), Answer::Later);
  answer(*receive(), 0, bytes_of(DmaAccess{0x1008, 8}, std::uint64_t{0}));
  EXPECT_FALSE(open_);
  EXPECT_TRUE(waiter_.answered.empty());
}

TEST_F(ClientMemoryTest, AWriteIsAnsweredForTheBytesThatWereWritten) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_TRUE(write(0x1000, pattern(4), 0xf, 0));
  answer(*receive(), 0, bytes_of(std::uint64_t{0x1000}, std::uint32_t{4}));
  EXPECT_TRUE(open_) << "a count of 4 bytes";
  EXPECT_TRUE(write(0x1000, pattern(4), 0xf, 0));
  answer(*receive(), 0, bytes_of(DmaAccess{0x1000, 5}));
  EXPECT_FALSE(open_);
}

TEST_F(ClientMemoryTest, AWriteIsNotAnsweredAsARead) {
  ASSERT_EQ(map_without_file(0x1000, 0x1000), 0);
  EXPECT_TRUE(write(0x1000, pattern(4), 0xf, 0));
  Message command = *receive();
  command.header.command = static_cast<std::uint16_t>(Command::DmaRead);
  answer(command, 0, bytes_of(DmaAccess{0x1000, 4}, std::uint32_t{0}));
  EXPECT_FALSE(open_);
}

}  // namespace
}  // namespace holdover::serve
