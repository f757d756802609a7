// SPDX-License-Identifier: MIT
#include "host/kernel/pci/bars.h"

#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

constexpr std::uint32_t kBarIo = 1u << 0;
constexpr std::uint32_t kBarType = 0x6;
constexpr std::uint32_t kBarWide = 0x4;
constexpr std::uint32_t kBarPrefetchable = 1u << 3;
constexpr std::uint32_t kBarMemoryMask = 0xffff'fff0;
constexpr std::uint32_t kBarIoMask = 0xffff'fffc;
constexpr std::uint32_t kRomMask = 0xffff'f800;

struct Sized {
  std::uint32_t value;  // before, as written back
  std::uint32_t ones;   // read after all ones
};

Sized size_register(const ConfigAccess& config, unsigned offset, std::uint32_t ones, bool restore) {
  const std::uint32_t value = config.read32(offset);
  config.write32(offset, ones);
  const std::uint32_t read = config.read32(offset);
  if (restore) config.write32(offset, value);
  return {value, read};
}

std::uint64_t lowest_bit(std::uint64_t mask) { return mask & (~mask + 1); }

}  // namespace

void size_bars(PciDevice& device, bool forget_first) {
  const ConfigAccess& config = device.config;
  const unsigned count = device.bridge ? 2 : 6;
  const std::uint16_t command = config.read16(kCommand);
  constexpr std::uint16_t kDecode = kCommandIo | kCommandMemory;
  if ((command & kDecode) != 0) config.write16(kCommand, static_cast<std::uint16_t>(command & ~kDecode));

  std::array<Sized, 6> sized{};
  for (unsigned index = 0; index < count; ++index) {
    sized[index] = size_register(config, kBar0 + 4 * index, 0xffff'ffff, !(forget_first && index == 0));
  }
  const Sized rom = size_register(config, device.bridge ? kBridgeRomBar : kRomBar, kRomMask, true);
  if ((command & kDecode) != 0) config.write16(kCommand, command);

  for (unsigned index = 0; index < count; ++index) {
    Bar& bar = device.bars[index];
    const auto [value, ones] = sized[index];
    if (ones == 0 || ones == 0xffff'ffff) continue;
    if ((ones & kBarIo) != 0) {
      bar.io = true;
      bar.size = Bytes{lowest_bit(ones & kBarIoMask)};
      bar.address = BusAddress{value & kBarIoMask};
      continue;
    }
    bar.prefetchable = (ones & kBarPrefetchable) != 0;
    bar.wide = (ones & kBarType) == kBarWide && index + 1 < count;
    std::uint64_t mask = ones & kBarMemoryMask;
    std::uint64_t address = value & kBarMemoryMask;
    if (bar.wide) {
      mask |= std::uint64_t{sized[index + 1].ones} << 32;
      address |= std::uint64_t{sized[index + 1].value} << 32;
      ++index;
    }
    bar.size = Bytes{lowest_bit(mask)};
    bar.address = BusAddress{address};
  }
  device.rom_size = rom.ones == 0xffff'ffff ? Bytes{0} : Bytes{lowest_bit(rom.ones & kRomMask)};
}

void probe_windows(PciDevice& device) {
  const ConfigAccess& config = device.config;
  std::uint16_t io = config.read16(kIoBase);
  if (io == 0) {
    config.write16(kIoBase, 0xe0f0);
    io = config.read16(kIoBase);
    config.write16(kIoBase, 0);
  }
  device.io_window = io != 0;

  std::uint32_t prefetch = config.read32(kPrefetchBase);
  const bool found_closed = prefetch == 0;
  if (found_closed) {
    config.write32(kPrefetchBase, 0xffe0'fff0);
    prefetch = config.read32(kPrefetchBase);
    config.write32(kPrefetchBase, 0);
  }
  device.prefetch_window.implemented = prefetch != 0;
  const bool wide = (prefetch & 0xf) == 1;
  if (wide) {
    // On a live window this closes it for a moment (H061).
    const std::uint32_t upper = config.read32(kPrefetchBaseUpper);
    config.write32(kPrefetchBaseUpper, 0xffff'ffff);
    (void)config.read32(kPrefetchBaseUpper);
    config.write32(kPrefetchBaseUpper, upper);
  }
  const auto window = [](std::uint64_t base, std::uint64_t limit) {
    Window open;
    open.implemented = true;
    if (base <= limit && limit != 0) {
      open.base = BusAddress{base};
      open.size = Bytes{limit + 0x10'0000 - base};
    }
    return open;
  };
  const auto base_of = [](std::uint32_t pair) { return std::uint64_t{pair & 0xfff0} << 16; };
  const auto limit_of = [](std::uint32_t pair) { return std::uint64_t{pair & 0xfff0'0000}; };
  const std::uint32_t memory = config.read32(kMemoryBase);
  device.memory_window = memory == 0 ? Window{} : window(base_of(memory), limit_of(memory));
  device.memory_window.implemented = true;
  if (device.prefetch_window.implemented && !found_closed) {
    std::uint64_t base = base_of(prefetch);
    std::uint64_t limit = limit_of(prefetch);
    if (wide) {
      base |= std::uint64_t{config.read32(kPrefetchBaseUpper)} << 32;
      limit |= std::uint64_t{config.read32(kPrefetchLimitUpper)} << 32;
    }
    device.prefetch_window = window(base, limit);
  }
}

void write_bar(PciDevice& device, unsigned index) {
  const Bar& bar = device.bars[index];
  const ConfigAccess& config = device.config;
  const std::uint16_t command = bar.wide ? config.read16(kCommand) : std::uint16_t{0};
  const bool decoding = (command & kCommandMemory) != 0;
  if (decoding) config.write16(kCommand, static_cast<std::uint16_t>(command & ~kCommandMemory));
  config.write32(kBar0 + 4 * index, static_cast<std::uint32_t>(bar.address.raw()));
  if (bar.wide) config.write32(kBar0 + 4 * index + 4, static_cast<std::uint32_t>(bar.address.raw() >> 32));
  if (decoding) config.write16(kCommand, command);
}

}  // namespace holdover::host::kernel
