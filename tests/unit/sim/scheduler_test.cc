// SPDX-License-Identifier: MIT
#include "sim/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace holdover::sim {
namespace {

using testing::ElementsAre;

struct Log final : EventHandler, ClockHandler {
  explicit Log(Scheduler& clock) : scheduler(clock) {}
  void on_event(std::uint64_t argument) override {
    happened.push_back(argument);
    if (on_next) std::exchange(on_next, nullptr)();
  }
  void on_clock() override { happened.push_back(1000 + scheduler.cycles().count()); }
  Scheduler& scheduler;
  std::vector<std::uint64_t> happened;
  std::function<void()> on_next;
};

TEST(Scheduler, OrdersByTimeAndThenByInsertion) {
  Scheduler scheduler;
  Log log{scheduler};
  scheduler.at(Time{20}, log, 1);
  scheduler.at(Time{10}, log, 2);
  scheduler.at(Time{20}, log, 3);
  scheduler.at(Time{10}, log, 4);
  scheduler.run_until(Time{100});
  EXPECT_THAT(log.happened, ElementsAre(2, 4, 1, 3));
  EXPECT_EQ(scheduler.now(), Time{100});
}

TEST(Scheduler, AnEventAtTheTimeOfAnEdgeComesFirst) {
  Scheduler scheduler;
  Log log{scheduler};
  scheduler.set_clock(log);
  scheduler.at(kClockPeriod, log, 1);
  scheduler.at(kClockPeriod + Time{1}, log, 2);
  scheduler.run_until(kClockPeriod * 2);
  EXPECT_THAT(log.happened, ElementsAre(1, 1001, 2, 1002));
  EXPECT_EQ(scheduler.cycles(), Cycles{2});
}

TEST(Scheduler, ANewEventAtThePresentHappensInTheSameRun) {
  Scheduler scheduler;
  Log log{scheduler};
  log.on_next = [&] { scheduler.after(Time{0}, log, 2); };
  scheduler.at(Time{5}, log, 1);
  scheduler.run_until(Time{5});
  EXPECT_THAT(log.happened, ElementsAre(1, 2));
}

TEST(Scheduler, StopsWhenDoneAtTheTimeOfTheEventThatDidIt) {
  Scheduler scheduler;
  Log log{scheduler};
  bool done = false;
  log.on_next = [&] { done = true; };
  scheduler.at(Time{7}, log, 1);
  scheduler.at(Time{8}, log, 2);
  EXPECT_TRUE(scheduler.run_until(Time{100}, done));
  EXPECT_EQ(scheduler.now(), Time{7});
  EXPECT_THAT(log.happened, ElementsAre(1));
  done = false;
  EXPECT_FALSE(scheduler.run_until(Time{100}, done));
  EXPECT_EQ(scheduler.now(), Time{100});
}

}  // namespace
}  // namespace holdover::sim
