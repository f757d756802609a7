// SPDX-License-Identifier: MIT
// A kexec that hands nothing over, over fake endpoints.
#include <cerrno>

#include "pcie/error.h"
#include "tests/unit/host/agent_fixture.h"

namespace holdover::host {
namespace {

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
