// SPDX-License-Identifier: MIT
// Logs are understood or refused with a sentence, and recorded and emulated writes are lined up by what they mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "bench/compare/comparison.h"
#include "bench/compare/config_log.h"
#include "bench/compare/port_trace.h"
#include "bench/compare/recorded_run.h"
#include "bench/compare/register_names.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> lines_of(std::span<const RegisterWrite> writes) {
  std::vector<std::string> lines;
  for (const Meaning& meaning : meanings(writes)) lines.push_back(meaning.name + " " + meaning.value);
  return lines;
}

ConfigLog read(const std::string& text) {
  std::istringstream in(text);
  return read_config_log(in, "the log");
}

template <typename Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    return error.what();
  }
  return {};
}

std::string command(const std::string& before, const std::string& value) {
  return "1.0 CFG_WRITE off=0x004 size=2 val=" + value + " old=" + before + " new=" + value + " COMMAND [IO-]\n";
}

// A kernel that finds COMMAND 0102h, sizes one BAR of 128 KiB and writes Link Control.
std::string enumeration() {
  return command("0x0102", "0x0502") + command("0x0502", "0x0102") + command("0x0102", "0x0100") +
         "1.1 CFG_WRITE off=0x010 size=4 val=0xffffffff old=0x9000000c new=0xfffe000c BAR0\n"
         "1.2 CFG_WRITE off=0x010 size=4 val=0x9000000c old=0xfffe000c new=0x9000000c BAR0\n"
         "1.2 CFG_WRITE off=0x014 size=4 val=0xffffffff old=0x00000001 new=0xffffffff BAR1(upper half)\n"
         "1.2 CFG_WRITE off=0x014 size=4 val=0x00000001 old=0xffffffff new=0x00000001 BAR1(upper half)\n" +
         command("0x0100", "0x0102") + "1.3 CFG_WRITE off=0x0a0 size=2 val=0x0008 old=0x0000 new=0x0008 PCIE.LnkCtl\n";
}
std::string whole_log() {
  return enumeration() + command("0x0102", "0x0106") +
         "2.0 #### PHASE 6 driver bound\n2.1 #### PHASE 3 before kexec\n" + command("0x0106", "0x0102") +
         enumeration() + command("0x0102", "0x0106") + "3.0 #### PHASE 4 user space\n";
}

TEST(ConfigLog, KeepsWritesAndMarksAndPassesOverOtherLines) {
  const ConfigLog log = read("0.1 listening\n" + command("0x0000", "0x0006") + "#### PHASE 3 before kexec -e\n");
  ASSERT_EQ(log.writes.size(), 1u);
  EXPECT_EQ(log.writes[0].line, 2u);
  EXPECT_EQ(log.writes[0].offset, 4u);
  EXPECT_EQ(log.writes[0].size, 2u);
  EXPECT_EQ(log.writes[0].value, 6u);
  EXPECT_EQ(log.writes[0].name, "COMMAND");
  ASSERT_EQ(log.marks.size(), 1u);
  EXPECT_EQ(log.marks[0].number, 3u);
  EXPECT_EQ(log.marks[0].text, "before kexec -e");
  EXPECT_EQ(log.marks[0].writes, 1u);
}

TEST(ConfigLog, AnythingElseIsRefusedWithASentence) {
  EXPECT_THAT(refusal([] { read("nothing\nat all\n"); }), HasSubstr("the log is no log of configuration writes"));
  EXPECT_THAT(refusal([] { read(""); }), HasSubstr("no line of it says CFG_WRITE"));
  EXPECT_THAT(refusal([] { read("\n1.0 CFG_WRITE off=0x004 size=2 val=0x0"); }),
              HasSubstr("line 2: this configuration"));
  EXPECT_THAT(refusal([] { read("1.0 CFG_WRITE off=0x004 size=2 val=0x1g old=0x0 new=0x0 X"); }), HasSubstr("«val=»"));
  EXPECT_THAT(refusal([] { read("1.0 CFG_WRITE off=0x004 size=3 val=0x1 old=0x0 new=0x0 X"); }),
              HasSubstr("are no configuration write"));
  EXPECT_THAT(refusal([] { read("1.0 CFG_WRITE off=0x1000 size=4 val=0x1 old=0x0 new=0x0 X"); }),
              HasSubstr("are no configuration write"));
  EXPECT_THAT(refusal([] { read("1.0 CFG_WRITE off=0x005 size=2 val=0x1 old=0x0 new=0x0 X"); }),
              HasSubstr("are no configuration write"));
  EXPECT_THAT(refusal([] { read("1.0 CFG_WRITE off=0x004 size=2 val=0x10000 old=0x0 new=0x0 X"); }),
              HasSubstr("wider than the 2 bytes"));
  EXPECT_THAT(refusal([] { read("1.0 #### PHASE\n"); }), HasSubstr("this mark has no"));
}

