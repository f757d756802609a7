// SPDX-License-Identifier: MIT
// Requests of an endpoint at the root: order, messages, refusals; and the host's own accesses.
#include "sim/root_complex.h"

#include <gmock/gmock.h>

#include "tests/unit/sim/root_complex_fixture.h"

namespace holdover::sim {
namespace {

using namespace scripted;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(RootTest, MessagesOfTheBlockAreNoneOfThePostedRequestsThatItCounts) {
  pcie::Platform& platform = boot();
  pcie::Tlp message;
  message.kind = TlpKind::Message;
  message.requester = kFunction;
  message.message_code = pcie::kMessageErrorNonFatal;
  script.to_send = {write(0x1000, 64), message, message, write(0x2000, 64), message, write(0x3000, 64)};
  platform.wait(5_us);
  EXPECT_THAT(script.to_send, IsEmpty());
  EXPECT_EQ(script.posted_sent, 3u);
  EXPECT_THAT(seen.order, ElementsAre("write 4096 64", "write 8192 64", "write 12288 64"));
  EXPECT_EQ(platform.config_read(pcie::Bdf{0, 0, 1, 0}, Bytes{config::kSecondaryStatus}, 2), 0x4000u);
}

TEST_F(RootTest, WritesReachMemoryInTheirOrderAndAMessageComesAfterTheDataBeforeIt) {
  pcie::Platform& platform = boot();
  script.to_send = {write(0x1000, 64), write(0x2000, 4), write(0xfee0'0000, 4), write(0x3000, 8)};
  script.to_send[2].payload = {std::byte{0x51}, std::byte{0}, std::byte{0}, std::byte{0}};
  platform.wait(5_us);
  EXPECT_THAT(seen.order, ElementsAre("write 4096 64", "write 8192 4", "message 81", "write 12288 8"));
  EXPECT_EQ(platform.dram()[0x103f], std::byte{0x3f});
  EXPECT_EQ(platform.take_interrupt(), 0x51);
  EXPECT_EQ(platform.take_interrupt(), std::nullopt);
  EXPECT_FALSE(seen.holes);
}

TEST_F(RootTest, ByteEnablesReachMemory) {
  pcie::Platform& platform = boot();
  script.to_send = {write(0x1000, 8)};
  script.to_send[0].first_be = 0xc;
  script.to_send[0].last_be = 0x1;
  platform.wait(5_us);
  EXPECT_THAT(seen.order, ElementsAre("write 4098 3"));
  EXPECT_EQ(platform.dram()[0x1001], std::byte{0});
  EXPECT_EQ(platform.dram()[0x1002], std::byte{2});
  EXPECT_EQ(platform.dram()[0x1004], std::byte{4});
  EXPECT_EQ(platform.dram()[0x1005], std::byte{0});
}

TEST_F(RootTest, RequestsOutsideMemoryAreRefused) {
  pcie::Platform& platform = boot();
  script.to_send = {read(0x20'0000, 64, 4), write(0x20'0000, 64)};
  platform.wait(5_us);
  ASSERT_EQ(completions(4).size(), 1u);
  EXPECT_EQ(completions(4)[0].status, pcie::CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(seen.refused.size(), 2u);
}

TEST_F(RootTest, WithoutBusMasteringReadsAreRefusedAndWritesVanish) {
  pcie::Platform& platform = boot(false);
  script.to_send = {write(0x1000, 64), read(0x1000, 64, 5)};
  platform.wait(5_us);
  EXPECT_EQ(seen.refused.size(), 2u);
  EXPECT_THAT(seen.order, IsEmpty());
  ASSERT_EQ(completions(5).size(), 1u);
  EXPECT_EQ(completions(5)[0].status, pcie::CompletionStatus::UnsupportedRequest);
}

TEST_F(RootTest, AnAccessThatNobodyAnswersEndsWithAllOnes) {
  pcie::Platform& platform = boot();
  const Time before = platform.now();
  EXPECT_EQ(platform.mmio_read(BusAddress{0xe000'0000}, 4), 0xffff'ffffu);
  EXPECT_EQ(platform.now() - before, kHostTimeout);
  EXPECT_EQ(platform.mmio_read(BusAddress{0xe000'0002}, 2), 0xffffu);
  EXPECT_EQ(platform.config_read(pcie::Bdf{0, 1, 0, 0}, Bytes{0}, 4), 0xffff'ffffu);
  // Outside every window nobody is waited for.
  const Time again = platform.now();
  EXPECT_EQ(platform.mmio_read(BusAddress{0xe010'0000}, 8), ~std::uint64_t{0});
  EXPECT_EQ(platform.now() - again, kRegisterTime);
}

TEST_F(RootTest, PostedWritesOfTheHostArriveInOrder) {
  pcie::Platform& platform = boot();
  for (unsigned i = 0; i < 40; ++i) platform.mmio_write(BusAddress{0xe000'0000 + 4 * i}, 4, i);
  platform.wait(5_us);
  ASSERT_EQ(script.arrived.size(), 40u);
  for (unsigned i = 0; i < 40; ++i) EXPECT_EQ(script.arrived[i].address, 0xe000'0000 + 4 * i);
}

TEST_F(RootTest, ALostMessageIsLostOnce) {
  machine_config.faults.push_back({MachineFault::Kind::DropMessage, 0, pcie::Phase::Steady, Time{0}});
  pcie::Platform& platform = boot();
  platform.mark(pcie::Phase::Steady, pcie::Step::Begin, 0);
  for (int i = 0; i < 2; ++i) {
    script.to_send.push_back(write(0xfee0'0000, 4));
    script.to_send.back().payload = {std::byte{0x51}, std::byte{0}, std::byte{0}, std::byte{0}};
  }
  platform.wait(5_us);
  EXPECT_THAT(seen.order, ElementsAre("message 81"));
}

TEST_F(RootTest, EcamIsTheSameAsConfigurationAccesses) {
  pcie::Platform& platform = boot();
  const BusAddress port = kPlatformMap.ecam + Bytes{1u << 15};
  EXPECT_EQ(platform.mmio_read(port, 4), platform.config_read(pcie::Bdf{0, 0, 1, 0}, Bytes{0}, 4));
  platform.mmio_write(port + Bytes{config::kInterruptLine}, 1, 0x42);
  EXPECT_EQ(platform.config_read(pcie::Bdf{0, 0, 1, 0}, Bytes{config::kInterruptLine}, 1), 0x42u);
}

TEST(MachineConfig, ImpossibleMachinesAreRefusedWithASentence) {
  Watch seen;
  const auto build = [&](const MachineConfig& machine_config) {
    Script::State state;
    Machine machine{machine_config, seen,
                    [&](unsigned, const EndpointConfig&) { return std::make_unique<Script>(state); }};
  };
  MachineConfig machine_config;
  machine_config.topology = "ring";
  EXPECT_THROW(build(machine_config), Error);
  machine_config = {};
  machine_config.dram_size = Bytes{5000};
  EXPECT_THROW(build(machine_config), Error);
  machine_config = {};
  machine_config.link.lanes = 5;
  EXPECT_THROW(build(machine_config), Error);
  machine_config = {};
  machine_config.faults.push_back({MachineFault::Kind::LinkDown, 1, pcie::Phase::Steady, Time{0}});
  EXPECT_THROW(build(machine_config), Error);
  EXPECT_NO_THROW(build(MachineConfig{}));
}

}  // namespace
}  // namespace holdover::sim
