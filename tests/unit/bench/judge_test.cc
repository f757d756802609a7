// SPDX-License-Identifier: MIT
// The judge says PASS of a run that was seen whole, and of no run of which a part was not seen.
#include "bench/judge.h"

#include <cstddef>

#include "host/driver/dma_abi.h"
#include "host/driver/endpoint_regs.h"
#include "host/kernel/boot_parameters.h"
#include "pcie/pattern.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

namespace regs = host::regs;
using host::kernel::PageState;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kBar = 0xe000'0000;
constexpr std::uint64_t kWriterRing = 1 * kPage;
constexpr std::uint64_t kReaderRing = 2 * kPage;
constexpr std::uint64_t kDescriptors[2] = {3 * kPage, 4 * kPage};
constexpr std::uint64_t kBuffers[2] = {5 * kPage, 6 * kPage};
constexpr std::uint64_t kMap = 8 * kPage;
constexpr std::uint64_t kParameters = 9 * kPage;
constexpr std::uint64_t kTarget = 0xfee0'0000;

constexpr Time us(std::uint64_t n) { return Time{n * 1'000'000}; }

// One endpoint below one root port, and what its streams show under one kernel.
class Judged : public ::testing::Test {
 protected:
  Judged()
      : dram(16 * kPage),
        ledgers({{"root port 0", sim::FunctionKind::RootPort, std::nullopt, 0},
                 {"endpoint 0", sim::FunctionKind::Endpoint, 0u, 0}},
                dram, us(1), us(50)) {
    std::memcpy(dram.data() + kParameters + offsetof(host::kernel::BootParameters, page_map), &kMap, sizeof kMap);
    for (std::uint64_t page = 1; page <= 6; ++page) dram[kMap + page] = static_cast<std::byte>(PageState::Dma);
    ledgers.memory.enter_kernel(PhysicalAddress{kParameters});
    ledgers.scene.place(0, pcie::Bdf::parse("00:01.0"));
    ledgers.scene.place(1, pcie::Bdf::parse("01:00.0"));
    ledgers.endpoints[0].set_bar0(kBar);
    options.jump = Jump::None;
  }

  // Parts of the run that can be left out.
  struct Parts {
    bool reader = true;
    bool to_card = true;
    bool pattern = true;
    bool interrupts = true;
    bool after = true;
    bool stopped = true;
  };

  void go(const Parts& parts) {
    mark(us(0), pcie::Phase::Setup, pcie::Step::TrafficStarted);
    start(parts);
    move(us(1), 0, parts);
    mark(us(2), pcie::Phase::Steady, pcie::Step::WindowBegin);
    ledgers.config.open_window(us(2), std::vector<ConfigShadow>(2));
    ledgers.identity.open_window(us(2));
    move(us(3), 1, parts);
    mark(us(4), pcie::Phase::Steady, pcie::Step::WindowEnd);
    ledgers.config.close_window(us(4), std::vector<ConfigShadow>(2), true);
    ledgers.identity.close_window(us(4));
    ledgers.memory.compare(us(4), "when the window closed");
    if (parts.after) move(us(5), 2, parts);
    if (parts.stopped) mark(us(6), pcie::Phase::After, pcie::Step::TrafficStopped);
    ledgers.memory.compare(us(6), "when traffic had stopped");
  }
  Verdict verdict(RunEnd::Kind kind = RunEnd::Kind::Halted) const { return judge(ledgers, options, {kind, {}}); }

  std::vector<std::byte> dram;
  Ledgers ledgers;
  RunOptions options;

 private:
  void mark(Time time, pcie::Phase phase, pcie::Step step) { ledgers.scene.on_phase(time, phase, step, 0); }
  void write(std::uint32_t offset, std::uint32_t value) {
    ledgers.endpoints[0].on_receive(us(0), register_write(kBar + offset, value));
  }
  void start(const Parts& parts) {
    write(regs::msix_table::address_lo(0), static_cast<std::uint32_t>(kTarget));
    write(regs::heartbeat_writer::kRingBaseLo, kWriterRing);
    write(regs::heartbeat_writer::kRingEntries, 4);
    write(regs::heartbeat_writer::kControl, regs::heartbeat_writer::kControlRun.mask());
    if (parts.reader) {
      write(regs::heartbeat_reader::kRingBaseLo, kReaderRing);
      write(regs::heartbeat_reader::kRingEntries, 4);
      write(regs::heartbeat_reader::kControl, regs::heartbeat_reader::kControlRun.mask());
    }
    for (unsigned channel = 0; channel < (parts.to_card ? 2u : 1u); ++channel) {
      write(regs::channel::ring_base_lo(channel), static_cast<std::uint32_t>(kDescriptors[channel]));
      write(regs::channel::ring_entries(channel), 1);
      write(regs::channel::completion_base_lo(channel), 0x7000'0000);
      write(regs::channel::control(channel), regs::channel::kControlRun.mask() | regs::channel::kControlCyclic.mask() |
                                                 (parts.pattern ? regs::channel::kControlPattern.mask() : 0) |
                                                 (channel == 0 ? regs::channel::kControlC2h.mask() : 0));
      const host::DmaDescriptor descriptor{kBuffers[channel], 0, 256, 0, 0, 0};
      access(us(0), kDescriptors[channel], false, bytes_of(descriptor));
    }
  }
  // Something of each stream.
  void move(Time time, std::uint64_t number, const Parts& parts) {
    const std::uint64_t period = regs::heartbeat_writer::kPeriodReset;
    const host::HeartbeatRecord record{number, number * period, 0, static_cast<std::uint32_t>(period),
                                       ~(number ^ (number * period))};
    access(time, kWriterRing + number * sizeof record, true, bytes_of(record));
    if (parts.reader) read(time, kReaderRing + number * 32, 8);
    std::vector<std::byte> data(64);
    pcie::fill_pattern(data, 0, 0, number * 64);
    access(time, kBuffers[0] + number * 64, true, data);
    if (parts.to_card) read(time, kBuffers[1] + number * 64, 16);
    if (!parts.interrupts) return;
    ledgers.endpoints[0].interrupts().on_event(time, 0, false);
    ledgers.endpoints[0].on_transmit(time, register_write(kTarget, 0));
    ledgers.endpoints[0].interrupts().on_message(time, kTarget, 0, sim::MessageOutcome::Delivered);
  }
  void access(Time time, std::uint64_t address, bool write, const std::vector<std::byte>& bytes) {
    if (write) std::copy(bytes.begin(), bytes.end(), dram.begin() + static_cast<std::ptrdiff_t>(address));
    sim::MemoryAccess access;
    access.time = time;
    access.write = write;
    access.iova = Iova{address};
    access.address = PhysicalAddress{address};
    access.size = Bytes{bytes.size()};
    access.data = bytes;
    const ByteRun run{address, PhysicalAddress{address}, bytes, true};
    ledgers.translation.on_access(access);
    ledgers.memory.on_access(access, run);
    ledgers.endpoints[0].on_memory_access(access, run);
  }
  void read(Time time, std::uint64_t address, unsigned dwords) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::MemoryRead;
    tlp.requester = pcie::Bdf::parse("01:00.0").requester_id();
    tlp.address = address;
    tlp.length_dw = static_cast<std::uint16_t>(dwords);
    tlp.first_be = tlp.last_be = 0xf;
    tlp.tag = tag_++;
    ledgers.identity.on_transmit(time, 0, tlp);
    ledgers.requests.on_transmit(time, 0, tlp);
    ledgers.endpoints[0].on_transmit(time, tlp);
  }

