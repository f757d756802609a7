// SPDX-License-Identifier: MIT
#include "host/kernel/sysfs/pci_config.h"

#include <bit>
#include <cerrno>

#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host::kernel::sysfs {
namespace {

constexpr std::uint64_t kConventionalBytes = 256;

// Size of the cycle that an access of `left` bytes at this offset begins with.
unsigned next_cycle(std::uint64_t at, std::uint64_t left) {
  if ((at & 1) != 0) return 1;
  if ((at & 3) != 0 && left > 2) return 2;
  if (left > 3) return 4;
  return left >= 2 ? 2 : 1;
}

// Calls `access(offset, size)` for each cycle that [offset, offset + count) is made of.
template <typename Access>
void split(std::uint64_t offset, std::uint64_t count, const Access& access) {
  const std::uint64_t end = offset + count;
  while (offset < end) {
    const unsigned size = next_cycle(offset, end - offset);
    access(offset, size);
    offset += size;
  }
}

void put(std::span<std::byte> into, std::uint64_t value) {
  for (std::size_t byte = 0; byte < into.size(); ++byte) into[byte] = static_cast<std::byte>(value >> 8 * byte);
}

std::uint64_t get(std::span<const std::byte> from) {
  std::uint64_t value = 0;
  for (std::size_t byte = 0; byte < from.size(); ++byte) {
    value |= std::to_integer<std::uint64_t>(from[byte]) << 8 * byte;
  }
  return value;
}

bool is_one_access(std::uint64_t offset, std::size_t size) {
  return std::has_single_bit(size) && size <= 8 && offset % size == 0;
}

}  // namespace

Binary config_attribute(PciDevice& device) {
  Binary attribute;
  attribute.size = Bytes{device.extended_space ? pcie::config::kSpaceBytes : kConventionalBytes};
  attribute.read = [&device](std::uint64_t offset, std::span<std::byte> into) {
    split(offset, into.size(), [&](std::uint64_t at, unsigned size) {
      put(into.subspan(at - offset, size), device.config.read(static_cast<unsigned>(at), size));
    });
    return Transfer{0, into.size()};
  };
  attribute.write = [&device](std::uint64_t offset, std::span<const std::byte> from) {
    split(offset, from.size(), [&](std::uint64_t at, unsigned size) {
      device.config.write(static_cast<unsigned>(at), size,
                          static_cast<std::uint32_t>(get(from.subspan(at - offset, size))));
    });
    return Transfer{0, from.size()};
  };
  return attribute;
}

Binary resource_attribute(pcie::Platform& platform, PciDevice& device, unsigned bar) {
  HOLDOVER_CHECK(device.bars.at(bar).assigned);
  Binary attribute;
  attribute.mode = 0600;
  attribute.size = device.bars[bar].size;
  attribute.read = [&platform, &device, bar](std::uint64_t offset, std::span<std::byte> into) {
    if (!is_one_access(offset, into.size())) return Transfer{EINVAL, 0};
    put(into, platform.mmio_read(device.bars[bar].address + Bytes{offset}, static_cast<unsigned>(into.size())));
    return Transfer{0, into.size()};
  };
  attribute.write = [&platform, &device, bar](std::uint64_t offset, std::span<const std::byte> from) {
    if (!is_one_access(offset, from.size())) return Transfer{EINVAL, 0};
    platform.mmio_write(device.bars[bar].address + Bytes{offset}, static_cast<unsigned>(from.size()), get(from));
    return Transfer{0, from.size()};
  };
  return attribute;
}

}  // namespace holdover::host::kernel::sysfs
