// SPDX-License-Identifier: MIT
// Open questions that whole runs answer: the answer that the series' authors expect, and another one where the thing is
// another: an experiment that cannot fail proves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pcie/error.h"
#include "tests/support/question_lab.h"

namespace holdover::bench::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

void expect_answer(const Answer& answer, const std::string& begins) {
  EXPECT_TRUE(answer.decided) << ::testing::PrintToString(answer);
  EXPECT_THAT(answer.sentence, StartsWith(begins)) << ::testing::PrintToString(answer);
  EXPECT_FALSE(answer.observations.empty());
  EXPECT_FALSE(answer.commands.empty());
}

TEST(Question, IsFoundByItsNameInAnyCase) {
  EXPECT_EQ(&find_question("q9"), &find_question("Q9"));
  EXPECT_THROW((void)find_question("Q99"), Error);
  EXPECT_THROW((void)find_question(""), Error);
}

TEST(Question, Q01_HardwareRunsOnWhereEverythingIsHandedOver) {
  const Answer answer = ask("Q1");
  expect_answer(answer, "Yes, where everything");
  EXPECT_THAT(seen(answer, "continuous: heartbeat records"), HasSubstr(", 0 lost, "));
  EXPECT_THAT(seen(answer, "continuous: memory"), HasSubstr("0 differences"));
  EXPECT_THAT(seen(answer, "stock-7.3"), StartsWith("FAIL (continuity"));
}

TEST(Question, Q01_SaysNoWhereAKernelStopsIt) {
  expect_answer(ask_with_fault("Q1", "H014"), "No, not even under continuous: bus master enable cleared");
}

TEST(Question, Q08_AnOrdinaryBootDamagesRunningDma) {
  const Answer answer = ask("Q8");
  expect_answer(answer, "No: with v4, v5 and v6 the new kernel boots as ever");
  EXPECT_THAT(answer.sentence, HasSubstr("With v7, v8 and v9 the new kernel stops before it writes to the function"));
  EXPECT_THAT(seen(answer, "series v9"), StartsWith("kernel B stops, 0 configuration writes to the endpoint"));
}

TEST(Question, Q08_IsAnotherWhereEveryVersionStops) {
  expect_answer(ask_with_policy("Q8", "pci-retrieve-failure=panic"),
                "No version tries: With v4, v5, v6, v7, v8 and v9 the new kernel stops");
}

TEST(Question, Q09_AForeignDriverInTheWindowStopsTheDma) {
  const Answer answer = ask("Q9");
  expect_answer(answer, "The window lasts from the lookup");
  EXPECT_THAT(answer.sentence, HasSubstr("COMMAND"));
  EXPECT_THAT(answer.sentence, HasSubstr("whatever it does to Bus Master Enable"));
  EXPECT_THAT(answer.sentence, HasSubstr("keeps it out: the driver's name, the schema and the entry model retrieve"));
}

TEST(Question, Q09_SettlesNothingWhereTheRightDriverDisturbsAsWell) {
  const Answer answer = ask_with_policy("Q9", "idle-d3hot=on");
  EXPECT_FALSE(answer.decided) << ::testing::PrintToString(answer);
}

TEST(Question, Q10_AStrangerAtTheSameAddressIsTakenForTheFunction) {
  const Answer answer = ask("Q10");
  expect_answer(answer, "No: the scan of pci-v3, pci-v6");
  EXPECT_NE(seen(answer, "before the kexec"), seen(answer, "after it"));
}

TEST(Question, Q10_SettlesNothingWhereTheEndpointStays) {
  const Answer answer = ask("Q10", short_run(), [](const sim::MachineConfig& config, sim::Witness& witness) {
    sim::MachineConfig without = config;
    without.faults.clear();
    return sim::build_machine(without, witness);
  });
  EXPECT_FALSE(answer.decided) << ::testing::PrintToString(answer);
}

TEST(Question, Q11_TheLookupComesBeforeTheFirstWrite) {
  const Answer answer = ask("Q11");
  expect_answer(answer, "Yes: each of the 6 functions");
  EXPECT_THAT(answer.sentence, HasSubstr("nothing but vendor and device"));
}

