// SPDX-License-Identifier: MIT
#include "host/kernel/kho/block_set.h"

#include <algorithm>
#include <cerrno>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/dram_value.h"
#include "pcie/error.h"

namespace holdover::host::kernel {

using kho_abi::BlockHeader;

BlockSet::BlockSet(Kho& kho, std::size_t entry_bytes) : kho_(&kho), entry_bytes_(entry_bytes) {
  HOLDOVER_CHECK(capacity() != 0);
}

std::uint64_t BlockSet::capacity() const { return kho_abi::block_capacity(entry_bytes_); }

std::optional<BlockSet> BlockSet::restore(Kho& kho, PhysicalAddress first, std::size_t entry_bytes) {
  const auto chain = decode_blocks(kho.pages().dram(), first, entry_bytes);
  if (!chain) return std::nullopt;
  BlockSet set(kho, entry_bytes);
  set.restored_ = true;
  for (std::size_t block = 0; block < chain->blocks.size(); ++block) {
    const PhysicalAddress page = chain->blocks[block];
    const auto count = load<BlockHeader>(kho.pages().dram(), page.raw()).count;
    // Only the last block may be short, or entries could not be found by their index.
    if (block + 1 < chain->blocks.size() && count != set.capacity()) return std::nullopt;
    // All or nothing: a block is one page, and a larger folio is somebody else's.
    if (kho.waiting_order(page) != 0u) return std::nullopt;
  }
  for (const PhysicalAddress page : chain->blocks) {
    const auto order = kho.restore_folio(page, PageState::Kernel);
    HOLDOVER_CHECK(order == 0u);
    set.blocks_.push_back(page);
  }
  set.size_ = chain->entries.size();
  return set;
}

int BlockSet::resize(std::uint64_t entries) {
  if (restored_) return EINVAL;
  const std::uint64_t needed = (entries + capacity() - 1) / capacity();
  if (needed > kho_abi::kMaxBlocks) return ENOSPC;
  const std::size_t before = blocks_.size();
  while (blocks_.size() < needed) {
    PhysicalAddress page;
    if (const int error = kho_->alloc_preserve(kPageSize, page); error != 0) {
      while (blocks_.size() > before) {
        kho_->unpreserve_free(blocks_.back(), kPageSize);
        blocks_.pop_back();
      }
      return error;
    }
    blocks_.push_back(page);
  }
  while (blocks_.size() > needed) {
    kho_->unpreserve_free(blocks_.back(), kPageSize);
    blocks_.pop_back();
  }
  const std::uint64_t old_size = size_;
  size_ = entries;
  for (std::size_t block = 0; block < blocks_.size(); ++block) {
    const std::uint64_t next = block + 1 < blocks_.size() ? blocks_[block + 1].raw() : 0;
    store(kho_->pages().dram(), blocks_[block].raw(),
          BlockHeader{next, std::min(capacity(), size_ - block * capacity())});
  }
  for (std::uint64_t index = old_size; index < size_; ++index) {
    std::ranges::fill(entry(index), std::byte{0});
  }
  return 0;
}

void BlockSet::shrink(std::uint64_t entries) {
  HOLDOVER_CHECK(entries <= size_);
  const int error = resize(entries);
  HOLDOVER_CHECK(error == 0);
}

std::span<std::byte> BlockSet::entry(std::uint64_t index) const {
  HOLDOVER_CHECK(index < size_);
  const std::uint64_t address =
      blocks_[index / capacity()].raw() + sizeof(BlockHeader) + index % capacity() * entry_bytes_;
  return kho_->pages().dram().subspan(address, entry_bytes_);
}

void BlockSet::release() {
  for (const PhysicalAddress block : blocks_) {
    if (restored_) {
      kho_->pages().free(block, 1);
    } else {
      kho_->unpreserve_free(block, kPageSize);
    }
  }
  blocks_.clear();
  size_ = 0;
}

}  // namespace holdover::host::kernel
