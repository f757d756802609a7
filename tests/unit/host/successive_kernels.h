// SPDX-License-Identifier: MIT
// DRAM that several kernels use one after the other: what tests of live update run on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/kernel/boot_parameters.h"
#include "host/kernel/kho/decode.h"
#include "host/kernel/kho/kho.h"
#include "host/kernel/mm/page_allocator.h"

namespace holdover::host::kernel::testing {

inline constexpr std::uint64_t kPage = 4096;

// Memory of one machine, and the rules of a jump: what is not preserved is poisoned.
class Memory {
 public:
  explicit Memory(std::uint64_t bytes = 16 << 20) : dram_(bytes) {
    parameters_.dram_bytes = bytes;
    parameters_.kho_scratch = 16 * kPage;
    parameters_.kho_scratch_bytes = 64 * kPage;
  }

  [[nodiscard]] std::span<std::byte> dram() { return dram_; }
  [[nodiscard]] BootParameters& parameters() { return parameters_; }

  // The page allocator of a kernel that begins to run: its map lies in scratch.
  [[nodiscard]] std::unique_ptr<PageAllocator> begin_kernel() {
    const PhysicalAddress scratch{parameters_.kho_scratch};
    auto pages = std::make_unique<PageAllocator>(dram(), scratch);
    pages->reserve(PhysicalAddress{0}, 2, PageState::Reserved);
    pages->reserve(scratch + 8 * kPageSize, 56, PageState::Scratch);
    pages->reserve(scratch, 8, PageState::Reserved);
    return pages;
  }

  // Everything but the preserved pages becomes poison. The next kernel is entered with this tree.
  void jump(PhysicalAddress fdt) {
    const auto preserved = decode_preserved_pages(dram(), fdt);
    for (std::uint64_t page = 0; page < dram_.size() / kPage; ++page) {
      if (preserved && (*preserved)[page]) continue;
      std::fill_n(dram_.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage, std::byte{0xa5});
    }
    parameters_.kho_fdt = fdt.raw();
  }

 private:
  std::vector<std::byte> dram_;
  BootParameters parameters_;
};

// Deterministic numbers for tests that try many inputs (splitmix64).
class Sequence {
 public:
  explicit Sequence(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace holdover::host::kernel::testing
