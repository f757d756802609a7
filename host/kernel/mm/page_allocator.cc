// SPDX-License-Identifier: MIT
#include "host/kernel/mm/page_allocator.h"

#include <algorithm>

#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

constexpr std::uint64_t kPage = kPageSize.count();

std::byte map_byte(PageState state, bool head) {
  return static_cast<std::byte>(static_cast<std::uint8_t>(state) | (head ? kPageAllocationHead : 0));
}

PageState state_of(std::byte entry) {
  return static_cast<PageState>(std::to_integer<std::uint8_t>(entry) & kPageStateMask);
}

}  // namespace

PageAllocator::PageAllocator(std::span<std::byte> dram, PhysicalAddress map) : dram_(dram), map_(map) {
  const std::uint64_t pages = dram_.size() / kPage;
  const std::uint64_t map_pages = (pages + kPage - 1) / kPage;
  HOLDOVER_CHECK(dram_.size() % kPage == 0 && map_.raw() % kPage == 0);
  HOLDOVER_CHECK(map_.raw() + map_pages * kPage <= dram_.size());
  const std::span<std::byte> entries = dram_.subspan(map_.raw(), map_pages * kPage);
  std::fill(entries.begin(), entries.end(), map_byte(PageState::Free, false));
  reserve(map_, map_pages, PageState::Reserved);
}

std::optional<PhysicalAddress> PageAllocator::allocate(std::uint64_t count, PageState state, std::uint64_t alignment) {
  HOLDOVER_CHECK(count > 0 && state != PageState::Free && state != PageState::Preserved);
  HOLDOVER_CHECK(alignment > 0 && (alignment & (alignment - 1)) == 0);
  const std::uint64_t pages = dram_.size() / kPage;
  std::byte* const map = dram_.data() + map_.raw();
  // Scratch is one pool, everything else comes from the free pages. A scratch page in use carries the head flag.
  const std::byte wanted = map_byte(state == PageState::Scratch ? PageState::Scratch : PageState::Free, false);

  for (std::uint64_t first = 0; count <= pages && first <= pages - count;) {
    std::uint64_t length = 0;
    while (length < count && map[first + length] == wanted) ++length;
    if (length < count) {
      first = (first + length + alignment) & ~(alignment - 1);
      continue;
    }
    for (std::uint64_t page = first; page < first + count; ++page) {
      map[page] = map_byte(state, page == first || state == PageState::Scratch);
    }
    const PhysicalAddress address{first * kPage};
    const std::span<std::byte> zeroed = bytes(address, Bytes{count * kPage});
    std::fill(zeroed.begin(), zeroed.end(), std::byte{0});
    return address;
  }
  return std::nullopt;
}

void PageAllocator::free(PhysicalAddress first, std::uint64_t count) {
  HOLDOVER_CHECK(first.raw() % kPage == 0 && first.raw() + count * kPage <= dram_.size());
  std::byte* const map = dram_.data() + map_.raw();
  for (std::uint64_t page = first.raw() / kPage; page < first.raw() / kPage + count; ++page) {
    const PageState state = state_of(map[page]);
    HOLDOVER_CHECK(state != PageState::Free);
    map[page] = map_byte(state == PageState::Scratch ? PageState::Scratch : PageState::Free, false);
  }
}

void PageAllocator::reserve(PhysicalAddress first, std::uint64_t count, PageState state) {
  HOLDOVER_CHECK(first.raw() % kPage == 0 && count <= dram_.size() / kPage);
  HOLDOVER_CHECK(first.raw() + count * kPage <= dram_.size());
  std::byte* const map = dram_.data() + map_.raw();
  const std::uint64_t begin = first.raw() / kPage;
  for (std::uint64_t page = begin; page < begin + count; ++page) {
    map[page] = map_byte(state, page == begin && state != PageState::Free && state != PageState::Scratch);
  }
}

PageState PageAllocator::state(PhysicalAddress page) const {
  HOLDOVER_CHECK(page.raw() < dram_.size());
  return state_of(dram_[map_.raw() + page.raw() / kPage]);
}

std::uint64_t PageAllocator::free_pages() const {
  const std::span<const std::byte> map = std::span<const std::byte>(dram_).subspan(map_.raw(), dram_.size() / kPage);
  return static_cast<std::uint64_t>(std::count(map.begin(), map.end(), map_byte(PageState::Free, false)));
}

std::span<std::byte> PageAllocator::bytes(PhysicalAddress first, Bytes size) {
  HOLDOVER_CHECK(first.raw() <= dram_.size() && size.count() <= dram_.size() - first.raw());
  return dram_.subspan(first.raw(), size.count());
}

}  // namespace holdover::host::kernel
