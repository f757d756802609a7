// SPDX-License-Identifier: MIT
// The IOMMU's register file: commands, invalidation, fault records, interrupt remapping. Field positions as in the VT-d
// specification, chapter «Register Descriptions».
#include <algorithm>

#include "pcie/error.h"
#include "pcie/vtd.h"
#include "sim/iommu.h"

namespace holdover::sim {
namespace {

using namespace pcie::vtd;

// Where this unit puts the registers whose place its capabilities name.
constexpr unsigned kInvalidateAddress = 0x100;
constexpr unsigned kInvalidateCommand = 0x108;
constexpr unsigned kFaultRecord = 0x220;

constexpr std::uint32_t kVersionValue = 0x10;
// ND 6 (65536 domains), SAGAW bit 2 (four levels), MGAW 47 (48 bits), FRO 22h, PSI, NFR 7 (eight records), MAMV 9.
constexpr std::uint64_t kCapabilityValue = 6 | (std::uint64_t{4} << 8) | (std::uint64_t{47} << 16) |
                                           (std::uint64_t{0x22} << 24) | (std::uint64_t{1} << 39) |
                                           (std::uint64_t{Iommu::kFaultRecords - 1} << 40) | (std::uint64_t{9} << 48);
// C (coherent walks), IR, PT, IRO 10h.
constexpr std::uint64_t kExtendedCapabilityValue = 1 | (1u << 3) | (1u << 6) | (0x10u << 8);
constexpr std::uint64_t kMostAddressMask = 9;

constexpr std::uint32_t kFaultOverflow = 1u << 0;
constexpr std::uint32_t kFaultPending = 1u << 1;
constexpr std::uint64_t kRecordFault = std::uint64_t{1} << 63;
constexpr std::uint64_t kRecordRead = std::uint64_t{1} << 62;

std::uint64_t merge(std::uint64_t before, unsigned shift, std::uint32_t value, std::uint32_t mask) {
  return (before & ~(std::uint64_t{mask} << shift)) | (std::uint64_t{value & mask} << shift);
}

}  // namespace

bool Iommu::translation_enabled() const { return (status_ & kTranslationEnable) != 0; }
bool Iommu::remapping_enabled() const { return (status_ & kRemappingEnable) != 0; }

bool Iommu::fault_pending() const {
  return std::any_of(records_.begin(), records_.end(),
                     [](const FaultRecord& entry) { return (entry.high & kRecordFault) != 0; });
}

// The 64-bit register, or pair of 32-bit ones, at a multiple of 8.
std::uint64_t Iommu::register_value(unsigned offset) const {
  switch (offset) {
    case kVersion:
      return kVersionValue;
    case kCapability:
      return kCapabilityValue;
    case kExtendedCapability:
      return kExtendedCapabilityValue;
    case kGlobalCommand:
      return std::uint64_t{status_} << 32;  // GCMD reads 0, GSTS is at 1Ch
    case kRootTableAddress:
      return root_address_;
    case kContextCommand:
      return context_command_;
    case kFaultStatus & ~7u:
      return std::uint64_t{(fault_overflow_ ? kFaultOverflow : 0) | (fault_pending() ? kFaultPending : 0) |
                           (first_record_ << 8)}
             << 32;
    case kRemapTableAddress:
      return remap_address_;
    case kInvalidateAddress:
      return 0;  // write only
    case kInvalidateCommand:
      return invalidate_command_;
    default:
      break;
  }
  if (offset >= kFaultRecord && offset < kFaultRecord + 16 * kFaultRecords) {
    const FaultRecord& entry = records_[(offset - kFaultRecord) / 16];
    return offset % 16 == 0 ? entry.low : entry.high;
  }
  return 0;
}

std::uint64_t Iommu::read_register(unsigned offset, unsigned size) const {
  HOLDOVER_CHECK((size == 1 || size == 2 || size == 4 || size == 8) && offset % size == 0 &&
                 offset + size <= kRegisterBytes);
  const std::uint64_t value = register_value(offset & ~7u) >> (8 * (offset & 7u));
  return size == 8 ? value : value & ((std::uint64_t{1} << (8 * size)) - 1);
}

void Iommu::write_register(unsigned offset, unsigned size, std::uint64_t value) {
  HOLDOVER_CHECK((size == 1 || size == 2 || size == 4 || size == 8) && offset % size == 0 &&
                 offset + size <= kRegisterBytes);
  if (size == 8) {
    // The low half first: the command bits of 64-bit registers are in the high half.
    write_word(offset, static_cast<std::uint32_t>(value), 0xffff'ffff);
    write_word(offset + 4, static_cast<std::uint32_t>(value >> 32), 0xffff'ffff);
    return;
  }
  const unsigned shift = 8 * (offset & 3u);
  const std::uint32_t mask = size == 4 ? 0xffff'ffff : ((1u << (8 * size)) - 1) << shift;
  write_word(offset & ~3u, static_cast<std::uint32_t>(value) << shift, mask);
}

void Iommu::write_word(unsigned offset, std::uint32_t value, std::uint32_t mask) {
  const unsigned shift = 8 * (offset & 4u);
  switch (offset & ~7u) {
    case kGlobalCommand:
      // What a narrow access leaves out keeps its state.
      if (shift == 0) command((status_ & ~mask & ~(kSetRootTable | kSetRemapTable)) | (value & mask));
      return;
    case kRootTableAddress:
      root_address_ = merge(root_address_, shift, value, mask);
      return;
    case kRemapTableAddress:
      remap_address_ = merge(remap_address_, shift, value, mask);
      return;
    case kContextCommand:
      context_command_ = merge(context_command_, shift, value, mask);
      if (shift == 32) invalidate_contexts();
      return;
    case kInvalidateAddress:
      invalidate_address_ = merge(invalidate_address_, shift, value, mask);
      return;
    case kInvalidateCommand:
      invalidate_command_ = merge(invalidate_command_, shift, value, mask);
      if (shift == 32) invalidate_pages();
      return;
    case kFaultStatus & ~7u:
      if (shift == 32 && (value & mask & kFaultOverflow) != 0) fault_overflow_ = false;
      return;
    default:
      break;
  }
  // Fault records: F is write-1-to-clear, the rest read-only.
  if (offset < kFaultRecord || offset >= kFaultRecord + 16 * kFaultRecords || offset % 16 != 12) return;
  if ((value & mask & 0x8000'0000) == 0) return;
  records_[(offset - kFaultRecord) / 16].high &= ~kRecordFault;
  // FRI names the oldest record that is pending; with none it keeps its value.
  for (unsigned i = 0; i < kFaultRecords; ++i) {
    const unsigned index = (first_record_ + i) % kFaultRecords;
    if ((records_[index].high & kRecordFault) == 0) continue;
    first_record_ = index;
    break;
  }
}

void Iommu::command(std::uint32_t value) {
  if ((value & kSetRootTable) != 0) {
    root_latched_ = root_address_;
    status_ |= kSetRootTable;
  }
  if ((value & kSetRemapTable) != 0) {
    remap_latched_ = remap_address_;
    status_ |= kSetRemapTable;
  }
  constexpr std::uint32_t kLevels = kTranslationEnable | kRemappingEnable | kCompatibilityMessages;
  status_ = (status_ & ~kLevels) | (value & kLevels);
}

void Iommu::invalidate_contexts() {
  if ((context_command_ & kInvalidate) == 0) return;
  const std::uint64_t granularity = (context_command_ >> 61) & 3;
  const std::uint16_t domain = static_cast<std::uint16_t>(context_command_);
  const std::uint16_t source = static_cast<std::uint16_t>(context_command_ >> 16);
  const std::uint16_t masked = static_cast<std::uint16_t>((1u << ((context_command_ >> 32) & 3)) - 1);  // FM
  for (ContextEntry& entry : context_cache_) {
    const bool same_domain = entry.context.domain == domain;
    const bool same_source = ((entry.requester ^ source) & ~masked) == 0;
    if (granularity == 1 || (granularity == 2 && same_domain) || (granularity == 3 && same_domain && same_source)) {
      entry.valid = false;
    }
  }
  // Done at once: ICC reads 0, CAIG says what was done; 0 for the reserved granularity, as a unit answers it.
  context_command_ = (context_command_ & ~(kInvalidate | (std::uint64_t{3} << 59))) | (granularity << 59);
}

void Iommu::invalidate_pages() {
  if ((invalidate_command_ & kInvalidate) == 0) return;
  const std::uint64_t granularity = (invalidate_command_ >> 60) & 3;
  const std::uint16_t domain = static_cast<std::uint16_t>(invalidate_command_ >> 32);
  const std::uint64_t order = invalidate_address_ & 0x3f;
  // A mask above MAMV is answered with «nothing done», as are reserved granularities.
  const bool refused = granularity == 0 || (granularity == 3 && order > kMostAddressMask);
  const std::uint64_t first = (invalidate_address_ >> 12) >> order;
  for (TlbEntry& entry : tlb_) {
    if (refused) break;
    const bool same_domain = granularity == 1 || entry.domain == domain;
    const bool same_pages = granularity != 3 || (entry.page >> order) == first;
    if (same_domain && same_pages) entry.valid = false;
  }
  const std::uint64_t actual = refused ? 0 : granularity;
  invalidate_command_ = (invalidate_command_ & ~(kInvalidate | (std::uint64_t{3} << 57))) | (actual << 57);
}

void Iommu::record(IommuFault fault, pcie::RequesterId requester, std::uint64_t fault_information, bool write) {
  if (fault_overflow_) return;
  FaultRecord& entry = records_[next_record_];
  if ((entry.high & kRecordFault) != 0) {
    fault_overflow_ = true;
    return;
  }
  if (!fault_pending()) first_record_ = next_record_;
  entry.low = fault_information;
  entry.high = kRecordFault | (write ? 0 : kRecordRead) | (static_cast<std::uint64_t>(fault) << 32) | requester;
  next_record_ = (next_record_ + 1) % kFaultRecords;
}

RemappedMessage Iommu::remap(pcie::RequesterId requester, std::uint64_t address, std::uint32_t data,
                             std::uint64_t& index, bool& record) const {
  RemappedMessage result;
  if ((address & 0x10) == 0) {  // compatibility format
    if ((status_ & kCompatibilityMessages) != 0) {
      result.vector = static_cast<std::uint8_t>(data);
    } else {
      result.fault = IommuFault::CompatibilityMessageBlocked;
    }
    return result;
  }
  index = ((address >> 5) & 0x7fff) | ((address & 4) << 13);
  if ((address & 8) != 0) {  // SHV: the data is a sub-handle
    if ((data >> 16) != 0) {
      result.fault = IommuFault::MessageReservedBits;
      return result;
    }
    index += data & 0xffff;
  }
  const std::uint64_t entries = std::uint64_t{2} << (remap_latched_ & 0xf);
  if (index >= entries) {
    result.fault = IommuFault::MessageIndexTooLarge;
    return result;
  }
  const PhysicalAddress where{(remap_latched_ & ~std::uint64_t{0xfff}) + index * 16};
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  ++result.reads;
  if (!memory_.read_word(where, low) || !memory_.read_word(where + Bytes{8}, high)) {
    result.fault = IommuFault::MessageTableOutsideMemory;
    return result;
  }
  record = (low & 2) == 0;  // FPD
  if ((low & 1) == 0) {
    result.fault = IommuFault::MessageEntryNotPresent;
    return result;
  }
  // Posted interrupts (bit 15) do not exist here.
  if ((low & 0xff00'f000) != 0 || (high >> 20) != 0) {
    result.fault = IommuFault::MessageEntryReservedBits;
    return result;
  }
  const std::uint16_t source = static_cast<std::uint16_t>(high);
  const unsigned qualifier = static_cast<unsigned>((high >> 16) & 3);
  constexpr std::uint16_t kIgnored[] = {0, 4, 6, 7};  // SQ: which function bits do not count
  const unsigned bus = requester >> 8;
  bool matches = false;
  switch ((high >> 18) & 3) {  // SVT
    case 0:
      matches = true;
      break;
    case 1:
      matches = ((source ^ requester) & ~unsigned{kIgnored[qualifier]}) == 0;
      break;
    case 2:
      matches = bus >= (source >> 8) && bus <= (source & 0xffu);
      break;
    default:
      result.fault = IommuFault::MessageEntryReservedBits;
      return result;
  }
  if (!matches) {
    result.fault = IommuFault::MessageSourceMismatch;
    return result;
  }
  result.vector = static_cast<std::uint8_t>(low >> 16);
  return result;
}

RemappedMessage Iommu::remap_message(Time now, pcie::RequesterId requester, std::uint64_t address, std::uint32_t data) {
  if (!remapping_enabled()) {
    // Compatibility format only; the vector is all that this interrupt controller looks at.
    RemappedMessage plain;
    plain.vector = static_cast<std::uint8_t>(data);
    return plain;
  }
  std::uint64_t index = 0;
  bool keep_record = true;
  const RemappedMessage result = remap(requester, address, data, index, keep_record);
  if (result.fault == IommuFault::None) return result;
  if (keep_record) record(result.fault, requester, index << 48, true);
  if (on_fault_) on_fault_(now, requester, Iova{address}, true, to_string(result.fault));
  return result;
}

}  // namespace holdover::sim
