// SPDX-License-Identifier: MIT
// `holdover board run` as it is, down to the system calls of VFIO and of /dev/liveupdate: below them stands a machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "bench/booted_machine.h"
#include "bench/field/field_run.h"
#include "host/backend/linux/linux_system.h"
#include "host/backend/vfio/vfio_files.h"
#include "pcie/error.h"
#include "tests/support/machine_kernel.h"

namespace holdover::bench::testing {
namespace {

using holdover::testing::MachineKernel;
using ::testing::HasSubstr;

class FieldOverSystemCalls : public ::testing::Test {
 protected:
  void SetUp() override {
    field_.target = "vfio:0000:01:00.0";
    field_.heartbeat = Time{20'000'000};
    field_.before = field_.after = Time{300'000'000};
    field_.completion_timeout = Time{200'000'000};
    field_.state = std::filesystem::path(::testing::TempDir()) /
                   (std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + ".state");
    std::filesystem::remove(field_.state);
  }
  void TearDown() override { std::filesystem::remove(field_.state); }

  // One life of user space on the machine.
  template <typename Life>
  void live(BootedMachine& machine, const std::string& parameters, const Life& life) {
    machine.run([&](host::System& below) {
      MachineKernel calls(below);
      calls.preserves_address_spaces = preserves_address_spaces_;
      host::VfioFiles files(calls, {}, {pcie::Bdf::parse("0000:01:00.0")});
      host::LinuxSystemOptions options;
      options.parameters = parameters;
      options.print = [this](std::string_view line) { console_ += std::string(line) + "\n"; };
      host::LinuxSystem system(calls, files, options);
      life(system);
    });
  }

  FieldReport update(RunOptions options = {}) {
    options.isolation = Isolation::InProcess;
    BootedMachine machine(options, sim::build_machine);
    std::optional<FieldReport> report;
    live(machine, parameters(field_), [&](host::System& system) { report = run_before_kexec(system, field_); });
    if (report) return *report;
    const FieldState state = load_field_state(field_.state);
    live(machine, std::string(text_of(state.parameters)),
         [&](host::System& system) { report = run_after_kexec(system, field_, state); });
    return *report;
  }

  std::string text(const FieldReport& report) const {
    std::ostringstream out;
    print(out, report, false);
    return out.str() + console_;
  }

  FieldOptions field_;
  bool preserves_address_spaces_ = true;
  std::string console_;
};

TEST_F(FieldOverSystemCalls, TheControlPasses) {
  field_.jump = false;
  const FieldReport report = update();
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text(report);
}

// The announced calls preserve an iommufd and do not give its page table back: the device goes on, and nobody can take
// it up again.
TEST_F(FieldOverSystemCalls, AnAddressSpaceThatIsNotGivenBackFailsTheHandover) {
  const FieldReport report = update();
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text(report);
  EXPECT_THAT(console_, HasSubstr("gets a new address space"));
  EXPECT_THAT(report.verdict.headline, HasSubstr("what the kernel before handed over still translates its requests"));
  EXPECT_EQ(report.verdict.check(Check::Bdf).status, CheckStatus::Pass) << text(report);
  EXPECT_THAT(report.verdict.check(Check::ResetAndLink).figure, HasSubstr("SCRATCH kept its value"));
}

// Without it this kernel hands no device over: the update fails before the kexec.
TEST_F(FieldOverSystemCalls, AKernelThatHandsNoAddressSpaceOverFails) {
  preserves_address_spaces_ = false;
  const FieldReport report = update();
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text(report);
  EXPECT_THAT(console_, HasSubstr("this kernel cannot hand an iommufd over"));
  EXPECT_THAT(report.verdict.headline, HasSubstr("to preserve a file under token 20 with EINVAL"));
  EXPECT_FALSE(std::filesystem::exists(field_.state));
}

TEST_F(FieldOverSystemCalls, AKernelWithoutLiveUpdateFailsAndSaysSo) {
  RunOptions options;
  options.profile = "stock-7.3";
  const FieldReport report = update(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text(report);
  EXPECT_THAT(console_, HasSubstr("kho=on liveupdate=on"));
}

TEST_F(FieldOverSystemCalls, ARefusedKexecComesBackWithAVerdict) {
  field_.interrupts_off = false;
  RunOptions options;
  options.profile = "pci-v9+vfio-v5";  // demands that interrupts are off
  const FieldReport report = update(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text(report);
  EXPECT_THAT(report.verdict.headline, HasSubstr("update refused: errno 22, step freeze"));
  EXPECT_EQ(report.verdict.check(Check::Continuity).status, CheckStatus::Pass) << text(report);
}

}  // namespace
}  // namespace holdover::bench::testing
