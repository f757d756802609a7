// SPDX-License-Identifier: MIT
// Access control: which way packets from one endpoint to its peer take, and which are stopped.
#include "tests/unit/sim/port_fixture.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint16_t kValidate = 1;
constexpr std::uint16_t kBlock = 2;
constexpr std::uint16_t kRedirectRequests = 4;
constexpr std::uint16_t kRedirectCompletions = 8;
constexpr std::uint16_t kForward = 16;

struct PortAcs : PortFixture {
  void control(pcie::Bdf port, std::uint16_t bits) { write(port, extended(port, config::kExtCapAcs) + 6, 2, bits); }
  // Requests and completions that arrived at this endpoint, after configuration cycles.
  std::size_t arrived(unsigned endpoint, pcie::TlpKind kind) const {
    std::size_t count = 0;
    for (const pcie::Tlp& tlp : endpoints[endpoint].arrived) count += tlp.kind == kind ? 1 : 0;
    return count;
  }
  std::uint32_t violations(pcie::Bdf port) {
    return read(port, extended(port, config::kExtCapAer) + config::kAerUncorrectableStatus) & config::kAerAcsViolation;
  }
};

TEST_F(PortAcs, EveryControlThatTheCapabilityNamesCanBeSet) {
  for (const pcie::Bdf port : {kRoot, kDownstream[0], kDownstream[1]}) {
    control(port, 0xffff);
    EXPECT_EQ(read(port, extended(port, config::kExtCapAcs) + 4), 0x001f'001fu);
  }
}

TEST_F(PortAcs, SourceValidationStopsRequestsUnderForeignNames) {
  send(0, memory_write(kEndpoint[1], 0x1000));
  EXPECT_EQ(written, 1u) << "nobody looks";
  control(kDownstream[0], kValidate);
  send(0, memory_write(kEndpoint[0], 0x1000));
  EXPECT_EQ(written, 2u);
  send(0, memory_write(kEndpoint[1], 0x1000));
  EXPECT_EQ(written, 2u);
  EXPECT_THAT(refused, ElementsAre(HasSubstr("ACS source validation")));
  EXPECT_NE(violations(kDownstream[0]), 0u);
  send(0, memory_read(kEndpoint[1], 0x1000, 9));
  EXPECT_EQ(refused.size(), 2u);
}

TEST_F(PortAcs, AReadThatViolatesIsAnsweredWithCompleterAbort) {
  control(kDownstream[0], kBlock);
  send(0, memory_read(kEndpoint[0], 0x1000, 1));
  EXPECT_EQ(arrived(0, pcie::TlpKind::CompletionData), 1u);
  pcie::Tlp translated = memory_read(kEndpoint[0], 0x1000, 2);
  translated.address_type = 2;
  send(0, translated);
  EXPECT_THAT(refused, ElementsAre(HasSubstr("ACS translation blocking")));
  EXPECT_EQ(endpoints[0].arrived.back().status, pcie::CompletionStatus::CompleterAbort);
  EXPECT_EQ(read(kDownstream[0], config::kSecondaryStatus, 2), config::kStatusSignaledTargetAbort);
  EXPECT_EQ(read(kDownstream[0], config::kStatus, 2), config::kStatusCapabilityList);
  control(kDownstream[0], 0);
  control(kRoot, kBlock);
  send(0, translated);
  EXPECT_EQ(endpoints[0].arrived.back().status, pcie::CompletionStatus::CompleterAbort);
  EXPECT_EQ(read(kRoot, config::kSecondaryStatus, 2), config::kStatusSignaledTargetAbort);
  control(kRoot, 0);
  send(0, translated);
  EXPECT_EQ(arrived(0, pcie::TlpKind::CompletionData), 2u);
}

TEST_F(PortAcs, APeersPortThatContainsAbortsOnTheSideOfTheOthers) {
  write(kDownstream[1], extended(kDownstream[1], config::kExtCapDpc) + config::kDpcControl, 2,
        1 | config::kDpcControlSoftwareTrigger);
  send(0, memory_read(kEndpoint[0], kWindow[1], 1));
  ASSERT_FALSE(endpoints[0].arrived.empty());
  EXPECT_EQ(endpoints[0].arrived.back().status, pcie::CompletionStatus::CompleterAbort);
  EXPECT_NE(read(kDownstream[1], config::kStatus, 2) & config::kStatusSignaledTargetAbort, 0u);
  EXPECT_EQ(read(kDownstream[1], config::kSecondaryStatus, 2), 0u);
  EXPECT_EQ(read(kDownstream[0], config::kSecondaryStatus, 2), 0u);
}

TEST_F(PortAcs, RequestsForAPeerGoStraightUnlessRedirected) {
  send(0, memory_write(kEndpoint[0], kWindow[1]));
  EXPECT_EQ(arrived(1, pcie::TlpKind::MemoryWrite), 1u);
  control(kDownstream[0], kRedirectRequests);
  send(0, memory_write(kEndpoint[0], kWindow[1]));
  EXPECT_EQ(arrived(1, pcie::TlpKind::MemoryWrite), 1u);
  EXPECT_THAT(refused, ElementsAre(HasSubstr("own window"))) << "at the root port, which forwards nothing back up";
  control(kRoot, kForward);
  send(0, memory_write(kEndpoint[0], kWindow[1]));
  EXPECT_EQ(refused.size(), 2u);
  EXPECT_THAT(refused.back(), HasSubstr("outside memory")) << "it got as far as translation";
}

TEST_F(PortAcs, UpstreamForwardingSendsUpWhatIsAddressedToTheOwnWindow) {
  control(kRoot, kForward);
  send(0, memory_write(kEndpoint[0], kWindow[0]));
  EXPECT_THAT(refused, ElementsAre(HasSubstr("own window")));
  control(kDownstream[0], kForward);
  send(0, memory_write(kEndpoint[0], kWindow[0]));
  EXPECT_THAT(refused.back(), HasSubstr("outside memory"));
}

TEST_F(PortAcs, CompletionsForAPeerTakeTheWayOverTheRootWhenRedirected) {
  pcie::Tlp completion;
  completion.kind = pcie::TlpKind::Completion;
  completion.completer = kEndpoint[0];
  completion.requester = kEndpoint[1];
  completion.tag = 7;
  completion.byte_count = 4;
  const auto time_of = [&](std::uint8_t attributes) {
    completion.attributes = attributes;
    const std::size_t before = arrived(1, pcie::TlpKind::Completion);
    endpoints[0].to_send.push_back(completion);
    Time waited;
    while (arrived(1, pcie::TlpKind::Completion) == before && waited < 10_us) {
      machine->platform().wait(Time{4'000});
      waited += Time{4'000};
    }
    return waited;
  };
  const Time straight = time_of(0);
  control(kDownstream[0], kRedirectCompletions);
  const Time round = time_of(0);
  EXPECT_LT(round, 10_us) << "it never came back";
  EXPECT_GT(round, straight + Time{100'000});
  EXPECT_LT(time_of(1u << 1), round) << "relaxed ordering goes straight";
  EXPECT_THAT(refused, IsEmpty());
}

}  // namespace
}  // namespace holdover::sim
