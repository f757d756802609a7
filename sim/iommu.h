// SPDX-License-Identifier: MIT
// The IOMMU: register set and in-memory structures of Intel VT-d, legacy mode (docs/architecture.md 8.2).
//
// Root table, context tables and four-level 4 KiB page tables stand in DRAM and are read there at each miss. What was
// read stays in the context cache and in the IOTLB until the registers invalidate it or the bounded caches replace it:
// a kernel that forgets to invalidate sees stale translations. Entries that are not present are never cached (CAP.CM =
// 0), interrupt remapping entries neither. Requests into the message window are not DMA: the caller takes them to
// remap_message() instead. Fault events are recorded and polled; the unit sends no fault interrupt.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "pcie/bdf.h"
#include "pcie/units.h"
#include "sim/host_memory.h"

namespace holdover::sim {

// Fault reasons with the unit's own codes.
enum class IommuFault : std::uint8_t {
  None = 0x00,
  RootNotPresent = 0x01,
  ContextNotPresent = 0x02,
  ContextInvalid = 0x03,
  AddressBeyondWidth = 0x04,
  WriteNotPermitted = 0x05,
  ReadNotPermitted = 0x06,
  TableOutsideMemory = 0x07,
  RootTableOutsideMemory = 0x08,
  ContextTableOutsideMemory = 0x09,
  RootReservedBits = 0x0a,
  ContextReservedBits = 0x0b,
  TableReservedBits = 0x0c,
  MessageReservedBits = 0x20,
  MessageIndexTooLarge = 0x21,
  MessageEntryNotPresent = 0x22,
  MessageTableOutsideMemory = 0x23,
  MessageEntryReservedBits = 0x24,
  CompatibilityMessageBlocked = 0x25,
  MessageSourceMismatch = 0x26,
};
[[nodiscard]] std::string_view to_string(IommuFault fault);

struct Translation {
  enum class Outcome {
    Translated,  // `address` comes from the page tables
    Bypassed,    // translation is off, or the context entry passes requests through: `address` is the IOVA
    Faulted,
  };
  Outcome outcome = Outcome::Faulted;
  PhysicalAddress address;
  unsigned reads = 0;  // reads of structures in DRAM that this took; 0: caches or bypass
  IommuFault fault = IommuFault::None;
};

struct RemappedMessage {
  std::optional<std::uint8_t> vector;  // none: blocked
  unsigned reads = 0;
  IommuFault fault = IommuFault::None;
};

class Iommu {
 public:
  static constexpr unsigned kRegisterBytes = 0x1000;
  static constexpr unsigned kFaultRecords = 8;
  // The most reads of DRAM that one translation can take: root, context, four levels (an entry of 16 bytes is one
  // read).
  static constexpr unsigned kMostReads = 6;
  using FaultSink = std::function<void(Time, pcie::RequesterId, Iova, bool write, std::string_view reason)>;

  // `memory` outlives the unit. `on_fault` is told every fault, also those that find no free record.
  Iommu(const HostMemory& memory, FaultSink on_fault);

  // Registers, 1, 2, 4 or 8 bytes, naturally aligned, below kRegisterBytes. Unknown ones read 0 and ignore writes.
  [[nodiscard]] std::uint64_t read_register(unsigned offset, unsigned size) const;
  void write_register(unsigned offset, unsigned size, std::uint64_t value);

  // One request; it does not cross a page.
  [[nodiscard]] Translation translate(Time now, pcie::RequesterId requester, Iova iova, bool write);
  // What the structures in DRAM say now: uses and fills no cache, records no fault.
  [[nodiscard]] Translation translate_quietly(pcie::RequesterId requester, Iova iova, bool write) const;

  // A 4-byte write of `data` to `address` inside the message window.
  [[nodiscard]] RemappedMessage remap_message(Time now, pcie::RequesterId requester, std::uint64_t address,
                                              std::uint32_t data);

  [[nodiscard]] bool translation_enabled() const;
  [[nodiscard]] bool remapping_enabled() const;
  // Tables in force, as latched by the last set command.
  [[nodiscard]] PhysicalAddress root_table() const { return PhysicalAddress{root_latched_ & kTableAddress}; }
  [[nodiscard]] PhysicalAddress remapping_table() const { return PhysicalAddress{remap_latched_ & kTableAddress}; }

 private:
  static constexpr std::uint64_t kTableAddress = ~std::uint64_t{0xfff};

  struct Context {
    std::uint16_t domain = 0;
    bool pass_through = false;
    bool record_faults = true;
    PhysicalAddress table;
  };
  struct ContextEntry {
    bool valid = false;
    pcie::RequesterId requester = 0;
    Context context;
  };
  struct Leaf {
    std::uint64_t page = 0;
    bool read = false;
    bool write = false;
  };
  struct TlbEntry {
    bool valid = false;
    std::uint16_t domain = 0;
    std::uint64_t page = 0;
    Leaf leaf;
  };
  struct FaultRecord {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
  };

  [[nodiscard]] IommuFault walk_context(pcie::RequesterId requester, Context& context, unsigned& reads) const;
  [[nodiscard]] IommuFault walk_pages(PhysicalAddress table, std::uint64_t page, Leaf& leaf, unsigned& reads) const;
  [[nodiscard]] IommuFault look_up_context(pcie::RequesterId requester, Context& context, unsigned& reads);
  [[nodiscard]] IommuFault look_up_page(const Context& context, std::uint64_t page, Leaf& leaf, unsigned& reads);
  [[nodiscard]] RemappedMessage remap(pcie::RequesterId requester, std::uint64_t address, std::uint32_t data,
                                      std::uint64_t& index, bool& record) const;
  void record(IommuFault fault, pcie::RequesterId requester, std::uint64_t fault_information, bool write);
  [[nodiscard]] bool fault_pending() const;
  [[nodiscard]] std::uint64_t register_value(unsigned offset) const;
  void write_word(unsigned offset, std::uint32_t value, std::uint32_t mask);
  void command(std::uint32_t value);
  void invalidate_contexts();
  void invalidate_pages();

  const HostMemory& memory_;
  FaultSink on_fault_;
  std::uint32_t status_ = 0;         // GSTS
  std::uint64_t root_address_ = 0;   // RTADDR as written
  std::uint64_t root_latched_ = 0;   // RTADDR when SRTP was written
  std::uint64_t remap_address_ = 0;  // IRTA as written
  std::uint64_t remap_latched_ = 0;  // IRTA when SIRTP was written
  std::uint64_t context_command_ = 0;
  std::uint64_t invalidate_address_ = 0;
  std::uint64_t invalidate_command_ = 0;
  bool fault_overflow_ = false;
  unsigned next_record_ = 0;
  unsigned first_record_ = 0;  // FSTS.FRI
  std::array<FaultRecord, kFaultRecords> records_{};
  std::vector<ContextEntry> context_cache_;
  std::vector<TlbEntry> tlb_;
  std::vector<std::uint8_t> next_way_;
};

}  // namespace holdover::sim
