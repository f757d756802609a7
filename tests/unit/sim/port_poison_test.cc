// SPDX-License-Identifier: MIT
// Poisoned packets on their way through a switch: its ports note them, and pass them on.
#include "tests/unit/sim/port_fixture.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint16_t kDetected = 1u << 15;
constexpr std::uint16_t kMaster = 1u << 8;

struct PortPoison : PortFixture {
  // The parity error response of every port, at both sides.
  void respond() {
    for (const pcie::Bdf port : {kRoot, kUpstream, kDownstream[0], kDownstream[1]}) {
      write(port, config::kCommand, 2, config::kCommandMemory | config::kCommandBusMaster | config::kCommandParity);
      write(port, config::kBridgeControl, 2, config::kBridgeControlSerr | config::kBridgeControlParity);
    }
  }
  std::uint32_t primary(pcie::Bdf port) { return read(port, config::kStatus, 2) & (kDetected | kMaster); }
  std::uint32_t secondary(pcie::Bdf port) { return read(port, config::kSecondaryStatus, 2) & (kDetected | kMaster); }
  std::uint32_t aer(pcie::Bdf port, unsigned offset) { return read(port, extended(port, config::kExtCapAer) + offset); }
  void set_aer(pcie::Bdf port, unsigned offset, std::uint32_t value) {
    write(port, extended(port, config::kExtCapAer) + offset, 4, value);
  }
  bool advised(pcie::Bdf port) {
    return (aer(port, config::kAerCorrectableStatus) & config::kAerAdvisoryNonFatal) != 0;
  }
  static pcie::Tlp poisoned(pcie::Tlp tlp) {
    tlp.poisoned = true;
    return tlp;
  }
  static pcie::Tlp completion() {
    pcie::Tlp tlp = memory_write(0, 0);
    tlp.kind = pcie::TlpKind::CompletionData;
    tlp.completer = kEndpoint[0];
    tlp.requester = kEndpoint[1];
    tlp.byte_count = 4;
    return poisoned(tlp);
  }
};

TEST_F(PortPoison, ARequestOnItsWayUpIsNotedWhereItComesInAndReachesTheRoot) {
  respond();
  send(0, poisoned(memory_write(kEndpoint[0], 0x1000)));
  EXPECT_EQ(secondary(kDownstream[0]), kDetected);
  EXPECT_EQ(primary(kDownstream[0]), 0u);
  EXPECT_EQ(primary(kUpstream), kMaster) << "it sent the request";
  EXPECT_EQ(secondary(kUpstream), 0u);
  EXPECT_TRUE(advised(kDownstream[0]));
  EXPECT_EQ(aer(kDownstream[0], config::kAerUncorrectableStatus), 0u) << "advisory errors are masked";
  EXPECT_FALSE(advised(kUpstream));
  EXPECT_EQ(secondary(kRoot), kDetected);
  EXPECT_THAT(refused, ElementsAre(HasSubstr("poisoned"))) << "by the root port, which it reached";
}

TEST_F(PortPoison, WithoutParityErrorResponseNoMasterDataParityErrorIsNoted) {
  send(0, poisoned(memory_write(kEndpoint[0], 0x1000)));
  send(0, completion());
  EXPECT_EQ(secondary(kDownstream[0]), kDetected);
  EXPECT_EQ(primary(kUpstream), 0u);
}

TEST_F(PortPoison, TheAdvisoryErrorIsLoggedAndToldWhereItIsNotMasked) {
  set_aer(kDownstream[0], config::kAerCorrectableMask, 0);
  send(0, poisoned(memory_write(kEndpoint[0], 0x1000)));
  EXPECT_EQ(aer(kDownstream[0], config::kAerUncorrectableStatus), config::kAerPoisoned);
  EXPECT_EQ(aer(kDownstream[0], config::kAerHeaderLog), 0x4000'4001u);
  EXPECT_EQ(aer(kRoot, config::kAerRootStatus) & 1u, 1u);
  EXPECT_EQ(aer(kRoot, config::kAerErrorSource) & 0xffff, kDownstream[0].requester_id());
}

TEST_F(PortPoison, ACompletionForAPeerIsNotedWhereItComesIn) {
  respond();
  send(0, completion());
  EXPECT_EQ(secondary(kDownstream[0]), kDetected | kMaster);
  EXPECT_EQ(secondary(kDownstream[1]), 0u);
  EXPECT_TRUE(advised(kDownstream[0]));
  ASSERT_FALSE(endpoints[1].arrived.empty());
  EXPECT_TRUE(endpoints[1].arrived.back().poisoned);
}

TEST_F(PortPoison, ARequestForAPeerIsAMasterDataParityErrorWhereItGoesOut) {
  respond();
  send(0, poisoned(memory_write(kEndpoint[0], kWindow[1])));
  EXPECT_EQ(secondary(kDownstream[0]), kDetected);
  EXPECT_EQ(secondary(kDownstream[1]), kMaster);
  EXPECT_TRUE(advised(kDownstream[0]));
  EXPECT_FALSE(advised(kDownstream[1]));
  EXPECT_TRUE(endpoints[1].arrived.back().poisoned);
}

TEST_F(PortPoison, ACompletionOnItsWayDownIsNotedInTheUpstreamPort) {
  rebuild(MachineFault{MachineFault::Kind::PoisonCompletion, 0, pcie::Phase::Blackout, 1_us});
  respond();
  machine->platform().jump(PhysicalAddress{0x1000});
  send(0, memory_read(kEndpoint[0], 0x1000, 1));
  EXPECT_EQ(primary(kUpstream), kDetected | kMaster);
  EXPECT_TRUE(advised(kUpstream));
  EXPECT_EQ(secondary(kDownstream[0]), 0u);
  EXPECT_FALSE(advised(kDownstream[0]));
  ASSERT_FALSE(endpoints[0].arrived.empty());
  EXPECT_TRUE(endpoints[0].arrived.back().poisoned);
}

TEST_F(PortPoison, WhatIsRefusedIsThatErrorAlone) {
  write(kDownstream[0], config::kCommand, 2, config::kCommandMemory);
  send(0, poisoned(memory_write(kEndpoint[0], 0x1000)));
  EXPECT_EQ(secondary(kDownstream[0]), kDetected);
  EXPECT_EQ(aer(kDownstream[0], config::kAerUncorrectableStatus), config::kAerUnsupported);
  EXPECT_FALSE(advised(kDownstream[0]));
}

TEST_F(PortPoison, WhatTheRootPortRefusesIsThatErrorAlone) {
  write(kRoot, config::kCommand, 2, config::kCommandMemory);
  send(0, poisoned(memory_write(kEndpoint[0], 0x1000)));
  EXPECT_EQ(secondary(kRoot), kDetected);
  EXPECT_EQ(aer(kRoot, config::kAerUncorrectableStatus), config::kAerUnsupported);
  EXPECT_FALSE(advised(kRoot));
}

}  // namespace
}  // namespace holdover::sim
