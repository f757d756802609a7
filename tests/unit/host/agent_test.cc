// SPDX-License-Identifier: MIT
// Both stages of the scenarios over fake endpoints: what is handed over, what is refused, and what is said about it.
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "host/agent/agent_state.h"
#include "host/agent/scenario_stages.h"
#include "host/agent/stream_layout.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/error.h"
#include "tests/support/fake_system.h"

namespace holdover::host {
namespace {

using pcie::Step;
using testing::FakeSystem;
using testing::FakeWorld;

class Agent : public ::testing::Test {
 protected:
  // True where the stage ended in the jump.
  bool stage_1(FakeWorld& world, const char* scenario, const std::function<void(FakeSystem&)>& prepare = {}) {
    FakeSystem system(world, false);
    if (prepare) {
      prepare(system);
    }
    try {
      find_scenario_stages(scenario)->stage_1(system);
    } catch (const KernelGone&) {
      return true;
    }
    return false;
  }

  void stage_2(FakeWorld& world, const char* scenario, const std::function<void(FakeSystem&)>& prepare = {}) {
    FakeSystem system(world, true);
    if (prepare) {
      prepare(system);
    }
    find_scenario_stages(scenario)->stage_2(system);
  }

  static bool runs(testing::FakeEndpoint& endpoint) {
    return (endpoint.read(regs::heartbeat_writer::kControl) & 1) != 0;
  }
};

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

TEST(StreamLayout, BuffersStartAndEndAtOddPlacesAndDoNotOverlap) {
  const StreamLayout layout{Traffic{{true, false}}};
  for (unsigned channel = 0; channel < layout.channels(); ++channel) {
    std::uint64_t end = channel * layout.data_bytes_per_channel().count();
    bool crosses_at_odd_offset = false;
    for (const Buffer& buffer : layout.buffers(channel)) {
      EXPECT_GE(buffer.place.offset, end);
      end = buffer.place.offset + buffer.length;
      EXPECT_GE(buffer.length, 1024u);
      EXPECT_LE(buffer.length, 8192u);
      crosses_at_odd_offset |= buffer.place.offset % 2 == 1 && buffer.place.offset / 4096 != (end - 1) / 4096;
    }
    EXPECT_LE(end, (channel + 1) * layout.data_bytes_per_channel().count());
    EXPECT_TRUE(crosses_at_odd_offset);
  }
}

TEST(StreamLayout, MappingsCoverTheirRegionOnce) {
  const StreamLayout layout{Traffic{{true, false, true}}};
  const std::array<Bytes, 3> sizes{layout.rings_bytes(), layout.data_bytes(), layout.heartbeat_bytes()};
  for (unsigned region = 0; region < sizes.size(); ++region) {
    Bytes covered{0};
    for (const Mapping& mapping : layout.mappings(region)) {
      EXPECT_EQ(mapping.offset, covered);
      covered += mapping.size;
    }
    EXPECT_EQ(covered, sizes[region]) << region;
  }
}

TEST(StreamLayout, TheHeartbeatsRingIsAsLongAsItIsAskedFor) {
  Traffic traffic{{true, false}};
  EXPECT_EQ(StreamLayout{traffic}.heartbeat_bytes(), kPageSize * 3);
  traffic.writer_records = 65535;
  const StreamLayout layout{traffic};
  EXPECT_EQ(layout.heartbeat_bytes(), kPageSize * 513);
  EXPECT_EQ(layout.reader_table().offset, 512u * 4096);
  EXPECT_EQ(layout.mappings(kRegionHeartbeat).back().offset, kPageSize * 512);
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

TEST(StreamLayout, LongTransfersHaveRoomAndInterruptMoreOften) {
  const StreamLayout layout{Traffic{std::vector<bool>(kMaxChannels, true), 16384}};
  for (unsigned channel = 0; channel < layout.channels(); ++channel) {
    const Buffer last = layout.buffers(channel).back();
    EXPECT_LE(last.place.offset + last.length, (channel + 1) * layout.data_bytes_per_channel().count());
  }
  EXPECT_EQ(layout.completions_per_interrupt(), 2u);
  EXPECT_EQ((StreamLayout{Traffic{{true, false}}}.completions_per_interrupt()), 16u);
}

TEST(StreamLayout, ASlowLinkInterruptsMoreOftenAndIsWaitedForLonger) {
  Traffic traffic{{true, false}};
  traffic.link = LinkStatus{3, 8};
  const StreamLayout usual{traffic};
  EXPECT_EQ(usual.completions_per_interrupt(), 16u);
  traffic.link = LinkStatus{1, 1};
  const StreamLayout slow{traffic};
  EXPECT_EQ(slow.completions_per_interrupt(), 1u);
  // Four transfers of 8 KiB on each channel, at an eighth of 250 MB/s.
  EXPECT_GE(slow.patience() - usual.patience(), std::chrono::nanoseconds(2 * 4 * 8192 * 30));
  EXPECT_GE(slow.interrupt_patience(), std::chrono::nanoseconds(2 * 2 * 8192 * 32));
  traffic.completion_timeout = std::chrono::nanoseconds(1'000'000);
  EXPECT_EQ(StreamLayout{traffic}.patience() - slow.patience(), std::chrono::nanoseconds(2 * 800'000));
}

TEST(LinkStatus, TimeIsThatOfTheRawRate) {
  EXPECT_EQ((LinkStatus{1, 1}.time_of(Bytes{1'000'000}).count()), 4'000'001);
  EXPECT_EQ((LinkStatus{2, 4}.time_of(Bytes{1'000'000}).count()), 500'001);
  EXPECT_EQ((LinkStatus{3, 8}.time_of(Bytes{1'000'000}).count()), 127'033);
  EXPECT_EQ((LinkStatus{5, 16}.time_of(Bytes{1'000'000}).count()), 15'880);
}

TEST(StreamLayout, NoTwoStreamsOfARunShareASeed) {
  std::set<std::uint32_t> seeds;
  for (unsigned endpoint = 0; endpoint < 8; ++endpoint) {
    for (unsigned stream = 0; stream < 9; ++stream) {
      EXPECT_TRUE(seeds.insert(stream_seed(1, endpoint, stream)).second) << endpoint << ' ' << stream;
    }
  }
}

TEST_F(Agent, APlainKexecLetsEveryFunctionMasterTheBusAndHandsNothingOver) {
  FakeWorld world(2);
  FakeSystem system(world, false);
  EXPECT_THROW(find_scenario_stages("plain-kexec")->stage_1(system), KernelGone);
  EXPECT_FALSE(system.crashed);
  ASSERT_EQ(system.config_writes.size(), 2u);
  EXPECT_EQ(system.config_writes[1], std::make_tuple(system.devices()[1], 0x04u, 2u, 0x0006u));
  EXPECT_TRUE(world.sessions.empty());
  stage_2(world, "plain-kexec");
  EXPECT_EQ(world.count(Step::NoHandover), 1u);
}

TEST_F(Agent, APlainKexecLeavesFunctionsWithoutDriverWhereItIsAskedTo) {
  FakeWorld world(1);
  const unsigned resets = world.endpoints[0]->resets;
  EXPECT_TRUE(stage_1(world, "plain-kexec", [](FakeSystem& system) {
    system.parameters = {{"driver", "none"}, {"command", "3"}};
  }));
  EXPECT_EQ(world.endpoints[0]->resets, resets) << "no device file was opened";
}

TEST_F(Agent, APlainKexecEntersTheCrashKernelWhereItIsAskedTo) {
  FakeWorld world(1);
  FakeSystem system(world, false);
  system.parameters = {{"jump", "crash"}};
  EXPECT_THROW(find_scenario_stages("plain-kexec")->stage_1(system), KernelGone);
  EXPECT_TRUE(system.crashed);
}

TEST_F(Agent, APlainKexecThatIsRefusedIsSaidToBe) {
  FakeWorld world(1);
  EXPECT_FALSE(stage_1(world, "plain-kexec", [](FakeSystem& system) { system.kexec_errno = EBUSY; }));
  EXPECT_EQ(world.value(Step::KexecRefused), static_cast<std::uint64_t>(EBUSY));
}

TEST_F(Agent, APlainKexecRefusesACommandThatIsNoRegisterValue) {
  FakeWorld world(1);
  EXPECT_THROW(stage_1(world, "plain-kexec",
                       [](FakeSystem& system) {
                         system.parameters = {{"command", "70000"}};
                       }),
               Error);
}

}  // namespace
}  // namespace holdover::host
