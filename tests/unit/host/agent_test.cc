// SPDX-License-Identifier: MIT
// Both stages of the scenarios over fake endpoints: what is handed over, what is refused, and what is said about it.
#include <cerrno>

#include "host/agent/agent_state.h"
#include "host/agent/stream_layout.h"
#include "pcie/error.h"
#include "tests/unit/host/agent_fixture.h"

namespace holdover::host {
namespace {

TEST_F(Agent, HandsEveryEndpointOverAndStopsItInTheSecondStage) {
  FakeWorld world(2);
  ASSERT_TRUE(stage_1(world, "continuity"));
  EXPECT_TRUE(runs(*world.endpoints[0]));
  EXPECT_TRUE(runs(*world.endpoints[1]));
  EXPECT_EQ(world.sessions.at("holdover").size(), 12u);

  const unsigned resets = world.endpoints[0]->resets;
  stage_2(world, "continuity");
  EXPECT_EQ(world.endpoints[0]->resets, resets);
  EXPECT_FALSE(runs(*world.endpoints[0]));
  EXPECT_FALSE(runs(*world.endpoints[1]));
  EXPECT_EQ(world.count(Step::FunctionRetrieved), 2u);
  EXPECT_EQ(world.value(Step::TrafficStarted), 8u);
  EXPECT_EQ(world.value(Step::TrafficStopped), 8u);
  EXPECT_EQ(world.count(Step::MissedMessages), 0u);
  EXPECT_TRUE(world.sessions.empty());
}

TEST_F(Agent, OpensTheWindowAfterTheFirstPreserveAndClosesItAfterFinish) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity"));
  stage_2(world, "continuity");
  EXPECT_EQ(world.count(Step::WindowBegin), 1u);
  EXPECT_EQ(world.count(Step::WindowEnd), 1u);
}

TEST_F(Agent, TheNeighbourIsNotHandedOverAndStartsAnew) {
  FakeWorld world(2);
  ASSERT_TRUE(stage_1(world, "neighbour"));
  EXPECT_EQ(world.sessions.at("holdover").size(), 6u);
  EXPECT_TRUE(runs(*world.endpoints[1]));
  stage_2(world, "neighbour");
  EXPECT_EQ(world.count(Step::FunctionRetrieved), 1u);
  EXPECT_EQ(world.endpoints[0]->resets, 0u);
  EXPECT_EQ(world.endpoints[1]->resets, 1u) << "it was still running for the old kernel";
  EXPECT_EQ(world.value(Step::TrafficStopped), 8u);
}

TEST_F(Agent, TheNeighbourScenarioNeedsTwoEndpoints) {
  FakeWorld world(1);
  EXPECT_FALSE(stage_1(world, "neighbour"));
  EXPECT_EQ(world.count(Step::AgentFailed), 1u);
  EXPECT_NE(world.console_text().find("the scenario needs 2 endpoints, and 1 are there"), std::string::npos);
}

TEST_F(Agent, ARefusedKexecKeepsTheTrafficAndEndsTheSession) {
  FakeWorld world(1);
  EXPECT_FALSE(stage_1(world, "continuity", [](FakeSystem& system) { system.kexec_errno = EINVAL; }));
  EXPECT_EQ(world.value(Step::KexecRefused), static_cast<std::uint64_t>(EINVAL));
  EXPECT_EQ(world.value(Step::TrafficStopped), 4u);
  EXPECT_TRUE(world.sessions.empty());
  EXPECT_FALSE(runs(*world.endpoints[0]));
}

TEST_F(Agent, SwitchesInterruptsOffBeforeTheKexecAndOnAfterItWhereItIsTold) {
  const auto off = [](FakeSystem& system) { system.parameters["interrupts_at_freeze"] = "off"; };
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity", off));
  EXPECT_EQ(world.endpoints[0]->interrupts_enabled, 0u);
  stage_2(world, "continuity", off);
  EXPECT_EQ(world.endpoints[0]->interrupts_enabled, kVectorCount);
  EXPECT_EQ(world.count(Step::MissedMessages), 0u);

  FakeWorld kept(1);
  ASSERT_TRUE(stage_1(kept, "continuity"));
  EXPECT_EQ(kept.endpoints[0]->interrupts_enabled, kVectorCount);
}

TEST_F(Agent, SwitchesInterruptsOnAgainAfterARefusal) {
  FakeWorld world(1);
  EXPECT_FALSE(stage_1(world, "continuity", [](FakeSystem& system) {
    system.kexec_errno = EINVAL;
    system.parameters["interrupts_at_freeze"] = "off";
  }));
  EXPECT_EQ(world.endpoints[0]->interrupts_enabled, kVectorCount);
  EXPECT_EQ(world.count(Step::AgentFailed), 0u);
}

TEST_F(Agent, WithoutAJumpTheWindowOpensAndClosesUnderOneKernel) {
  FakeWorld world(1);
  EXPECT_FALSE(stage_1(world, "continuity", [](FakeSystem& system) {
    system.parameters["jump"] = "none";
    system.parameters["blackout_us"] = "77";
  }));
  EXPECT_EQ(world.count(Step::WindowBegin), 1u);
  EXPECT_EQ(world.count(Step::WindowEnd), 1u);
  EXPECT_EQ(world.value(Step::TrafficStopped), 4u);
  EXPECT_TRUE(world.sessions.empty());
}

TEST_F(Agent, WithoutAHandedOverAddressSpaceTheEndpointGetsANewOneWithTheSameMappings) {
  FakeWorld world(2);
  const auto no_mark = [](FakeSystem& system) { system.mark_errno = ENOTTY; };
  ASSERT_TRUE(stage_1(world, "continuity", no_mark));
  EXPECT_EQ(world.sessions.at("holdover").size(), 10u);
  EXPECT_EQ(world.sessions.at("holdover").count(kTokenAddressSpace), 0u);
  EXPECT_NE(world.console_text().find("the address space of the endpoint at 0000:01:00.0 is not handed over: no mark"),
            std::string::npos);
  ASSERT_EQ(world.keep.size(), 2u);

  stage_2(world, "continuity", no_mark);
  EXPECT_NE(world.console_text().find("endpoint 1 gets a new address space: no such token"), std::string::npos);
  ASSERT_EQ(world.keep.size(), 4u);
  for (unsigned index = 0; index < 2; ++index) {
    const auto& old_pages = world.keep[index]->pages;
    const auto& new_pages = world.keep[2 + index]->pages;
    ASSERT_EQ(old_pages.size(), new_pages.size());
    for (const auto& [iova, page] : old_pages) {
      ASSERT_EQ(new_pages.count(iova), 1u) << iova;
      EXPECT_EQ(new_pages.at(iova).data(), page.data()) << iova;
    }
  }
  EXPECT_EQ(world.count(Step::FunctionRetrieved), 2u);
  EXPECT_EQ(world.value(Step::TrafficStopped), 8u);
  EXPECT_EQ(world.count(Step::AgentFailed), 0u);
  EXPECT_TRUE(world.sessions.empty());
}

TEST_F(Agent, AMarkThatIsRefusedForAnotherReasonEndsTheStage) {
  FakeWorld world(1);
  EXPECT_FALSE(stage_1(world, "continuity", [](FakeSystem& system) { system.mark_errno = EADDRINUSE; }));
  EXPECT_EQ(world.value(Step::AgentFailed), static_cast<std::uint64_t>(EADDRINUSE));
  EXPECT_TRUE(world.sessions.empty());
}

TEST_F(Agent, ARegionOfAnotherSizeIsNotMappedIntoANewAddressSpace) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity", [](FakeSystem& system) { system.mark_errno = ENOTTY; }));
  world.sessions.at("holdover").at(kTokenData).memory->resize(kPageSize.count());
  stage_2(world, "continuity");
  EXPECT_EQ(world.count(Step::AgentFailed), 1u);
  EXPECT_NE(world.console_text().find("memory 1 of endpoint 0 was not handed over with its"), std::string::npos);
}

