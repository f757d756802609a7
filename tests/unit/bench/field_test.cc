// SPDX-License-Identifier: MIT
// The verdict with the endpoint as the only witness: what was seen of an update that went well, changed in one place at
// a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <sstream>

#include "bench/field/continuity.h"
#include "bench/ledger/config_ledger.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "tests/unit/bench/field_verdict.h"

namespace holdover::bench::testing {
namespace {

using ::testing::HasSubstr;
namespace regs = host::regs;

TEST_F(FieldVerdict, AnUpdateThatGoesOnPassesAndSaysWhatWasNotObservable) {
  EXPECT_EQ(run.verdict.headline, "PASS (8 of 9 checks; not observable: IOMMU)") << text(run);
  EXPECT_TRUE(run.saved);
  EXPECT_TRUE(run.seen.records->all_checked());
  EXPECT_GT(run.seen.records->checked, 50u);
  EXPECT_GT(run.seen.memory->bytes, 40'000u);
}

TEST_F(FieldVerdict, WithoutTheSecondStageNothingPasses) {
  run.seen = FieldObservation{};
  expect_inconclusive("a witness saw nothing");
}

TEST_F(FieldVerdict, NoCheckPassesThatDidNotRun) {
  run.seen.memory.reset();
  expect_inconclusive("memory");
  run = *good;
  run.seen.stopped.reset();
  expect_inconclusive("interrupts");
  run = *good;
  run.seen.records.reset();
  expect_inconclusive("continuity");
  run = *good;
  run.seen.closed.reset();
  expect_inconclusive("configuration space");
}

TEST_F(FieldVerdict, ARingThatIsTooShortForTheWindowIsNoPass) {
  run.seen.records->checked -= 1;
  expect_inconclusive("choose a longer --heartbeat");
}

TEST_F(FieldVerdict, TheSilenceLimitIsDerivedFromTheSteadyTrafficOrDeclared) {
  EXPECT_EQ(silence_limit(run.state).limit, silence_limit(run.state).steady * 2);
  run.state.silence_limit_ps = 1000;
  EXPECT_TRUE(silence_limit(run.state).declared);
  expect_fail(Check::Continuity, "was silent for");
  run = *good;
  run.seen.closed->longest_silence = run.state.begin.longest_silence * 2 + 1;
  expect_fail(Check::Continuity, "was silent for");
  run = *good;
  run.state.begin.longest_silence = 0;
  expect_inconclusive("too short for a silence limit");
}

TEST_F(FieldVerdict, AWindowWithoutRoomForRecordsIsNotJudged) {
  run.seen.closed->writer.sequence = run.state.begin.writer.sequence;
  run.seen.closed->clock = run.state.begin.clock + run.state.begin.writer.period;
  expect_inconclusive("the window had room for 1 heartbeat records");
  run.seen.closed->clock = run.state.begin.clock + 9 * run.state.begin.writer.period;
  expect_fail(Check::Continuity, "the heartbeat stood still");
}

TEST_F(FieldVerdict, AnErrorBitThatWasSetBeforeIsNoWitness) {
  const unsigned word = (*shadow_of(run.state.begin).express() + pcie::config::kExpressDeviceControl) / 4;
  constexpr std::uint32_t kUnsupportedRequest = 1u << 19;
  run.seen.closed->config[word] |= kUnsupportedRequest;
  expect_fail(Check::Protocol, "Unsupported Request Detected");
  run.state.begin.config[word] |= kUnsupportedRequest;
  expect_inconclusive("could not be cleared: Unsupported Request Detected");
}

// Nobody knows in which phase the next kernel does something.
TEST_F(FieldVerdict, AFindingSaysBetweenWhichLooksItWas) {
  const auto when = [this](std::uint64_t clock) {
    run = *good;
    stick(regs::monitor::kStickyBusMasterFell);
    from_closed([clock](Look& look) { look.sticky_clock[regs::monitor::kStickyBusMasterFell.shift] = clock; });
    run.seen.first->sticky_clock[regs::monitor::kStickyBusMasterFell.shift] = clock;
    judge();
    const std::optional<Finding>& first = run.verdict.check(Check::Configuration).first;
    return first ? phase_of(*first) : text(run);
  };
  EXPECT_EQ(when(run.state.jump.clock), "before the kexec");
  EXPECT_EQ(when(run.state.jump.clock + 1), "between the kexec and stage 2");
  EXPECT_EQ(when(run.seen.first->clock + 1), "in stage 2");
}

TEST_F(FieldVerdict, RecordsThatAreNotInMemoryFail) {
  run.seen.records->lost = 3;
  run.seen.records->first_lost = 70;
  expect_fail(Check::Continuity, "heartbeat record 70 left the endpoint and is not in memory");
}

TEST_F(FieldVerdict, ARecordOffItsDeadlineFails) {
  run.seen.records->off_deadline = 71;
  expect_fail(Check::Continuity, "heartbeat record 71 has a time stamp off its deadline");
}

TEST_F(FieldVerdict, MissedDeadlinesFail) {
  run.seen.closed->writer.missed = 2;
  expect_fail(Check::Continuity, "missed 2 heartbeat deadlines");
  run = *good;
  run.seen.closed->reader.missed = 2;
  expect_fail(Check::Continuity, "the heartbeat reader missed 2");
}

TEST_F(FieldVerdict, AStreamThatStoppedOrBeganAgainFails) {
  run.seen.first->writer.running = 0;
  expect_fail(Check::Continuity, "the heartbeat writer was stopped");
  run = *good;
  run.seen.closed->writer.sequence = 3;
  expect_fail(Check::Continuity, "numbers began again at 3");
  run = *good;
  run.seen.closed->writer.sequence -= 40;
  expect_fail(Check::Continuity, "were due in the window");
  run = *good;
  run.seen.first->channels[0].control &= ~regs::channel::kControlRun.mask();
  expect_fail(Check::Continuity, "channel 0 was stopped or reset");
  run = *good;
  run.seen.closed->channels[1].status |= regs::channel::kStatusStopped.mask() | regs::channel::kStatusError.place(4);
  expect_fail(Check::Continuity, "channel 1 stopped with status 4");
  run = *good;
  run.seen.first->channels[1].completed = run.state.jump.channels[1].completed;
  run.seen.closed->channels[1].completed = run.state.jump.channels[1].completed;
  expect_fail(Check::Continuity, "channel 1 moved nothing from the kexec on");
  run = *good;
  run.seen.closed->channels[1].completed = run.seen.first->channels[1].completed - 1;
  expect_fail(Check::Continuity, "channel 1 began to count again");
}

TEST_F(FieldVerdict, WrongDataFails) {
  run.seen.memory->wrong = 1;
  run.seen.memory->first = "buffer 3 of channel 0 has a wrong byte at offset 9 of 1500";
  expect_fail(Check::Memory, "buffer 3 of channel 0");
  run = *good;
  run.seen.stopped->channels[1].mismatches = 5;
  expect_fail(Check::Memory, "channel 1 was given 5 wrong bytes to read");
  run = *good;
  run.seen.stopped->reader.mismatches = 1;
  expect_fail(Check::Memory, "the heartbeat reader was given 1 wrong cells");
}

TEST_F(FieldVerdict, EveryStickyBitThatTheWindowBroughtFailsItsCheck) {
  for (const auto& [bit, check, words] :
       {std::tuple{regs::monitor::kStickyBusMasterFell, Check::Configuration, "bus master enable was cleared"},
        std::tuple{regs::monitor::kStickyFlr, Check::ResetAndLink, "FLR"},
        std::tuple{regs::monitor::kStickyD3hot, Check::Configuration, "D3hot"},
        std::tuple{regs::monitor::kStickyBdfChanged, Check::Bdf, "changed"},
        std::tuple{regs::monitor::kStickyMsixDisabled, Check::Configuration, "MSI-X enable was cleared"},
        std::tuple{regs::monitor::kStickyHotReset, Check::ResetAndLink, "hot reset"},
        std::tuple{regs::monitor::kStickyLinkDown, Check::ResetAndLink, "the link went down"}}) {
    run = *good;
    stick(bit);
    expect_fail(check, words);
  }
}

TEST_F(FieldVerdict, InterruptsThatTheAgentSwitchesOffAreNoFinding) {
  stick(regs::monitor::kStickyMsixDisabled);
  run.state.interrupts_off = 1;
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
}

TEST_F(FieldVerdict, AnOldStickyBitIsJudgedByTheLogOfConfigurationWrites) {
  stuck_before(regs::monitor::kStickyBusMasterFell);
  write_config(3, {run.state.jump.clock + 50, 0x04, 0x3, 0x0402, 0});
  expect_fail(Check::Configuration, "bus master enable was cleared by configuration write");
  // The same value into the upper bytes alone, and one that leaves the bit.
  write_config(3, {run.state.jump.clock + 50, 0x04, 0xc, 0x0402, 0});
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
  write_config(64, {run.state.jump.clock + 50, 0x04, 0x3, 0x0406, 0});
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
}

TEST_F(FieldVerdict, AnOldStickyBitAndALogThatOverflowedAreNotJudged) {
  stuck_before(regs::monitor::kStickyBusMasterFell);
  write_config(65, {run.state.jump.clock + 50, 0x04, 0x3, 0x0406, 0});
  expect_inconclusive("bus master enable was cleared before the update already");
}

TEST_F(FieldVerdict, OldBitsOfPowerAndInterruptsAreJudgedByTheLogToo) {
  const Look& begin = run.state.begin;
  std::vector<std::byte> bytes(sizeof begin.config);
  std::memcpy(bytes.data(), begin.config.data(), bytes.size());
  const ConfigShadow space(bytes);
  stuck_before(regs::monitor::kStickyD3hot);
  write_config(1, {run.state.jump.clock + 50, *space.power() + 4, 0x3, 0x0003, 0});
  expect_fail(Check::Configuration, "D3hot");
  run = *good;
  stuck_before(regs::monitor::kStickyMsixDisabled);
  write_config(1, {run.state.jump.clock + 50, *space.msix(), 0xc, 0x001f'0000, 0});
  expect_fail(Check::Configuration, "MSI-X enable was cleared");
}

TEST_F(FieldVerdict, WhatMayNotChangeForAMomentIsJudgedByTheLog) {
  const ConfigShadow space = shadow_of(run.state.begin);
  const unsigned control = *space.express() + pcie::config::kExpressDeviceControl;
  const std::uint64_t clock = run.state.jump.clock + 50;
  write_config(2, {clock, control, 0x3, (space.at(control) & 0xffff) ^ 0x20, 0});
  expect_fail(Check::Configuration, "max payload size was changed by configuration write");
  write_config(2, {clock, control, 0x3, (space.at(control) & 0xffff) ^ 0x1, 0});  // an error reporting bit
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
  write_config(2, {clock, control, 0x3, space.at(control) & 0xffff, 0});
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
}

TEST_F(FieldVerdict, ABarIsTriedOutAndNotMoved) {
  namespace config = pcie::config;
  const ConfigShadow space = shadow_of(run.state.begin);
  const std::uint64_t clock = run.state.jump.clock + 50;
  for (const unsigned offset : {config::kBar0, config::kBar0 + 8, config::kBar0 + 12}) {
    for (const std::uint32_t harmless : {~0u, space.at(offset), space.at(offset) & ~0xfu}) {
      write_config(2, {clock, offset, 0xf, harmless, 0});
      EXPECT_EQ(judge().outcome, Outcome::Pass) << offset << text(run);
    }
    write_config(2, {clock, offset, 0xf, space.at(offset) ^ 0x0100'0000, 0});
    expect_fail(Check::Configuration, "was moved by configuration write");
    run = *good;
  }
}

TEST_F(FieldVerdict, TheLogsOfAllLooksAreOne) {
  stuck_before(regs::monitor::kStickyBusMasterFell);
  const LoggedWrite harmless{run.state.jump.clock + 50, 0x04, 0x3, 0x0406, 0};
  const std::uint32_t before = run.state.begin.config_writes = run.state.jump.config_writes;
  log(*run.seen.first, before, 60, {run.state.jump.clock + 50, 0x04, 0x3, 0x0402, 0});
  from_closed([&](Look& look) { log(look, before + 60, 60, harmless); });
  expect_fail(Check::Configuration, "bus master enable was cleared by configuration write");
  log(*run.seen.first, before, 60, harmless);
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
}

TEST_F(FieldVerdict, AResetOfAnOldBitIsToldByTheScratchRegister) {
  stuck_before(regs::monitor::kStickyFlr);
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
  run.seen.first->scratch = run.seen.closed->scratch = 0;
  expect_fail(Check::ResetAndLink, "SCRATCH holds 0x00000000 in place of 0x5eed1234");
}

TEST_F(FieldVerdict, ARegisterThatIsNotAsBeforeFails) {
  run.seen.closed->config[0x10 / 4] ^= 0x100000;
  expect_fail(Check::Configuration, "reads");
  run = *good;
  run.seen.closed->config[1] ^= 0x4;
  expect_fail(Check::Configuration, "COMMAND");
  // RW1C status and Interrupt Line need not be as before.
  run = *good;
  run.seen.closed->config[0x3c / 4] ^= 0xff;
  EXPECT_EQ(judge().outcome, Outcome::Pass) << text(run);
}

TEST_F(FieldVerdict, AFunctionAtAnotherPlaceFails) {
  run.seen.found = pcie::Bdf::parse("0000:07:00.0");
  expect_fail(Check::Bdf, "is at 0000:07:00.0");
}

TEST_F(FieldVerdict, LostInterruptsFail) {
  run.seen.stopped->vectors[0].messages -= 1;
  expect_fail(Check::Interrupts, "events on vector 0 became no message");
  run = *good;
  run.seen.stopped->vectors[8].messages = run.state.jump.vectors[8].messages;
  run.seen.stopped->vectors[8].coalesced = run.seen.stopped->vectors[8].events - run.state.jump.vectors[8].messages;
  expect_fail(Check::Interrupts, "vector 8 has sent no message since the kexec");
  run = *good;
  run.seen.stopped->pending |= 1;
  run.seen.stopped->vectors[0].messages -= 1;
  expect_fail(Check::Interrupts, "still waits in its pending bit");
  run = *good;
  run.seen.missed_messages = 2;
  expect_fail(Check::Interrupts, "stayed silent at the host");
}

TEST_F(FieldVerdict, BadCompletionsAndTimeoutsFail) {
  from_closed([](Look& look) { look.rx_bad_completions += 2; });
  expect_fail(Check::Protocol, "2 completions came");
  run = *good;
  from_closed([](Look& look) { look.timeouts += 1; });
  expect_fail(Check::Protocol, "1 reads were given up");
  run = *good;
  from_closed([](Look& look) { look.reader.failed += 1; });
  expect_fail(Check::Protocol, "1 reads of the heartbeat reader failed");
  run = *good;
  run.seen.closed->config[1] |= 0x2000'0000;
  expect_fail(Check::Protocol, "Received Master Abort");
}

TEST_F(FieldVerdict, AnUpdateThatWasRefusedOrLostFails) {
  run.seen.refused = 22;
  expect_fail(Check::Handover, "errno 22");
  EXPECT_THAT(run.verdict.headline, HasSubstr("update refused: errno 22, step freeze"));
  run = *good;
  run.seen = FieldObservation{};
  run.seen.no_handover = 2;
  expect_fail(Check::Handover, "no handover");
  run = *good;
  run.seen.failure = "channel 0 was reset";
  expect_fail(Check::Handover, "the agent gave up: channel 0 was reset");
}

TEST_F(FieldVerdict, AMonitorThatWasItselfResetTellsNothing) {
  run.seen.first->clock = 5;
  expect_inconclusive("its clock went back");
  run = *good;
  run.state.begin.sticky |= 4;
  run.state.jump.sticky |= 4;
  run.seen.first->sticky &= ~4u;
  run.seen.closed->sticky &= ~4u;
  expect_inconclusive("STICKY went from");
  run = *good;
  run.seen.first->answers = 0;
  expect_inconclusive("does not answer at BAR 0");
  run = *good;
  run.seen.first->answers = 0;
  run.seen.first->config.fill(~0u);
  expect_inconclusive("does not answer at BAR 0");
  run = *good;
  run.seen.first->capabilities &= ~regs::global::kCapabilitiesMonitor.mask();
  expect_inconclusive("no monitor");
}

TEST_F(FieldVerdict, TheFirstIncidentIsTheCauseOfWhatFollowsIt) {
  stick(regs::monitor::kStickyBusMasterFell);
  run.seen.closed->writer.missed = 9;
  judge();
  EXPECT_EQ(run.verdict.check(Check::Continuity).first->cause, "bus master enable was cleared") << text(run);
}

TEST_F(FieldVerdict, ReportsSayWhatTheVerdictSays) {
  FieldReport report;
  report.target = "vfio:0000:01:00.0";
  report.state = run.state;
  report.seen = run.seen;
  report.verdict = run.verdict;
  EXPECT_EQ(exit_code(report), 0);
  EXPECT_THAT(to_json(report), HasSubstr("\"time\": \"device\""));
  EXPECT_THAT(to_json(report), HasSubstr("\"status\": \"not observable\""));
  EXPECT_THAT(to_junit(report), HasSubstr("<skipped message=\"not observable\"/>"));
  report.verdict.outcome = Outcome::Inconclusive;
  EXPECT_EQ(exit_code(report), 3);
}

TEST(FieldStateFile, RefusesWhatStageOneDidNotWrite) {
  const std::string good = pack(FieldState{});
  EXPECT_EQ(unpack(good, "f").version, kFieldStateVersion);
  const auto sentence = [](const std::string& bytes) -> std::string {
    try {
      (void)unpack(bytes, "board.state");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Corrupt);
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(sentence(""), HasSubstr("board.state"));
  EXPECT_THAT(sentence(good.substr(1)), HasSubstr("bytes"));
  std::string other = good;
  other[0] ^= 1;
  EXPECT_THAT(sentence(other), HasSubstr("magic"));
  other = good;
  other[8] ^= 3;
  EXPECT_THAT(sentence(other), HasSubstr("version"));
  for (const std::size_t at : {std::size_t{30}, good.size() / 2, good.size() - 1}) {
    other = good;
    other[at] ^= 0x40;
    EXPECT_THAT(sentence(other), HasSubstr("checksum")) << at;
  }
}

TEST(FieldStateFile, IsWrittenWholeAndReadBack) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "field.state";
  FieldState state;
  set_text(state.bdf, "0000:01:00.0", "x");
  state.begin.clock = 77;
  save(state, path);
  const FieldState again = load_field_state(path);
  EXPECT_EQ(text_of(again.bdf), "0000:01:00.0");
  EXPECT_EQ(again.begin.clock, 77u);
  std::filesystem::remove(path);
  EXPECT_THROW((void)load_field_state(path), Error);
  EXPECT_THROW(set_text(state.bdf, "a name that does not fit", "it"), Error);
}

}  // namespace
}  // namespace holdover::bench::testing
