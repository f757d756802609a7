// SPDX-License-Identifier: MIT
// What stops a measurement or takes the trust in its figures, on machines that are not what the bench believes.
#include "bench/measure/measure.h"

#include <gtest/gtest.h>

#include <sstream>

#include "bench/booted_machine.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::bench::testing {
namespace {

MeasureOptions quick(std::vector<std::string> tests, std::uint32_t size) {
  MeasureOptions options;
  options.tests = std::move(tests);
  options.sizes = {size};
  options.depth = 4;
  options.duration = Time{5'000'000};
  options.samples = 3;
  options.machine.disturb = "none";
  options.machine.read_latency_min = options.machine.read_latency_max = Time{600'000};
  options.machine.max_payload = 256;
  return options;
}

std::string text(const MeasureReport& report) {
  std::ostringstream out;
  print(out, report);
  return out.str();
}

TEST(Measure, AKindMachineRaisesNoAlarm) {
  const MeasureReport report = measure(quick({"BW_WR", "BW_RD"}, 65536), sim::build_machine);
  EXPECT_TRUE(report.alarms.empty()) << text(report);
  EXPECT_EQ(exit_code(report), 0);
}

TEST(Measure, MoreThanTheLinkCanCarryIsAnAlarm) {
  MeasureReport report;
  report.link.wide_addresses = true;
  report.bandwidth.push_back({"BW_WR", 65536, 10, 1000, report.link.write_bound(65536) + 0.001});
  compare_with_theory(report);
  ASSERT_EQ(report.alarms.size(), 1u) << text(report);
  EXPECT_NE(report.alarms[0].find("BW_WR of 65536 bytes"), std::string::npos) << report.alarms[0];
  EXPECT_EQ(exit_code(report), 1);
  EXPECT_NE(text(report).find("ALARM: BW_WR"), std::string::npos);
  EXPECT_NE(to_json(report).find("above what the link can carry"), std::string::npos);
}

// The theory is of the link that the function's registers tell, not of the one that somebody believes in.
TEST(Measure, TheLinkIsThatOfTheRegisters) {
  const MeasureReport report =
      measure(quick({"BW_WR"}, 65536), [](const sim::MachineConfig& config, sim::Witness& witness) {
        sim::MachineConfig faster = config;
        faster.link.generation = 5;
        return sim::build_machine(faster, witness);
      });
  EXPECT_EQ(report.link.generation, 5u);
  EXPECT_TRUE(report.alarms.empty()) << text(report);
}

// A system that somebody else brings, as a board is one.
TEST(Measure, ASystemThatIsGivenIsMeasuredByItsOwnClock) {
  MeasureOptions options = quick({"BW_RD", "LAT_MMIO_RD"}, 4096);
  BootedMachine machine(options.machine, sim::build_machine);
  const MeasureReport report = measure(options, MeasuredSystem{"vfio-user:there", machine.system(), TimeBase::Device,
                                                               machine.config().endpoint.completion_timeout});
  EXPECT_TRUE(report.alarms.empty()) << text(report);
  EXPECT_EQ(report.endpoint.data_width, 256u);
  EXPECT_EQ(report.endpoint.clock_period, 4.0);
  EXPECT_EQ(report.link.max_payload, 256u);
  EXPECT_EQ(report.link.max_read_request, 512u);
  EXPECT_GT(report.latency.at(0).minimum, report.latency.at(0).wire);
  EXPECT_NE(text(report).find("device time"), std::string::npos) << text(report);
  EXPECT_EQ(text(report).find("simulated"), std::string::npos) << text(report);
  EXPECT_NE(to_json(report).find("\"time\": \"device\""), std::string::npos);
  EXPECT_NE(to_json(report).find("\"simulated_ps\": null"), std::string::npos);
}

TEST(Measure, ABrokenRuleIsAnAlarm) {
  const MeasureReport report =
      measure(quick({"LAT_MMIO_RD"}, 64), [](const sim::MachineConfig& config, sim::Witness& witness) {
        auto machine = sim::build_machine(config, witness);
        witness.on_violation({Time{1}, "P-SOME-RULE", "a TLP that must not be"});
        return machine;
      });
  ASSERT_EQ(report.alarms.size(), 1u) << text(report);
  EXPECT_EQ(report.alarms[0], "P-SOME-RULE: a TLP that must not be");
  EXPECT_EQ(exit_code(report), 1);
}

TEST(Measure, AStopEndsItBeforeTheNextPoint) {
  bool stop = false;
  MeasureOptions options = quick({"LAT_MMIO_RD", "BW_WR"}, 64);
  options.machine.stop = [&stop] { return stop; };
  std::vector<std::string> points;
  try {
    (void)measure(options, sim::build_machine, [&](const std::string& point) {
      points.push_back(point);
      stop = true;
    });
    FAIL() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Interrupted) << error.what();
  }
  EXPECT_EQ(points, std::vector<std::string>{"LAT_MMIO_RD 1"});
}

// A descriptor that takes longer than the driver waits for others is no stuck channel.
TEST(Measure, LongTransfersEnd) {
  MeasureOptions options = quick({"BW_WR"}, 8u << 20);
  options.depth = 1;
  const MeasureReport report = measure(options, sim::build_machine);
  EXPECT_TRUE(report.alarms.empty()) << text(report);
  ASSERT_EQ(report.bandwidth.size(), 1u);
  EXPECT_GT(report.bandwidth[0].measured, 0.99 * report.bandwidth[0].engine);
}

}  // namespace
}  // namespace holdover::bench::testing