TEST(RecordedRun, FindsThePhasesBetweenTheMarks) {
  const RecordedRun run = understand(read(whole_log()), "the log");
  EXPECT_TRUE(run.has_boot);
  EXPECT_EQ(run.writes[0].size(), 9u);
  EXPECT_THAT(lines_of(run.writes[1]), ElementsAre("COMMAND 0x0102"));
  EXPECT_THAT(lines_of(run.writes[2]),
              ElementsAre("COMMAND 0x0502", "COMMAND 0x0102", "COMMAND 0x0100", "BAR0 all ones", "BAR0 as before",
                          "BAR1 all ones", "BAR1 as before", "COMMAND 0x0102", "PCIE.LnkCtl 0x0008"));
  EXPECT_EQ(run.firmware_command, 0x0102u);
  EXPECT_EQ(run.user_command, 0x0106u);
  EXPECT_TRUE(run.driver_bound);
  EXPECT_FALSE(run.crash);
  EXPECT_EQ(run.profile, "stock-7.2");
}

TEST(RecordedRun, DecodeThatIsOffForEachBarTellsAnOlderKernel) {
  const std::string twice = command("0x0102", "0x0100") + command("0x0100", "0x0102");
  const std::string log = "1 #### PHASE 3 crash\n" + enumeration() + twice +
                          "1.3 CFG_WRITE off=0x0a0 size=2 val=0x0000 old=0x0000 new=0x0000 PCIE.LnkCtl\n";
  const RecordedRun run = understand(read(log), "the log");
  EXPECT_EQ(run.profile, "stock-6.1");
  EXPECT_FALSE(run.has_boot);
  EXPECT_TRUE(run.crash);
  EXPECT_FALSE(run.driver_bound);
}

TEST(RecordedRun, WithoutAKexecThereIsNothingToCompare) {
  EXPECT_THAT(refusal([] { (void)understand(read(enumeration()), "the log"); }),
              HasSubstr("the log has no kexec in it"));
  EXPECT_THAT(refusal([] { (void)understand(read(enumeration() + "#### PHASE 3 before kexec\n"), "the log"); }),
              HasSubstr("ends before a kernel enumerates"));
}

TEST(RecordedRun, StrapsFollowFromWhatRegistersBecame) {
  const RecordedRun run = understand(read(whole_log()), "the log");
  EXPECT_TRUE(run.endpoint.bar0_wide);
  EXPECT_EQ(run.endpoint.bar0_size_log2, 17u);
  EXPECT_FALSE(run.endpoint.aer);
  EXPECT_FALSE(run.endpoint.io_space);
  EXPECT_FALSE(run.endpoint.extended_tag);
  EXPECT_THAT(run.unlike, ElementsAre("the device has no BAR 2, and the emulated endpoint has one"));
  const std::string more =
      "1.2 CFG_WRITE off=0x018 size=4 val=0xffffffff old=0x0 new=0xffffe000 BAR2\n"
      "1.2 CFG_WRITE off=0x020 size=4 val=0xffffffff old=0x0 new=0xffffff01 BAR4\n"
      "1.2 CFG_WRITE off=0x004 size=2 val=0x0103 old=0x0102 new=0x0103 COMMAND\n"
      "1.2 CFG_WRITE off=0x098 size=2 val=0x2930 old=0x2810 new=0x2930 PCIE.DevCtl\n"
      "1.2 CFG_WRITE off=0x110 size=4 val=0x0 old=0x0 new=0x0 AER.CorSta\n";
  const RecordedRun other = understand(read(more + whole_log()), "the log");
  EXPECT_FALSE(other.endpoint.bar2_wide);
  EXPECT_EQ(other.endpoint.bar2_size_log2, 13u);
  EXPECT_TRUE(other.endpoint.aer);
  EXPECT_TRUE(other.endpoint.io_space);
  EXPECT_TRUE(other.endpoint.extended_tag);
  EXPECT_EQ(other.endpoint.max_payload_supported, 1u);
  EXPECT_THAT(other.unlike, ElementsAre(HasSubstr("BAR 4 of the device (I/O")));
}

