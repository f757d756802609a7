// SPDX-License-Identifier: MIT
// The registers of BAR 0 keep what the map says, change when it says, and leave their neighbours alone.
#include <map>

#include "tests/rtl/registers_fixture.h"

namespace holdover::rtl_test {
namespace {

class Registers : public RegistersFixture {};

TEST_F(Registers, IdentityAndCapabilities) {
  EXPECT_EQ(read(regs::global::kId), regs::global::kIdReset);
  EXPECT_EQ(read(regs::global::kVersion), regs::kVersion);
  const std::uint32_t capabilities = read(regs::global::kCapabilities);
  EXPECT_EQ(regs::global::kCapabilitiesChannels.extract(capabilities), 2u);
  EXPECT_EQ(regs::global::kCapabilitiesDataBytes.extract(capabilities), 32u);
  EXPECT_EQ(regs::global::kCapabilitiesVectors.extract(capabilities), 32u);
  EXPECT_EQ(regs::global::kCapabilitiesMonitor.extract(capabilities), 1u);
  EXPECT_EQ(read(regs::global::kCardMemory), 65536u);
  EXPECT_EQ(read(regs::global::kClockPeriod), 4000u);
}

TEST_F(Registers, WhatIsNotThereReadsZero) {
  for (const std::uint32_t offset : {0x002cu, 0x0100u, 0x1200u, 0x1800u, 0x2030u, 0x2200u, 0x4000u, 0xc004u, 0xfffcu}) {
    write(offset, 0xffff'ffff);
    EXPECT_EQ(read(offset), 0u) << "offset " << offset;
  }
}

TEST_F(Registers, EveryWritableRegisterKeepsItsBitsAndNoOthers) {
  std::map<std::uint32_t, std::uint32_t> bits{
      {regs::global::kScratch, 0xffff'ffff},
      {regs::global::kCompletionTimeout, 0xffff'ffff},
      {regs::heartbeat_writer::kRingBaseLo, 0xffff'ffff},
      {regs::heartbeat_writer::kRingBaseHi, 0xffff'ffff},
      {regs::heartbeat_writer::kRingEntries, 0xffff},
      {regs::heartbeat_writer::kPeriod, 0xffff'ffff},
      {regs::heartbeat_writer::kVector, 0x1f},
      {regs::heartbeat_writer::kInterruptEvery, 0xffff'ffff},
      {regs::heartbeat_reader::kRingBaseLo, 0xffff'ffff},
      {regs::heartbeat_reader::kRingBaseHi, 0xffff'ffff},
      {regs::heartbeat_reader::kRingEntries, 0xffff},
      {regs::heartbeat_reader::kPeriod, 0xffff'ffff},
      {regs::heartbeat_reader::kSeed, 0xffff'ffff},
      {regs::monitor::kLogSelect, 0x3f},
  };
  for (const std::uint32_t offset :
       {regs::channel::ring_base_lo(1), regs::channel::ring_base_hi(1), regs::channel::tail(1),
        regs::channel::completion_base_lo(1), regs::channel::completion_base_hi(1), regs::channel::seed(1),
        regs::channel::moderation(1)}) {
    bits[offset] = 0xffff'ffff;
  }
  bits[regs::channel::ring_entries(1)] = 0xffff;
  bits[regs::channel::vector(1)] = 0x1f;
  std::map<std::uint32_t, std::uint32_t> values;
  for (const auto& [offset, mask] : bits) values[offset] = read(offset);
  EXPECT_EQ(values[regs::heartbeat_writer::kPeriod], regs::heartbeat_writer::kPeriodReset);
  EXPECT_EQ(values[regs::channel::moderation(1)], regs::channel::kModerationReset);
  std::uint32_t salt = 0x1357'9bdf;
  for (const auto& [offset, mask] : bits) {
    salt = salt * 1664525u + 1013904223u;
    for (const unsigned byte : {2u, 0u, 3u, 1u}) write(offset, salt, static_cast<std::uint8_t>(1u << byte));
    values[offset] = salt & mask;
    for (const auto& [other, value] : values)
      ASSERT_EQ(read(other), value) << "offset " << other << " after " << offset;
  }
  reset_function();
  EXPECT_EQ(read(regs::global::kScratch), 0u);
  EXPECT_EQ(read(regs::global::kCompletionTimeout), regs::global::kCompletionTimeoutReset);
  EXPECT_EQ(read(regs::channel::ring_base_lo(1)), 0u);
  EXPECT_EQ(read(regs::heartbeat_writer::kPeriod), regs::heartbeat_writer::kPeriodReset);
}

TEST_F(Registers, TheLowHalfLatchesTheHighOne) {
  ASSERT_LT(time, 0xffff'ffffu);
  clocks(static_cast<unsigned>(0xffff'ffff - time));
  EXPECT_EQ(read(regs::global::kTimeLo), 0xffff'ffffu);
  EXPECT_EQ(read(regs::global::kTimeHi), 0u);  // although it has become 1 meanwhile
  EXPECT_LT(read(regs::global::kTimeLo), 100u);
  EXPECT_EQ(read(regs::global::kTimeHi), 1u);

  top->channel_completed_i = 0x7'ffff'ffff;
  EXPECT_EQ(read(regs::channel::completed_lo(1)), 0xffff'ffffu);
  top->channel_completed_i = 0x8'0000'0000;
  EXPECT_EQ(read(regs::channel::completed_hi(1)), 7u);
}

TEST_F(Registers, ARunningChannelKeepsWhatItsDescriptorsDependOn) {
  write(regs::channel::ring_base_lo(1), 0x1000);
  write(regs::channel::control(1), regs::channel::kControlRun.mask() | regs::channel::kControlC2h.mask());
  EXPECT_TRUE(top->channel_run_o && top->channel_c2h_o);
  top->channel_idle_i = 0;
  write(regs::channel::ring_base_lo(1), 0x2000);
  write(regs::channel::tail(1), 5);
  write(regs::channel::control(1), 0);
  EXPECT_FALSE(top->channel_run_o);
  EXPECT_TRUE(top->channel_c2h_o);
  EXPECT_EQ(top->channel_ring_base_o, 0x1000u);
  EXPECT_EQ(top->channel_tail_o, 5u);
}

TEST_F(Registers, ResetOfAChannelReadsOneUntilItIsDone) {
  write(regs::channel::control(1), regs::channel::kControlRun.mask());
  write(regs::channel::control(1), regs::channel::kControlReset.mask() | regs::channel::kControlRun.mask());
  EXPECT_TRUE(top->channel_reset_o);
  EXPECT_EQ(read(regs::channel::control(1)), regs::channel::kControlReset.mask());
  EXPECT_FALSE(top->channel_reset_o);                                               // one clock only
  EXPECT_EQ(read(regs::channel::control(1)), regs::channel::kControlReset.mask());  // before the channel has answered
  top->channel_resetting_i = 1;
  clocks(20);
  EXPECT_EQ(read(regs::channel::control(1)), regs::channel::kControlReset.mask());
  top->channel_resetting_i = 0;
  clocks(5);
  EXPECT_EQ(read(regs::channel::control(1)), 0u);
}

TEST_F(Registers, ARunningHeartbeatKeepsItsPace) {
  write(regs::heartbeat_writer::kPeriod, 100);
  write(regs::heartbeat_writer::kControl, regs::heartbeat_writer::kControlRun.mask());
  EXPECT_TRUE(top->writer_run_o);
  write(regs::heartbeat_writer::kPeriod, 7);
  EXPECT_EQ(top->writer_period_o, 100u);
  write(regs::heartbeat_writer::kControl, 0);
  write(regs::heartbeat_writer::kPeriod, 7);
  EXPECT_EQ(top->writer_period_o, 7u);
}

TEST_F(Registers, RaiseMakesOneEventPerWrite) {
  unmask(9);
  write(regs::global::kRaise, 9);
  clocks(10);
  write(regs::global::kRaise, 9, 0x2);  // no byte of the field
  clocks(10);
  EXPECT_EQ(events[9], 1u);
  EXPECT_EQ(messages, std::vector<SeenMessage>{message_of(9)});
}

}  // namespace
}  // namespace holdover::rtl_test
