// SPDX-License-Identifier: MIT
// The monitor remembers what happened and when, and only the fundamental reset makes it forget.
#include <functional>

#include "tests/rtl/registers_fixture.h"

namespace holdover::rtl_test {
namespace {

class Monitor : public RegistersFixture {
 protected:
  std::uint64_t sticky_time(unsigned bit) {
    return read(regs::monitor::sticky_time_lo(bit)) | std::uint64_t{read(regs::monitor::sticky_time_hi(bit))} << 32;
  }
  void write_config(std::uint16_t offset, std::uint32_t data, std::uint8_t be) {
    top->config_write_valid_i = 1;
    top->config_write_offset_i = offset;
    top->config_write_data_i = data;
    top->config_write_be_i = be;
    clock();
    top->config_write_valid_i = 0;
  }
};

TEST_F(Monitor, NothingHasHappenedAtFirst) {
  EXPECT_EQ(read(regs::monitor::kSticky), 0u);
  EXPECT_EQ(read(regs::monitor::kConfigWrites), 0u);
  for (unsigned vector = 0; vector < 32; ++vector) EXPECT_EQ(read(regs::monitor::events(vector)), 0u);
}

TEST_F(Monitor, EachThingThatShouldNotHappenSetsItsBitWithItsFirstTime) {
  struct Case {
    host::regs::Field bit;
    std::function<void(bool)> set;
  };
  const std::vector<Case> cases{
      {regs::monitor::kStickyBusMasterFell, [&](bool on) { top->fn_bus_master_i = !on; }},
      {regs::monitor::kStickyMemoryFell, [&](bool on) { top->fn_memory_i = !on; }},
      {regs::monitor::kStickyFlr, [&](bool on) { top->fn_flr_i = on; }},
      {regs::monitor::kStickyD3hot, [&](bool on) { top->fn_d_state_i = on ? 3 : 0; }},
      {regs::monitor::kStickyBdfChanged, [&](bool on) { top->fn_bdf_i = on ? 0x0400 : 0x0300; }},
      {regs::monitor::kStickyMsixDisabled, [&](bool on) { top->fn_msix_enable_i = !on; }},
      {regs::monitor::kStickyHotReset, [&](bool on) { top->hot_reset_i = on; }},
      {regs::monitor::kStickyLinkDown, [&](bool on) { top->link_up_i = !on; }},
  };
  std::uint32_t expected = 0;
  for (const Case& c : cases) {
    const std::uint64_t first = time;
    c.set(true);
    clocks(3);
    c.set(false);
    clocks(30);
    c.set(true);
    clocks(3);
    c.set(false);
    expected |= c.bit.mask();
    EXPECT_EQ(read(regs::monitor::kSticky), expected);
    EXPECT_EQ(sticky_time(c.bit.shift), first) << "bit " << c.bit.shift;
  }
  reset_function();
  EXPECT_EQ(read(regs::monitor::kSticky), expected);
}

TEST_F(Monitor, ForgettingTheNumberInAResetIsNoChangeOfIt) {
  top->fn_bdf_i = 0;
  clocks(5);
  top->fn_bdf_i = 0x0300;
  clocks(5);
  EXPECT_EQ(read(regs::monitor::kSticky), 0u);
}

TEST_F(Monitor, TheLogKeepsTheLatestWritesWithTheirTimes) {
  std::vector<std::uint64_t> times;
  for (unsigned n = 0; n < 70; ++n) {
    times.push_back(time);
    write_config(static_cast<std::uint16_t>(4 * n), 0xabc0'0000 + n, static_cast<std::uint8_t>(n % 16));
    clocks(n % 5);
  }
  EXPECT_EQ(read(regs::monitor::kConfigWrites), 70u);
  reset_function();
  for (unsigned n = 6; n < 70; ++n) {
    write(regs::monitor::kLogSelect, n % 64);
    const std::uint64_t at = read(regs::monitor::kLogTimeLo) | std::uint64_t{read(regs::monitor::kLogTimeHi)} << 32;
    const std::uint32_t where = read(regs::monitor::kLogWhere);
    EXPECT_EQ(at, times[n]);
    EXPECT_EQ(regs::monitor::kLogWhereOffset.extract(where), 4 * n);
    EXPECT_EQ(regs::monitor::kLogWhereByteEnables.extract(where), n % 16);
    EXPECT_EQ(read(regs::monitor::kLogData), 0xabc0'0000 + n);
  }
}

TEST_F(Monitor, CountsEventsCoalescedAndMessagesPerVector) {
  unmask(3);
  for (unsigned n = 0; n < 4; ++n) {
    raise(3);
    clocks(5);
  }
  top->fn_msix_mask_i = 1;
  for (unsigned n = 0; n < 3; ++n) raise(3);
  clocks(3);
  EXPECT_EQ(read(regs::monitor::events(3)), 7u);
  EXPECT_EQ(read(regs::monitor::coalesced(3)), 2u);
  EXPECT_EQ(read(regs::monitor::messages(3)), 4u);
  EXPECT_EQ(read(regs::monitor::events(2)), 0u);
  EXPECT_EQ(read(regs::monitor::events(4)), 0u);
}

TEST_F(Monitor, TheLongestSilenceIsBetweenTwoRecordsOfTheSameRun) {
  const auto record = [&] {
    top->pulse_heartbeat_accepted_i = 1;
    clock();
    top->pulse_heartbeat_accepted_i = 0;
  };
  const auto start = [&] {
    top->pulse_heartbeat_start_i = 1;
    clock();
    top->pulse_heartbeat_start_i = 0;
  };
  start();
  clocks(500);
  record();
  clocks(99);
  record();
  clocks(199);
  record();
  clocks(49);
  record();
  EXPECT_EQ(read(regs::monitor::kLongestSilence), 200u);
  clocks(1000);
  start();
  EXPECT_EQ(read(regs::monitor::kLongestSilence), 0u);
  record();
  clocks(9);
  record();
  EXPECT_EQ(read(regs::monitor::kLongestSilence), 10u);
}

TEST_F(Monitor, CountsTlpsUntilTheFundamentalReset) {
  top->pulse_tx_write_i = 1;
  clocks(17);
  top->pulse_tx_write_i = 0;
  reset_function();
  EXPECT_EQ(read(regs::monitor::kTxWrites), 17u);
  EXPECT_EQ(read(regs::monitor::kTxReads), 0u);
  top->rst_ni = 0;
  clocks(2);
  top->rst_ni = 1;
  EXPECT_EQ(read(regs::monitor::kTxWrites), 0u);
}

}  // namespace
}  // namespace holdover::rtl_test
