// SPDX-License-Identifier: MIT
// What must pass, and what must fail without a mistake of anybody: whole runs of every scenario.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "tests/support/bench_run.h"

namespace holdover::bench::testing {
namespace {

using ::testing::HasSubstr;

TEST(Scenario, ContinuityPassesAllNineChecks) {
  const Report report = run_whole(short_run());
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
  for (const CheckResult& check : report.verdict.checks) EXPECT_EQ(check.status, CheckStatus::Pass) << text_of(report);
  EXPECT_EQ(report.verdict.headline, "PASS (9 of 9 checks)");
}

// A tenth of a second after a function level reset, without a mark.
TEST(Scenario, AKernelThatWaitsAsLongAsOnHardwareIsNotTakenForStuck) {
  RunOptions options = short_run();
  options.jump = Jump::None;
  options.policies = {"delays=real"};
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
  EXPECT_GT(report.simulated, Time{100'000'000'000});
}

TEST(Scenario, ContinuityPassesBelowSwitches) {
  for (const char* topology : {"switch", "wide"}) {
    RunOptions options = short_run();
    options.topology = topology;
    const Report report = run_whole(options);
    EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
  }
}

// Firmware leaves it in Link Control of both ends of every link, both kernels leave it there, and nobody is misjudged.
TEST(Scenario, ContinuityPassesWithLinksThatFallAsleep) {
  for (const char* topology : {"direct", "switch"}) {
    RunOptions options = short_run();
    options.topology = topology;
    options.aspm = "all";
    sim::ObservedMachine* machine = nullptr;
    unsigned seen = 0;
    const auto factory = [&](const sim::MachineConfig& config, sim::Witness& witness) {
      auto built = sim::build_machine(config, witness);
      machine = built.get();
      return built;
    };
    const auto look = [&](const ProgressNote& note) {
      if (note.phase != pcie::Phase::Steady && note.phase != pcie::Phase::After) return;
      ++seen;
      for (sim::FunctionIndex i = 0; i < machine->functions().size(); ++i) {
        const std::vector<std::byte> space = machine->config_space(i);
        const auto express = pcie::find_capability(
            [&](unsigned offset) {
              std::uint32_t value = 0;
              std::memcpy(&value, &space[offset], sizeof value);
              return value;
            },
            pcie::config::kCapExpress);
        ASSERT_TRUE(express.has_value());
        EXPECT_EQ(std::to_integer<unsigned>(space[*express + pcie::config::kExpressLinkControl]) & 3, 3u)
            << machine->functions()[i].name;
      }
    };
    const Report report = run(options, factory, look);
    EXPECT_GE(seen, 2u);
    EXPECT_EQ(report.verdict.headline, "PASS (9 of 9 checks)") << text_of(report);
    EXPECT_EQ(report.machine.aspm, sim::kAspmAll);
    const auto json = nlohmann::json::parse(to_json(report));
    EXPECT_EQ(json["options"]["aspm"], "all");
    EXPECT_EQ(json["machine"]["aspm"], 3);
  }
}

// The port that one wrong step silences is two switches away from the root.
TEST(Scenario, APortDeepDownThatIsSwitchedOffIsNamed) {
  RunOptions options = short_run({"H015"});
  options.topology = "wide";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text_of(report);
  EXPECT_THAT(report.verdict.headline,
              HasSubstr("bus master enable cleared at 0000:07:01.0 (switch port 4) by kernel A"));
}

TEST(Scenario, ANeighbourThatIsNotPreservedIsQuietAndTheOtherGoesOn) {
  RunOptions options = short_run();
  options.scenario = "neighbour";
  options.topology = "switch";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
}

TEST(Scenario, WithoutAJumpEightChecksPassAndTheNinthDoesNotApply) {
  RunOptions options = short_run();
  options.jump = Jump::None;
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
  EXPECT_EQ(report.verdict.headline, "PASS (8 of 9 checks; not applicable: handover)");
}

TEST(Scenario, ARefusedKexecFailsTheUpdateAndNothingElse) {
  const Report report = run_whole(short_run({"refused-kexec"}));
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text_of(report);
  EXPECT_THAT(report.verdict.headline, HasSubstr("update refused: errno 22, step freeze"));
  for (unsigned i = 0; i + 1 < kCheckCount; ++i) {
    EXPECT_EQ(report.verdict.checks[i].status, CheckStatus::Pass) << text_of(report);
  }
}

// VFIO as posted: whoever keeps interrupts on is refused, and nothing else happens.
TEST(Scenario, InterruptsThatStayOnAreRefusedByVfioAsPosted) {
  RunOptions options = short_run();
  options.profile = "pci-v9+vfio-v5";
  options.interrupts_at_freeze = InterruptsAtFreeze::Keep;
  const Report report = run_whole(options);
  EXPECT_THAT(report.verdict.headline, HasSubstr("update refused: errno 22, step freeze"));
  for (unsigned i = 0; i + 1 < kCheckCount; ++i) {
    EXPECT_EQ(report.verdict.checks[i].status, CheckStatus::Pass) << text_of(report);
  }
}

TEST(Scenario, VfioAsPostedResetsWhatItHandsOver) {
  RunOptions options = short_run();
  options.profile = "pci-v9+vfio-v5";
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Fail) << text_of(report);
  EXPECT_EQ(report.verdict.check(Check::Continuity).status, CheckStatus::Fail) << text_of(report);
  EXPECT_EQ(report.verdict.check(Check::Interrupts).status, CheckStatus::Pass) << text_of(report);
  EXPECT_THAT(report.verdict.check(Check::ResetAndLink).first->sentence,
              HasSubstr("function level reset of 0000:01:00.0 (endpoint 0)"));
  EXPECT_THAT(report.replay, ::testing::Not(HasSubstr("--interrupts-at-freeze"))) << "a default";
}

// H008
TEST(Scenario, ARefusalBehindTheDeviceLeavesItDeadWhereFreezeResets) {
  RunOptions options = short_run({"refused-kexec"});
  options.profile = "pci-v9+vfio-v5";
  const Report report = run_whole(options);
  EXPECT_THAT(report.verdict.headline, HasSubstr("update refused: errno 22, step freeze"));
  EXPECT_EQ(report.verdict.check(Check::Continuity).status, CheckStatus::Fail) << text_of(report);
  EXPECT_EQ(report.verdict.check(Check::ResetAndLink).status, CheckStatus::Fail) << text_of(report);
}

// Events of the gap wait inside the endpoint, and are delivered when the agent enables interrupts again.
TEST(Scenario, InterruptsThatTheAgentSwitchesOffLoseNothing) {
  for (const char* fault : {"", "H009"}) {
    RunOptions options = short_run();
    if (*fault != '\0') {
      options.faults = {fault};
    } else {
      options.interrupts_at_freeze = InterruptsAtFreeze::Off;
    }
    const Report report = run_whole(options);
    EXPECT_EQ(report.verdict.headline, "PASS (9 of 9 checks)") << text_of(report);
  }
}

// The wrong driver in kernel B, with nothing that stops it, and with a contract that does.
TEST(Scenario, ADriverThatDoesNotFitIsHarmlessOnlyWhereTheBindingIsChecked) {
  RunOptions options = short_run();
  options.policies = {"driver=stub"};
  const Report bound = run_whole(options);
  EXPECT_EQ(bound.verdict.outcome, Outcome::Fail);
  EXPECT_THAT(bound.verdict.headline, HasSubstr("at 0000:01:00.0 (endpoint 0) by kernel B, phase bind"));
  for (const char* contract : {"binding-contract=driver-name", "binding-contract=schema-guid"}) {
    options.policies = {"driver=stub", contract};
    const Report refused = run_whole(options);
    EXPECT_EQ(refused.verdict.outcome, Outcome::Fail) << "the agent does not get its device";
    EXPECT_EQ(refused.verdict.check(Check::Handover).status, CheckStatus::Fail);
    for (const Check check :
         {Check::Memory, Check::Configuration, Check::Iommu, Check::Interrupts, Check::ResetAndLink}) {
      EXPECT_EQ(refused.verdict.check(check).status, CheckStatus::Pass) << text_of(refused);
    }
    // DMA goes on under kernel B, although nobody is left who could stop the streams in order.
    EXPECT_EQ(refused.verdict.check(Check::Continuity).status, CheckStatus::NotJudged) << text_of(refused);
    std::uint64_t records = 0;
    for (const PhaseRow& row : refused.phases) {
      if (row.host != "kernel B") continue;
      records += row.records;
      EXPECT_LE(row.longest_silence.value_or(Time{0}), refused.silence_limit);
    }
    EXPECT_GT(records, 10u);
  }
}

class NegativeControl : public ::testing::TestWithParam<const char*> {};

TEST_P(NegativeControl, Passes) {
  const Report report = run_whole(short_run({GetParam()}));
  EXPECT_EQ(report.verdict.outcome, Outcome::Pass) << text_of(report);
}

INSTANTIATE_TEST_SUITE_P(Hazards, NegativeControl, ::testing::Values("H048", "H068"));

TEST(Scenario, TheSameSeedGivesTheSameReportButForWallTime) {
  const auto record = [] {
    nlohmann::json json = nlohmann::json::parse(to_json(run_whole(short_run())));
    json.erase("wall");
    return json;
  };
  EXPECT_EQ(record(), record());
}

TEST(Scenario, AStopAskedForEndsTheRunWithoutAReport) {
  RunOptions options = short_run();
  options.stop = [] { return true; };
  try {
    static_cast<void>(run_whole(options));
    FAIL() << "the run went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Interrupted);
  }
}

// The time between two kernels passes in one access of the host.
TEST(Scenario, AStopInTheBlackoutIsHeardThereAndProgressGoesOn) {
  RunOptions options = short_run();
  options.blackout = Time{10'000'000'000};
  pcie::Phase phase{};
  unsigned notes = 0;
  options.stop = [&] { return notes == 3; };
  try {
    static_cast<void>(bench::run(options, sim::build_machine, [&](const ProgressNote& note) {
      phase = note.phase;
      if (phase == pcie::Phase::Blackout) ++notes;
    }));
    FAIL() << "the run went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Interrupted);
  }
  EXPECT_EQ(phase, pcie::Phase::Blackout);
}

}  // namespace
}  // namespace holdover::bench::testing
