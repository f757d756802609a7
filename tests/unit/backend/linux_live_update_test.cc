// SPDX-License-Identifier: MIT
// /dev/liveupdate over recorded answers.
#include "host/backend/linux/linux_live_update.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "host/backend/linux/live_update_abi.h"
#include "host/backend/linux/memfd_memory.h"
#include "host/kernel/luo/uapi.h"
#include "pcie/error.h"
#include "tests/unit/backend/refused.h"
#include "tests/unit/backend/scripted_system_calls.h"

namespace holdover::host {
namespace {

using testing::refused;
using testing::ScriptedSystemCalls;
namespace abi = live_update_abi;
namespace emulated = kernel::luo_uapi;

// The emulated kernel and the backend of real ones were written from the same header.
static_assert(abi::kCreateSession == emulated::kCreateSession && abi::kRetrieveSession == emulated::kRetrieveSession);
static_assert(abi::kPreserveFile == emulated::kPreserveFd && abi::kRetrieveFile == emulated::kRetrieveFd);
static_assert(abi::kFinish == emulated::kFinish && sizeof(abi::FileArgument) == sizeof(emulated::FileArgument));
static_assert(sizeof(abi::SessionArgument) == sizeof(emulated::SessionArgument));

class NoDevices final : public DeviceFiles {
 public:
  std::vector<pcie::Bdf> devices() override { return {}; }
  std::unique_ptr<Device> open(pcie::Bdf) override { return nullptr; }
  std::unique_ptr<Device> adopt(Descriptor file) override {
    adopted = file.number();
    return nullptr;
  }
  std::unique_ptr<AddressSpace> create_address_space() override { return nullptr; }
  int adopted = -1;
};

abi::SessionArgument session_argument(const char* name, int descriptor = -1) {
  abi::SessionArgument argument;
  argument.descriptor = descriptor;
  std::strncpy(argument.name, name, sizeof argument.name);
  return argument;
}

abi::FileArgument file_argument(int descriptor, std::uint64_t token) {
  abi::FileArgument argument;
  argument.descriptor = descriptor;
  argument.token = token;
  return argument;
}

class LinuxLiveUpdateTest : public ::testing::Test {
 protected:
  std::unique_ptr<Session> incoming() {
    calls.expect("open /dev/liveupdate", 3);
    calls.expect_ioctl(3, abi::kRetrieveSession, session_argument("holdover"), 0, session_argument("holdover", 4));
    calls.expect("close 3", 0);
    return LinuxLiveUpdate(calls, devices).retrieve_session("holdover");
  }

