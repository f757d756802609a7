// SPDX-License-Identifier: MIT
// What the experiments on the kernel's verbs answer, and that another kernel makes them answer otherwise.
#include <gtest/gtest.h>

#include <algorithm>

#include "bench/questions/verbs/experiments.h"
#include "tests/support/bench_run.h"

namespace holdover::bench {

void PrintTo(const Answer& answer, std::ostream* out) {
  *out << (answer.decided ? "" : "undecided: ") << answer.sentence << '\n';
  for (const Observation& seen : answer.observations) *out << "  " << seen.what << ": " << seen.seen << '\n';
}

namespace {

using namespace host::kernel;

Laboratory laboratory() { return {testing::short_run(), sim::build_machine}; }

bool says(const Answer& answer, const std::string& words) { return answer.sentence.find(words) != std::string::npos; }

SeriesVersion version(const std::string& name) {
  for (const SeriesVersion& posted : posted_versions()) {
    if (posted.name == name) return posted;
  }
  ADD_FAILURE() << name;
  return {};
}

#define EXPECT_ANSWER(answer, words) \
  EXPECT_TRUE((answer).decided&& says(answer, words)) << ::testing::PrintToString(answer)

TEST(Question, VerbQuestionsStandInTheTableInTheirWords) {
  for (const char* name : {"Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q15", "Q16", "Q19", "Q20"}) {
    const Question& question = find_question(name);
    EXPECT_TRUE(question.question.ends_with('?')) << name;
    EXPECT_TRUE(question.set_up.ends_with('.')) << name;
    EXPECT_NE(question.ask, nullptr) << name;
  }
}

TEST(Question, ExperimentThatCannotBeSetUpDecidesNothing) {
  const Answer answer = ask_q02(laboratory(), "profile=stock-7.3", "profile=stock-7.3");
  EXPECT_FALSE(answer.decided);
  EXPECT_TRUE(says(answer, "needs that an endpoint is preserved")) << ::testing::PrintToString(answer);
}

TEST(Question, Q02_RetrieveCallIsACheckAndNothingElse) {
  const Answer answer = ask_q02(laboratory());
  EXPECT_ANSWER(answer, "Nothing where the function was handed over");
  EXPECT_ANSWER(answer,
                "It is a check alone: where the core does not know the function, it refuses the file with EINVAL");
}

TEST(Question, Q02_DriverThatAsksInAnotherWayIsRefusedAsWell) {
  EXPECT_ANSWER(ask_q02(laboratory(), "profile=pci-v3", "profile=pci-v3 policy=pci-driver-question=is-incoming"),
                "refused with EINVAL, and without it with ENODEV");
}

TEST(Question, Q02_KernelThatWritesOtherwiseShows) {
  EXPECT_ANSWER(ask_q02(laboratory(), "profile=pci-v3", "profile=pci-v3 policy=bar-sizing=per-register"),
                "Without it the configuration writes differ.");
}

TEST(Question, Q03_FinishFreesBusNumbersAndTheFunction) {
  const Answer answer = ask_q03(laboratory());
  EXPECT_ANSWER(answer, "moves the running endpoint, in v3, v5 and v8.");
  EXPECT_ANSWER(answer, "leaves the numbers alone as one before it does in v4 and v9.");
  EXPECT_ANSWER(answer, "an ordinary one after it, in v7, v8 and v9.");
}

TEST(Question, Q03_RuleOfAnotherVersionFreesTheNumbersOfV9) {
  const NamedKernels kernels{{"v9", "profile=pci-v9 policy=bus-numbers=reassign policy=pci-bus-numbers=per-scan"}};
  EXPECT_ANSWER(ask_q03(laboratory(), kernels, {version("v9")}), "moves the running endpoint, in v9.");
}

TEST(Question, Q04_RoomIsAMatterOfAllocationAndRunningFunctionsAreLeftAlone) {
  const Answer answer = ask_q04(laboratory());
  EXPECT_ANSWER(answer,
                "Once as many are recorded as were present at the first preserve, the next is refused with E2BIG in v3 "
                "and with ENOSPC in v4, v5 and v6.");
  EXPECT_ANSWER(answer, "There is no such limit in v7, v8 and v9");
  EXPECT_ANSWER(answer, "The endpoint that runs sees no configuration write meanwhile, and is handed over.");
}

TEST(Question, Q04_ArrayLimitsV9AndRenumberedBridgesTouchWhatRuns) {
  SeriesVersion limited = version("v9");
  limited.rules.layout = PciLayout::CountedArray;
  const Answer answer = ask_q04(laboratory(), {{"v9", "profile=pci-v9 hazard=H041"}}, {limited});
  EXPECT_ANSWER(answer, "the next is refused with ENOSPC in v9.");
  EXPECT_ANSWER(answer, "The endpoint that runs is touched or lost in v9.");
}

TEST(Question, Q05_NoOrderOfUserSpaceMakesTheTableGoEarly) {
  const Answer answer = ask_q05(laboratory());
  EXPECT_ANSWER(answer, "does the table go while a function is recorded");
  EXPECT_ANSWER(answer, "loses the record in v3, v4, v5, v6, v7, v8 and v9");
}

TEST(Question, Q05_ReferencesThatAreNotPutKeepTheTable) {
  SeriesVersion leaking = version("v9");
  leaking.rules.outgoing_reference = PciOutgoingReference::Leaked;
  EXPECT_ANSWER(ask_q05({leaking}), "in v9 it stays when the last file is unpreserved");
}

TEST(Question, Q06_StrayUnpreserveHarmsOthersInV4Alone) {
  const Answer answer = ask_q06(laboratory());
  EXPECT_ANSWER(answer, "User space reaches neither");
  EXPECT_ANSWER(answer, "A driver that preserves twice gets EBUSY, and nothing changes.");
  EXPECT_ANSWER(answer, "takes a count from the bridges of another endpoint in v4, and no line of v4 names");
}

TEST(Question, Q06_WalkThatStopsAtWhatIsMissingHarmsNobody) {
  SeriesVersion stopping = version("v4");
  stopping.rules.walk = PciWalk::StopsAtMissing;
  EXPECT_ANSWER(ask_q06({stopping}), "does no harm to others");
}

TEST(Question, Q07_MostOtherVersionsLookLikeNone) {
  const Answer answer = ask_q07(laboratory());
  EXPECT_ANSWER(answer, "Of 42 pairs of versions 34 look as if no PCI table had come in, 4 are adopted");
  EXPECT_ANSWER(answer, "0 warned of, 2 misread, and 2 stop the kernel.");
  EXPECT_ANSWER(answer, "A version in the string hides the table");
  EXPECT_ANSWER(answer, "A version field that is one higher is noticed");
}

TEST(Question, Q07_ConstantStringsTellNoneFromAnother) {
  SeriesVersions versions{version("v6"), version("v7"), version("v9")};
  for (SeriesVersion& entry : versions) entry.rules.compatible = PciString::Constant;
  const Answer answer = ask_q07(versions);
  EXPECT_ANSWER(answer, "Of 6 pairs of versions 0 look as if no PCI table had come in");
  EXPECT_ANSWER(answer, "Every kernel can tell");
}

TEST(Question, Q15_SharedBridgeOutlivesTheFirstEndpoint) {
  const Answer answer = ask_q15(laboratory());
  EXPECT_ANSWER(answer, "outlives the first of two to be released, in both orders, in");
  EXPECT_ANSWER(answer, "No bridge is recorded in v3.");
}

TEST(Question, Q15_WithoutBridgesThereIsNothingToShare) {
  SeriesVersion alone = version("v9");
  alone.rules.records = PciRecords::FunctionAlone;
  const Answer answer = ask_q15({alone});
  EXPECT_FALSE(says(answer, "outlives")) << ::testing::PrintToString(answer);
  EXPECT_TRUE(says(answer, "No bridge is recorded in v9.")) << ::testing::PrintToString(answer);
}

TEST(Question, Q16_WithoutFinishTheTableLeaksUntilV7AndPanicsFromV8On) {
  const Answer answer = ask_q16(laboratory());
  EXPECT_ANSWER(answer, "leaks until the next jump in v4, v5, v6 and v7.");
  EXPECT_ANSWER(answer, "panics when the last file is finished in v8 and v9.");
  EXPECT_ANSWER(answer, "The next update hands over what is preserved anew, and nothing of the old table.");
}

TEST(Question, Q16_WithoutThePanicTheTableIsFreedUnderFunctionsThatAreIncoming) {
  SeriesVersion silent = version("v9");
  silent.rules.unfinished = PciUnfinished::Silent;
  EXPECT_ANSWER(ask_q16({silent}), "freed with the last file, while functions are still marked incoming, in v9.");
}

TEST(Question, Q19_EnumerationAndDriversMayComeInAnyOrderButTheAgentMayNot) {
  const Answer answer = ask_q19(laboratory());
  EXPECT_ANSWER(answer, "alike whether enumeration or the driver comes first");
  EXPECT_ANSWER(answer, "is given back as well in v3, v5, v6, v7, v8 and v9.");
  EXPECT_ANSWER(answer, "found late is not given back in order in v4.");
  EXPECT_ANSWER(answer, "the refusal sticks, and the table is never given back, in v3, v4, v5, v6, v7, v8 and v9");
}

TEST(Question, Q19_DriverThatDoesNotAskLetsTheAgentComeFirst) {
  SeriesVersion trusting = version("v9");
  trusting.rules.driver_question = PciDriverQuestion::None;
  const Answer answer = ask_q19({trusting});
  EXPECT_ANSWER(answer, "gets the file all the same in v9");
  EXPECT_FALSE(says(answer, "the refusal sticks")) << ::testing::PrintToString(answer);
}

TEST(Question, Q20_TheLastDriverDoesNotTakeTheTableAlong) {
  const Answer answer = ask_q20(laboratory());
  EXPECT_ANSWER(answer, "No: in no version does a driver that goes away take the table along.");
  EXPECT_ANSWER(answer, "While sessions hold its files it cannot go (EBUSY) in v3, v4, v5, v6, v7, v8 and v9.");
}

TEST(Question, Q20_ReferencesThatAreNotPutKeepTheTableWhenTheDriverIsGone) {
  SeriesVersion leaking = version("v9");
  leaking.rules.outgoing_reference = PciOutgoingReference::Leaked;
  EXPECT_ANSWER(ask_q20({leaking}), "With all sessions closed the table is still there in v9.");
}

}  // namespace
}  // namespace holdover::bench
