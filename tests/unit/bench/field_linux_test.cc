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
    field_.boot_id = "this boot";
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
    field_.boot_id = "the next boot";
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

std::string refusal_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    return error.what();
  }
  return "it was not refused";
}

TEST_F(FieldOverSystemCalls, AnUpdateIsJudgedOnce) {
  (void)update();
  const FieldState state = load_field_state(field_.state);
  EXPECT_EQ(state.judged, 1u);
  EXPECT_THAT(refusal_of([&] { require_unjudged(state, field_.boot_id, field_.state); }), HasSubstr("judged already"));
  BootedMachine machine(RunOptions{}, sim::build_machine);
  live(machine, "", [&](host::System& system) {
    EXPECT_THAT(refusal_of([&] { (void)run_after_kexec(system, field_, state); }), HasSubstr("judged already"));
  });
}

TEST_F(FieldOverSystemCalls, TheSecondStageIsForAnotherBoot) {
  FieldState state;
  set_text(state.boot_id, "this boot", "it");
  EXPECT_THAT(refusal_of([&] { require_unjudged(state, "this boot", "s"); }), HasSubstr("there was no kexec since"));
  EXPECT_NO_THROW(require_unjudged(state, "another", "s"));
  EXPECT_THAT(refusal_of([&] { require_unjudged(state, "", "s"); }), HasSubstr("was written for a board"));
  EXPECT_THAT(refusal_of([&] { require_unjudged(FieldState{}, "another", "s"); }), HasSubstr("a server's device"));
  EXPECT_NO_THROW(require_unjudged(FieldState{}, "", "s"));
}

TEST_F(FieldOverSystemCalls, WhatCannotBeIsSaidBeforeAnythingIsTouched) {
  const auto said = [this](const std::function<void(FieldOptions&)>& change) {
    FieldOptions options = field_;
    change(options);
    return refusal_of([&] { validate(options); });
  };
  EXPECT_NO_THROW(validate(field_));
  EXPECT_THAT(said([](FieldOptions& o) { o.transfer = 16385; }), HasSubstr("--transfer: 16385 is out of range"));
  EXPECT_THAT(said([](FieldOptions& o) { o.bulk = "c2h,c2c"; }), HasSubstr("--bulk: «c2h,c2c» is not possible"));
  EXPECT_THAT(said([](FieldOptions& o) { o.bulk = "c2h,"; }), HasSubstr("--bulk: «c2h,»"));
  EXPECT_THAT(said([](FieldOptions& o) { o.bulk = "c2h,c2h,c2h,c2h,c2h,c2h,c2h,c2h,c2h"; }), HasSubstr("--bulk: 9"));
  EXPECT_THAT(said([](FieldOptions& o) { o.silence_limit = Time{0}; }), HasSubstr("--silence-limit: 0"));
  EXPECT_THAT(said([](FieldOptions& o) { o.after = o.heartbeat * 50'001; }), HasSubstr("--after"));
  for (const char* good : {"c2h", "h2c", "c2h,h2c,c2h,h2c,c2h,h2c,c2h,h2c"}) {
    EXPECT_NO_THROW(validate([&] {
      FieldOptions options = field_;
      options.bulk = good;
      options.transfer = 16384;
      return options;
    }()));
  }
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
  EXPECT_EQ(load_field_state(field_.state).judged, 1u);
  EXPECT_EQ(report.verdict.check(Check::Continuity).status, CheckStatus::Pass) << text(report);
}

}  // namespace
}  // namespace holdover::bench::testing
