// SPDX-License-Identifier: MIT
// The verdict with the endpoint as the only witness, where the machine itself does what must not happen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/ledger/config_ledger.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "tests/unit/bench/field_fixture.h"

namespace holdover::bench::testing {
namespace {

using ::testing::HasSubstr;

// A write of user space to the endpoint's configuration space, before the second stage.
BetweenStages change(std::function<void(host::System&, pcie::Bdf, const ConfigShadow&)> act) {
  return [act = std::move(act)](BootedMachine& machine) {
    const auto functions = machine.machine().functions();
    for (sim::FunctionIndex i = 0; i < functions.size(); ++i) {
      if (functions[i].kind != sim::FunctionKind::Endpoint) continue;
      act(machine.system(), machine.system().devices().front(), ConfigShadow(machine.machine().config_space(i)));
    }
  };
}

TEST(FieldRun, AKernelThatClearsBusMasterEnableFails) {
  RunOptions options = machine_options();
  options.faults = {"H014"};
  const FieldRun run = run_field(options);
  EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
  EXPECT_EQ(run.verdict.check(Check::Configuration).status, CheckStatus::Fail) << text(run);
  EXPECT_THAT(run.verdict.headline, HasSubstr("bus master enable was cleared by configuration write"));
}

TEST(FieldRun, AFunctionLevelResetWhileNobodyRunsFails) {
  const FieldRun run = run_field(machine_options(), change([](auto& system, auto bdf, const auto& space) {
                                   const unsigned control = *space.express() + pcie::config::kExpressDeviceControl;
                                   system.write_config(bdf, Bytes{control}, 2,
                                                       (space.at(control) & 0xffff) | pcie::config::kDeviceControlFlr);
                                 }));
  EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
  EXPECT_THAT(run.verdict.check(Check::Configuration).first->sentence, HasSubstr("COMMAND")) << text(run);
  EXPECT_EQ(run.verdict.check(Check::Handover).status, CheckStatus::Fail) << text(run);
}

TEST(FieldRun, ARegisterThatWasChangedMeanwhileFails) {
  const FieldRun run = run_field(machine_options(), change([](auto& system, auto bdf, const auto& space) {
                                   const unsigned control = *space.express() + pcie::config::kExpressDeviceControl;
                                   system.write_config(bdf, Bytes{control}, 2, (space.at(control) & 0x8fff) | 0x1000);
                                 }));
  EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
  EXPECT_THAT(run.verdict.check(Check::Configuration).first->sentence, HasSubstr("to offset 0x078"));
}

TEST(FieldRun, InterruptsThatWereSwitchedOffMeanwhileFail) {
  const FieldRun run = run_field(machine_options(), change([](auto& system, auto bdf, const auto& space) {
                                   system.write_config(bdf, Bytes{*space.msix() + 2}, 2, 0x001f);
                                 }));
  EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
  EXPECT_THAT(run.verdict.check(Check::Configuration).first->sentence, HasSubstr("MSI-X enable was cleared"));
}

TEST(FieldRun, AnotherBusNumberFails) {
  RunOptions options = machine_options();
  options.faults = {"H041"};
  const FieldRun run = run_field(options);
  EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
  EXPECT_EQ(run.verdict.check(Check::Bdf).status, CheckStatus::Fail) << text(run);
}

TEST(FieldRun, AKernelWithoutLiveUpdateFails) {
  RunOptions options = machine_options();
  options.profile = "stock-7.3";
  const FieldRun run = run_field(options);
  EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
  EXPECT_THAT(run.verdict.check(Check::Handover).first->sentence, HasSubstr("no handover"));
}

TEST(FieldRun, TheSeriesThatResetsTheFunctionFails) {
  RunOptions options = machine_options();
  options.profile = "pci-v9+vfio-v5";
  const FieldRun run = run_field(options);
  EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
  EXPECT_EQ(run.verdict.check(Check::ResetAndLink).status, CheckStatus::Fail) << text(run);
}

TEST(FieldRun, TheControlPassesAndHandsNothingOver) {
  RunOptions options = machine_options();
  options.jump = Jump::None;
  const FieldRun run = run_field(options);
  EXPECT_FALSE(run.saved);
  EXPECT_EQ(run.verdict.headline, "PASS (7 of 9 checks; not observable: IOMMU; not applicable: handover)") << text(run);
}

// What is damaged in the memory of the host is seen there.
class Vandal final : public host::StageWatch {
 public:
  Vandal(FieldWitness& witness, pcie::Step step, std::function<void(host::EndpointStreams&)> act)
      : witness_(witness), step_(step), act_(std::move(act)) {}
  void on_mark(pcie::Phase phase, pcie::Step step, std::uint64_t value, const host::Streams& all) override {
    if (step == step_) act_(*all.front());
    witness_.on_mark(phase, step, value, all);
  }
  void on_jump(const host::Streams& all) override { witness_.on_jump(all); }
  void on_function(host::Device& device) override { witness_.on_function(device); }
  void on_standstill(const std::string& sentence) override { witness_.on_standstill(sentence); }
  void on_stop(const host::Streams& all) override { witness_.on_stop(all); }
  void on_failure(const Error& error, const host::Streams& all) override { witness_.on_failure(error, all); }

