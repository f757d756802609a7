// SPDX-License-Identifier: MIT
#include "host/kernel/kho/radix_tree.h"

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/dram_value.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

constexpr std::uint64_t kLeafMask = (1u << kho_abi::kLeafBits) - 1;
constexpr std::uint64_t kNodeMask = (1u << kho_abi::kNodeBits) - 1;

}  // namespace

std::optional<RadixTree> RadixTree::create(PageAllocator& pages) {
  const auto root = pages.allocate(1, PageState::Kernel);
  if (!root) return std::nullopt;
  return RadixTree(pages, *root);
}

std::optional<std::size_t> RadixTree::find_byte(std::uint64_t key, bool create) const {
  const std::span<std::byte> dram = pages_->dram();
  std::uint64_t node = root_.raw();
  for (unsigned level = kho_abi::kNodeLevels; level > 0; --level) {
    const unsigned shift = kho_abi::kLeafBits + (level - 1) * kho_abi::kNodeBits;
    const std::uint64_t slot = node + 8 * ((key >> shift) & kNodeMask);
    auto child = load<std::uint64_t>(dram, slot);
    if (child == 0) {
      if (!create) return std::nullopt;
      const auto page = pages_->allocate(1, PageState::Kernel);
      if (!page) return std::nullopt;
      child = page->raw();
      store(dram, slot, child);
    }
    node = child;
  }
  return static_cast<std::size_t>(node + ((key & kLeafMask) >> 3));
}

bool RadixTree::set(PhysicalAddress address, unsigned order) {
  HOLDOVER_CHECK(order <= kho_abi::kMaxOrder);
  const std::uint64_t key = kho_abi::radix_key(address.raw(), order);
  const auto byte = find_byte(key, true);
  if (!byte) return false;
  pages_->dram()[*byte] |= std::byte{1} << static_cast<int>(key & 7);
  return true;
}

bool RadixTree::clear(PhysicalAddress address, unsigned order) {
  if (!test(address, order)) return false;
  const std::uint64_t key = kho_abi::radix_key(address.raw(), order);
  pages_->dram()[*find_byte(key, false)] &= ~(std::byte{1} << static_cast<int>(key & 7));
  return true;
}

bool RadixTree::test(PhysicalAddress address, unsigned order) const {
  const std::uint64_t key = kho_abi::radix_key(address.raw(), order);
  const auto byte = find_byte(key, false);
  return byte && (pages_->dram()[*byte] & (std::byte{1} << static_cast<int>(key & 7))) != std::byte{0};
}

}  // namespace holdover::host::kernel
