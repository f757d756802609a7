// SPDX-License-Identifier: MIT
// Translation and caches; the register file is in iommu_registers.cc.
#include "sim/iommu.h"

#include <utility>

#include "pcie/vtd.h"

namespace holdover::sim {
namespace {

using namespace pcie::vtd;

// Context cache: direct mapped by the low bits of the requester ID. IOTLB: sets by page number, replaced round robin.
constexpr unsigned kContextEntries = 64;
constexpr unsigned kTlbSets = 256;
constexpr unsigned kTlbWays = 4;

constexpr unsigned kAddressWidth = 48;
constexpr std::uint64_t kTableMask = 0x000f'ffff'ffff'f000;
constexpr std::uint64_t kRootReserved = 0xffe;
constexpr std::uint64_t kContextReservedLow = 0xff0;
constexpr std::uint64_t kContextReservedHigh = 0xffff'ffff'ff00'0080;
constexpr std::uint64_t kTypePassThrough = 2;  // TT
constexpr std::uint64_t kPageRead = 1u << 0;
constexpr std::uint64_t kPageWrite = 1u << 1;
constexpr std::uint64_t kPageSuper = 1u << 7;  // reserved above the leaf: only 4 KiB pages exist
// Snoop control and transient mapping need what this unit does not have; addresses end at 48 bits.
constexpr std::uint64_t kPageReserved =
    (std::uint64_t{1} << 11) | (std::uint64_t{0xf} << 48) | (std::uint64_t{1} << 62);
constexpr std::uint64_t kRootTypeMask = 0xc00;

constexpr std::uint64_t kPageShift = 12;
constexpr std::uint64_t kPageOffset = 0xfff;

IommuFault judge_permission(bool readable, bool writable, bool write) {
  if (write) return writable ? IommuFault::None : IommuFault::WriteNotPermitted;
  return readable ? IommuFault::None : IommuFault::ReadNotPermitted;
}

PhysicalAddress physical(std::uint64_t page, Iova iova) {
  return PhysicalAddress{(page << kPageShift) | (iova.raw() & kPageOffset)};
}

}  // namespace

std::string_view to_string(IommuFault fault) {
  switch (fault) {
    case IommuFault::None:
      return "no fault";
    case IommuFault::RootNotPresent:
      return "the root entry of the bus is not present";
    case IommuFault::ContextNotPresent:
      return "the context entry of the function is not present";
    case IommuFault::ContextInvalid:
      return "the context entry asks for what this unit cannot do";
    case IommuFault::AddressBeyondWidth:
      return "the address exceeds 48 bits";
    case IommuFault::WriteNotPermitted:
      return "no mapping permits the write";
    case IommuFault::ReadNotPermitted:
      return "no mapping permits the read";
    case IommuFault::TableOutsideMemory:
      return "a page table lies outside DRAM";
    case IommuFault::RootTableOutsideMemory:
      return "the root table lies outside DRAM or is of another mode";
    case IommuFault::ContextTableOutsideMemory:
      return "a context table lies outside DRAM";
    case IommuFault::RootReservedBits:
      return "reserved bits are set in a root entry";
    case IommuFault::ContextReservedBits:
      return "reserved bits are set in a context entry";
    case IommuFault::TableReservedBits:
      return "reserved bits are set in a page table entry";
    case IommuFault::MessageReservedBits:
      return "reserved bits are set in a remappable message";
    case IommuFault::MessageIndexTooLarge:
      return "the message's index exceeds the interrupt remapping table";
    case IommuFault::MessageEntryNotPresent:
      return "the interrupt remapping entry is not present";
    case IommuFault::MessageTableOutsideMemory:
      return "the interrupt remapping table lies outside DRAM";
    case IommuFault::MessageEntryReservedBits:
      return "reserved bits are set in an interrupt remapping entry";
    case IommuFault::CompatibilityMessageBlocked:
      return "a compatibility format message came while they are blocked";
    case IommuFault::MessageSourceMismatch:
      return "the interrupt remapping entry belongs to another requester";
  }
  return "unknown";
}

Iommu::Iommu(const HostMemory& memory, FaultSink on_fault)
    : memory_(memory),
      on_fault_(std::move(on_fault)),
      context_cache_(kContextEntries),
      tlb_(kTlbSets * kTlbWays),
      next_way_(kTlbSets) {}

IommuFault Iommu::walk_context(pcie::RequesterId requester, Context& context, unsigned& reads) const {
  const PhysicalAddress root{(root_latched_ & kTableMask) + (requester >> 8) * 16u};
  std::uint64_t root_low = 0;
  std::uint64_t root_high = 0;
  ++reads;
  if ((root_latched_ & kRootTypeMask) != 0 || !memory_.read_word(root, root_low) ||
      !memory_.read_word(root + Bytes{8}, root_high)) {
    return IommuFault::RootTableOutsideMemory;
  }
  if ((root_low & kPresent) == 0) return IommuFault::RootNotPresent;
  if ((root_low & kRootReserved) != 0 || root_high != 0) return IommuFault::RootReservedBits;

  const PhysicalAddress entry{(root_low & ~kPageOffset) + (requester & 0xffu) * 16u};
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  ++reads;
  if (!memory_.read_word(entry, low) || !memory_.read_word(entry + Bytes{8}, high)) {
    return IommuFault::ContextTableOutsideMemory;
  }
  context.record_faults = (low & 2) == 0;
  if ((low & kPresent) == 0) return IommuFault::ContextNotPresent;
  if ((low & kContextReservedLow) != 0 || (high & kContextReservedHigh) != 0) return IommuFault::ContextReservedBits;
  const std::uint64_t type = (low >> 2) & 3;
  if ((high & 7) != kContextFourLevels || (type != 0 && type != kTypePassThrough)) return IommuFault::ContextInvalid;
  context.pass_through = type == kTypePassThrough;
  context.domain = static_cast<std::uint16_t>(high >> 8);
  context.table = PhysicalAddress{low & ~kPageOffset};
  return IommuFault::None;
}

IommuFault Iommu::walk_pages(PhysicalAddress table, std::uint64_t page, Leaf& leaf, unsigned& reads) const {
  leaf = Leaf{0, true, true};
  for (unsigned level = 4; level > 0; --level) {
    const std::uint64_t index = (page >> (9 * (level - 1))) & 0x1ff;
    std::uint64_t entry = 0;
    ++reads;
    if (!memory_.read_word(table + Bytes{index * 8}, entry)) return IommuFault::TableOutsideMemory;
    if ((entry & (kPageRead | kPageWrite)) == 0) {
      leaf = Leaf{};
      return IommuFault::None;
    }
    if ((entry & kPageReserved) != 0 || (level > 1 && (entry & kPageSuper) != 0)) return IommuFault::TableReservedBits;
    leaf.read = leaf.read && (entry & kPageRead) != 0;
    leaf.write = leaf.write && (entry & kPageWrite) != 0;
    table = PhysicalAddress{entry & kTableMask};
  }
  leaf.page = table.raw() >> kPageShift;
  return IommuFault::None;
}

IommuFault Iommu::look_up_context(pcie::RequesterId requester, Context& context, unsigned& reads) {
  ContextEntry& cached = context_cache_[requester % kContextEntries];
  if (cached.valid && cached.requester == requester) {
    context = cached.context;
    return IommuFault::None;
  }
  const IommuFault fault = walk_context(requester, context, reads);
  if (fault == IommuFault::None) cached = ContextEntry{true, requester, context};
  return fault;
}

IommuFault Iommu::look_up_page(const Context& context, std::uint64_t page, Leaf& leaf, unsigned& reads) {
  const unsigned set = static_cast<unsigned>(page % kTlbSets);
  TlbEntry* const ways = &tlb_[set * kTlbWays];
  for (unsigned way = 0; way < kTlbWays; ++way) {
    if (ways[way].valid && ways[way].page == page && ways[way].domain == context.domain) {
      leaf = ways[way].leaf;
      return IommuFault::None;
    }
  }
  const IommuFault fault = walk_pages(context.table, page, leaf, reads);
  if (fault != IommuFault::None || (!leaf.read && !leaf.write)) return fault;
  ways[next_way_[set]] = TlbEntry{true, context.domain, page, leaf};
  next_way_[set] = static_cast<std::uint8_t>((next_way_[set] + 1) % kTlbWays);
  return IommuFault::None;
}

Translation Iommu::translate(Time now, pcie::RequesterId requester, Iova iova, bool write) {
  Translation result;
  result.address = PhysicalAddress{iova.raw()};
  if (!translation_enabled()) {
    result.outcome = Translation::Outcome::Bypassed;
    return result;
  }
  Context context;
  result.fault = look_up_context(requester, context, result.reads);
  if (result.fault == IommuFault::None && (iova.raw() >> kAddressWidth) != 0) {
    result.fault = IommuFault::AddressBeyondWidth;
  }
  if (result.fault == IommuFault::None && context.pass_through) {
    result.outcome = Translation::Outcome::Bypassed;
    return result;
  }
  Leaf leaf;
  if (result.fault == IommuFault::None) {
    result.fault = look_up_page(context, iova.raw() >> kPageShift, leaf, result.reads);
  }
  if (result.fault == IommuFault::None) result.fault = judge_permission(leaf.read, leaf.write, write);
  if (result.fault == IommuFault::None) {
    result.outcome = Translation::Outcome::Translated;
    result.address = physical(leaf.page, iova);
    return result;
  }
  if (context.record_faults) record(result.fault, requester, iova.raw() & ~kPageOffset, write);
  if (on_fault_) on_fault_(now, requester, iova, write, to_string(result.fault));
  return result;
}

Translation Iommu::translate_quietly(pcie::RequesterId requester, Iova iova, bool write) const {
  Translation result;
  result.address = PhysicalAddress{iova.raw()};
  result.outcome = Translation::Outcome::Bypassed;
  if (!translation_enabled()) return result;
  Context context;
  result.fault = walk_context(requester, context, result.reads);
  if (result.fault == IommuFault::None && (iova.raw() >> kAddressWidth) != 0) {
    result.fault = IommuFault::AddressBeyondWidth;
  }
  if (result.fault == IommuFault::None && context.pass_through) return result;
  Leaf leaf;
  if (result.fault == IommuFault::None) {
    result.fault = walk_pages(context.table, iova.raw() >> kPageShift, leaf, result.reads);
  }
  if (result.fault == IommuFault::None) result.fault = judge_permission(leaf.read, leaf.write, write);
  const bool translated = result.fault == IommuFault::None;
  result.outcome = translated ? Translation::Outcome::Translated : Translation::Outcome::Faulted;
  if (translated) result.address = physical(leaf.page, iova);
  return result;
}

}  // namespace holdover::sim
