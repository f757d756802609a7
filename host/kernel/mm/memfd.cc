// SPDX-License-Identifier: MIT
#include "host/kernel/mm/memfd.h"

#include <algorithm>
#include <cerrno>

#include "host/kernel/kho/kho.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

std::vector<MemoryFolio> folios_of(PhysicalAddress first, std::uint64_t count) {
  std::vector<MemoryFolio> folios;
  for (const PreservedFolio& folio : split_into_folios(first, count)) {
    folios.push_back({(folio.address - first) / kPageSize, folio.address, folio.order});
  }
  return folios;
}

}  // namespace

bool is_contiguous(const MemoryState& state) {
  std::uint64_t next = 0;
  for (const MemoryFolio& folio : state.folios) {
    if (folio.index != next || folio.address != state.folios.front().address + next * kPageSize) return false;
    next += std::uint64_t{1} << folio.order;
  }
  return next == state.page_count();
}

std::unique_ptr<Memfd> Memfd::create(PageAllocator& pages, Bytes size, bool huge) {
  MemoryState state;
  state.size = size;
  HOLDOVER_CHECK(size > Bytes{0});
  const std::optional<PhysicalAddress> first = pages.allocate(state.page_count(), PageState::Dma);
  if (!first) return nullptr;
  state.folios = folios_of(*first, state.page_count());
  return std::make_unique<Memfd>(pages, state, huge);
}

Memfd::Memfd(PageAllocator& pages, const MemoryState& state, bool huge)
    : pages_(pages),
      first_(state.folios.empty() ? PhysicalAddress{0} : state.folios.front().address),
      count_(state.page_count()),
      size_(state.size),
      position_(state.position),
      seals_(state.seals),
      flags_(state.flags),
      huge_(huge) {
  HOLDOVER_CHECK(is_contiguous(state));
}

int Memfd::truncate(Bytes size) {
  if (size == size_) return 0;
  if (frozen_ || (seals_ & (size < size_ ? kSealShrink : kSealGrow)) != 0) return EPERM;
  if (size > count_ * kPageSize) return ENOMEM;
  // What a file gains reads as 0, so what it loses is cleared.
  if (size < size_) std::ranges::fill(bytes().subspan(size.count()), std::byte{0});
  size_ = size;
  return 0;
}

int Memfd::punch_hole(Bytes offset, Bytes length) {
  if (frozen_ || (seals_ & (kSealWrite | kSealFutureWrite)) != 0) return EPERM;
  if (offset > size_ || length > size_ - offset) return EINVAL;
  std::ranges::fill(bytes().subspan(offset.count(), length.count()), std::byte{0});
  return 0;
}

int Memfd::add_seals(std::uint32_t seals) {
  if ((seals & ~kKnownSeals) != 0) return EINVAL;
  if ((seals_ & kSealSeal) != 0) return EPERM;
  seals_ |= seals;
  return 0;
}

MemoryState Memfd::state() const {
  MemoryState state{size_, position_, seals_, flags_, {}};
  state.folios = folios_of(first_, state.page_count());
  return state;
}

void Memfd::release() {
  if (count_ != 0) pages_.free(first_, count_);
}

}  // namespace holdover::host::kernel
