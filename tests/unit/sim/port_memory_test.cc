// SPDX-License-Identifier: MIT
// Requests from below for addresses where there is no memory: errors of the root port.
#include "tests/unit/sim/port_fixture.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kOutside = 0x0800'0000;  // of 1 MiB of memory, and of every window
constexpr std::uint16_t kContainUncorrectable = 2;

struct PortMemory : PortFixture {
  PortMemory() : aer(extended(kRoot, config::kExtCapAer)) { write(kRoot, aer + config::kAerRootCommand, 4, 7); }
  std::uint32_t root(unsigned offset) { return read(kRoot, aer + offset); }
  unsigned aer;
};

TEST_F(PortMemory, AWriteOutsideMemoryIsAnUnsupportedRequestThatNobodyElseTellsOf) {
  send(0, memory_write(kEndpoint[0], kOutside));
  EXPECT_THAT(refused, ElementsAre(HasSubstr("outside memory")));
  EXPECT_EQ(root(config::kAerUncorrectableStatus), config::kAerUnsupported);
  EXPECT_EQ(root(config::kAerHeaderLog + 8), kOutside);
  EXPECT_EQ(root(config::kAerRootStatus), 0x24u) << "not fatal";
  EXPECT_EQ(root(config::kAerErrorSource) >> 16, kRoot.requester_id());
}

TEST_F(PortMemory, AReadOutsideMemoryIsAnsweredAndAdvisory) {
  send(0, memory_read(kEndpoint[0], kOutside, 1));
  ASSERT_FALSE(endpoints[0].arrived.empty());
  EXPECT_EQ(endpoints[0].arrived.back().status, pcie::CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(root(config::kAerCorrectableStatus), config::kAerAdvisoryNonFatal);
  EXPECT_EQ(root(config::kAerUncorrectableStatus), 0u) << "masked until asked";
  EXPECT_EQ(root(config::kAerRootStatus), 0u);
}

TEST_F(PortMemory, AnAccessToMemoryIsNoError) {
  send(0, memory_write(kEndpoint[0], 0x1000));
  send(0, memory_read(kEndpoint[0], 0x1000, 1));
  EXPECT_EQ(root(config::kAerCorrectableStatus), 0u);
  EXPECT_EQ(root(config::kAerUncorrectableStatus), 0u);
}

struct PortMemoryContained : PortMemory, testing::WithParamInterface<bool> {};

// Containment takes the link down in the middle of an access, with every other read that waits.
TEST_P(PortMemoryContained, AFatalOneMakesThePortContain) {
  const unsigned dpc = extended(kRoot, config::kExtCapDpc);
  write(kRoot, aer + config::kAerUncorrectableSeverity, 4, config::kAerUnsupported);  // never advisory then
  write(kRoot, dpc + config::kDpcControl, 2, kContainUncorrectable);
  for (std::uint16_t tag = 0; tag < 8; ++tag) {
    const std::uint64_t address = tag % 2 == 0 ? kOutside : 0x1000;
    endpoints[0].to_send.push_back(GetParam() ? memory_read(kEndpoint[0], address, tag)
                                              : memory_write(kEndpoint[0], address));
  }
  settle();
  EXPECT_EQ(read(kRoot, dpc + config::kDpcStatus, 2), config::kDpcStatusTrigger);
  EXPECT_THAT(links, Contains(std::pair{FunctionIndex{0}, false}));
}

INSTANTIATE_TEST_SUITE_P(ReadsAndWrites, PortMemoryContained, testing::Bool());

}  // namespace
}  // namespace holdover::sim