TEST(RegisterNames, GoByCapabilityWhereverItStands) {
  const RegisterNames names = RegisterNames::of_log(read(whole_log()));
  EXPECT_EQ(names.name(0x04), "COMMAND");
  EXPECT_EQ(names.name(0x30), "ROM");
  EXPECT_EQ(names.name(0x98), "PCIE.DevCtl");
  EXPECT_EQ(names.name(0xb8), "PCIE.DevCtl2");
  EXPECT_EQ(names.name(0xd0), "@0x0d0");
  const RegisterNames port(RegisterNames::Header::Type1, {{"AER", 0x100}});
  EXPECT_EQ(port.name(0x3e), "BRIDGECTL");
  EXPECT_EQ(port.name(0x12c), "AER.RootCmd");
}

TEST(Meanings, AddressesCountByWhetherTheyCameBack) {
  const std::vector<RegisterWrite> writes{{"BAR0", 4, 0xffff'ffff, 0x9000'0000},
                                          {"BAR0", 4, 0x9000'0000, 0xffff'0000},
                                          {"BAR0", 4, 0x8000'0000, 0x9000'0000},
                                          {"ROM", 4, 0xffff'f800, 0},
                                          {"ROM", 4, 0, 0xffff'f800},
                                          {"COMMAND", 2, 0x6, 0x2},
                                          {"MEMWIN", 4, 0xfff0'e000, std::nullopt}};
  EXPECT_THAT(lines_of(writes), ElementsAre("BAR0 all ones", "BAR0 as before", "BAR0 an address", "ROM all ones",
                                            "ROM as before", "COMMAND 0x0006", "MEMWIN a position"));
}

std::vector<RegisterWrite> commands(std::initializer_list<std::uint32_t> values) {
  std::vector<RegisterWrite> writes;
  for (const std::uint32_t value : values) writes.push_back({"COMMAND", 2, value, std::nullopt});
  return writes;
}

Comparison compared(ComparedRole role, const std::vector<RegisterWrite>& recorded,
                    const std::vector<RegisterWrite>& emulated, bool accept = true) {
  Comparison comparison;
  comparison.parts.push_back(compare(role, ComparedPhase::Boot, recorded, emulated, accept));
  return comparison;
}

TEST(Comparison, TheSameWritesInTheSameOrderAreTheSame) {
  const Comparison same = compared(ComparedRole::Endpoint, commands({1, 2, 3}), commands({1, 2, 3}));
  EXPECT_EQ(same.differences(), 0u);
  EXPECT_EQ(same.writes(), 3u);
}

TEST(Comparison, EveryMissingAdditionalAndOtherWriteIsOneDifference) {
  EXPECT_EQ(compared(ComparedRole::Endpoint, commands({1, 2, 3}), commands({1, 3})).differences(), 1u);
  EXPECT_EQ(compared(ComparedRole::Endpoint, commands({1, 3}), commands({1, 2, 3})).differences(), 1u);
  EXPECT_EQ(compared(ComparedRole::Endpoint, commands({1, 2, 3}), commands({1, 7, 3})).differences(), 1u);
  EXPECT_EQ(compared(ComparedRole::Endpoint, commands({1, 2}), commands({2, 1})).differences(), 2u) << "order counts";
  EXPECT_EQ(compared(ComparedRole::Endpoint, commands({1}), {{"STATUS", 2, 1, {}}}).differences(), 2u);
  EXPECT_EQ(compared(ComparedRole::Endpoint, commands({}), commands({})).differences(), 0u);
}

TEST(Comparison, AcceptedDifferencesDoNotCountAndAreExplained) {
  const std::vector<RegisterWrite> recorded{{"COMMAND", 2, 0x103, {}}, {"MSIX.Ctl", 2, 0xc000, {}}};
  const std::vector<RegisterWrite> emulated{{"COMMAND", 2, 0x102, {}}};
  const Comparison port = compared(ComparedRole::RootPort, recorded, emulated);
  EXPECT_EQ(port.differences(), 0u);
  EXPECT_EQ(port.accepted(), 2u);
  std::ostringstream text;
  print(text, port);
  EXPECT_THAT(text.str(), HasSubstr("port-interrupts: the recorded port interrupts by MSI-X"));
  EXPECT_THAT(text.str(), HasSubstr("SAME, 2 accepted"));
  EXPECT_EQ(compared(ComparedRole::RootPort, recorded, emulated, false).differences(), 2u);
  EXPECT_EQ(compared(ComparedRole::Endpoint, recorded, emulated).differences(), 2u) << "of a port, not of an endpoint";
  EXPECT_EQ(compared(ComparedRole::RootPort, {{"COMMAND", 2, 0x107, {}}}, emulated).differences(), 1u)
      << "another bit than the one that may differ";
}

TEST(Comparison, AWriteOfOneSideAloneIsAcceptedForTheBitsThatMayDifferOnly) {
  const RegisterWrite once{"PCIE.DevCtl", 2, 0x000f, {}};
  const auto differences = [&once](std::uint32_t more) {
    const RegisterWrite again{"PCIE.DevCtl", 2, more, {}};
    return compared(ComparedRole::RootPort, {again, once}, {{"PCIE.DevCtl", 2, 0x291f, {}}}).differences();
  };
  EXPECT_EQ(differences(0x010f), 0u) << "Extended Tag Enable, set anew";
  EXPECT_NE(differences(0xffff), 0u);
}

TEST(Comparison, TheRecordInJsonSaysTheSame) {
  const Comparison comparison = compared(ComparedRole::Endpoint, commands({1, 2}), commands({1}));
  EXPECT_THAT(to_json(comparison), HasSubstr("\"differences\": 1"));
  EXPECT_THAT(to_json(comparison), HasSubstr("\"emulated\": null"));
}

std::string traced(const std::string& device, const std::string& write) {
  return "pci_cfg_write " + device + " " + write + "\n";
}

std::string port_trace() {
  const auto port = [](const std::string& write) { return traced("pcie-root-port 00:03.0", write); };
  const auto device = [](const std::string& write) { return traced("a-device 01:00.0", write); };
  const std::string kernel = port("@0x4 <- 0x503") + port("@0x4 <- 0x103") + device("@0x4 <- 0x402") +
                             device("@0x4 <- 0x2") + device("@0xa0 <- 0x0") + port("@0x64 <- 0x20");
  return port("@0x3e <- 0x2") + kernel + device("@0x4 <- 0x6") + port("@0x70 <- 0x0") + kernel + device("@0x4 <- 0x6") +
         port("@0x70 <- 0x1");
}

TEST(PortTrace, PhasesAreToldByTheWritesThemselves) {
  std::istringstream in("another event\n" + port_trace());
  const PortTrace trace = read_port_trace(in, "the trace");
  EXPECT_EQ(trace.bridge_control, 2u);
  EXPECT_THAT(lines_of(trace.writes[0]), ElementsAre("COMMAND 0x0503", "COMMAND 0x0103", "PCIE.LnkCtl 0x0020"));
  EXPECT_THAT(lines_of(trace.writes[1]), ElementsAre("PCIE.RootCtl 0x0000"));
  EXPECT_EQ(lines_of(trace.writes[2]), lines_of(trace.writes[0]));
}

TEST(PortTrace, AnythingElseIsRefusedWithASentence) {
  const auto said = [](const std::string& text) {
    return refusal([&text] {
      std::istringstream in(text);
      (void)read_port_trace(in, "the trace");
    });
  };
  EXPECT_THAT(said("nothing\n"), HasSubstr("the trace is no trace of configuration writes"));
  EXPECT_THAT(said("pci_cfg_write pcie-root-port 00:03.0 @0x4"), HasSubstr("line 1: this is no «pci_cfg_write"));
  EXPECT_THAT(said(traced("a-device 01:00.0", "@0x4 <- 0x6")), HasSubstr("has no root port"));
  EXPECT_THAT(said(traced("pcie-root-port 00:03.0", "@0x4 <- 0x6")), HasSubstr("has no endpoint"));
  EXPECT_THAT(said(traced("pcie-root-port 00:03.0", "@0x4 <- 0x6") + traced("a-device 01:00.0", "@0x4 <- 0x6")),
              HasSubstr("has no kexec in it"));
}

}  // namespace
}  // namespace holdover::bench
