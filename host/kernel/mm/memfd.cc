// SPDX-License-Identifier: MIT
#include "host/kernel/mm/memfd.h"

#include "pcie/error.h"

namespace holdover::host::kernel {

std::unique_ptr<Memfd> Memfd::create(PageAllocator& pages, Bytes size) {
  HOLDOVER_CHECK(size > Bytes{0} && size % kPageSize == Bytes{0});
  const std::uint64_t count = size / kPageSize;
  const std::optional<PhysicalAddress> first = pages.allocate(count, PageState::Dma);
  if (!first) return nullptr;
  return std::make_unique<Memfd>(pages, *first, count);
}

void Memfd::release() { pages_.free(first_, count_); }

}  // namespace holdover::host::kernel
