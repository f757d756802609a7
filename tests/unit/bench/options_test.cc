// SPDX-License-Identifier: MIT
// Options are refused with a sentence before anything starts, and can be written down so that they ask for the same
// again.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "bench/fault_table.h"
#include "bench/firmware.h"
#include "bench/output_file.h"
#include "bench/run.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

RunOptions in_process() {
  RunOptions options;
  options.isolation = Isolation::InProcess;
  return options;
}

std::string refusal(const RunOptions& options) {
  try {
    validate(options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

class OwnDirectory : public ::testing::Test {
 protected:
  OwnDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "holdover-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path = pattern;
  }
  ~OwnDirectory() override { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

TEST(Options, DefaultsAreValid) { EXPECT_EQ(refusal(in_process()), ""); }

TEST(Options, AnUnknownNameIsAnsweredWithThePossibleOnes) {
  RunOptions options = in_process();
  options.scenario = "continuty";
  EXPECT_EQ(refusal(options), "--scenario: there is no «continuty»; there are: continuity, neighbour, plain-kexec");
  options = in_process();
  options.faults = {"H999"};
  EXPECT_NE(refusal(options).find("--fault: there is no fault «H999»; there are: H006"), std::string::npos);
}

TEST(Options, AnEndpointIsChosenByNameAndBringsItsPayload) {
  RunOptions options = in_process();
  options.endpoint = "toaster";
  EXPECT_EQ(refusal(options), "--endpoint: there is no «toaster»; there are: holdover, recorded");
  options.endpoint = "recorded";
  EXPECT_EQ(machine_config(options).endpoint.max_payload_supported, 0u);
  EXPECT_TRUE(machine_config(options).endpoint.bar0_wide);
  EXPECT_EQ(refusal(options),
            "--endpoint recorded has 4 interrupt vectors, and --scenario continuity needs 9; ask for --endpoint "
            "holdover, or --scenario plain-kexec");
  options.scenario = "plain-kexec";
  EXPECT_EQ(refusal(options), "");
  EXPECT_NE(command_line(options).find(" --endpoint recorded"), std::string::npos);
  options.max_payload = 256;
  EXPECT_NE(refusal(options), "");
  EXPECT_EQ(max_payload(in_process()), 512u);
  EXPECT_EQ(command_line(in_process()).find("--max-payload"), std::string::npos);
}

TEST(Options, ANeighbourNeedsASwitch) {
  RunOptions options = in_process();
  options.scenario = "neighbour";
  EXPECT_NE(refusal(options).find("--topology switch"), std::string::npos);
  options.topology = "switch";
  EXPECT_EQ(refusal(options), "");
}

TEST(Options, TimesOutOfRangeAreRefused) {
  RunOptions options = in_process();
  options.blackout = Time{0};
  EXPECT_EQ(refusal(options), "--blackout: 0us is out of range; possible are 1us to 1s");
  options.blackout = Time{2'000'000'000'000};
  EXPECT_NE(refusal(options).find("2s is out of range"), std::string::npos);
}

TEST(Options, AnUnknownLinkIsAnsweredWithThePossibleOnes) {
  RunOptions options = in_process();
  for (const char* const link : {"gen6x1", "gen3x3", "gen3", "x8", "gen3x8 ", ""}) {
    options.link = link;
    EXPECT_NE(refusal(options).find("--link: there is no link «" + options.link + "»; there are gen1 to gen5"),
              std::string::npos)
        << link;
  }
}

TEST(Options, EveryLinkTakesTheHeartbeatThatItCanOrSaysWhichOne) {
  RunOptions options = in_process();
  for (const char* const topology : {"direct", "switch", "wide"}) {
    for (unsigned generation = 1; generation <= 5; ++generation) {
      for (const unsigned lanes : {1u, 2u, 4u, 8u, 16u}) {
        options.topology = topology;
        options.link = "gen" + std::to_string(generation) + "x" + std::to_string(lanes);
        options.heartbeat = RunOptions{}.heartbeat;
        const std::string sentence = refusal(options);
        const Time bound = sim::silence_bound(machine_config(options)).total;
        EXPECT_EQ(sentence.empty(), options.heartbeat * 16 > bound) << sentence;
        if (sentence.empty()) continue;
        EXPECT_NE(sentence.find("is too fast for --link " + options.link), std::string::npos);
        EXPECT_NE(sentence.find("a faster link"), std::string::npos);
        options.heartbeat = Time{1'000'000} * (bound / Time{16'000'000} + 1);
        if (options.heartbeat > Time{20'000'000}) continue;  // too slow for any
        EXPECT_EQ(refusal(options), "");
        EXPECT_NE(sentence.find("ask for " + format_time(options.heartbeat) + " or more"), std::string::npos);
      }
    }
  }
}

TEST(Options, WithoutACompletionTimeOutOfItsOwnASlowLinkHasALongOne) {
  RunOptions options = in_process();
  EXPECT_EQ(machine_config(options).endpoint.completion_timeout, sim::EndpointConfig{}.completion_timeout);
  options.link = "gen1x1";
  options.heartbeat = Time{5'000'000};
  EXPECT_GT(machine_config(options).endpoint.completion_timeout, sim::longest_answer(machine_config(options)));
  EXPECT_EQ(refusal(options), "");
  options.completion_timeout = sim::EndpointConfig{}.completion_timeout;
  EXPECT_NE(refusal(options).find("--completion-timeout: 200us is out of range"), std::string::npos);
}

TEST(Options, LowPowerOfLinksIsChosenByNameAndCountsInTheLimits) {
  RunOptions options = in_process();
  EXPECT_EQ(machine_config(options).aspm, 0u);
  const Time awake = sim::silence_bound(machine_config(options)).total;
  unsigned aspm = 0;
  for (const char* const name : {"off", "l0s", "l1", "all"}) {
    for (const char* const topology : {"direct", "switch", "wide"}) {
      options.aspm = name;
      options.topology = topology;
      EXPECT_EQ(refusal(options), "") << name << " leaves the default heartbeat possible";
      EXPECT_EQ(machine_config(options).aspm, aspm);
    }
    ++aspm;
    options.topology = "direct";
    EXPECT_EQ(sim::silence_bound(machine_config(options)).total > awake, options.aspm != "off");
    EXPECT_EQ(command_line(options).find(" --aspm " + options.aspm) != std::string::npos, options.aspm != "off");
  }
  options.aspm = "L1";
  EXPECT_EQ(refusal(options), "--aspm: there is no «L1»; there are: off, l0s, l1, all");
}

TEST(Options, AWaveWindowNeedsAWave) {
  RunOptions options = in_process();
  options.wave_to = Time{5'000'000};
  EXPECT_EQ(refusal(options), "--wave-from and --wave-to need --wave FILE.fst");
}

TEST(Options, ProcessIsolationNeedsAnImageThatCanBeExecuted) {
  RunOptions options;
  options.kernel_image = "/nowhere/image";
  EXPECT_NE(refusal(options).find("cannot be executed"), std::string::npos);
}

TEST(Options, TheCommandLineNamesEverythingThatIsNotDefault) {
  RunOptions options = in_process();
  options.seed = 7;
  options.blackout = Time{250'000'000};
  options.faults = {"H014"};
  options.trace = "t.tlp";
  options.trace_memory = true;
  options.dram = "m.dram";
  options.wave = "a b.fst";
  options.wave_from = Time{1'500'000};
  EXPECT_EQ(command_line(options),
            "holdover run --scenario continuity --profile continuous --topology direct --seed 7 --isolation in-process "
            "--blackout 250us --fault H014 --trace t.tlp --trace-detail memory --dram m.dram --wave 'a b.fst' "
            "--wave-from 1500ns");
}

TEST(Options, TheCommandLineNamesProgramAndImages) {
  RunOptions options;
  options.program = "build/my bin/holdover";
  options.own_image = "build/image";
  EXPECT_EQ(command_line(options).find("image"), std::string::npos);
  options.kernel_image = "other/image";
  options.next_image = "third/image";
  EXPECT_EQ(command_line(options),
            "'build/my bin/holdover' run --scenario continuity --profile continuous --topology direct --seed 1 "
            "--isolation process --kernel-image other/image --next-image third/image");
}

TEST(Options, MachineFaultsAndHazardsAreToldApart) {
  const FaultSelection selection = select_faults({"H014", "stuck-engine"});
  EXPECT_EQ(selection.hazards, std::vector<std::string>{"H014"});
  ASSERT_EQ(selection.machine.size(), 1u);
  EXPECT_EQ(selection.machine[0].kind, sim::MachineFault::Kind::StallTransmit);
}

TEST(Options, AnInterferenceGoesOntoTheCommandLineOfTheKernel) {
  RunOptions options = in_process();
  options.faults = {"H014", "unbind-preserved"};
  EXPECT_EQ(select_faults(options.faults).interference, "unbind-preserved");
  EXPECT_NE(kernel_command_line(options, {}).find(" interference=unbind-preserved"), std::string::npos);
  EXPECT_THROW((void)select_faults({"unbind-preserved", "agent-dies-incoming"}), Error);
}

TEST(Options, AnInterferenceNeedsSomethingThatIsHandedOver) {
  RunOptions options = in_process();
  options.faults = {"unbind-preserved"};
  EXPECT_NO_THROW(validate(options));
  options.jump = Jump::Crash;
  EXPECT_THROW(validate(options), Error);
  options.jump = Jump::Kexec;
  options.scenario = "plain-kexec";
  EXPECT_THROW(validate(options), Error);
  options.scenario = "continuity";
  options.jump = Jump::None;
  EXPECT_THROW(validate(options), Error);
}

TEST(Options, TheKernelsCommandLineCarriesHazardsAndTimes) {
  RunOptions options = in_process();
  options.before = Time{50'000'000};
  EXPECT_EQ(kernel_command_line(options, {"H014", "H015"}),
            "profile=continuous next=continuous scenario=continuity seed=1 jump=kexec before_us=50 after_us=200 "
            "blackout_us=1000 "
            "heartbeat_ns=2000 completion_timeout_ns=200000 "
            "hazard=H014 hazard=H015");
}

TEST(Options, AHostIsWaitedForAsLongAsItsKernelsMayWaitAtEachFunction) {
  constexpr Time kSecond{1'000'000'000'000};
  RunOptions options = in_process();
  const Time usual = host_patience(options, 3);
  EXPECT_GT(usual, options.before + options.after + options.blackout);
  EXPECT_LT(usual, kSecond);
  options.to = "continuous:delays=real";
  EXPECT_GT(host_patience(options, 3), kSecond * 3);
  EXPECT_EQ(host_patience(options, 5) - host_patience(options, 3), kSecond * 2);
  options.blackout = options.blackout + kSecond;
  EXPECT_GT(host_patience(options, 3), kSecond * 4);
}

TEST(Options, InterruptsAreSwitchedOffWhereTheFirstKernelDemandsItOrAUserDoes) {
  const auto line = [](const RunOptions& options) { return kernel_command_line(options, {}); };
  RunOptions options = in_process();
  EXPECT_EQ(line(options).find("interrupts_at_freeze"), std::string::npos);
  options.profile = "pci-v9+vfio-v5";
  EXPECT_NE(line(options).find(" interrupts_at_freeze=off"), std::string::npos);
  EXPECT_EQ(command_line(options).find("--interrupts-at-freeze"), std::string::npos);
  options.interrupts_at_freeze = InterruptsAtFreeze::Keep;
  EXPECT_EQ(line(options).find("interrupts_at_freeze"), std::string::npos);
  EXPECT_NE(command_line(options).find(" --interrupts-at-freeze keep"), std::string::npos);
  options = in_process();
  options.faults = {"H009"};
  EXPECT_NE(line(options).find(" interrupts_at_freeze=off"), std::string::npos);
}

TEST_F(OwnDirectory, AnOutputWithoutADirectoryIsRefusedBeforeTheRun) {
  RunOptions options = in_process();
  options.json = path / "missing" / "report.json";
  EXPECT_NE(refusal(options).find("--json: "), std::string::npos);
  options.json = path;
  EXPECT_NE(refusal(options).find("it is a directory"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(path));
}

TEST_F(OwnDirectory, OneFileForTwoOutputsIsRefused) {
  RunOptions options = in_process();
  options.json = path / "out";
  options.junit = path / "." / "out";
  EXPECT_NE(refusal(options).find("is named for another output too"), std::string::npos);
}

TEST_F(OwnDirectory, AFileIsReplacedWholeAndNothingElseIsLeft) {
  const std::filesystem::path file = path / "report.json";
  write_whole("--json", file, "old");
  write_whole("--json", file, "new");
  std::ifstream in(file);
  std::string text;
  in >> text;
  EXPECT_EQ(text, "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}), 1);
}

TEST_F(OwnDirectory, APipeOrADeviceIsNeverReplaced) {
  ASSERT_EQ(mkfifo((path / "pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink(path / "pipe", path / "link");
  RunOptions options = in_process();
  for (const char* name : {"pipe", "link"}) {
    options.trace = path / name;
    EXPECT_NE(refusal(options).find("it is no regular file"), std::string::npos) << name;
  }
}

TEST_F(OwnDirectory, ALinkIsFollowed) {
  write_whole("--json", path / "file", "old");
  std::filesystem::create_symlink("file", path / "link");
  write_whole("--json", path / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(path / "link"));
  EXPECT_EQ(std::filesystem::file_size(path / "file"), 3u);
  EXPECT_EQ(place_of(path / "link"), std::filesystem::canonical(path / "file"));
}

TEST_F(OwnDirectory, ANewFileHasTheModeThatTheUserAskedFor) {
  const mode_t before = umask(077);
  write_whole("--json", path / "file", "text");
  umask(before);
  EXPECT_EQ(std::filesystem::status(path / "file").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(OwnDirectory, AFailedWriteLeavesNothing) {
  std::filesystem::create_directory(path / "taken");
  EXPECT_THROW(write_whole("--json", path / "taken", "text"), Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}), 1);
}

}  // namespace
}  // namespace holdover::bench
