// SPDX-License-Identifier: MIT
// Claims about the ioctl interface of live update: what is checked of a request, in which order, and how it answers.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/luo/ioctl.h"
#include "tests/unit/host/luo_user.h"

namespace holdover::host::kernel {
namespace {

using namespace luo_uapi;

struct Request {
  const char* name;
  std::uint32_t request;
  std::size_t bytes;
};
constexpr std::array kRequests{
    Request{"CreateSession", kCreateSession, 72},
    Request{"RetrieveSession", kRetrieveSession, 72},
    Request{"PreserveFd", kPreserveFd, 16},
    Request{"RetrieveFd", kRetrieveFd, 16},
    Request{"Finish", kFinish, 8},
    Request{"GetName", kGetName, 72},
};

class LuoIoctl : public LuoUser {
 protected:
  using Bytes = std::vector<std::byte>;

  // An argument of `size` bytes that says so itself, and is 0 otherwise.
  static Bytes argument(std::uint32_t size) {
    Bytes bytes(size);
    store(std::span<std::byte>(bytes), 0, size);
    return bytes;
  }
  int raw(int descriptor, std::uint32_t request, Bytes& bytes) {
    return ioctl_->ioctl(descriptor, request, UserMemory{bytes});
  }
};

// Every request, on a descriptor that takes it.
class LuoIoctlRequest : public LuoIoctl, public ::testing::WithParamInterface<Request> {
 protected:
  int descriptor() { return number_of(GetParam().request) < 0x40 ? device() : create(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(GetParam().bytes); }
};

TEST_P(LuoIoctlRequest, TooSmallIsEinval) {
  Bytes bytes = argument(size());
  store(std::span<std::byte>(bytes), 0, size() - 1);
  EXPECT_EQ(raw(descriptor(), GetParam().request, bytes), EINVAL);
}

TEST_P(LuoIoctlRequest, LargerWithANonZeroTailIsE2big) {
  Bytes bytes = argument(size() + 8);
  bytes.back() = std::byte{1};
  EXPECT_EQ(raw(descriptor(), GetParam().request, bytes), E2BIG);
}

TEST_P(LuoIoctlRequest, LargerWithAZeroTailIsAsGoodAsItsOwnSize) {
  const int on = descriptor();
  Bytes exact = argument(size());
  Bytes larger = argument(size() + 8);
  EXPECT_EQ(raw(on, GetParam().request, larger), raw(on, GetParam().request, exact));
}

TEST_P(LuoIoctlRequest, MemoryThatCannotBeReadIsEfault) {
  const int on = descriptor();
  Bytes none;
  EXPECT_EQ(raw(on, GetParam().request, none), EFAULT) << "not even the size";
  Bytes half = argument(size());
  half.resize(size() - 1);
  EXPECT_EQ(raw(on, GetParam().request, half), EFAULT);
  Bytes tail = argument(size() + 64);
  tail.resize(size() + 8);
  EXPECT_EQ(raw(on, GetParam().request, tail), EFAULT);
}

TEST_P(LuoIoctlRequest, RightNumberInAnotherEncodingIsEnotty) {
  const int on = descriptor();
  Bytes bytes = argument(size());
  EXPECT_EQ(raw(on, GetParam().request | 0xC000'0000u, bytes), ENOTTY) << "_IOWR";
  EXPECT_EQ(raw(on, GetParam().request ^ 0x100, bytes), ENOTTY) << "another type";
}

INSTANTIATE_TEST_SUITE_P(LuoIoctl, LuoIoctlRequest, ::testing::ValuesIn(kRequests),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(LuoIoctl, NumberOutOfRangeIsEinval) {
  Bytes bytes = argument(72);
  const int session = create();
  for (const std::uint32_t number : {0x02u, 0x3fu, 0x40u, 0x43u}) {
    EXPECT_EQ(raw(device(), request(number), bytes), EINVAL) << number;
  }
  for (const std::uint32_t number : {0x00u, 0x01u, 0x3fu, 0x44u}) {
    EXPECT_EQ(raw(session, request(number), bytes), EINVAL) << number;
  }
}

TEST_F(LuoIoctl, EachCheckComesBeforeTheNext) {
  Bytes none;
  EXPECT_EQ(raw(device(), request(0x3f) ^ 0x100, none), EINVAL) << "the number before the memory";
  EXPECT_EQ(raw(device(), kCreateSession ^ 0x100, none), EFAULT) << "the memory before the encoding";
  Bytes small = argument(4);
  EXPECT_EQ(raw(device(), kCreateSession ^ 0x100, small), ENOTTY) << "the encoding before the size";
  Bytes large = argument(80);
  large.back() = std::byte{1};
  EXPECT_EQ(raw(device(), kCreateSession, large), E2BIG) << "the tail before the name, which is empty";
}

TEST_F(LuoIoctl, DescriptorThatIsNotOpenIsEbadf) {
  Bytes bytes = argument(72);
  EXPECT_EQ(raw(77, kCreateSession, bytes), EBADF);
  const int session = create();
  EXPECT_EQ(close(session), 0);
  EXPECT_EQ(finish(session), EBADF);
  EXPECT_EQ(close(session), EBADF);
}

TEST_F(LuoIoctl, DescriptorOfAnotherFileIsEnotty) {
  Bytes bytes = argument(72);
  EXPECT_EQ(raw(descriptors_->install(a_), kCreateSession, bytes), ENOTTY);
}

TEST_F(LuoIoctl, ReservedFieldsAreEinval) {
  const int outgoing = create();
  NameArgument name{0, 1, {}};
  EXPECT_EQ(call(outgoing, kGetName, name), EINVAL);
  ASSERT_EQ(preserve(outgoing, a_, 1), 0);
  kexec();
  const int incoming = retrieve_session();
  ASSERT_EQ(retrieve(incoming, 1), 0);
  FinishArgument argument{0, 1};
  EXPECT_EQ(call(incoming, kFinish, argument), EINVAL);
  EXPECT_EQ(finish(incoming), 0) << "nothing was finished before";
}

TEST_F(LuoIoctl, WrongDirectionIsEinval) {
  const int outgoing = create();
  ASSERT_EQ(preserve(outgoing, a_, 1), 0);
  EXPECT_EQ(retrieve(outgoing, 1), EINVAL);
  EXPECT_EQ(finish(outgoing), EINVAL);
  kexec();
  const int incoming = retrieve_session();
  EXPECT_EQ(preserve(incoming, b_, 2), EINVAL);
}

TEST_F(LuoIoctl, GetNameAnswersOnBothDirections) {
  NameArgument argument{};
  ASSERT_EQ(call(create("outgoing"), kGetName, argument), 0);
  EXPECT_STREQ(argument.name, "outgoing");
  kexec();
  argument = {};
  ASSERT_EQ(call(retrieve_session("outgoing"), kGetName, argument), 0);
  EXPECT_STREQ(argument.name, "outgoing");
}

TEST_F(LuoIoctl, AnswerThatCannotBeWrittenIsEfaultAndOpensNothing) {
  auto argument = named("s");
  argument.size = sizeof(argument);
  const UserMemory memory{std::as_writable_bytes(std::span(&argument, 1)), false};
  EXPECT_EQ(ioctl_->ioctl(device(), kCreateSession, memory), EFAULT);
  EXPECT_TRUE(luo_->outgoing().empty());
  EXPECT_EQ(try_create("s"), 0) << "the name is free";
}

TEST_F(LuoIoctl, SecondOpenIsEbusyUntilTheFirstIsClosed) {
  const int first = device();
  int second = -1;
  EXPECT_EQ(ioctl_->open(second), EBUSY);
  EXPECT_EQ(close(first), 0);
  EXPECT_EQ(ioctl_->open(second), 0);
}

TEST_F(LuoIoctl, WithoutLuoThereIsNoDeviceNode) {
  kernel::Kho off(*pages_, memory_.parameters(), false, nullptr);
  Luo luo(off, nullptr);
  class kernel::LuoIoctl ioctl(luo, *files_, *descriptors_);
  int descriptor = -1;
  EXPECT_EQ(ioctl.open(descriptor), ENOENT);
  EXPECT_EQ(luo.freeze(), 0) << "a plain kexec goes on";
}

TEST_F(LuoIoctl, SessionsOutliveTheDescriptorOfTheDevice) {
  const int session = create();
  ASSERT_EQ(close(device()), 0);
  EXPECT_EQ(preserve(session, a_, 1), 0);
}

TEST_F(LuoIoctl, HandlerMissingAtTheFirstOpenIsEioUntilTheNextBoot) {
  ASSERT_EQ(preserve(create(), a_, 1), 0);
  kexec(false);
  int descriptor = -1;
  EXPECT_EQ(ioctl_->open(descriptor), EIO);
  ASSERT_EQ(luo_->register_handler(handler_), 0);
  EXPECT_EQ(ioctl_->open(descriptor), EIO) << "too late";
}

TEST_F(LuoIoctl, HandlerWhoseModuleIsGoingAwayAtTheFirstOpenIsEio) {
  ASSERT_EQ(preserve(create(), a_, 1), 0);
  kexec();
  handler_.leaving = true;
  int descriptor = -1;
  EXPECT_EQ(ioctl_->open(descriptor), EIO);
}

TEST_F(LuoIoctl, DeserializationHappensOnceAtTheFirstOpen) {
  ASSERT_EQ(preserve(create(), a_, 1), 0);
  kexec();
  EXPECT_TRUE(luo_->incoming().empty());
  ASSERT_EQ(close(device()), 0);
  EXPECT_EQ(luo_->incoming().size(), 1u);
  int descriptor = -1;
  ASSERT_EQ(ioctl_->open(descriptor), 0);
  EXPECT_EQ(luo_->incoming().size(), 1u);
}

}  // namespace
}  // namespace holdover::host::kernel