  std::uint16_t tag_ = 0;
};

std::string why(const Verdict& verdict) {
  std::string text = verdict.headline;
  for (const CheckResult& check : verdict.checks) {
    if (check.first) text += "\n" + check.first->sentence;
  }
  return text;
}

TEST_F(Judged, ARunThatWasSeenWholePasses) {
  go({});
  EXPECT_EQ(verdict().headline, "PASS (8 of 9 checks; not applicable: handover)") << why(verdict());
}

TEST_F(Judged, AReaderThatNeverRanIsNoPass) {
  go({.reader = false});
  EXPECT_EQ(verdict().headline, "INCONCLUSIVE: a witness saw nothing: continuity") << why(verdict());
}

TEST_F(Judged, AChannelThatNeverRanIsNoPass) {
  go({.to_card = false});
  EXPECT_EQ(verdict().outcome, Outcome::Inconclusive) << why(verdict());
}

TEST_F(Judged, ADirectionThatNobodyAskedForNeedsNoChannel) {
  options.bulk = "c2h";
  go({.to_card = false});
  EXPECT_EQ(verdict().outcome, Outcome::Pass) << why(verdict());
}

TEST_F(Judged, FewerChannelsThanWereAskedForIsNoPass) {
  options.bulk = "c2h,h2c,h2c";
  go({});
  EXPECT_EQ(verdict().headline, "INCONCLUSIVE: a witness saw nothing: continuity") << why(verdict());
}

TEST_F(Judged, AChannelWhoseBytesCannotBeToldApartIsNoPass) {
  go({.pattern = false});
  EXPECT_EQ(verdict().outcome, Outcome::Inconclusive) << why(verdict());
}

TEST_F(Judged, ARunWithoutASingleMessageIsNoPass) {
  go({.interrupts = false});
  EXPECT_EQ(verdict().headline, "INCONCLUSIVE: a witness saw nothing: interrupts") << why(verdict());
}

TEST_F(Judged, AStreamThatWasLastSeenInTheWindowIsNoPass) {
  go({.after = false});
  EXPECT_EQ(verdict().outcome, Outcome::Inconclusive) << why(verdict());
}

TEST_F(Judged, TrafficThatNobodyStoppedIsNoPass) {
  go({.stopped = false});
  EXPECT_EQ(verdict().outcome, Outcome::Inconclusive) << why(verdict());
}

TEST_F(Judged, AHostThatPanickedAtTheVeryEndIsNoPass) {
  go({});
  EXPECT_EQ(verdict(RunEnd::Kind::Panicked).headline, "INCONCLUSIVE: the host panicked in phase after");
}

TEST_F(Judged, AFaultThatDidNotStrikeMakesAPassMeanNothing) {
  go({});
  ASSERT_EQ(verdict().outcome, Outcome::Pass) << why(verdict());
  const Verdict open = judge(ledgers, options, {RunEnd::Kind::Halted, {}, {"lost-message"}});
  EXPECT_EQ(open.headline, "INCONCLUSIVE: the fault lost-message did not strike: nothing of its kind came by");
}

TEST_F(Judged, AComparisonThatFoundNothingToCompareIsNoPass) {
  go({});
  for (std::uint64_t page = 1; page <= 6; ++page) dram[kMap + page] = static_cast<std::byte>(PageState::Free);
  ledgers.memory.compare(us(7), "at the end");
  EXPECT_EQ(verdict().headline, "INCONCLUSIVE: a witness saw nothing: memory") << why(verdict());
}

}  // namespace
}  // namespace holdover::bench::testing
