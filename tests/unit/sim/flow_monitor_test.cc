// SPDX-License-Identifier: MIT
// Flow control and ordering under random load: a channel keeps the rules, and what does not keep them is found.
#include "sim/flow_monitor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sim/channel.h"
#include "sim/random.h"
#include "sim/scheduler.h"

namespace holdover::sim {
namespace {

using pcie::FlowClass;
using pcie::Tlp;
using pcie::TlpKind;

constexpr std::uint64_t kSeeds = 40;
constexpr Time kStep{20'000};

// Any TLP; each has an address or a count of its own.
Tlp any_tlp(Random& draw, unsigned number) {
  Tlp tlp;
  tlp.requester = static_cast<pcie::RequesterId>(0x100 * (1 + draw.below(3)));
  tlp.completer = static_cast<pcie::RequesterId>(0x100 * (1 + draw.below(3)));
  tlp.tag = static_cast<std::uint16_t>(draw.below(4));
  switch (draw.below(3)) {
    case 0:
      tlp.kind = TlpKind::MemoryWrite;
      break;
    case 1:
      tlp.kind = draw.below(2) == 0 ? TlpKind::MemoryRead : TlpKind::ConfigWrite0;
      break;
    default:
      tlp.kind = TlpKind::CompletionData;
      tlp.byte_count = static_cast<std::uint16_t>(1 + number % 4096);
  }
  tlp.address = 0x1000 + 4 * std::uint64_t{number};
  if (pcie::has_payload(tlp.kind)) {
    const auto words = static_cast<unsigned>(tlp.kind == TlpKind::ConfigWrite0 ? 1 : 1 + draw.below(64));
    tlp.length_dw = static_cast<std::uint16_t>(words);
    tlp.payload.resize(4u * words);
  }
  return tlp;
}

struct Findings {
  std::vector<std::string> rules;
  FlowMonitor monitor;

  explicit Findings(bool independent_completions = false)
      : monitor(FlowMonitor::Place{"link", false, Bytes{256}, independent_completions},
                [this](const Violation& found) { rules.push_back(found.rule); }) {}
  Findings(const Findings&) = delete;
  Findings& operator=(const Findings&) = delete;
  ~Findings() = default;
};

TEST(FlowMonitor, FindsNothingInAChannelThatIsFullAndStarved) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Random draw{seed, "load"};
    Scheduler scheduler;
    ChannelConfig config;
    for (const FlowClass flow : kFlowClasses) {
      config.header_credits[index_of(flow)] = static_cast<unsigned>(draw.below(6));
      config.data_credits[index_of(flow)] = static_cast<unsigned>(16 + draw.below(20));
      config.credit_delay_max[index_of(flow)] = Time{draw.below(300'000)};
      config.credit_hold[index_of(flow)] = Time{draw.below(2) * 500'000};
    }
    config.completions_follow_posted = draw.below(2) == 0;
    Channel channel{scheduler, Random{seed, "channel"}, LinkRate{LinkConfig{}, 1}, Time{20'000}, config};
    Findings findings{!config.completions_follow_posted};
    channel.set_monitor(findings.monitor);

    unsigned sent = 0;
    unsigned taken = 0;
    while (taken < 500) {
      const Tlp next = any_tlp(draw, sent);
      if (sent < 500 && channel.has_room(pcie::flow_class(next.kind))) {
        channel.send(Packet{next, 0});
        ++sent;
      }
      scheduler.run_until(scheduler.now() + kStep);
      if (draw.below(4) == 0 && sent < 500) continue;
      const auto flow = channel.received().oldest([&](const Packet&) { return draw.below(3) != 0; });
      if (!flow) continue;
      static_cast<void>(channel.take(*flow));
      ++taken;
    }
    ASSERT_TRUE(findings.rules.empty()) << "seed " << seed << ": " << findings.rules.front();
  }
}

// TLPs that wait; one of them leaves before a posted request that came first, with nothing that would allow it.
TEST(FlowMonitor, FindsOneThatPassesAPostedRequest) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Random draw{seed, "overtaking"};
    std::vector<Tlp> waiting;
    for (unsigned number = 0; number < 12; ++number) waiting.push_back(any_tlp(draw, number));
    waiting.front().kind = TlpKind::MemoryWrite;
    const std::size_t which = 1 + draw.below(waiting.size() - 1);
    Findings findings;
    findings.monitor.begin(Time{0}, {0, 0, 0}, {0, 0, 0});
    for (const Tlp& tlp : waiting) findings.monitor.arrive(tlp);
    findings.monitor.take(Time{0}, waiting[which]);

    ASSERT_EQ(findings.rules.size(), 1u) << "seed " << seed << ": " << pcie::to_string(waiting[which]);
  }
}

TEST(FlowMonitor, ALinkThatComesUpAgainHasForgottenWhatWasUnderWay) {
  Random draw{1, "reset"};
  Findings findings;
  findings.monitor.begin(Time{0}, {1, 1, 1}, {64, 64, 64});
  for (unsigned round = 0; round < 3; ++round) {
    Tlp tlp = any_tlp(draw, round);
    tlp.kind = TlpKind::MemoryRead;
    tlp.payload.clear();
    findings.monitor.queue(tlp);
    findings.monitor.transmit(Time{0}, tlp);
    findings.monitor.arrive(tlp);
    findings.monitor.begin(Time{0}, {1, 1, 1}, {64, 64, 64});
  }

  EXPECT_TRUE(findings.rules.empty());
}

}  // namespace
}  // namespace holdover::sim
