// SPDX-License-Identifier: MIT
// What a session does for each command.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "pcie/config_space.h"
#include "serve/vfio_user/session.h"

namespace holdover::serve {

using namespace vfio_user;

namespace {

constexpr std::uint32_t kRegions = kRegionDeviceSpecific + 1;
constexpr std::uint32_t kClock = kRegionDeviceSpecific;

// The largest power of two up to 8 that divides `offset` and is no more than `left`.
unsigned step(std::uint64_t offset, std::size_t left) {
  unsigned size = 8;
  while (offset % size != 0 || size > left) size /= 2;
  return size;
}

}  // namespace

Session::Outcome Session::carry_out(Message& message) {
  switch (message.command()) {
    case Command::DmaMap:
      return map(message);
    case Command::DmaUnmap:
      return unmap(message);
    case Command::DeviceGetInfo:
      return device_info(message);
    case Command::DeviceGetRegionInfo:
      return region_info(message);
    case Command::DeviceGetIrqInfo:
      return irq_info(message);
    case Command::DeviceSetIrqs:
      return set_irqs(message);
    case Command::RegionRead:
      return read_region(message);
    case Command::RegionWrite:
      return write_region(message);
    case Command::DeviceReset:
      return reset(message);
    case Command::DeviceFeature:
      return {ENOTTY, {}};  // as VFIO says of features that are not there
    case Command::DeviceGetRegionIoFds:
    case Command::DirtyPages:
    case Command::RegionWriteMulti:
    case Command::MigDataRead:
    case Command::MigDataWrite:
      return {EOPNOTSUPP, {}};
    default:
      return {EINVAL, {}};  // unknown, a second version, or a command of servers
  }
}

Session::Outcome Session::map(Message& message) {
  const Parsed<DmaMap> parsed = parse_dma_map(message);
  if (parsed.error != 0) return {parsed.error, {}};
  return {memory_.map(parsed.value, message.descriptors.empty() ? -1 : message.descriptors[0].number()), {}};
}

Session::Outcome Session::unmap(const Message& message) {
  const Parsed<DmaUnmap> parsed = parse_dma_unmap(message);
  if (parsed.error != 0) return {parsed.error, {}};
  if ((parsed.value.flags & kDmaUnmapAll) != 0) {
    memory_.unmap_all();
  } else if (const int error = memory_.unmap(parsed.value.address, parsed.value.size); error != 0) {
    return {error, {}};
  }
  DmaUnmap answer = parsed.value;
  answer.argsz = sizeof answer;
  Outcome outcome;
  append(outcome.body, answer);
  return outcome;
}

Session::Outcome Session::device_info(const Message& message) {
  const Parsed<DeviceInfo> parsed = parse_device_info(message);
  if (parsed.error != 0) return {parsed.error, {}};
  Outcome outcome;
  append(outcome.body, DeviceInfo{sizeof(DeviceInfo), kDevicePci | kDeviceReset, kRegions, kIrqTypes});
  return outcome;
}

std::uint64_t Session::region_size(std::uint32_t region) const {
  if (region == kRegionConfig) return pcie::config::kSpaceBytes;
  if (region == kClock) return sizeof(ClockRegion);
  for (const FunctionBar& bar : function_.bars()) {
    if (bar.index == region) return bar.size;
  }
  return 0;
}

Session::Outcome Session::region_info(const Message& message) {
  const Parsed<RegionInfo> parsed = parse_region_info(message);
  if (parsed.error != 0) return {parsed.error, {}};
  if (parsed.value.index >= kRegions) return {EINVAL, {}};
  RegionInfo info;
  info.index = parsed.value.index;
  info.size = region_size(info.index);
  info.argsz = sizeof info;
  if (info.size != 0) info.flags = info.index == kClock ? kRegionRead : kRegionRead | kRegionWrite;
  Outcome outcome;
  if (info.index != kClock) {
    append(outcome.body, info);
    return outcome;
  }
  // What does not fit is left out, and argsz says how much it would be.
  info.flags |= kRegionCaps;
  info.argsz += sizeof(RegionTypeCapability);
  const bool fits = parsed.value.argsz >= info.argsz;
  info.cap_offset = fits ? sizeof info : 0;
  append(outcome.body, info);
  if (fits)
    append(outcome.body, RegionTypeCapability{{kRegionCapType, 1, 0}, kRegionTypeHoldover, kRegionSubtypeClock});
  return outcome;
}

Session::Outcome Session::irq_info(const Message& message) {
  const Parsed<IrqInfo> parsed = parse_irq_info(message);
  if (parsed.error != 0) return {parsed.error, {}};
  const std::uint32_t type = parsed.value.index;
  if (type >= kIrqTypes) return {EINVAL, {}};
  Outcome outcome;
  append(outcome.body, IrqInfo{sizeof(IrqInfo), interrupts_.flags(type), type, interrupts_.count(type)});
  return outcome;
}

Session::Outcome Session::set_irqs(Message& message) {
  const Parsed<SetIrqs> parsed = parse_set_irqs(message);
  if (parsed.error != 0) return {parsed.error, {}};
  return {interrupts_.set(parsed.value, std::move(message.descriptors)), {}};
}

bool Session::inside(const RegionAccess& access) const {
  const std::uint64_t size = access.region < kRegions ? region_size(access.region) : 0;
  return size != 0 && access.offset <= size && access.count <= size - access.offset;
}

Session::Outcome Session::read_region(const Message& message) {
  const Parsed<RegionAccess> parsed = parse_region_read(message, kMaxTransfer);
  if (parsed.error != 0) return {parsed.error, {}};
  const RegionAccess& access = parsed.value;
  if (!inside(access)) return {EINVAL, {}};
  Outcome outcome;
  append(outcome.body, access);
  outcome.body.resize(sizeof access + access.count);
  const std::span<std::byte> data = std::span(outcome.body).subspan(sizeof access);
  if (access.region == kRegionConfig) {
    config_.read(static_cast<unsigned>(access.offset), data);
  } else if (access.region == kClock) {
    read_clock(access.offset, data);
  } else {
    read_bar(access.region, access.offset, data);
  }
  return outcome;
}

Session::Outcome Session::write_region(const Message& message) {
  const Parsed<RegionData> parsed = parse_region_write(message, kMaxTransfer);
  if (parsed.error != 0) return {parsed.error, {}};
  const RegionAccess& access = parsed.value.access;
  if (!inside(access)) return {EINVAL, {}};
  if (access.region == kClock) return {EACCES, {}};
  if (access.region == kRegionConfig) {
    config_.write(static_cast<unsigned>(access.offset), parsed.value.data, [this] { interrupts_.restore(); });
  } else {
    write_bar(access.region, access.offset, parsed.value.data);
  }
  Outcome outcome;
  append(outcome.body, access);
  return outcome;
}

void Session::read_bar(unsigned bar, std::uint64_t offset, std::span<std::byte> data) {
  while (!data.empty()) {
    const unsigned size = step(offset, data.size());
    const std::uint64_t value = function_.load(bar, offset, size);
    std::memcpy(data.data(), &value, size);
    data = data.subspan(size);
    offset += size;
  }
}

// Writes into the MSI-X table are dropped.
void Session::write_bar(unsigned bar, std::uint64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const unsigned size = step(offset, data.size());
    std::uint64_t value = 0;
    std::memcpy(&value, data.data(), size);
    if (!interrupts_.holds_table(bar, offset, size)) function_.store(bar, offset, size, value);
    data = data.subspan(size);
    offset += size;
  }
}

void Session::read_clock(std::uint64_t offset, std::span<std::byte> data) {
  const ClockRegion clock{kClockMagic, function_.now().count(), function_.requester(), 0};
  std::memcpy(data.data(), reinterpret_cast<const std::byte*>(&clock) + offset, data.size());
}

Session::Outcome Session::reset(const Message& message) {
  if (!message.body.empty() || !message.descriptors.empty()) return {EINVAL, {}};
  // The client may wait for this reply before it answers anything else.
  const ClientMemory::Haste haste{memory_};
  config_.reset();
  interrupts_.restore();
  return {};
}

}  // namespace holdover::serve