TEST_F(Agent, AKernelWithoutLiveUpdateJumpsAllTheSame) {
  FakeWorld world(1);
  EXPECT_TRUE(stage_1(world, "continuity", [](FakeSystem& system) { system.has_live_update = false; }));
  EXPECT_EQ(world.count(Step::WindowBegin), 1u);
}

TEST_F(Agent, WithoutAHandoverTheSecondStageSaysSoAndStopsWhatItCanReach) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity"));
  world.sessions.clear();
  stage_2(world, "continuity", [](FakeSystem& system) { system.parameters["function"] = "0000:01:00.0,0000:09:00.0"; });
  EXPECT_EQ(world.value(Step::NoHandover), static_cast<std::uint64_t>(ENOENT));
  EXPECT_FALSE(runs(*world.endpoints[0]));
  EXPECT_NE(world.console_text().find("function 0000:01:00.0 answers"), std::string::npos);
  EXPECT_NE(world.console_text().find("function 0000:09:00.0 cannot be looked after"), std::string::npos);
}

TEST_F(Agent, WhatItCannotLookAfterWithoutAHandoverRunsAloneForAWhile) {
  for (const bool reachable : {true, false}) {
    FakeWorld world(1);
    ASSERT_TRUE(stage_1(world, "continuity"));
    world.sessions.clear();
    const std::uint32_t before = world.endpoints[0]->read(regs::heartbeat_writer::kSequenceLo);
    stage_2(world, "continuity", [&](FakeSystem& system) {
      system.parameters["after_us"] = "700";
      system.parameters["function"] = reachable ? "0000:01:00.0" : "0000:09:00.0";
    });
    const std::uint32_t after = world.endpoints[0]->read(regs::heartbeat_writer::kSequenceLo);
    EXPECT_EQ(after - before >= 700, !reachable) << reachable << ", " << after - before << " records";
    EXPECT_EQ(world.marks.back(), std::make_tuple(pcie::Phase::Halt, Step::Begin, std::uint64_t{0}));
  }
}

