// SPDX-License-Identifier: MIT
// Events, messages and pending bits add up, or the difference has a name.
#include "bench/ledger/interrupt_ledger.h"

#include "host/driver/endpoint_regs.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

namespace table = host::regs::msix_table;

constexpr std::uint64_t kBar = 0xe000'0000;
constexpr std::uint64_t kTarget = 0xfee0'0000;

class Interrupts : public BenchScene {
 protected:
  Interrupts() : ledger(0, scene, evidence) {
    registers.set_base(kBar);
    for (unsigned vector = 0; vector < 2; ++vector) {
      write(table::address_lo(vector), static_cast<std::uint32_t>(kTarget));
      write(table::data(vector), 0x40 + vector);
      write(table::vector_control(vector), 0);
    }
    ledger.on_enable(us(0), true);
  }

  void write(std::uint32_t offset, std::uint32_t value, Time time = us(0)) {
    for (const auto& each : registers.on_request(register_write(kBar + offset, value))) {
      ledger.on_register_write(time, each);
    }
  }
  void send(Time time, unsigned vector) {
    EXPECT_TRUE(ledger.on_transmit(time, register_write(kTarget, 0x40 + vector), registers));
  }
  void arrive(Time time, unsigned vector, sim::MessageOutcome outcome = sim::MessageOutcome::Delivered) {
    ledger.on_message(time, kTarget, 0x40 + vector, outcome);
  }
  void whole(Time time, unsigned vector) {
    ledger.on_event(time, vector, false);
    send(time, vector);
    arrive(time, vector);
  }

  EndpointRegisters registers;
  InterruptLedger ledger;
};

TEST_F(Interrupts, EveryEventWithItsMessageIsWhole) {
  for (unsigned n = 0; n < 10; ++n) whole(us(n), n % 2);
  ledger.on_end(us(1000), registers);
  EXPECT_EQ(count(Check::Interrupts), 0u) << first(Check::Interrupts);
}

TEST_F(Interrupts, EventsThatJoinAPendingBitNeedOneMessage) {
  ledger.on_enable(us(0), false);
  ledger.on_event(us(1), 0, false);
  ledger.on_event(us(2), 0, true);
  ledger.on_event(us(3), 0, true);
  ledger.on_enable(us(4), true);
  send(us(4), 0);
  arrive(us(5), 0);
  ledger.on_end(us(1000), registers);
  EXPECT_EQ(count(Check::Interrupts), 0u) << first(Check::Interrupts);
}

TEST_F(Interrupts, APendingBitThatNeverFiresIsFound) {
  ledger.on_event(us(1), 0, false);
  ledger.on_end(us(1000), registers);
  EXPECT_EQ(first(Check::Interrupts),
            "1 events on vector 0 of endpoint 0 never became a message: 1 events, 0 coalesced, 0 messages");
}

TEST_F(Interrupts, EventsDroppedWhileDisabledAreFoundBeforeTheEnd) {
  ledger.on_enable(us(0), false);
  for (unsigned n = 1; n <= 4; ++n) ledger.on_event(us(n), 0, false);
  EXPECT_NE(first(Check::Interrupts).find("have neither become a message nor joined one that waits"),
            std::string::npos);
}

TEST_F(Interrupts, AnEventForgottenWhileHeldIsFoundAlthoughLaterOnesAreDelivered) {
  ledger.on_enable(us(0), false);
  ledger.on_event(us(1), 0, false);  // and nobody keeps it
  ledger.on_enable(us(10), true);
  for (unsigned n = 0; n < 8; ++n) whole(us(20 + 10 * n), 0);
  EXPECT_EQ(count(Check::Interrupts), 1u);
  EXPECT_NE(first(Check::Interrupts).find("1 events on vector 0 of endpoint 0 have neither become a message"),
            std::string::npos);
}

