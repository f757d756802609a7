// SPDX-License-Identifier: MIT
// What was seen of an update that went well, for tests that change it in one place at a time.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "host/driver/endpoint_regs.h"
#include "tests/unit/bench/field_fixture.h"

namespace holdover::bench::testing {

// One update that went well, for all tests that change what was seen of it.
class FieldVerdict : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { good = new FieldRun(run_field(machine_options())); }
  static void TearDownTestSuite() {
    delete good;
    good = nullptr;
  }

  void SetUp() override { run = *good; }
  const Verdict& judge() { return run.verdict = judge_field(run.state, run.seen); }
  void expect_fail(Check check, const std::string& words) {
    judge();
    EXPECT_EQ(run.verdict.outcome, Outcome::Fail) << text(run);
    EXPECT_EQ(run.verdict.check(check).status, CheckStatus::Fail) << text(run);
    ASSERT_TRUE(run.verdict.check(check).first) << text(run);
    EXPECT_THAT(run.verdict.check(check).first->sentence, ::testing::HasSubstr(words));
  }
  void expect_inconclusive(const std::string& words) {
    judge();
    EXPECT_EQ(run.verdict.outcome, Outcome::Inconclusive) << text(run);
    EXPECT_THAT(run.verdict.headline, ::testing::HasSubstr(words));
  }
  // What the window brought, and stayed.
  void from_closed(const std::function<void(Look&)>& change) {
    for (Look* look : {&*run.seen.closed, &*run.seen.ending, &*run.seen.stopped}) change(*look);
  }
  // What the time after it brought.
  void from_ending(const std::function<void(Look&)>& change) {
    for (Look* look : {&*run.seen.ending, &*run.seen.stopped}) change(*look);
  }
  // A sticky bit that the window brought.
  void stick(const host::regs::Field& bit) {
    for (Look* look : {&*run.seen.first, &*run.seen.closed, &*run.seen.ending, &*run.seen.stopped}) {
      look->sticky |= bit.mask();
      look->sticky_clock[bit.shift] = run.state.jump.clock + 100;
    }
    run.state.begin.sticky &= ~bit.mask();
    run.state.jump.sticky &= ~bit.mask();
  }
  // A bit that had been set long before the update.
  void stuck_before(const host::regs::Field& bit) {
    for (Look* look : {&run.state.begin, &run.state.jump, &*run.seen.first, &*run.seen.closed, &*run.seen.ending,
                       &*run.seen.stopped}) {
      look->sticky |= bit.mask();
      look->sticky_clock[bit.shift] = 7;
    }
  }
  // The host's writes in the window: as many as `count`, the last of them `last`; and none after it.
  void write_config(std::uint32_t count, const LoggedWrite& last) {
    run.state.begin.config_writes = run.state.jump.config_writes;
    for (Look* look : {&*run.seen.first, &*run.seen.closed, &*run.seen.ending, &*run.seen.stopped}) {
      log(*look, run.state.jump.config_writes, count, last);
    }
  }
  static void log(Look& look, std::uint32_t before, std::uint32_t count, const LoggedWrite& last) {
    look.config_writes = before + count;
    for (std::uint32_t i = 1; i <= std::min<std::uint32_t>(count, Look::kLogEntries); ++i) {
      LoggedWrite& entry = look.log[(look.config_writes - i) % Look::kLogEntries];
      entry = i == 1 ? last : LoggedWrite{last.clock - 1, 0x40, 0xf, 0, 0};
    }
  }

  FieldRun run;
  static inline FieldRun* good = nullptr;
};

}  // namespace holdover::bench::testing