TEST_F(Agent, NoticesAChannelThatStandsStillBeforeItPreservesAnything) {
  FakeWorld world(1);
  world.endpoints[0]->stalled_channel = 1;
  EXPECT_FALSE(stage_1(world, "continuity"));
  EXPECT_EQ(world.count(Step::AgentFailed), 1u);
  EXPECT_NE(world.console_text().find("channel 1 of the endpoint at 0000:01:00.0 has stood still"), std::string::npos);
  EXPECT_EQ(world.count(Step::WindowBegin), 0u);
}

TEST_F(Agent, NoticesAVectorThatStaysSilentBeforeItPreservesAnything) {
  FakeWorld world(1);
  world.endpoints[0]->silent_vector = static_cast<int>(kVectorHeartbeat);
  EXPECT_FALSE(stage_1(world, "continuity"));
  EXPECT_EQ(world.count(Step::AgentFailed), 1u);
  EXPECT_EQ(world.count(Step::WindowBegin), 0u);
}

TEST_F(Agent, ReportsAVectorThatIsSilentAfterTheUpdate) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity"));
  world.endpoints[0]->silent_vector = 1;
  stage_2(world, "continuity");
  EXPECT_EQ(world.value(Step::MissedMessages), 1u);
}

TEST_F(Agent, ReportsEventsThatBecameNoMessage) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity"));
  world.endpoints[0]->drops_events = true;
  stage_2(world, "continuity");
  EXPECT_GE(world.count(Step::MissedMessages), 2u) << "silent vectors, and lost events";
}

TEST_F(Agent, ReportsAStreamThatStandsStillAfterTheUpdateAndHaltsAllTheSame) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity"));
  world.endpoints[0]->stalled_channel = 0;
  stage_2(world, "continuity");
  EXPECT_NE(world.console_text().find("channel 0 of the endpoint at 0000:01:00.0 has stood still"), std::string::npos);
  EXPECT_EQ(world.marks.back(), std::make_tuple(pcie::Phase::Halt, Step::Begin, std::uint64_t{0}));
}