TEST_F(Interrupts, AMessageLostInTheFabricIsFoundByTheOneBehindIt) {
  ledger.on_event(us(1), 0, false);
  send(us(1), 0);
  whole(us(2), 1);
  EXPECT_EQ(first(Check::Interrupts), "a message for vector 0 of endpoint 0 was lost on its way");
}

TEST_F(Interrupts, AMessageThatArrivesTwiceIsFound) {
  whole(us(1), 0);
  arrive(us(2), 0);
  EXPECT_NE(first(Check::Interrupts).find("arrived twice"), std::string::npos);
}

TEST_F(Interrupts, AMessageWithoutAnEventIsFound) {
  send(us(1), 0);
  EXPECT_NE(first(Check::Interrupts).find("without an event"), std::string::npos);
}

TEST_F(Interrupts, ADiscardedMessageIsFound) {
  ledger.on_event(us(1), 0, false);
  send(us(1), 0);
  arrive(us(2), 0, sim::MessageOutcome::Discarded);
  EXPECT_NE(first(Check::Interrupts).find("found the interrupt controller off"), std::string::npos);
}

TEST_F(Interrupts, AMessageThatStandsInNoEntryIsFound) {
  EXPECT_TRUE(ledger.on_transmit(us(1), register_write(kTarget, 0x99), registers));
  EXPECT_NE(first(Check::Interrupts).find("stands in no entry"), std::string::npos);
}

TEST_F(Interrupts, AnEventMayWaitAtTheEndWhereItsVectorIsMasked) {
  write(table::vector_control(0), 1);
  ledger.on_event(us(1), 0, false);
  ledger.on_end(us(1000), registers);
  EXPECT_EQ(count(Check::Interrupts), 0u) << first(Check::Interrupts);
}

TEST_F(Interrupts, AnEventThatWasLostBeforeItsVectorWasMaskedIsFound) {
  whole(us(1), 0);
  ledger.on_event(us(50), 0, false);
  write(table::vector_control(0), 1, us(100));
  ledger.on_end(us(101), registers);
  EXPECT_NE(first(Check::Interrupts).find("1 events on vector 0 of endpoint 0 never became a message"),
            std::string::npos)
      << first(Check::Interrupts);
}

TEST_F(Interrupts, AnEventUnderAMaskMayStayPending) {
  write(table::vector_control(0), 1, us(10));
  ledger.on_event(us(50), 0, false);
  ledger.on_end(us(101), registers);
  EXPECT_EQ(count(Check::Interrupts), 0u) << first(Check::Interrupts);
}

TEST_F(Interrupts, AnEventRightAfterAnUnmaskIsNotLate) {
  write(table::vector_control(0), 1, us(10));
  ledger.on_event(us(50), 0, false);
  write(table::vector_control(0), 0, us(500));
  ledger.on_event(us(500), 0, false);
  send(us(501), 0);
  arrive(us(501), 0);
  send(us(501), 0);
  arrive(us(501), 0);
  ledger.on_end(us(900), registers);
  EXPECT_EQ(count(Check::Interrupts), 0u) << first(Check::Interrupts);
}

TEST_F(Interrupts, AVectorThatTheUpdateLeavesMaskedIsFound) {
  open_window(us(1));
  ledger.open_window(registers);
  write(table::vector_control(1), 1);
  ledger.close_window(us(9), registers);
  EXPECT_EQ(count(Check::Interrupts), 1u);
  EXPECT_EQ(first(Check::Interrupts), "vector 1 of endpoint 0 could fire before the update and cannot fire after it");
}

TEST_F(Interrupts, AVectorThatWasMaskedForAMomentIsNoFinding) {
  ledger.open_window(registers);
  ledger.on_enable(us(2), false);
  write(table::vector_control(1), 1);
  write(table::vector_control(1), 0);
  ledger.on_enable(us(3), true);
  ledger.close_window(us(9), registers);
  EXPECT_EQ(count(Check::Interrupts), 0u) << first(Check::Interrupts);
}

}  // namespace
}  // namespace holdover::bench::testing
