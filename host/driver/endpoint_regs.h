// SPDX-License-Identifier: MIT
// Offsets, fields and reset values of the registers of BAR 0. An offset counts bytes from the start of the BAR.
// Generated from rtl/registers.toml by tools/regmap.py; `make regs` writes it anew.
#pragma once

#include <cstdint>

namespace holdover::host::regs {

// Some bits of a register.
struct Field {
  unsigned shift = 0;
  unsigned width = 0;

  [[nodiscard]] constexpr std::uint32_t mask() const {
    return static_cast<std::uint32_t>(((std::uint64_t{1} << width) - 1) << shift);
  }
  // The field's value in a register that reads `value`.
  [[nodiscard]] constexpr std::uint32_t extract(std::uint32_t value) const { return (value & mask()) >> shift; }
  // Register bits that hold `value` in the field; bits that do not fit are lost.
  [[nodiscard]] constexpr std::uint32_t place(std::uint32_t value) const { return (value << shift) & mask(); }
};

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kBarBytes = 0x10000;

// Identity, capabilities, time.
namespace global {
inline constexpr std::uint32_t kBase = 0x0000;
inline constexpr std::uint32_t kId = 0x0000;
inline constexpr std::uint32_t kIdReset = 0x484f4c44;
inline constexpr std::uint32_t kVersion = 0x0004;
inline constexpr std::uint32_t kCapabilities = 0x0008;
inline constexpr Field kCapabilitiesChannels{0, 4};
inline constexpr Field kCapabilitiesDataBytes{8, 8};
inline constexpr Field kCapabilitiesVectors{16, 6};
inline constexpr Field kCapabilitiesPostedSent{24, 1};
inline constexpr Field kCapabilitiesConfigEvents{25, 1};
inline constexpr Field kCapabilitiesMonitor{26, 1};
inline constexpr std::uint32_t kCardMemory = 0x000c;
inline constexpr std::uint32_t kScratch = 0x0010;
inline constexpr std::uint32_t kClockPeriod = 0x0014;
inline constexpr std::uint32_t kTimeLo = 0x0018;
inline constexpr std::uint32_t kTimeHi = 0x001c;
inline constexpr std::uint32_t kReads = 0x0020;
inline constexpr Field kReadsMaxOutstanding{0, 16};
inline constexpr Field kReadsCompletionBufferKib{16, 16};
inline constexpr std::uint32_t kCompletionTimeout = 0x0024;
inline constexpr std::uint32_t kCompletionTimeoutReset = 0x0003d090;
inline constexpr std::uint32_t kRaise = 0x0028;
inline constexpr Field kRaiseVector{0, 5};
}  // namespace global

// One DMA channel. Registers other than CONTROL may be written only while STATUS.IDLE is 1.
namespace channel {
inline constexpr std::uint32_t kBase = 0x1000;
inline constexpr std::uint32_t kCount = 8;
inline constexpr std::uint32_t kStride = 0x100;
[[nodiscard]] constexpr std::uint32_t control(std::uint32_t channel) { return 0x1000 + channel * kStride; }
inline constexpr Field kControlRun{0, 1};
inline constexpr Field kControlC2h{1, 1};
inline constexpr Field kControlCyclic{2, 1};
inline constexpr Field kControlPattern{3, 1};
inline constexpr Field kControlInterrupt{4, 1};
inline constexpr Field kControlReset{31, 1};
[[nodiscard]] constexpr std::uint32_t status(std::uint32_t channel) { return 0x1004 + channel * kStride; }
inline constexpr Field kStatusIdle{0, 1};
inline constexpr Field kStatusStopped{1, 1};
inline constexpr Field kStatusError{4, 4};
[[nodiscard]] constexpr std::uint32_t ring_base_lo(std::uint32_t channel) { return 0x1008 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t ring_base_hi(std::uint32_t channel) { return 0x100c + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t ring_entries(std::uint32_t channel) { return 0x1010 + channel * kStride; }
inline constexpr Field kRingEntriesEntries{0, 16};
[[nodiscard]] constexpr std::uint32_t tail(std::uint32_t channel) { return 0x1014 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t completion_base_lo(std::uint32_t channel) { return 0x1018 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t completion_base_hi(std::uint32_t channel) { return 0x101c + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t seed(std::uint32_t channel) { return 0x1020 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t vector(std::uint32_t channel) { return 0x1024 + channel * kStride; }
inline constexpr Field kVectorVector{0, 5};
[[nodiscard]] constexpr std::uint32_t moderation(std::uint32_t channel) { return 0x1028 + channel * kStride; }
inline constexpr std::uint32_t kModerationReset = 0x00000001;
inline constexpr Field kModerationCount{0, 16};
inline constexpr Field kModerationTimeUs{16, 16};
[[nodiscard]] constexpr std::uint32_t completed_lo(std::uint32_t channel) { return 0x1030 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t completed_hi(std::uint32_t channel) { return 0x1034 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t bytes_lo(std::uint32_t channel) { return 0x1038 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t bytes_hi(std::uint32_t channel) { return 0x103c + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t checked_lo(std::uint32_t channel) { return 0x1040 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t checked_hi(std::uint32_t channel) { return 0x1044 + channel * kStride; }
[[nodiscard]] constexpr std::uint32_t mismatches(std::uint32_t channel) { return 0x1048 + channel * kStride; }
}  // namespace channel

// Writes one 32-byte record into a host ring every PERIOD clocks. Registers may be written only while RUN is 0.
namespace heartbeat_writer {
inline constexpr std::uint32_t kBase = 0x2000;
inline constexpr std::uint32_t kControl = 0x2000;
inline constexpr Field kControlRun{0, 1};
inline constexpr Field kControlInterrupt{1, 1};
inline constexpr std::uint32_t kRingBaseLo = 0x2008;
inline constexpr std::uint32_t kRingBaseHi = 0x200c;
inline constexpr std::uint32_t kRingEntries = 0x2010;
inline constexpr Field kRingEntriesEntries{0, 16};
inline constexpr std::uint32_t kPeriod = 0x2014;
inline constexpr std::uint32_t kPeriodReset = 0x000001f4;
inline constexpr std::uint32_t kVector = 0x2018;
inline constexpr Field kVectorVector{0, 5};
inline constexpr std::uint32_t kInterruptEvery = 0x201c;
inline constexpr std::uint32_t kInterruptEveryReset = 0x00000001;
inline constexpr std::uint32_t kSequenceLo = 0x2020;
inline constexpr std::uint32_t kSequenceHi = 0x2024;
inline constexpr std::uint32_t kMissed = 0x2028;
}  // namespace heartbeat_writer

// Reads one 32-byte cell of a host table every PERIOD clocks and compares it with the pattern (lap 0, offset 32 *
// cell).
namespace heartbeat_reader {
inline constexpr std::uint32_t kBase = 0x2100;
inline constexpr std::uint32_t kControl = 0x2100;
inline constexpr Field kControlRun{0, 1};
inline constexpr std::uint32_t kStatus = 0x2104;
inline constexpr Field kStatusIdle{0, 1};
inline constexpr std::uint32_t kRingBaseLo = 0x2108;
inline constexpr std::uint32_t kRingBaseHi = 0x210c;
inline constexpr std::uint32_t kRingEntries = 0x2110;
inline constexpr Field kRingEntriesEntries{0, 16};
inline constexpr std::uint32_t kPeriod = 0x2114;
inline constexpr std::uint32_t kPeriodReset = 0x000001f4;
inline constexpr std::uint32_t kSeed = 0x2118;
inline constexpr std::uint32_t kCountLo = 0x2120;
inline constexpr std::uint32_t kCountHi = 0x2124;
inline constexpr std::uint32_t kMissed = 0x2128;
inline constexpr std::uint32_t kMismatches = 0x212c;
inline constexpr std::uint32_t kFailed = 0x2130;
}  // namespace heartbeat_reader

// What a board can tell about its own past. Cleared by fundamental reset and by nothing else.
namespace monitor {
inline constexpr std::uint32_t kBase = 0x3000;
inline constexpr std::uint32_t kSticky = 0x3000;
inline constexpr Field kStickyBusMasterFell{0, 1};
inline constexpr Field kStickyMemoryFell{1, 1};
inline constexpr Field kStickyFlr{2, 1};
inline constexpr Field kStickyD3hot{3, 1};
inline constexpr Field kStickyBdfChanged{4, 1};
inline constexpr Field kStickyMsixDisabled{5, 1};
inline constexpr Field kStickyHotReset{6, 1};
inline constexpr Field kStickyLinkDown{7, 1};
[[nodiscard]] constexpr std::uint32_t sticky_time_lo(std::uint32_t index) { return 0x3010 + index * 8; }
inline constexpr std::uint32_t kStickyTimeLoCount = 8;
[[nodiscard]] constexpr std::uint32_t sticky_time_hi(std::uint32_t index) { return 0x3014 + index * 8; }
inline constexpr std::uint32_t kStickyTimeHiCount = 8;
inline constexpr std::uint32_t kTxWrites = 0x3080;
inline constexpr std::uint32_t kTxReads = 0x3084;
inline constexpr std::uint32_t kTxCompletions = 0x3088;
inline constexpr std::uint32_t kRxWrites = 0x308c;
inline constexpr std::uint32_t kRxReads = 0x3090;
inline constexpr std::uint32_t kRxCompletions = 0x3094;
inline constexpr std::uint32_t kRxBadCompletions = 0x3098;
inline constexpr std::uint32_t kTimeouts = 0x309c;
inline constexpr std::uint32_t kConfigWrites = 0x30a0;
inline constexpr std::uint32_t kLongestSilence = 0x30a4;
inline constexpr std::uint32_t kLogSelect = 0x30b0;
inline constexpr Field kLogSelectEntry{0, 6};
inline constexpr std::uint32_t kLogTimeLo = 0x30b4;
inline constexpr std::uint32_t kLogTimeHi = 0x30b8;
inline constexpr std::uint32_t kLogWhere = 0x30bc;
inline constexpr Field kLogWhereOffset{0, 12};
inline constexpr Field kLogWhereByteEnables{12, 4};
inline constexpr std::uint32_t kLogData = 0x30c0;
[[nodiscard]] constexpr std::uint32_t events(std::uint32_t index) { return 0x3400 + index * 16; }
inline constexpr std::uint32_t kEventsCount = 32;
[[nodiscard]] constexpr std::uint32_t coalesced(std::uint32_t index) { return 0x3404 + index * 16; }
inline constexpr std::uint32_t kCoalescedCount = 32;
[[nodiscard]] constexpr std::uint32_t messages(std::uint32_t index) { return 0x3408 + index * 16; }
inline constexpr std::uint32_t kMessagesCount = 32;
}  // namespace monitor

// MSI-X table: 32 vectors of 16 bytes, as the base specification lays them out.
namespace msix_table {
inline constexpr std::uint32_t kBase = 0x8000;
[[nodiscard]] constexpr std::uint32_t address_lo(std::uint32_t index) { return 0x8000 + index * 16; }
inline constexpr std::uint32_t kAddressLoCount = 32;
[[nodiscard]] constexpr std::uint32_t address_hi(std::uint32_t index) { return 0x8004 + index * 16; }
inline constexpr std::uint32_t kAddressHiCount = 32;
[[nodiscard]] constexpr std::uint32_t data(std::uint32_t index) { return 0x8008 + index * 16; }
inline constexpr std::uint32_t kDataCount = 32;
[[nodiscard]] constexpr std::uint32_t vector_control(std::uint32_t index) { return 0x800c + index * 16; }
inline constexpr std::uint32_t kVectorControlCount = 32;
inline constexpr std::uint32_t kVectorControlReset = 0x00000001;
inline constexpr Field kVectorControlMask{0, 1};
}  // namespace msix_table

// MSI-X pending bit array.
namespace msix_pba {
inline constexpr std::uint32_t kBase = 0xc000;
inline constexpr std::uint32_t kPending = 0xc000;
}  // namespace msix_pba

}  // namespace holdover::host::regs
