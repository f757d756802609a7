// SPDX-License-Identifier: MIT
// A board of this machine, where HOLDOVER_BDF names one that is bound to vfio-pci. Its kernel stays: whatever a test
// asks for, it is not replaced.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "host/backend/linux/linux_system.h"
#include "host/backend/vfio/vfio_files.h"
#include "tests/contract/device/device_contract.h"

namespace holdover::host::contract {
namespace {

class StayingKernel final : public KernelSystemCalls {
 public:
  [[nodiscard]] int reboot(unsigned) override { return -EPERM; }
};

class BoardHost final : public Host {
 public:
  explicit BoardHost(pcie::Bdf bdf) : files_(calls_, {}, {bdf}) {}

  bool live(const std::function<void(System&)>& program) override {
    LinuxSystem system(calls_, files_, {});
    program(system);
    return false;
  }

 private:
  StayingKernel calls_;
  VfioFiles files_;
};

constexpr std::array<std::string_view, 2> kWithKexec{"WhatWasPreservedGoesOnInTheNextLife",
                                                     "WhatWasNotPreservedEndsWithItsLife"};
constexpr std::array<std::string_view, 2> kWithSessions{"SessionsHaveNamesAndTokensOfTheirOwn",
                                                        "AClosedSessionHandsNothingOver"};

bool runs_one_of(std::span<const std::string_view> tests) {
  const std::string_view running = testing::UnitTest::GetInstance()->current_test_info()->name();
  return std::any_of(tests.begin(), tests.end(),
                     [running](std::string_view each) { return running.starts_with(each); });
}

std::unique_ptr<Host> make(std::string& why) {
  const char* const bdf = std::getenv("HOLDOVER_BDF");
  if (bdf == nullptr) {
    why = "HOLDOVER_BDF names no board";
  } else if (runs_one_of(kWithKexec)) {
    why = "a kexec would replace the kernel that the tests run on; `holdover board run` is for that";
  } else if (runs_one_of(kWithSessions) && !std::filesystem::exists("/dev/liveupdate")) {
    why = "this kernel has no /dev/liveupdate";
  } else {
    return std::make_unique<BoardHost>(pcie::Bdf::parse(bdf));
  }
  return nullptr;
}

INSTANTIATE_TEST_SUITE_P(Vfio, DeviceContract, testing::Values(Backend{"Board", make}), name_of);

}  // namespace
}  // namespace holdover::host::contract
