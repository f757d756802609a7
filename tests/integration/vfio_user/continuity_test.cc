// SPDX-License-Identifier: MIT
// The scenario of every other host, over the socket: the same agent, the same driver.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <tuple>

#include "host/agent/scenario_stages.h"
#include "host/backend/vfio_user/vfio_user_system.h"
#include "pcie/error.h"
#include "tests/integration/vfio_user/served_endpoint.h"

namespace holdover {
namespace {

using pcie::Phase;
using pcie::Step;

struct Told {
  std::vector<std::string> lines;
  std::vector<std::tuple<Phase, Step, std::uint64_t>> marks;

  [[nodiscard]] host::VfioUserOptions options(const std::string& command_line, bool pass_descriptors) {
    host::VfioUserOptions options;
    options.command_line = command_line;
    options.pass_descriptors = pass_descriptors;
    options.print = [this](std::string_view line) { lines.emplace_back(line); };
    options.mark = [this](Phase phase, Step step, std::uint64_t value) { marks.emplace_back(phase, step, value); };
    return options;
  }
  [[nodiscard]] unsigned count(Step step) const {
    return static_cast<unsigned>(
        std::count_if(marks.begin(), marks.end(), [step](const auto& mark) { return std::get<1>(mark) == step; }));
  }
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }
};

constexpr char kCommandLine[] =
    "scenario=continuity seed=1 before_us=50 after_us=50 blackout_us=50 heartbeat_ns=4000 completion_timeout_ns=400000";

// Both stages; the second in a system that was built from what the first left.
void run_continuity(test::ServedEndpoint& endpoint, Told& told, bool pass_descriptors) {
  const host::ScenarioStages& stages = *host::find_scenario_stages("continuity");
  std::optional<int> state;
  {
    host::VfioUserSystem system(endpoint.socket(), told.options(kCommandLine, pass_descriptors));
    try {
      stages.stage_1(system);
    } catch (const host::KernelGone& gone) {
      state = static_cast<int>(gone.boot_parameters.raw());
    }
  }
  ASSERT_TRUE(state.has_value()) << told.text();
  host::VfioUserSystem system(*state, told.options("", pass_descriptors));
  EXPECT_TRUE(system.booted_by_kexec());
  EXPECT_EQ(system.command_line(), kCommandLine);
  stages.stage_2(system);
}

struct Way {
  const char* name;
  const char* topology;
  unsigned function;
  const char* disturb;
  bool pass_descriptors;
};

class VfioUserContinuity : public ::testing::TestWithParam<Way> {};

TEST_P(VfioUserContinuity, TrafficGoesOnWhileTheHostIsThrownAway) {
  const Way& way = GetParam();
  test::ServedEndpoint endpoint(way.topology, way.function, way.disturb);
  Told told;
  run_continuity(endpoint, told, way.pass_descriptors);
  EXPECT_EQ(told.count(Step::AgentFailed), 0u) << told.text();
  EXPECT_EQ(told.count(Step::MissedMessages), 0u) << told.text();
  EXPECT_EQ(told.count(Step::WindowEnd), 1u) << told.text();
  EXPECT_EQ(told.count(Step::TrafficStopped), 1u) << told.text();
  const std::string text = told.text();
  for (std::size_t at = text.find(", status "); at != std::string::npos; at = text.find(", status ", at + 1)) {
    EXPECT_EQ(text.substr(at, 10), ", status 0") << text;
  }
  EXPECT_NE(text.find("every interrupt vector in use is alive"), std::string::npos) << text;
  EXPECT_NE(text.find(" 0 missed, 0 wrong, 0 failed"), std::string::npos) << text;
  EXPECT_NE(text.find(", 0 of "), std::string::npos) << text;
  endpoint.stop();
  EXPECT_EQ(endpoint.server().machine().violation(), "");
  EXPECT_EQ(endpoint.server().machine().memory().refused(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Ways, VfioUserContinuity,
                         ::testing::Values(Way{"Files", "direct", 0, "none", true},
                                           Way{"Messages", "direct", 0, "none", false},
                                           Way{"Disturbed", "direct", 0, "all", true},
                                           Way{"SecondOfASwitch", "switch", 1, "none", true}),
                         [](const auto& way) { return way.param.name; });

// The host process is really thrown away: another program stands in its place, with nothing but descriptors.
TEST(VfioUserExec, TrafficGoesOnWhileTheProgramIsReplaced) {
  test::ServedEndpoint endpoint;
  const std::string command =
      std::string(HOLDOVER_HOST_PROGRAM) + " " + endpoint.socket().string() + " '" + kCommandLine + "' 2>&1";
  FILE* const pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text;
  std::array<char, 512> piece{};
  while (std::fgets(piece.data(), static_cast<int>(piece.size()), pipe) != nullptr) text += piece.data();
  EXPECT_EQ(::pclose(pipe), 0) << text;
  const auto lines_with = [&text](const std::string& words) {
    unsigned count = 0;
    for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(lines_with("process "), 2u) << text;
  EXPECT_EQ(lines_with("finished"), 1u) << text;
  EXPECT_EQ(lines_with("gives up"), 0u) << text;
  EXPECT_EQ(lines_with(" 0 missed, 0 wrong, 0 failed"), 1u) << text;
  EXPECT_EQ(lines_with("status 0"), lines_with(", status ")) << text;
  endpoint.stop();
  EXPECT_EQ(endpoint.server().machine().memory().refused(), 0u);
}

}  // namespace
}  // namespace holdover