TEST(Question, Q11_SaysNoWhereTheScanResetsABusBeforeItLooks) {
  const Answer answer = ask_with_fault("Q11", "H121");
  expect_answer(answer, "No: endpoint 0, endpoint 1");
  EXPECT_THAT(seen(answer, "endpoint 0"), HasSubstr("reset before that"));
}

TEST(Question, Q12_AnOpenFileKeepsTheDriverAndNobodyDoesBeforeRetrieve) {
  const Answer answer = ask("Q12");
  expect_answer(answer,
                "Whoever holds the device file: between preserve and the kexec and between retrieve and finish "
                "unbind and module removal are refused, the reference of the session being enough.");
  EXPECT_THAT(answer.sentence, HasSubstr("Nobody does between probe and retrieve"));
  EXPECT_THAT(seen(answer, "the driver is unbound between probe and retrieve"),
              HasSubstr("done; DMA goes on; the next kernel refuses the file with ENODEV"));
  EXPECT_THAT(seen(answer, "the agent dies between retrieve and finish"), HasSubstr("DMA stops, 1 reset"));
}

TEST(Question, Q12_SettlesNothingWhereNoKernelFollows) {
  const Answer answer = ask_with_fault("Q12", "refused-kexec");
  EXPECT_FALSE(answer.decided) << ::testing::PrintToString(answer);
  EXPECT_EQ(seen(answer, "the agent dies between probe and retrieve").find("it never came to it"), 0u);
}

TEST(Question, Q13_AnotherDriverShowsAtTheDeviceOnly) {
  const Answer answer = ask("Q13");
  expect_answer(answer, "Nothing in the core stops it, and only the device shows it.");
  EXPECT_THAT(answer.sentence, HasSubstr("in phase bind, and a reset follows"));
  EXPECT_THAT(answer.sentence, HasSubstr("another layout of saved state: COMMAND becomes 0x"));
}

TEST(Question, Q13_IsAnotherWhereProbeIsLeftOut) {
  const Answer answer = ask_with_policy("Q13", "entry-model=retrieve");
  expect_answer(answer, "Nothing in the core stops it");
  EXPECT_THAT(answer.sentence, ::testing::Not(HasSubstr("phase bind"))) << "the stub is not probed";
}

TEST(Question, Q14_OnlyTheSchemaIsRight) {
  const Answer answer = ask("Q14");
  expect_answer(answer, "What lets a driver bind exactly where it can take over: the schema GUID.");
  EXPECT_THAT(answer.sentence,
              HasSubstr("with the driver's name 1 change damaged the running function, and 1 change met a refusal"));
  EXPECT_THAT(seen(answer, "the compatible string of the file handler; another layout under the same name"),
              HasSubstr("every session with it"));
}

TEST(Question, Q14_SettlesNothingWhereEveryUpdateGoesWrong) {
  EXPECT_FALSE(ask_with_fault("Q14", "refused-kexec").decided);
}

TEST(Question, Q17_ProbeOfVfioDoesNotHurtAndLeavingItOutAvoidsSome) {
  const Answer answer = ask("Q17");
  expect_answer(answer, "It would help: What vfio-pci");
  EXPECT_THAT(answer.sentence, HasSubstr("goes away when probe is left out: runtime power management"));
  EXPECT_THAT(answer.sentence, HasSubstr("not done by probe: the function is reset before the probe"));
}

TEST(Question, Q17_SettlesNothingWhereTheUpdateIsDisturbedAnyway) {
  const Answer answer = ask_with_policy("Q17", "reset-at-open=yes");
  EXPECT_FALSE(answer.decided) << ::testing::PrintToString(answer);
}

TEST(Question, Q18_WhatHurtsAtShutdownStaysWithAFreezeOfItsOwn) {
  const Answer answer = ask("Q18");
  expect_answer(answer, "It would change nothing that hurts: Shutdown as it is");
  EXPECT_THAT(answer.sentence, HasSubstr("Bus Master Enable of the bridges is cleared"));
  EXPECT_THAT(seen(answer, "what is written at shutdown"), HasSubstr("endpoint: MSIX.Ctl; bridges: "));
}

TEST(Question, Q18_SettlesNothingWhereShutdownHurtsByItself) {
  EXPECT_FALSE(ask_with_policy("Q18", "iommu-at-kexec=off").decided);
}

}  // namespace
}  // namespace holdover::bench::testing