  ScriptedSystemCalls calls;
  NoDevices devices;
};

TEST_F(LinuxLiveUpdateTest, WhoMayNotOpenItIsToldBeforeAnythingElse) {
  for (const auto& [error, words] : {std::pair{EACCES, "run it as root"}, std::pair{EBUSY, "another process"}}) {
    calls.expect("open /dev/liveupdate", -error);
    const auto refusal = refused([this] { require_live_update_free(calls); });
    EXPECT_EQ(refusal.code, ErrorCode::Unavailable);
    EXPECT_TRUE(refusal.says(words)) << refusal.sentence;
  }
  calls.expect("open /dev/liveupdate", -ENOENT);  // a kernel without it is a matter of the verdict
  require_live_update_free(calls);
  calls.expect("open /dev/liveupdate", 3);
  calls.expect("close 3", 0);
  require_live_update_free(calls);
}

TEST_F(LinuxLiveUpdateTest, ASessionIsCreatedFilledAndClosed) {
  calls.expect("open /dev/liveupdate", 3);
  calls.expect_ioctl(3, abi::kCreateSession, session_argument("holdover"), 0, session_argument("holdover", 4));
  calls.expect("memfd_create holdover", 5);
  calls.expect("ftruncate 5 4096", 0);
  calls.expect("add_seals 5 7", 0);
  std::array<std::byte, 4096> page{};
  calls.expect("mmap 5 0 4096", reinterpret_cast<std::int64_t>(page.data()));
  calls.expect_ioctl(4, abi::kPreserveFile, file_argument(5, 42));
  calls.expect("munmap 4096", 0);
  calls.expect("close 5", 0);
  calls.expect("close 4", 0);
  calls.expect("close 3", 0);

  LinuxLiveUpdate live_update(calls, devices);
  const auto session = live_update.create_session("holdover");
  session->preserve(*MemfdMemory::create(calls, 4_KiB), 42);
}

TEST_F(LinuxLiveUpdateTest, EveryRefusalOfTheDeviceFileNamesTheWayOut) {
  for (const auto& [error, words] : {std::pair{ENOENT, "kho=on liveupdate=on"}, std::pair{EACCES, "run it as root"},
                                     std::pair{EBUSY, "one at a time"}, std::pair{EIO, "only a reboot helps"}}) {
    calls.expect("open /dev/liveupdate", -error);
    const auto refusal = refused([&] { LinuxLiveUpdate(calls, devices); });
    EXPECT_EQ(refusal.error, error);
    EXPECT_NE(refusal.sentence.find(words), std::string::npos) << refusal.sentence;
  }
}

TEST_F(LinuxLiveUpdateTest, ANameThatFillsTheFieldIsTheKernelsToRefuse) {
  calls.expect("open /dev/liveupdate", 3);
  const std::string name(70, 'x');
  abi::SessionArgument argument;
  std::memset(argument.name, 'x', sizeof argument.name);
  calls.expect_ioctl(3, abi::kCreateSession, argument, -EINVAL);
  calls.expect("close 3", 0);
  EXPECT_EQ(refused([&] { (void)LinuxLiveUpdate(calls, devices).create_session(name); }).error, EINVAL);
}

TEST_F(LinuxLiveUpdateTest, AFileThatNoHandlerKnowsIsNamedByItsToken) {
  calls.expect("open /dev/liveupdate", 3);
  calls.expect_ioctl(3, abi::kCreateSession, session_argument("holdover"), 0, session_argument("holdover", 4));
  class Stranger final : public Memory {
    std::span<std::byte> bytes() override { return {}; }
  } stranger;
  calls.expect_ioctl(4, abi::kPreserveFile, file_argument(-1, 7), -ENOENT);
  calls.expect("close 4", 0);
  calls.expect("close 3", 0);
  LinuxLiveUpdate live_update(calls, devices);
  const auto session = live_update.create_session("holdover");
  const auto refusal = refused([&] { session->preserve(stranger, 7); });
  EXPECT_EQ(refusal.error, ENOENT);
  EXPECT_NE(refusal.sentence.find("token 7"), std::string::npos) << refusal.sentence;
}

TEST_F(LinuxLiveUpdateTest, MemoryAndDeviceComeBackFromAnIncomingSession) {
  const auto session = incoming();
  std::array<std::byte, 4096> page{};
  page[3] = std::byte{9};
  calls.expect_ioctl(4, abi::kRetrieveFile, file_argument(-1, 1), 0, file_argument(8, 1));
  calls.expect("file_size 8", 4096);
  calls.expect("mmap 8 0 4096", reinterpret_cast<std::int64_t>(page.data()));
  auto memory = session->retrieve_memory(1);
  EXPECT_EQ(memory->bytes()[3], std::byte{9});
  calls.expect_ioctl(4, abi::kRetrieveFile, file_argument(-1, 20), 0, file_argument(9, 20));
  calls.expect("close 9", 0);
  (void)session->retrieve_device(20);
  EXPECT_EQ(devices.adopted, 9);
  calls.expect_ioctl(4, abi::kFinish, abi::FinishArgument{});
  session->finish();
  calls.expect("munmap 4096", 0);
  calls.expect("close 8", 0);
  memory.reset();
  calls.expect("close 4", 0);
}

TEST_F(LinuxLiveUpdateTest, AnIommufdThatComesBackIsKeptUntilTheSessionEnds) {
  auto session = incoming();
  calls.expect_ioctl(4, abi::kRetrieveFile, file_argument(-1, 10), 0, file_argument(8, 10));
  EXPECT_EQ(refused([&] { (void)session->retrieve_address_space(10); }).error, EOPNOTSUPP);
  calls.expect_ioctl(4, abi::kFinish, abi::FinishArgument{}, -EBUSY);
  const auto refusal = refused([&] { session->finish(); });
  EXPECT_EQ(refusal.error, EBUSY);
  EXPECT_NE(refusal.sentence.find("not retrieved"), std::string::npos);
  calls.expect("close 4", 0);
  calls.expect("close 8", 0);
  session.reset();
}

TEST_F(LinuxLiveUpdateTest, AnAnswerWithoutADescriptorIsRefused) {
  const auto session = incoming();
  calls.expect_ioctl(4, abi::kRetrieveFile, file_argument(-1, 1));
  EXPECT_EQ(refused([&] { (void)session->retrieve_memory(1); }).error, EBADF);
  calls.expect("close 4", 0);
}

}  // namespace
}  // namespace holdover::host
