// SPDX-License-Identifier: MIT
// The channel ledger follows every byte of a channel, across descriptors, odd addresses and laps, and names what went
// wrong.
#include "bench/ledger/channel_ledger.h"

#include <algorithm>

#include "host/driver/endpoint_regs.h"
#include "pcie/pattern.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

namespace regs = host::regs::channel;

constexpr std::uint64_t kBar = 0xe000'0000;
constexpr std::uint32_t kRing = 0x10'0000;
constexpr std::uint32_t kCompletions = 0x11'0000;
constexpr std::uint32_t kSeed = 99;

class Channel : public BenchScene {
 protected:
  explicit Channel(bool to_host = true) : ledger(0, 0, evidence, us(100)) {
    registers.set_base(kBar);
    write(regs::ring_base_lo(0), kRing);
    write(regs::completion_base_lo(0), kCompletions);
    write(regs::ring_entries(0), 2);
    write(regs::seed(0), kSeed);
    write(regs::control(0), regs::kControlRun.mask() | regs::kControlCyclic.mask() | regs::kControlPattern.mask() |
                                (to_host ? regs::kControlC2h.mask() : 0));
    // The second descriptor's stream runs past the end of the card memory and begins anew there.
    serve(0, {0x20'0003, 0x10, 300, 0, 7, 0});
    serve(1, {0x30'0ff1, 0xfff0, 33, 0, 8, 0});
  }

  void write(std::uint32_t offset, std::uint32_t value) {
    for (const auto& each : registers.on_request(register_write(kBar + offset, value))) {
      ledger.on_register_write(us(0), registers, each);
    }
  }
  void serve(unsigned slot, const host::DmaDescriptor& descriptor) {
    descriptors[slot] = descriptor;
    const std::vector<std::byte> bytes = bytes_of(descriptor);
    ledger.on_descriptor_served(us(1), {kRing + slot * sizeof descriptor, PhysicalAddress{0x4000}, bytes, true});
  }
  std::vector<std::byte> pattern(unsigned slot, std::uint32_t lap, std::uint64_t offset, std::size_t count) const {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t at = descriptors[slot].card_address + offset + i;
      bytes[i] = pcie::pattern_byte(kSeed, lap, at);
    }
    return bytes;
  }
  void data(unsigned slot, std::uint32_t lap, std::uint64_t offset, std::size_t count) {
    const std::vector<std::byte> bytes = pattern(slot, lap, offset, count);
    ledger.on_data_write(us(2), {descriptors[slot].host_address + offset, PhysicalAddress{0x8000}, bytes, true});
  }
  void lap(std::uint32_t number) {
    data(0, number, 0, 253);
    data(0, number, 253, 47);
    completion(number * 2, 300, 7);
    data(1, number, 0, 15);
    data(1, number, 15, 18);
    completion(number * 2 + 1, 33, 8);
  }
  void completion(std::uint32_t sequence, std::uint32_t length, std::uint32_t cookie, host::DmaStatus status = {}) {
    const std::uint32_t phase = sequence / 2 % 2 == 0 ? host::kCompletionPhase : 0;
    const host::DmaCompletion record{sequence, phase | static_cast<std::uint32_t>(status), length, cookie};
    const std::vector<std::byte> bytes = bytes_of(record);
    ledger.on_completion_record(us(2),
                                {kCompletions + sequence % 2 * sizeof record, PhysicalAddress{0x5000}, bytes, true});
  }

  std::array<host::DmaDescriptor, 2> descriptors{};
  EndpointRegisters registers;
  ChannelLedger ledger;
};

class ChannelToCard : public Channel {
 protected:
  ChannelToCard() : Channel(false) {}
};

TEST_F(Channel, LapsOfOddDescriptorsAreWhole) {
  for (std::uint32_t n = 0; n < 5; ++n) lap(n);
  ledger.on_end(us(3));
  EXPECT_EQ(count(Check::Continuity), 0u) << first(Check::Continuity);
  EXPECT_EQ(ledger.bytes(), 5u * 333);
  EXPECT_EQ(ledger.laps(), 5u);
}

TEST_F(Channel, LostBytesAreNamedWithTheirPosition) {
  data(0, 0, 0, 253);
  data(1, 0, 0, 15);
  EXPECT_EQ(
      first(Check::Continuity),
      "channel 0 of endpoint 0 lost bytes: expected lap 0, descriptor 0, byte 253, got lap 0, descriptor 1, byte 0");
}

TEST_F(Channel, AWholeLostLapShowsAlthoughEveryAddressFits) {
  lap(0);
  data(0, 2, 0, 253);
  EXPECT_NE(first(Check::Continuity).find("expected lap 1, descriptor 0, byte 0, got lap 2, descriptor 0, byte 0"),
            std::string::npos);
}

TEST_F(Channel, RepeatedBytesAreFoundAndTheStreamGoesOn) {
  data(0, 0, 0, 253);
  data(0, 0, 0, 253);
  EXPECT_NE(first(Check::Continuity).find("repeated bytes"), std::string::npos);
  data(0, 0, 253, 47);
  EXPECT_EQ(count(Check::Continuity), 1u);
}

TEST_F(Channel, WrongBytesAtTheRightPlaceAreFound) {
  std::vector<std::byte> bytes = pattern(0, 0, 0, 64);
  bytes[63] ^= std::byte{0x80};
  ledger.on_data_write(us(2), {descriptors[0].host_address, PhysicalAddress{0}, bytes, true});
  EXPECT_NE(first(Check::Continuity).find("belong nowhere near lap 0, descriptor 0, byte 0"), std::string::npos);
}

TEST_F(Channel, AnAnnouncementBeforeItsDataIsFound) {
  data(0, 0, 0, 253);
  completion(0, 300, 7);
  EXPECT_NE(first(Check::Continuity).find("came before its data"), std::string::npos);
}

TEST_F(Channel, ALostAnnouncementIsFound) {
  lap(0);
  data(0, 1, 0, 253);
  data(0, 1, 253, 47);
  data(1, 1, 0, 33);
  completion(3, 33, 8);
  EXPECT_NE(first(Check::Continuity).find("completion record 3 of channel 0 of endpoint 0 is out of order; 2"),
            std::string::npos);
}

TEST_F(Channel, AFailedDescriptorIsFound) {
  data(0, 0, 0, 253);
  data(0, 0, 253, 47);
  completion(0, 300, 7, host::DmaStatus::Timeout);
  EXPECT_NE(first(Check::Continuity).find("reports status 4"), std::string::npos);
}

TEST_F(Channel, ADescriptorRingThatChangesUnderTheChannelIsAMemoryFinding) {
  serve(0, {0x66'0000, 0x10, 300, 0, 7, 0});
  EXPECT_NE(first(Check::Memory).find("the descriptor ring of channel 0 of endpoint 0 changed under it"),
            std::string::npos);
}

TEST_F(Channel, AChannelThatStandsStillIsFoundOnce) {
  ledger.on_time(us(100));
  EXPECT_EQ(count(Check::Continuity), 0u);
  ledger.on_time(us(101));
  ledger.on_time(us(900));
  EXPECT_EQ(count(Check::Continuity), 1u);
}

TEST_F(Channel, AResetStartsTheSequenceAnew) {
  lap(0);
  write(regs::control(0), regs::kControlReset.mask());
  write(regs::control(0), regs::kControlRun.mask() | regs::kControlCyclic.mask() | regs::kControlPattern.mask() |
                              regs::kControlC2h.mask());
  serve(0, descriptors[0]);
  serve(1, descriptors[1]);
  lap(0);
  EXPECT_EQ(count(Check::Continuity), 0u) << first(Check::Continuity);
}

TEST_F(ChannelToCard, EveryByteIsAskedForExactlyOnce) {
  for (unsigned n = 0; n < 2; ++n) {
    ledger.on_data_request(us(2), 0x20'0003, 253);
    ledger.on_data_request(us(2), 0x20'0100, 47);
    ledger.on_data_request(us(2), 0x30'0ff1, 33);
  }
  EXPECT_EQ(count(Check::Continuity), 0u) << first(Check::Continuity);
  ledger.on_data_request(us(3), 0x20'0100, 47);
  EXPECT_NE(first(Check::Continuity).find("skipped bytes"), std::string::npos);
}

TEST_F(ChannelToCard, ChangedMemoryServedToTheChannelIsAMemoryFinding) {
  std::vector<std::byte> bytes = pattern(1, 0, 0, 33);
  ledger.on_data_served(us(2), {descriptors[1].host_address, PhysicalAddress{0x9000}, bytes, true});
  EXPECT_EQ(count(Check::Memory), 0u) << first(Check::Memory);
  std::fill(bytes.begin(), bytes.end(), std::byte{0xd5});
  ledger.on_data_served(us(2), {descriptors[1].host_address, PhysicalAddress{0x9000}, bytes, true});
  EXPECT_NE(first(Check::Memory).find("that nobody has put there"), std::string::npos);
}

TEST_F(Channel, AChannelStoppedAndStartedAgainInTheWindowIsNoContinuity) {
  lap(0);
  open_window(us(0));
  const std::uint32_t control = registers.at(regs::control(0));
  write(regs::control(0), control & ~regs::kControlRun.mask());
  write(regs::control(0), control);
  lap(1);
  EXPECT_EQ(count(Check::Continuity), 2u);
  EXPECT_EQ(first(Check::Continuity), "stop of channel 0 of endpoint 0 by its driver, where traffic must go on");
}

TEST_F(Channel, AChannelResetInTheWindowIsNoContinuity) {
  lap(0);
  open_window(us(0));
  write(regs::control(0), regs::kControlReset.mask());
  EXPECT_EQ(first(Check::Continuity), "reset of channel 0 of endpoint 0 by its driver, where traffic must go on");
}

}  // namespace
}  // namespace holdover::bench::testing
