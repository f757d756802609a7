// SPDX-License-Identifier: MIT
// What goes wrong between the end of the update and the end of traffic counts: as it is seen, and on a machine where it
// happens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/ledger/config_ledger.h"
#include "host/device/register_block.h"
#include "pcie/config_space.h"
#include "tests/unit/bench/field_verdict.h"

namespace holdover::bench::testing {
namespace {

using ::testing::HasSubstr;
namespace regs = host::regs;
namespace config = pcie::config;

class FieldVerdictLate : public FieldVerdict {
 protected:
  void stick_late(const regs::Field& bit) {
    from_ending([&](Look& look) {
      look.sticky |= bit.mask();
      look.sticky_clock[bit.shift] = run.seen.closed->clock + 50;
    });
  }
  // Written after the update, beside `others` before it.
  void write_late(const LoggedWrite& last, std::uint32_t others = 0) {
    from_ending([&](Look& look) { log(look, run.seen.closed->config_writes, others + 1, last); });
  }
  std::uint64_t late() const { return run.seen.closed->clock + 50; }
};

TEST_F(FieldVerdictLate, ItIsLookedAt) {
  ASSERT_TRUE(run.seen.ending && run.seen.late_records && run.seen.stopped);
  EXPECT_GT(run.seen.ending->clock, run.seen.closed->clock);
  EXPECT_GT(run.seen.late_records->checked, 3u);
  EXPECT_GT(run.seen.patience, Time{0});
  const std::string all = text(run);
  EXPECT_THAT(all, HasSubstr(std::to_string(run.seen.ending->writer.sequence - run.state.begin.writer.sequence) +
                             " records, 0 missed"));
}

TEST_F(FieldVerdictLate, AStickyBitFailsItsCheck) {
  for (const auto& [bit, check] : {std::pair{regs::monitor::kStickyBusMasterFell, Check::Configuration},
                                   std::pair{regs::monitor::kStickyFlr, Check::ResetAndLink},
                                   std::pair{regs::monitor::kStickyD3hot, Check::Configuration},
                                   std::pair{regs::monitor::kStickyBdfChanged, Check::Bdf},
                                   std::pair{regs::monitor::kStickyMsixDisabled, Check::Configuration},
                                   std::pair{regs::monitor::kStickyHotReset, Check::ResetAndLink},
                                   std::pair{regs::monitor::kStickyLinkDown, Check::ResetAndLink}}) {
    run = *good;
    run.state.interrupts_off = 1;  // allowed for the freeze, and not after the update
    from_ending([](Look& look) { look.sticky = 0; });
    run.seen.closed->sticky = run.seen.first->sticky = run.state.begin.sticky = run.state.jump.sticky = 0;
    stick_late(bit);
    expect_fail(check, "");
  }
}

TEST_F(FieldVerdictLate, AResetOfAnOldBitIsToldByTheScratchRegister) {
  stuck_before(regs::monitor::kStickyFlr);
  run.seen.stopped->scratch = 0;
  expect_fail(Check::ResetAndLink, "SCRATCH holds 0x00000000");
}

TEST_F(FieldVerdictLate, AnOldBitIsJudgedByTheLog) {
  stuck_before(regs::monitor::kStickyBusMasterFell);
  write_late({late(), config::kCommand, 0x3, 0x0402, 0});
  expect_fail(Check::Configuration, "bus master enable was cleared by configuration write");
  run = *good;
  stuck_before(regs::monitor::kStickyMsixDisabled);
  run.state.interrupts_off = 1;
  write_late({late(), *shadow_of(run.state.begin).msix(), 0xc, 0x001f'0000, 0});
  expect_fail(Check::Configuration, "MSI-X enable was cleared");
  run = *good;
  stuck_before(regs::monitor::kStickyBusMasterFell);
  write_late({late(), config::kCommand, 0x3, 0x0406, 0}, 64);
  expect_inconclusive("the log does not hold all");
}

TEST_F(FieldVerdictLate, ABoardThatLogsNoWritesIsJudgedAllTheSameWhereTheAgentAloneSwitchedInterruptsOff) {
  stuck_before(regs::monitor::kStickyMsixDisabled);
  run.state.begin.sticky &= ~regs::monitor::kStickyMsixDisabled.mask();
  run.state.interrupts_off = 1;
  for (Look* look : {&run.state.begin, &run.state.jump, &*run.seen.first, &*run.seen.closed, &*run.seen.ending,
                     &*run.seen.stopped}) {
    look->capabilities &= ~regs::global::kCapabilitiesConfigEvents.mask();
  }
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
}

TEST_F(FieldVerdictLate, ARegisterThatChangedFails) {
  const unsigned word = (*shadow_of(run.state.begin).express() + config::kExpressDeviceControl) / 4;
  run.seen.stopped->config[word] ^= 0x1000;
  expect_fail(Check::Configuration, "reads");
  EXPECT_EQ(run.verdict.check(Check::Configuration).finding_count, 1u);
  run = *good;
  from_closed([&](Look& look) { look.config[word] ^= 0x1000; });
  expect_fail(Check::Configuration, "reads");
  EXPECT_EQ(run.verdict.check(Check::Configuration).finding_count, 1u) << "told once";
}

TEST_F(FieldVerdictLate, StreamsThatStopFail) {
  run.seen.ending->writer.running = 0;
  expect_fail(Check::Continuity, "the heartbeat writer was stopped after the update");
  run = *good;
  run.seen.ending->reader.running = 0;
  expect_fail(Check::Continuity, "the heartbeat reader was stopped after the update");
  run = *good;
  run.seen.ending->writer.sequence = 3;
  expect_fail(Check::Continuity, "numbers began again at 3");
  run = *good;
  run.seen.ending->writer.sequence += 40;
  expect_fail(Check::Continuity, "were due after the update");
  run = *good;
  run.seen.ending->channels[0].control &= ~regs::channel::kControlRun.mask();
  expect_fail(Check::Continuity, "channel 0 was stopped or reset after the update");
  run = *good;
  run.seen.ending->channels[1].status |= regs::channel::kStatusStopped.mask() | regs::channel::kStatusError.place(1);
  expect_fail(Check::Continuity, "channel 1 stopped with status 1");
  run = *good;
  run.seen.ending->channels[1].completed = 2;
  expect_fail(Check::Continuity, "channel 1 began to count again after the update");
  run = *good;
  run.seen.standstill = "channel 1 of the endpoint at 0000:01:00.0 has stood still for 700000 ns";
  expect_fail(Check::Continuity, "has stood still for 700000 ns");
}

TEST_F(FieldVerdictLate, StreamsThatStandStillForLongFail) {
  run.seen.ending->channels[0].completed = run.seen.closed->channels[0].completed;
  EXPECT_EQ(judge().outcome, Outcome::Pass) << "the time was too short to tell\n" << text(run);
  run.seen.patience = device_time(run.state.begin, run.seen.ending->clock - run.seen.closed->clock);
  expect_fail(Check::Continuity, "channel 0 moved nothing after the update");
  run = *good;
  run.seen.patience = Time{1};
  run.seen.ending->writer.sequence = run.seen.closed->writer.sequence;
  expect_fail(Check::Continuity, "the heartbeat stood still after the update");
  run = *good;
  run.seen.patience = Time{1};
  run.seen.ending->reader.count = run.seen.closed->reader.count;
  expect_fail(Check::Continuity, "the heartbeat reader read nothing after the update");
}

TEST_F(FieldVerdictLate, RecordsThatAreLostLateOrSilentFail) {
  run.seen.late_records->lost = 1;
  run.seen.late_records->first_lost = 400;
  expect_fail(Check::Continuity, "heartbeat record 400 left the endpoint and is not in memory");
  run = *good;
  run.seen.late_records->off_deadline = 401;
  expect_fail(Check::Continuity, "heartbeat record 401 has a time stamp off its deadline");
  run = *good;
  run.seen.ending->writer.missed = 1;
  expect_fail(Check::Continuity, "missed 1 heartbeat deadlines");
  run = *good;
  run.seen.ending->longest_silence = run.state.begin.longest_silence * 3;
  expect_fail(Check::Continuity, "was silent for");
  run = *good;
  run.seen.late_records->checked -= 1;
  expect_inconclusive("a shorter --after");
}

TEST_F(FieldVerdictLate, AVectorThatTheHostHearsNoMoreFails) {
  run.seen.unheard = "vector 8 sent 40 messages after the update, and the host heard none";
  expect_fail(Check::Interrupts, "the host heard none");
}

TEST_F(FieldVerdictLate, BadCompletionsTimeoutsAndErrorBitsFail) {
  from_ending([](Look& look) { look.rx_bad_completions += 1; });
  expect_fail(Check::Protocol, "1 completions came");
  run = *good;
  from_ending([](Look& look) { look.timeouts += 1; });
  expect_fail(Check::Protocol, "1 reads were given up");
  run = *good;
  run.seen.stopped->config[1] |= 0x2000'0000;
  expect_fail(Check::Protocol, "Received Master Abort");
}

TEST_F(FieldVerdictLate, AnErrorBitThatTheNextKernelClearedFails) {
  run.seen.first->config[1] |= 0x2000'0000;
  expect_fail(Check::Protocol, "Received Master Abort");
}

TEST_F(FieldVerdictLate, AMonitorThatWasResetAfterTheUpdateTellsNothingOfThatTime) {
  run.seen.stopped->clock = 5;
  expect_inconclusive("after the update, the endpoint had a fundamental reset");
  EXPECT_EQ(run.verdict.check(Check::ResetAndLink).status, CheckStatus::NotJudged) << text(run);
  // What the window showed stands.
  run.seen.closed->writer.missed = 2;
  expect_fail(Check::Continuity, "missed 2 heartbeat deadlines");
}

TEST_F(FieldVerdictLate, RegistersThatWentOutOfReachAreAFindingOfConfigurationSpace) {
  run.seen.ending->answers = run.seen.stopped->answers = 0;
  from_ending([](Look& look) { look.config[1] &= ~std::uint32_t{config::kCommandMemory}; });
  expect_fail(Check::Configuration, "COMMAND");
  EXPECT_EQ(run.verdict.check(Check::Protocol).status, CheckStatus::NotJudged) << text(run);
}

TEST_F(FieldVerdictLate, WithoutALookAtItNothingPasses) {
  run.seen.ending.reset();
  expect_inconclusive("continuity");
  run = *good;
  run.seen.stopped.reset();
  expect_inconclusive("resets and link");
}

// ---- On a machine

class LateVandal final : public host::StageWatch {
 public:
  LateVandal(FieldWitness& witness, std::function<void(host::EndpointStreams&)> act)
      : witness_(witness), act_(std::move(act)) {}
  void on_mark(pcie::Phase phase, pcie::Step step, std::uint64_t value, const host::Streams& all) override {
    witness_.on_mark(phase, step, value, all);
    if (step == pcie::Step::WindowEnd) act_(*all.front());
  }
  void on_jump(const host::Streams& all) override { witness_.on_jump(all); }
  void on_function(host::Device& device) override { witness_.on_function(device); }
  void on_standstill(const std::string& sentence) override { witness_.on_standstill(sentence); }
  void on_stop(const host::Streams& all) override { witness_.on_stop(all); }
  void on_failure(const Error& error, const host::Streams& all) override { witness_.on_failure(error, all); }

 private:
  FieldWitness& witness_;
  std::function<void(host::EndpointStreams&)> act_;
};

// An update that goes well, and what is done to the function right after it.
FieldRun damaged_late(const std::function<void(host::System&, host::EndpointStreams&)>& act) {
  FieldRun run;
  FieldState state;
  state.scratch = kNonce;
  RunOptions options = machine_options();
  std::string file;
  FieldWitness before(state, [&](const FieldState& now) { file = pack(now); });
  BootedMachine machine(options, sim::build_machine);
  machine.run([&](host::System& system) { host::run_stage_1(system, {}, &before); });
  run.state = unpack(file, "the file");
  machine.run([&](host::System& system) {
    FieldWitness after(run.state, system);
    LateVandal vandal(after, [&](host::EndpointStreams& streams) { act(system, streams); });
    host::run_stage_2(system, {}, &vandal);
    run.seen = after.observation();
  });
  run.verdict = judge_field(run.state, run.seen);
  return run;
}

void expect_late(Check check, const std::string& words,
                 const std::function<void(host::System&, host::EndpointStreams&)>& act) {
  const FieldRun run = damaged_late(act);
  EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
  ASSERT_EQ(run.verdict.check(check).status, CheckStatus::Fail) << text(run);
  EXPECT_THAT(run.verdict.check(check).first->sentence, HasSubstr(words)) << text(run);
}

void write(host::System& system, host::EndpointStreams& streams, unsigned offset, std::uint32_t value) {
  system.write_config(streams.bdf(), Bytes{offset}, 2, value);
}
std::uint32_t half(host::EndpointStreams& streams, unsigned offset) {
  return streams.device().config_read(Bytes{offset}, 2);
}

TEST(FieldLate, NothingIsFoundWhereNothingIsDone) {
  const FieldRun run = damaged_late([](host::System&, host::EndpointStreams&) {});
  EXPECT_EQ(run.verdict.outcome, Outcome::Pass) << text(run);
}

TEST(FieldLate, BusMasteringThatGoesForAMomentFails) {
  expect_late(Check::Configuration, "bus master enable was cleared", [](auto& system, auto& streams) {
    const std::uint32_t command = half(streams, config::kCommand);
    write(system, streams, config::kCommand, command & ~std::uint32_t{config::kCommandBusMaster});
    write(system, streams, config::kCommand, command);
  });
}

// Its registers are out of reach afterwards, and configuration space says why.
TEST(FieldLate, AFunctionLevelResetFails) {
  const FieldRun run = damaged_late([](auto& system, auto& streams) {
    const unsigned control = *shadow_of(look_at(streams.device())).express() + config::kExpressDeviceControl;
    write(system, streams, control, half(streams, control) | config::kDeviceControlFlr);
  });
  EXPECT_THAT(run.verdict.headline, HasSubstr("FAIL (configuration space, handover): COMMAND / STATUS")) << text(run);
}

TEST(FieldLate, AMaxPayloadSizeThatChangesForAMomentFails) {
  expect_late(
      Check::Configuration, "max payload size was changed by configuration write", [](auto& system, auto& streams) {
        const unsigned control = *shadow_of(look_at(streams.device())).express() + config::kExpressDeviceControl;
        const std::uint32_t was = half(streams, control);
        write(system, streams, control, was ^ 0x20);
        write(system, streams, control, was);
      });
}

TEST(FieldLate, AChannelThatIsStoppedFails) {
  expect_late(Check::Continuity, "channel 0 was stopped or reset after the update", [](auto&, auto& streams) {
    host::RegisterBlock registers(streams.device(), 0);
    const std::uint32_t control = registers.read(regs::channel::control(0));
    registers.write(regs::channel::control(0), control & ~regs::channel::kControlRun.mask());
  });
}

TEST(FieldLate, AHeartbeatThatIsStoppedAndStartedAgainFails) {
  expect_late(Check::Continuity, "heartbeat", [](auto&, auto& streams) {
    host::RegisterBlock registers(streams.device(), 0);
    const std::uint32_t control = registers.read(regs::heartbeat_writer::kControl);
    registers.write(regs::heartbeat_writer::kControl, 0);
    registers.write(regs::heartbeat_writer::kControl, control);
  });
}

// The control asks nobody after its window whether interrupts arrive.
TEST(FieldLate, MessagesThatGoAstrayFail) {
  FieldState state;
  state.scratch = kNonce;
  FieldWitness witness(state, nullptr);
  LateVandal vandal(witness, [](host::EndpointStreams& streams) {
    host::RegisterBlock registers(streams.device(), 0);
    registers.write(regs::msix_table::address_lo(0), 0xfeef'fff0);
  });
  RunOptions options = machine_options();
  options.jump = Jump::None;
  BootedMachine machine(options, sim::build_machine);
  machine.run([&](host::System& system) { host::run_stage_1(system, {}, &vandal); });
  FieldRun run{witness.state(), witness.observation(), judge_field(witness.state(), witness.observation()), false};
  ASSERT_EQ(run.verdict.check(Check::Interrupts).status, CheckStatus::Fail) << text(run);
  EXPECT_THAT(run.verdict.check(Check::Interrupts).first->sentence, HasSubstr("vector 0 sent ")) << text(run);
}

TEST(FieldLate, AnAccessThatTheFunctionRefusesFailsTheProtocol) {
  expect_late(Check::Protocol, "Unsupported Request Detected", [](auto& system, auto& streams) {
    const std::uint32_t command = half(streams, config::kCommand);
    write(system, streams, config::kCommand, command & ~std::uint32_t{config::kCommandMemory});
    (void)streams.device().read(0, Bytes{0});
    write(system, streams, config::kCommand, command);
  });
}

}  // namespace
}  // namespace holdover::bench::testing
