// SPDX-License-Identifier: MIT
// What a host reads from an endpoint is part of the evidence: every read is answered, and the card's own counters are
// believed against it.
#include "bench/ledger/endpoint_ledger.h"

#include "host/driver/endpoint_regs.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

constexpr std::uint64_t kBar = 0xe000'0000;

class EndpointReads : public BenchScene {
 protected:
  EndpointReads() : ledger(0, scene, evidence, us(1), us(100)) { ledger.set_bar0(kBar); }

  void ask(Time time, std::uint32_t offset) {
    pcie::Tlp read;
    read.kind = pcie::TlpKind::MemoryRead;
    read.address = kBar + offset;
    read.length_dw = 1;
    read.first_be = 0xf;
    read.tag = 5;
    ledger.on_receive(time, read);
  }
  void answer(Time time, std::uint32_t value, pcie::CompletionStatus status = pcie::CompletionStatus::Success) {
    const bool success = status == pcie::CompletionStatus::Success;
    pcie::Tlp completion;
    completion.kind = success ? pcie::TlpKind::CompletionData : pcie::TlpKind::Completion;
    completion.status = status;
    completion.tag = 5;
    if (success) completion.payload = bytes_of(value);
    ledger.on_transmit(time, completion);
  }

  EndpointLedger ledger;
};

TEST_F(EndpointReads, BytesThatTheCardFoundWrongAreFoundOnce) {
  const std::uint32_t offset = host::regs::channel::mismatches(1);
  ask(us(1), offset);
  answer(us(2), 0);
  EXPECT_EQ(count(Check::Memory), 0u);
  for (unsigned n = 0; n < 2; ++n) {
    ask(us(3), offset);
    answer(us(4), 17);
  }
  EXPECT_EQ(count(Check::Memory), 1u);
  EXPECT_EQ(first(Check::Memory), "endpoint 0 itself counts 17 bytes of channel 1 that reached it wrong or not at all");
}

TEST_F(EndpointReads, ARefusedReadIsFoundWhereTrafficMustGoOn) {
  ask(us(1), 0);
  answer(us(2), 0, pcie::CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(count(Check::Protocol), 0u);
  open_window(us(3));
  ask(us(4), 0);
  answer(us(5), 0, pcie::CompletionStatus::UnsupportedRequest);
  EXPECT_NE(first(Check::Protocol).find("answered a read of its host at 0xe0000000 with"), std::string::npos);
}

TEST_F(EndpointReads, AReadThatIsNeverAnsweredIsFound) {
  ask(us(1), 0);
  ledger.on_end(us(100), false);
  EXPECT_EQ(first(Check::Protocol), "endpoint 0 never answered a read of its host at 0xe0000000");
}

}  // namespace
}  // namespace holdover::bench::testing
