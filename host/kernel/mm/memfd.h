// SPDX-License-Identifier: MIT
// A memfd: anonymous memory that user space and devices share. Its pages are PageState::Dma, physically contiguous.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "host/kernel/file.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/mm/page_allocator.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

class Memfd : public OpenFile<MemoryFile> {
 public:
  // Zeroed pages for `size` bytes, 1 or more. Nothing where memory is short (ENOMEM). `huge`: MFD_HUGETLB.
  [[nodiscard]] static std::unique_ptr<Memfd> create(PageAllocator& pages, Bytes size, bool huge = false);
  // Takes over pages that are PageState::Dma already: restored ones. Contract: is_contiguous(state). `pages` outlives
  // the file.
  Memfd(PageAllocator& pages, const MemoryState& state, bool huge = false);

  // Of the file's first page; 0 for a file that is empty since it was made.
  [[nodiscard]] PhysicalAddress first() const { return first_; }
  [[nodiscard]] std::span<std::byte> bytes() { return pages_.bytes(first_, size_); }

  // ftruncate(). EPERM: sealed, or frozen by a preserve; ENOMEM: beyond the pages that the file was made with, which
  // lie together and may be mapped by a device.
  [[nodiscard]] int truncate(Bytes size);
  // fallocate(FALLOC_FL_PUNCH_HOLE): these bytes read as 0. EPERM: sealed against writing, or frozen; EINVAL: beyond
  // the end.
  [[nodiscard]] int punch_hole(Bytes offset, Bytes length);
  // fcntl(F_ADD_SEALS). EPERM: sealed; EINVAL: unknown seal.
  [[nodiscard]] int add_seals(std::uint32_t seals);
  // lseek(), fcntl(F_SETFL).
  void seek(Bytes position) { position_ = position; }
  void set_flags(std::uint32_t flags) { flags_ = flags; }

  [[nodiscard]] MemoryState state() const override;
  [[nodiscard]] bool huge() const override { return huge_; }
  void set_frozen(bool frozen) override { frozen_ = frozen; }
  void release() override;

 private:
  PageAllocator& pages_;
  PhysicalAddress first_;
  std::uint64_t count_;  // pages that the file owns, of which `size_` uses the first
  Bytes size_;
  Bytes position_;
  std::uint32_t seals_;
  std::uint32_t flags_;
  bool huge_;
  bool frozen_ = false;
};

}  // namespace holdover::host::kernel
