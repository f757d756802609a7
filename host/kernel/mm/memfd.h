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
  // Zeroed pages for `size` bytes, a multiple of the page size. Nothing where memory is short (ENOMEM).
  [[nodiscard]] static std::unique_ptr<Memfd> create(PageAllocator& pages, Bytes size);
  // Takes over pages that are PageState::Dma already: restored ones. `pages` outlives the file.
  Memfd(PageAllocator& pages, PhysicalAddress first, std::uint64_t count)
      : pages_(pages), first_(first), count_(count) {}

  [[nodiscard]] PhysicalAddress first() const override { return first_; }
  [[nodiscard]] std::uint64_t page_count() const override { return count_; }
  [[nodiscard]] std::span<std::byte> bytes() { return pages_.bytes(first_, count_ * kPageSize); }

  void release() override;

 private:
  PageAllocator& pages_;
  PhysicalAddress first_;
  std::uint64_t count_;
};

}  // namespace holdover::host::kernel
