// SPDX-License-Identifier: MIT
// Memory over a memfd: of the kernel that the test runs on, and of a kernel that refuses.
#include "host/backend/linux/memfd_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "pcie/error.h"
#include "tests/unit/backend/scripted_system_calls.h"

namespace holdover::host {
namespace {

using testing::ScriptedSystemCalls;

template <typename Action>
std::pair<int, std::string> refusal(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Refused);
    return {error.errno_value(), error.what()};
  }
  return {0, ""};
}

TEST(MemfdMemory, IsZeroedAndSharedThroughItsDescriptor) {
  KernelSystemCalls calls;
  const auto memory = MemfdMemory::create(calls, 8_KiB);
  ASSERT_EQ(memory->bytes().size(), 8192u);
  EXPECT_TRUE(
      std::all_of(memory->bytes().begin(), memory->bytes().end(), [](std::byte b) { return b == std::byte{0}; }));
  memory->bytes()[5000] = std::byte{0x5a};
  std::byte there{};
  EXPECT_EQ(calls.pread(memory->descriptor(), {&there, 1}, 5000), 1);
  EXPECT_EQ(there, std::byte{0x5a});
}

TEST(MemfdMemory, CannotBeResizedOrSealedAgain) {
  KernelSystemCalls calls;
  const auto memory = MemfdMemory::create(calls, 4_KiB);
  EXPECT_EQ(calls.ftruncate(memory->descriptor(), 8192), -EPERM);
  EXPECT_EQ(calls.ftruncate(memory->descriptor(), 0), -EPERM);
  EXPECT_EQ(calls.add_seals(memory->descriptor(), 8), -EPERM);
}

TEST(MemfdMemory, AnAdoptedFileShowsTheSameBytes) {
  KernelSystemCalls calls;
  const auto memory = MemfdMemory::create(calls, 4_KiB);
  memory->bytes()[7] = std::byte{7};
  const int again = calls.open("/proc/self/fd/" + std::to_string(memory->descriptor()), 2);
  ASSERT_GE(again, 0);
  const auto adopted = MemfdMemory::adopt(calls, Descriptor(calls, again));
  ASSERT_EQ(adopted->bytes().size(), 4096u);
  EXPECT_EQ(adopted->bytes()[7], std::byte{7});
  adopted->bytes()[8] = std::byte{8};
  EXPECT_EQ(memory->bytes()[8], std::byte{8});
}

TEST(MemfdMemory, RefusesSizesThatAreNoPages) {
  ScriptedSystemCalls calls;
  EXPECT_EQ(refusal([&] { (void)MemfdMemory::create(calls, Bytes{100}); }).first, EINVAL);
  EXPECT_EQ(refusal([&] { (void)MemfdMemory::create(calls, Bytes{0}); }).first, EINVAL);
}

TEST(MemfdMemory, SaysWhatTheKernelRefusedAndClosesWhatItOpened) {
  ScriptedSystemCalls calls;
  calls.expect("memfd_create holdover", 3);
  calls.expect("ftruncate 3 4096", -ENOMEM);
  calls.expect("close 3", 0);
  const auto [error, sentence] = refusal([&] { (void)MemfdMemory::create(calls, 4_KiB); });
  EXPECT_EQ(error, ENOMEM);
  EXPECT_EQ(sentence, "The kernel refused a memfd of 4096 bytes with ENOMEM.");
}

TEST(MemfdMemory, AMappingThatFailsLeavesNothingOpen) {
  ScriptedSystemCalls calls;
  calls.expect("file_size 9", 4096);
  calls.expect("mmap 9 0 4096", -EAGAIN);
  calls.expect("close 9", 0);
  EXPECT_EQ(refusal([&] { (void)MemfdMemory::adopt(calls, Descriptor(calls, 9)); }).first, EAGAIN);
}

TEST(MemfdMemory, AFileOfOddSizeIsNotAdopted) {
  ScriptedSystemCalls calls;
  calls.expect("file_size 9", 4097);
  calls.expect("close 9", 0);
  EXPECT_EQ(refusal([&] { (void)MemfdMemory::adopt(calls, Descriptor(calls, 9)); }).first, EINVAL);
}

}  // namespace
}  // namespace holdover::host
