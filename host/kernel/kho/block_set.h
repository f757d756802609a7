// SPDX-License-Identifier: MIT
// A growing array of fixed-size entries in preserved pages (kho_block_set): blocks of one page each, chained. Layout:
// kho/abi.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/kernel/kho/kho.h"

namespace holdover::host::kernel {

class BlockSet {
 public:
  // Outgoing, empty. `kho` outlives the set; the pages stay when the set is destroyed.
  BlockSet(Kho& kho, std::size_t entry_bytes);
  // Incoming: takes the chain's pages over. Nothing for a chain that is broken or was not preserved (EINVAL).
  [[nodiscard]] static std::optional<BlockSet> restore(Kho& kho, PhysicalAddress first, std::size_t entry_bytes);

  // Room for `entries`, zeroed; the last block keeps at least one. ENOMEM, ENOSPC (10000 blocks), EINVAL for a restored
  // set.
  [[nodiscard]] int resize(std::uint64_t entries);
  // To at most the size it has; never fails. Not for a restored set.
  void shrink(std::uint64_t entries);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> entry(std::uint64_t index) const;
  // Physical address of the first block, 0 while the set is empty. Never changes while the set is not empty.
  [[nodiscard]] PhysicalAddress first() const { return blocks_.empty() ? PhysicalAddress{0} : blocks_.front(); }
  // Frees all blocks: unpreserves them where the set is outgoing.
  void release();

 private:
  [[nodiscard]] std::uint64_t capacity() const;

  Kho* kho_;
  std::size_t entry_bytes_;
  std::uint64_t size_ = 0;
  bool restored_ = false;
  std::vector<PhysicalAddress> blocks_;
};

}  // namespace holdover::host::kernel
