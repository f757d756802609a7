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

constexpr std::uint32_t kRomEnable = 1u << 0;
constexpr std::uint16_t kDecode = kCommandIo | kCommandMemory;

struct Sized {
  std::uint32_t value = 0;  // before, as written back
  std::uint32_t ones = 0;   // read after all ones
};
using SizedBars = std::array<Sized, 6>;

Sized size_register(const ConfigAccess& config, unsigned offset, std::uint32_t test, bool keep, bool restore) {
  const std::uint32_t value = config.read32(offset);
  config.write32(offset, keep ? value | test : test);
  const std::uint32_t read = config.read32(offset);
  if (restore) config.write32(offset, value);
  return {value, read};
}

// Runs `body` while the function decodes nothing. No write where it decoded nothing before.
template <typename Body>
void without_decoding(const ConfigAccess& config, Body body) {
  const std::uint16_t command = config.read16(kCommand);
  const bool decoding = (command & kDecode) != 0;
  if (decoding) config.write16(kCommand, static_cast<std::uint16_t>(command & ~kDecode));
  body();
  if (decoding) config.write16(kCommand, command);
}

bool is_wide(std::uint32_t value) { return (value & kBarIo) == 0 && (value & kBarType) == kBarWide; }

std::uint64_t lowest_bit(std::uint64_t mask) { return mask & (~mask + 1); }

// pci_size_bars() of 6.15 and later.
Sized size_at_once(const PciDevice& device, unsigned count, bool forget_first, SizedBars& bars) {
  Sized rom;
  without_decoding(device.config, [&] {
    for (unsigned index = 0; index < count; ++index) {
      bars[index] = size_register(device.config, kBar0 + 4 * index, 0xffff'ffff, false, !(forget_first && index == 0));
    }
    rom = size_register(device.config, device.bridge ? kBridgeRomBar : kRomBar, kRomMask, false, true);
  });
  return rom;
}

// __pci_read_base() before: a BAR of 64 bits is one, and Enable of the ROM BAR stays as it is.
Sized size_each(const PciDevice& device, unsigned count, bool forget_first, SizedBars& bars) {
  for (unsigned index = 0; index < count; ++index) {
    without_decoding(device.config, [&] {
      const unsigned offset = kBar0 + 4 * index;
      bars[index] = size_register(device.config, offset, 0xffff'ffff, false, !(forget_first && index == 0));
      if (!is_wide(bars[index].value) || index + 1 == count) return;
      ++index;
      bars[index] = size_register(device.config, offset + 4, 0xffff'ffff, false, true);
    });
  }
  Sized rom;
  without_decoding(device.config, [&] {
    rom = size_register(device.config, device.bridge ? kBridgeRomBar : kRomBar, kRomMask, true, true);
  });
  return rom;
}

void decode(PciDevice& device, unsigned count, const SizedBars& sized) {
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
    bar.wide = is_wide(ones) && index + 1 < count;
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
}

}  // namespace

void size_bars(PciDevice& device, BarSizing sizing, bool forget_first) {
  const unsigned count = device.bridge ? 2 : 6;
  SizedBars bars{};
  const Sized rom = sizing == BarSizing::Once ? size_at_once(device, count, forget_first, bars)
                                              : size_each(device, count, forget_first, bars);
  decode(device, count, bars);
  const bool implemented = (rom.ones & kRomMask) != 0 && rom.ones != 0xffff'ffff;
  device.rom_size = implemented ? Bytes{lowest_bit(rom.ones & kRomMask)} : Bytes{0};
  device.rom_enabled = implemented && (rom.value & kRomEnable) != 0;
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
  if (bar.wide) config.write16(kCommand, static_cast<std::uint16_t>(command & ~kCommandMemory));
  const std::uint32_t type = (bar.prefetchable ? kBarPrefetchable : 0u) | (bar.wide ? kBarWide : 0u);
  config.write32(kBar0 + 4 * index, static_cast<std::uint32_t>(bar.address.raw()) | type);
  if (bar.wide) config.write32(kBar0 + 4 * index + 4, static_cast<std::uint32_t>(bar.address.raw() >> 32));
  if (bar.wide) config.write16(kCommand, command);
}

void disable_rom(const PciDevice& device) {
  if (!device.rom_enabled) return;
  const unsigned offset = device.bridge ? kBridgeRomBar : kRomBar;
  device.config.write32(offset, device.config.read32(offset) & ~kRomEnable);
}

}  // namespace holdover::host::kernel
