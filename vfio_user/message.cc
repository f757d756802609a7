// SPDX-License-Identifier: MIT
#include "vfio_user/message.h"

#include <algorithm>
#include <bit>

namespace holdover::vfio_user {
namespace {

// Whether [address, address + size) is not empty and ends at or below 2^64.
bool is_range(std::uint64_t address, std::uint64_t size) { return size != 0 && address + (size - 1) >= address; }

template <typename T>
Parsed<T> refused(int error) {
  Parsed<T> parsed;
  parsed.error = error;
  return parsed;
}

// A request whose reply has the same layout: `argsz` says how much of it the sender takes.
template <typename T>
Parsed<T> parse_query(const Message& message) {
  Parsed<T> parsed = parse_fixed<T>(message.body);
  if (parsed.error == 0 && (parsed.value.argsz < sizeof(T) || !message.descriptors.empty())) parsed.error = EINVAL;
  return parsed;
}

}  // namespace

Parsed<DmaMap> parse_dma_map(const Message& message) {
  Parsed<DmaMap> parsed = parse_fixed<DmaMap>(message.body);
  if (parsed.error != 0) return parsed;
  const DmaMap& map = parsed.value;
  constexpr std::uint32_t kKnown = kDmaMapRead | kDmaMapWrite;
  const bool aligned = (map.address | map.size | map.offset) % kPageBytes == 0;
  const bool sound = message.body.size() == sizeof(DmaMap) && map.argsz >= sizeof(DmaMap) && map.flags != 0 &&
                     (map.flags & ~kKnown) == 0 && aligned && is_range(map.address, map.size) &&
                     is_range(map.offset, map.size) && message.descriptors.size() <= 1;
  if (!sound || (message.descriptors.empty() && map.offset != 0)) parsed.error = EINVAL;
  return parsed;
}

Parsed<DmaUnmap> parse_dma_unmap(const Message& message) {
  Parsed<DmaUnmap> parsed = parse_fixed<DmaUnmap>(message.body);
  if (parsed.error != 0) return parsed;
  const DmaUnmap& unmap = parsed.value;
  if ((unmap.flags & kDmaUnmapDirtyBitmap) != 0) return refused<DmaUnmap>(EOPNOTSUPP);
  const bool all = unmap.flags == kDmaUnmapAll && unmap.address == 0 && unmap.size == 0;
  const bool one = unmap.flags == 0 && is_range(unmap.address, unmap.size);
  const bool sound = message.body.size() == sizeof(DmaUnmap) && unmap.argsz >= sizeof(DmaUnmap) &&
                     message.descriptors.empty() && (all || one);
  if (!sound) parsed.error = EINVAL;
  return parsed;
}

Parsed<DeviceInfo> parse_device_info(const Message& message) { return parse_query<DeviceInfo>(message); }
Parsed<RegionInfo> parse_region_info(const Message& message) { return parse_query<RegionInfo>(message); }
Parsed<IrqInfo> parse_irq_info(const Message& message) { return parse_query<IrqInfo>(message); }

Parsed<SetIrqs> parse_set_irqs(const Message& message) {
  const Parsed<IrqSet> fixed = parse_fixed<IrqSet>(message.body);
  if (fixed.error != 0) return refused<SetIrqs>(fixed.error);
  Parsed<SetIrqs> parsed;
  parsed.value.set = fixed.value;
  const IrqSet& set = parsed.value.set;
  const std::uint32_t data = set.flags & kIrqDataMask;
  const std::uint32_t action = set.flags & kIrqActions;
  const std::size_t extra = message.body.size() - sizeof(IrqSet);
  const bool flags_sound =
      std::has_single_bit(data) && std::has_single_bit(action) && (set.flags & ~(kIrqDataMask | kIrqActions)) == 0;
  if (!flags_sound || set.index >= kIrqTypes || set.argsz < sizeof(IrqSet)) return refused<SetIrqs>(EINVAL);
  if (set.start + std::uint64_t{set.count} > 0xffff'ffff) return refused<SetIrqs>(EINVAL);
  // Only «none» may speak of no interrupt: all of them are turned off.
  if (set.count == 0 && (data != kIrqDataNone || action != kIrqActionTrigger || set.start != 0)) {
    return refused<SetIrqs>(EINVAL);
  }
  const std::size_t descriptors = message.descriptors.size();
  switch (data) {
    case kIrqDataNone:
      if (descriptors != 0) return refused<SetIrqs>(EINVAL);
      break;
    case kIrqDataBool:
      if (extra < set.count || descriptors != 0) return refused<SetIrqs>(EINVAL);
      for (std::uint32_t i = 0; i < set.count; ++i) {
        parsed.value.booleans.push_back(message.body[sizeof(IrqSet) + i] != std::byte{0});
      }
      break;
    default:
      // Without any they are taken away.
      if (descriptors != 0 && descriptors != set.count) return refused<SetIrqs>(EINVAL);
  }
  return parsed;
}

Parsed<RegionAccess> parse_region_read(const Message& message, std::uint64_t most) {
  Parsed<RegionAccess> parsed = parse_fixed<RegionAccess>(message.body);
  if (parsed.error != 0) return parsed;
  const bool sound =
      message.body.size() == sizeof(RegionAccess) && parsed.value.count <= most && message.descriptors.empty();
  if (!sound) parsed.error = EINVAL;
  return parsed;
}

Parsed<RegionData> parse_region_write(const Message& message, std::uint64_t most) {
  const Parsed<RegionAccess> fixed = parse_fixed<RegionAccess>(message.body);
  if (fixed.error != 0) return refused<RegionData>(fixed.error);
  Parsed<RegionData> parsed;
  parsed.value.access = fixed.value;
  parsed.value.data = std::span(message.body).subspan(sizeof(RegionAccess));
  const bool sound =
      parsed.value.data.size() == fixed.value.count && fixed.value.count <= most && message.descriptors.empty();
  if (!sound) parsed.error = EINVAL;
  return parsed;
}

Parsed<DmaData> parse_dma_access(const Message& message, bool with_data, std::uint64_t most) {
  Parsed<DmaData> parsed;
  // The specification gives the reply to a write a count of 4 bytes, libvfio-user one of 8, QEMU nothing but the
  // header.
  constexpr std::size_t kShort = sizeof(DmaAccess) - 4;
  const bool bare = !with_data && message.is_reply() && message.body.empty();
  if (bare && message.descriptors.empty()) return parsed;
  if (message.body.size() < kShort) return refused<DmaData>(EINVAL);
  std::memcpy(&parsed.value.access, message.body.data(), std::min(message.body.size(), sizeof(DmaAccess)));
  if (message.body.size() > sizeof(DmaAccess)) {
    parsed.value.data = std::span(message.body).subspan(sizeof(DmaAccess));
  }
  const std::uint64_t expected = with_data ? parsed.value.access.count : 0;
  const bool whole = message.body.size() >= sizeof(DmaAccess) || (!with_data && message.is_reply());
  const bool sound =
      whole && parsed.value.access.count <= most && parsed.value.data.size() == expected && message.descriptors.empty();
  if (!sound) parsed.error = EINVAL;
  return parsed;
}

}  // namespace holdover::vfio_user