TEST_F(Agent, AStreamThatDoesNotStopIsAFailureOfTheAgent) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity"));
  world.endpoints[0]->never_idle = true;
  stage_2(world, "continuity");
  EXPECT_EQ(world.count(Step::TrafficStopped), 0u);
  EXPECT_EQ(world.marks.back(), std::make_tuple(pcie::Phase::After, Step::AgentFailed, std::uint64_t{0}));
}

TEST_F(Agent, SaysWhatBecameOfAnUnbindAtEachPoint) {
  const auto unbind = [](const char* name, bool busy) {
    return [name, busy](FakeSystem& system) {
      system.parameters["interference"] = name;
      system.busy = busy;
    };
  };
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity", unbind("unbind-preserved", true)));
  EXPECT_NE(world.console_text().find("interference unbind-preserved: open"), std::string::npos);
  stage_2(world, "continuity", unbind("rmmod-retrieved", false));
  EXPECT_NE(world.console_text().find("interference rmmod-retrieved: done"), std::string::npos);
  EXPECT_EQ(world.count(Step::WindowEnd), 1u) << "and it went on";
}

TEST_F(Agent, AnInterferenceStrikesAtItsPointAlone) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity",
                      [](FakeSystem& system) { system.parameters["interference"] = "agent-dies-incoming"; }));
  EXPECT_EQ(world.console_text().find("interference"), std::string::npos);
  EXPECT_EQ(world.sessions.size(), 1u);
}

TEST_F(Agent, WhenItDiesItsSessionIsGoneAndTheKexecTakesPlace) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity",
                      [](FakeSystem& system) { system.parameters["interference"] = "agent-dies-preserved"; }));
  EXPECT_TRUE(world.sessions.empty());
}

TEST_F(Agent, WhenItDiesUnderTheNextKernelNobodyFinishes) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity"));
  stage_2(world, "continuity", [](FakeSystem& system) { system.parameters["interference"] = "agent-dies-retrieved"; });
  EXPECT_EQ(world.count(Step::AgentFailed), 1u);
  EXPECT_EQ(world.count(Step::WindowEnd), 0u);
}

TEST_F(Agent, RefusesAnUnknownInterference) {
  FakeWorld world(1);
  EXPECT_FALSE(stage_1(world, "continuity", [](FakeSystem& system) { system.parameters["interference"] = "xyz"; }));
  EXPECT_NE(world.console_text().find("interference=xyz of the command line is unknown"), std::string::npos);
}

TEST_F(Agent, RefusesANumberThatIsNone) {
  for (const std::string setting : {"before_us=1x", "seed=-1"}) {
    const std::string name = setting.substr(0, setting.find('='));
    FakeWorld world(1);
    stage_1(world, "continuity",
            [&](FakeSystem& system) { system.parameters[name] = setting.substr(name.size() + 1); });
    EXPECT_EQ(world.count(Step::AgentFailed), 1u) << name;
    EXPECT_NE(world.console_text().find(setting), std::string::npos);
  }
}

TEST_F(Agent, TheSecondStageRefusesABrokenAgentState) {
  FakeWorld world(1);
  ASSERT_TRUE(stage_1(world, "continuity"));
  (*world.sessions.at("holdover").at(kTokenState).memory)[kPageSize.count() + 12] ^= std::byte{1};
  stage_2(world, "continuity");
  EXPECT_EQ(world.count(Step::AgentFailed), 1u);
  EXPECT_EQ(world.count(Step::WindowEnd), 0u);
}

TEST_F(Agent, ARingThatTheEndpointCannotCountIsRefused) {
  FakeWorld world(1);
  FakeSystem system(world, false);
  for (const char* records : {"255", "65536", "x"}) {
    system.parameters["heartbeat_records"] = records;
    EXPECT_THROW((void)traffic_of(system, 2), Error) << records;
  }
  system.parameters["heartbeat_records"] = "1000";
  EXPECT_EQ(traffic_of(system, 2).writer_records, 1000u);
}

}  // namespace
}  // namespace holdover::host
