// SPDX-License-Identifier: MIT
// No event is lost, doubled or sent while it may not be: each either becomes a message or finds its bit already
// pending.
#include "tests/rtl/registers_fixture.h"

namespace holdover::rtl_test {
namespace {

class Msix : public RegistersFixture {
 protected:
  std::uint32_t pending() { return read(regs::msix_pba::kPending); }
};

TEST_F(Msix, TheTableStartsMaskedAndEmpty) {
  for (unsigned vector = 0; vector < 32; ++vector) {
    EXPECT_EQ(read(regs::msix_table::address_lo(vector)), 0u);
    EXPECT_EQ(read(regs::msix_table::data(vector)), 0u);
    EXPECT_EQ(read(regs::msix_table::vector_control(vector)), 1u);
  }
}

TEST_F(Msix, EachEntryKeepsItsOwnWords) {
  for (unsigned vector = 0; vector < 32; ++vector) unmask(vector);
  for (unsigned vector = 0; vector < 32; ++vector) {
    EXPECT_EQ(read(regs::msix_table::address_lo(vector)), 0xfee0'0000u + 16 * vector);
    EXPECT_EQ(read(regs::msix_table::address_hi(vector)), 1u);
    EXPECT_EQ(read(regs::msix_table::data(vector)), 0x100u + vector);
    EXPECT_EQ(read(regs::msix_table::vector_control(vector)), 0u);
  }
  write(regs::msix_table::data(3), 0xaabb'ccdd, 0x4);
  EXPECT_EQ(read(regs::msix_table::data(3)), 0x00bb'0103u);
}

TEST_F(Msix, AnEventSendsTheEntrysMessage) {
  unmask(5);
  raise(5);
  clocks(5);
  EXPECT_EQ(messages, std::vector<SeenMessage>{message_of(5)});
  EXPECT_EQ(pending(), 0u);
}

TEST_F(Msix, AMaskedVectorPendsAndFiresOnceAfterUnmask) {
  unmask(5);
  write(regs::msix_table::vector_control(5), 1);
  raise(5);
  raise(5);
  raise(5);
  clocks(5);
  EXPECT_TRUE(messages.empty());
  EXPECT_EQ(pending(), 1u << 5);
  EXPECT_EQ(coalesced[5], 2u);
  write(regs::msix_table::vector_control(5), 0);
  clocks(20);
  EXPECT_EQ(messages.size(), 1u);
  EXPECT_EQ(pending(), 0u);
}

TEST_F(Msix, FunctionMaskBusMasterDStateAndEnableHoldEveryVectorBack) {
  unmask(0);
  unmask(31);
  unsigned sent = 0;
  const auto holds = [&](auto set, auto clear) {
    set();
    raise(0);
    raise(31);
    clocks(10);
    EXPECT_EQ(messages.size(), sent);
    EXPECT_EQ(pending(), 0x8000'0001u);
    clear();
    clocks(10);
    sent += 2;
    EXPECT_EQ(messages.size(), sent);
  };
  holds([&] { top->fn_msix_mask_i = 1; }, [&] { top->fn_msix_mask_i = 0; });
  holds([&] { top->fn_bus_master_i = 0; }, [&] { top->fn_bus_master_i = 1; });
  holds([&] { top->fn_d_state_i = 3; }, [&] { top->fn_d_state_i = 0; });
  holds([&] { top->fn_msix_enable_i = 0; }, [&] { top->fn_msix_enable_i = 1; });
}

TEST_F(Msix, TheStrapMakesADisabledFunctionForgetNewEventsButNotOldOnes) {
  top->fn_pending_while_disabled_i = 0;
  unmask(1);
  unmask(2);
  top->fn_msix_mask_i = 1;
  raise(1);
  top->fn_msix_enable_i = 0;
  raise(2);
  clocks(3);
  EXPECT_EQ(pending(), 1u << 1);
  top->fn_msix_enable_i = 1;
  top->fn_msix_mask_i = 0;
  clocks(10);
  EXPECT_EQ(messages, std::vector<SeenMessage>{message_of(1)});
  EXPECT_EQ(events[2], 1u);  // it was raised all the same
}

TEST_F(Msix, AMessageThatWaitsIsHeldBackByAMaskAndSaysWhatTheEntrySaysWhenItGoes) {
  unmask(4);
  top->message_ready_i = 0;
  raise(4);
  clocks(5);
  EXPECT_TRUE(top->message_valid_o);
  write(regs::msix_table::vector_control(4), 1);
  EXPECT_FALSE(top->message_valid_o);
  top->message_ready_i = 1;
  clocks(5);
  EXPECT_TRUE(messages.empty());
  write(regs::msix_table::data(4), 0x77);
  write(regs::msix_table::vector_control(4), 0);
  clocks(5);
  EXPECT_EQ(messages, (std::vector<SeenMessage>{{.address = message_of(4).address, .data = 0x77}}));
}

TEST_F(Msix, AFloodOnOneVectorDoesNotStarveTheOthers) {
  for (unsigned vector = 0; vector < 32; ++vector) unmask(vector);
  top->message_ready_i = 0;
  for (unsigned vector = 0; vector < 32; ++vector) raise(vector);
  top->message_ready_i = 1;
  for (unsigned n = 0; n < 100; ++n) raise(0);
  std::array<unsigned, 32> sent{};
  for (const SeenMessage& message : messages) ++sent[message.data - 0x100];
  for (unsigned vector = 0; vector < 32; ++vector) EXPECT_GE(sent[vector], 1u) << "vector " << vector;
}

TEST_F(Msix, VectorsBeyondTheStrapDoNotExist) {
  top->fn_vectors_i = 8;
  write(regs::msix_table::data(8), 0x1234);
  EXPECT_EQ(read(regs::msix_table::data(8)), 0u);
  raise(8);
  clocks(4);
  EXPECT_EQ(events[8], 0u);
  EXPECT_EQ(pending(), 0u);
}

TEST_F(Msix, AResetOfTheFunctionForgetsTableAndPendingBits) {
  unmask(6);
  top->fn_msix_mask_i = 1;
  raise(6);
  reset_function();
  EXPECT_EQ(pending(), 0u);
  EXPECT_EQ(read(regs::msix_table::data(6)), 0u);
  EXPECT_EQ(read(regs::msix_table::vector_control(6)), 1u);
}

TEST_F(Msix, EventsAreMessagesPlusCoalescedWhateverHappens) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Draw draw{seed};
    messages.clear();
    events = {};
    coalesced = {};
    for (unsigned vector = 0; vector < 32; ++vector) unmask(vector);
    std::array<unsigned, 32> raised{};
    for (unsigned n = 0; n < 3000; ++n) {
      top->message_ready_i = !draw.one_in(3);
      top->fn_msix_mask_i = draw.one_in(40) ? !top->fn_msix_mask_i : top->fn_msix_mask_i;
      top->fn_bus_master_i = draw.one_in(60) ? !top->fn_bus_master_i : top->fn_bus_master_i;
      const unsigned vector = draw.below(draw.one_in(2) ? 2 : 32);
      if (draw.one_in(30)) {
        write(regs::msix_table::vector_control(vector), draw.below(2));
      } else if (draw.one_in(2)) {
        ++raised[vector];
        raise(vector);
      } else {
        clock();
      }
    }
    top->message_ready_i = 1;
    top->fn_msix_mask_i = 0;
    top->fn_bus_master_i = 1;
    for (unsigned vector = 0; vector < 32; ++vector) unmask(vector);
    clocks(50);
    std::array<unsigned, 32> sent{};
    for (const SeenMessage& message : messages) {
      ASSERT_EQ(message, message_of(message.data - 0x100));
      ++sent[message.data - 0x100];
    }
    ASSERT_EQ(pending(), 0u);
    for (unsigned vector = 0; vector < 32; ++vector) {
      ASSERT_EQ(events[vector], raised[vector]) << "vector " << vector;
      ASSERT_EQ(sent[vector] + coalesced[vector], raised[vector]) << "vector " << vector;
    }
  }
}

}  // namespace
}  // namespace holdover::rtl_test
