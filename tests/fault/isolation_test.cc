// SPDX-License-Identifier: MIT
// Kernels as processes: the same run as in this process, and nothing left behind however it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/witness.h"
#include "tests/support/bench_run.h"

namespace holdover::bench::testing {
namespace {

using ::testing::HasSubstr;

class IsolationTest : public ::testing::Test {
 protected:
  IsolationTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "holdover-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  ~IsolationTest() override {
    std::filesystem::remove_all(directory);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  static RunOptions as_processes() {
    RunOptions options = short_run();
    options.isolation = Isolation::Process;
    options.kernel_image = HOLDOVER_KERNEL_IMAGE;
    return options;
  }
  std::filesystem::path script(const std::string& text) const {
    std::filesystem::path file = directory / "image";
    std::ofstream(file) << "#!/bin/sh\n" << text << '\n';
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  static std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::filesystem::path directory;
};

class EachTopology : public IsolationTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(EachTopology, TheSameSeedGivesTheSameTraceInBothIsolations) {
  RunOptions options = short_run();
  options.topology = GetParam();
  options.blackout = Time{20'000'000};
  options.before = options.after = Time{10'000'000};
  options.seed = 11;
  options.trace = directory / "in-process";
  const Report here = run_whole(options);
  options.isolation = Isolation::Process;
  options.kernel_image = HOLDOVER_KERNEL_IMAGE;
  options.trace = directory / "process";
  const Report there = run_whole(options);

  EXPECT_EQ(here.verdict.outcome, Outcome::Pass) << text_of(here);
  EXPECT_EQ(there.verdict.outcome, Outcome::Pass) << text_of(there);
  EXPECT_EQ(here.clocks, there.clocks);
  EXPECT_GT(contents(directory / "process").size(), 1'000'000u);
  EXPECT_TRUE(contents(directory / "in-process") == contents(directory / "process")) << "seed " << options.seed;
}

std::vector<std::string> names_of_topologies() {
  std::vector<std::string> names;
  for (const sim::TopologyEntry& entry : sim::topologies()) names.emplace_back(entry.name);
  return names;
}

std::string name_of(const ::testing::TestParamInfo<std::string>& topology) {
  std::string name = topology.param;
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, EachTopology, ::testing::ValuesIn(names_of_topologies()), name_of);

TEST_F(IsolationTest, AHostThatIsKilledMakesTheRunInconclusiveWithItsPhase) {
  RunOptions options = as_processes();
  options.kernel_image = script("kill -SEGV $$");
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Inconclusive) << text_of(report);
  EXPECT_THAT(report.verdict.headline, HasSubstr("killed by signal 11 (SIGSEGV) in phase boot"));
  EXPECT_EQ(exit_code(report), 3);
}

TEST_F(IsolationTest, ANextKernelThatDiesIsToldWithPhaseAndConsole) {
  RunOptions options = as_processes();
  options.next_image = script("kill -KILL $$");
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Inconclusive) << text_of(report);
  EXPECT_THAT(report.verdict.headline, HasSubstr("killed by signal 9 (SIGKILL) in phase blackout"));
  EXPECT_FALSE(report.console.empty());
  EXPECT_EQ(exit_code(report), 3);
}

TEST_F(IsolationTest, WhatATerminalSendsToEverybodyIsNotForTheHost) {
  RunOptions options = as_processes();
  options.kernel_image = script("kill -INT $$; kill -TERM $$; kill -HUP $$; kill -QUIT $$; exit 7");
  const Report report = run_whole(options);
  EXPECT_THAT(report.verdict.headline, HasSubstr("exited with 7"));
}

TEST_F(IsolationTest, AHostThatExitsWithoutBeingDoneIsNoPass) {
  RunOptions options = as_processes();
  options.kernel_image = script("exit 0");
  const Report report = run_whole(options);
  EXPECT_EQ(report.verdict.outcome, Outcome::Inconclusive) << text_of(report);
  EXPECT_THAT(report.verdict.headline, HasSubstr("the window never opened"));
}

}  // namespace
}  // namespace holdover::bench::testing
