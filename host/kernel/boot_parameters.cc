// SPDX-License-Identifier: MIT
#include "host/kernel/boot_parameters.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

// CRC-32 as in IEEE 802.3, reflected.
std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffff'ffff;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb8'8320u : 0u);
  }
  return ~crc;
}

std::uint32_t page_checksum(std::span<const std::byte> page) {
  std::array<std::byte, 4096> copy{};
  std::copy(page.begin(), page.end(), copy.begin());
  std::memset(copy.data() + offsetof(BootParameters, checksum), 0, sizeof(BootParameters::checksum));
  return crc32(copy);
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::Corrupt, "The boot-parameter page is not usable: " + what + ".");
}

void check_range(std::uint64_t first, std::uint64_t size, std::uint64_t dram_bytes, const char* name) {
  if (first % kPageSize.count() != 0) refuse(std::string(name) + " is not page-aligned");
  if (first >= dram_bytes || size > dram_bytes - first) refuse(std::string(name) + " lies outside DRAM");
}

}  // namespace

BootParameters read_boot_parameters(std::span<const std::byte> dram, PhysicalAddress where) {
  if (where.raw() % kPageSize.count() != 0 || where.raw() >= dram.size() ||
      dram.size() - where.raw() < kPageSize.count()) {
    refuse("its address is no page of DRAM");
  }
  const std::span<const std::byte> page = dram.subspan(where.raw(), kPageSize.count());
  BootParameters parameters;
  std::memcpy(&parameters, page.data(), sizeof parameters);
  if (parameters.magic != kBootMagic) refuse("its magic number is wrong");
  if (parameters.version != kBootVersion) {
    refuse("it has version " + std::to_string(parameters.version) + ", this kernel knows version " +
           std::to_string(kBootVersion));
  }
  if (parameters.checksum != page_checksum(page)) refuse("its checksum is wrong");
  if (parameters.dram_bytes == 0 || parameters.dram_bytes > dram.size() ||
      parameters.dram_bytes % kPageSize.count() != 0) {
    refuse("dram_bytes does not fit the memory");
  }
  if (parameters.command_line.back() != '\0') refuse("command_line is not terminated");
  if (parameters.last_bus > 255) refuse("last_bus is above 255");
  if (parameters.kho_fdt != 0) check_range(parameters.kho_fdt, kPageSize.count(), parameters.dram_bytes, "kho_fdt");
  if (parameters.kho_scratch != 0) {
    check_range(parameters.kho_scratch, parameters.kho_scratch_bytes, parameters.dram_bytes, "kho_scratch");
    if (parameters.kho_scratch_bytes % kPageSize.count() != 0) refuse("kho_scratch_bytes is no multiple of a page");
  }
  if (parameters.crash_region_bytes != 0) {
    check_range(parameters.crash_region, parameters.crash_region_bytes, parameters.dram_bytes, "crash_region");
    const std::uint64_t map = parameters.dram_bytes / kPageSize.count();
    if (parameters.crash_region == 0 || parameters.crash_region_bytes % kPageSize.count() != 0 ||
        parameters.crash_region_bytes < map + 2 * kPageSize.count()) {
      refuse("crash_region is no region that a kernel can boot in");
    }
  }
  if (parameters.page_map != 0) check_range(parameters.page_map, kPageSize.count(), parameters.dram_bytes, "page_map");
  return parameters;
}

void write_boot_parameters(std::span<std::byte> dram, PhysicalAddress where, const BootParameters& parameters) {
  HOLDOVER_CHECK(where.raw() % kPageSize.count() == 0);
  HOLDOVER_CHECK(where.raw() + kPageSize.count() <= dram.size());
  const std::span<std::byte> page = dram.subspan(where.raw(), kPageSize.count());
  std::fill(page.begin(), page.end(), std::byte{0});
  BootParameters written = parameters;
  written.checksum = 0;
  std::memcpy(page.data(), &written, sizeof written);
  written.checksum = page_checksum(page);
  std::memcpy(page.data() + offsetof(BootParameters, checksum), &written.checksum, sizeof written.checksum);
}

std::string_view command_line(const BootParameters& parameters) {
  const auto end = std::find(parameters.command_line.begin(), parameters.command_line.end(), '\0');
  return {parameters.command_line.data(), static_cast<std::size_t>(end - parameters.command_line.begin())};
}

}  // namespace holdover::host::kernel
