// SPDX-License-Identifier: MIT
// Fixed-layout values in DRAM, by copy: DRAM has no alignment and no type of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "pcie/error.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

// Whether [address, address + size) lies in `dram` and does not begin at physical address 0, which means «nothing»
// everywhere.
[[nodiscard]] inline bool in_dram(std::span<const std::byte> dram, PhysicalAddress address, std::uint64_t size) {
  return address.raw() != 0 && size <= dram.size() && address.raw() <= dram.size() - size;
}

// Contract: the value lies in `bytes`.
template <typename T>
[[nodiscard]] T load(std::span<const std::byte> bytes, std::uint64_t offset) {
  static_assert(std::is_trivially_copyable_v<T>);
  HOLDOVER_CHECK(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <typename T>
void store(std::span<std::byte> bytes, std::uint64_t offset, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  HOLDOVER_CHECK(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset);
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

}  // namespace holdover::host::kernel
