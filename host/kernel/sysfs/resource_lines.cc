// SPDX-License-Identifier: MIT
#include "host/kernel/sysfs/resource_lines.h"

namespace holdover::host::kernel::sysfs {
namespace {

constexpr unsigned kBars = 6;
constexpr unsigned kOfFunction = 13;
constexpr unsigned kOfBridge = 17;
constexpr unsigned kRom = 6;
constexpr unsigned kMemoryWindow = 14;
constexpr unsigned kPrefetchWindow = 15;

constexpr unsigned long long kIo = 0x100;
constexpr unsigned long long kMemory = 0x200;
constexpr unsigned long long kPrefetch = 0x2000;
constexpr unsigned long long kReadOnly = 0x4000;
constexpr unsigned long long kSizeAligned = 0x4'0000;
constexpr unsigned long long kWide = 0x10'0000;
constexpr unsigned long long kUnset = 0x2000'0000;
// The low bits of the register stay in the flags.
constexpr unsigned long long kIoBit = 0x1;
constexpr unsigned long long kWideBits = 0x4;
constexpr unsigned long long kPrefetchBits = 0x8;
constexpr unsigned long long kWideWindowBit = 0x1;

ResourceLine range(BusAddress base, Bytes size, unsigned long long flags) {
  return {base.raw(), base.raw() + size.count() - 1, flags};
}

ResourceLine line_of(const Bar& bar) {
  if (bar.size == Bytes{0}) return {};
  unsigned long long flags = kSizeAligned;
  flags |= bar.io ? kIo | kIoBit : kMemory;
  if (bar.wide) flags |= kWide | kWideBits;
  if (bar.prefetchable) flags |= kPrefetch | kPrefetchBits;
  return bar.assigned ? range(bar.address, bar.size, flags) : range(BusAddress{0}, bar.size, flags | kUnset);
}

}  // namespace

std::vector<ResourceLine> resource_lines(const PciDevice& device, bool wide_prefetch) {
  std::vector<ResourceLine> lines(device.bridge ? kOfBridge : kOfFunction);
  for (unsigned bar = 0; bar < kBars; ++bar) lines[bar] = line_of(device.bars[bar]);
  // No ROM is ever assigned.
  if (device.rom_size > Bytes{0}) {
    lines[kRom] = range(BusAddress{0}, device.rom_size, kMemory | kPrefetch | kReadOnly | kSizeAligned | kUnset);
  }
  if (!device.bridge) return lines;
  if (device.memory_window.size > Bytes{0}) {
    lines[kMemoryWindow] = range(device.memory_window.base, device.memory_window.size, kMemory);
  }
  if (device.prefetch_window.size > Bytes{0}) {
    lines[kPrefetchWindow] = range(device.prefetch_window.base, device.prefetch_window.size,
                                   kMemory | kPrefetch | (wide_prefetch ? kWide | kWideWindowBit : 0));
  }
  return lines;
}

}  // namespace holdover::host::kernel::sysfs