 private:
  FieldWitness& witness_;
  pcie::Step step_;
  std::function<void(host::EndpointStreams&)> act_;
};

FieldRun run_control(pcie::Step step, const std::function<void(host::EndpointStreams&)>& act) {
  FieldRun run;
  FieldState state;
  state.scratch = kNonce;
  FieldWitness witness(state, nullptr);
  Vandal vandal(witness, step, act);
  RunOptions options = machine_options();
  options.jump = Jump::None;
  BootedMachine machine(options, sim::build_machine);
  machine.run([&](host::System& system) { host::run_stage_1(system, {}, &vandal); });
  run.state = witness.state();
  run.seen = witness.observation();
  run.verdict = judge_field(run.state, run.seen);
  return run;
}

TEST(FieldRun, ARecordThatIsMissingInMemoryIsFound) {
  const FieldRun run = run_control(pcie::Step::WindowEnd, [](host::EndpointStreams& streams) {
    const std::uint64_t number = streams.driver().heartbeat_writer_statistics().sequence - 5;
    auto ring = streams.driver().bytes(host::kWriterRing, Bytes{256 * sizeof(host::HeartbeatRecord)});
    ring[number % 256 * sizeof(host::HeartbeatRecord)] ^= std::byte{1};
  });
  EXPECT_EQ(run.verdict.check(Check::Continuity).status, CheckStatus::Fail) << text(run);
  EXPECT_EQ(run.seen.records->lost, 1u);
}

TEST(FieldRun, AByteThatIsWrongInMemoryIsFound) {
  for (const unsigned channel : {0u, 1u}) {
    const FieldRun run = run_control(pcie::Step::TrafficStopped, [channel](host::EndpointStreams& streams) {
      const host::Buffer buffer = streams.layout().buffers(channel)[4];
      streams.driver().bytes(buffer.place, Bytes{buffer.length})[100] ^= std::byte{1};
    });
    EXPECT_EQ(run.verdict.check(Check::Memory).status, CheckStatus::Fail) << text(run);
    EXPECT_THAT(run.seen.memory->first, HasSubstr("buffer 4 of channel " + std::to_string(channel)));
  }
}

TEST(FieldRun, AWriteBetweenTheBuffersOrBehindThemIsFound) {
  for (const unsigned channel : {0u, 1u}) {
    FieldRun run = run_control(pcie::Step::TrafficStopped, [channel](host::EndpointStreams& streams) {
      const host::Buffer buffer = streams.layout().buffers(channel)[4];
      streams.driver().bytes({buffer.place.region, buffer.place.offset - 1}, Bytes{1})[0] = std::byte{1};
    });
    EXPECT_THAT(run.seen.memory->first, HasSubstr("something was written into the gap before buffer 4"));
    run = run_control(pcie::Step::TrafficStopped, [channel](host::EndpointStreams& streams) {
      const host::Buffer buffer = streams.layout().buffers(channel).back();
      streams.driver().bytes({buffer.place.region, buffer.place.offset + buffer.length}, Bytes{1})[0] = std::byte{1};
    });
    EXPECT_THAT(run.seen.memory->first, HasSubstr("the gap behind the last buffer of channel"));
  }
}

TEST(FieldRun, ADescriptorOrACompletionRecordThatIsWrongIsFound) {
  for (const unsigned channel : {0u, 1u}) {
    const std::string who = " of channel " + std::to_string(channel);
    const auto spoil = [channel](bool completions, unsigned at) {
      return run_control(pcie::Step::TrafficStopped, [=](host::EndpointStreams& streams) {
        const host::DmaPlace ring = completions ? streams.layout().completion_ring_place(channel)
                                                : streams.layout().descriptor_ring_place(channel);
        streams.driver().bytes({ring.region, ring.offset + at}, Bytes{1})[0] ^= std::byte{1};
      });
    };
    EXPECT_THAT(spoil(false, 3 * 32 + 16).seen.memory->first, HasSubstr("descriptor 3" + who));
    EXPECT_THAT(spoil(true, 3 * 16 + 8).seen.memory->first, HasSubstr(who + " is not what it should be"));
    EXPECT_THAT(spoil(true, 4095).seen.memory->first, HasSubstr("behind the completion records" + who));
    EXPECT_EQ(spoil(true, 3 * 16).verdict.check(Check::Memory).status, CheckStatus::Fail);
  }
}

}  // namespace
}  // namespace holdover::bench::testing
