// SPDX-License-Identifier: MIT
#include "sim/memory_recorder.h"

#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "pcie/error.h"

namespace holdover::sim {
namespace {

constexpr std::size_t kPage = kPageSize.count();
// Bytes of one store that differ and lie closer together than this become one record.
constexpr std::size_t kGap = 32;

}  // namespace

MemoryRecorder::MemoryRecorder(HostMemory& memory, TraceWriter& trace)
    : memory_(memory), trace_(trace), known_(memory.bytes().size()) {
  memory_.watch_changes();
}

void MemoryRecorder::find_stores(Time now) {
  stale_ = false;
  memory_.visit_touched([this, now](std::uint64_t page) {
    if (std::memcmp(memory_.bytes().data() + page * kPage, known_.data() + page * kPage, kPage) != 0) {
      find_stores_in(now, page);
    }
  });
}

void MemoryRecorder::find_stores_in(Time now, std::uint64_t page) {
  const std::size_t begin = page * kPage;
  const std::size_t end = begin + kPage;
  const std::span<const std::byte> dram = memory_.bytes();
  for (std::size_t first = begin; first < end; ++first) {
    if (dram[first] == known_[first]) continue;
    std::size_t last = first;
    for (std::size_t at = first; at < end && at - last <= kGap; ++at) {
      if (dram[at] != known_[at]) last = at;
    }
    const std::size_t size = last + 1 - first;
    std::memcpy(known_.data() + first, dram.data() + first, size);
    trace_.write_store(now, PhysicalAddress{first}, dram.subspan(first, size));
    first = last;
  }
}

void MemoryRecorder::processor_resumes() {
  const std::vector<std::uint64_t> pages = memory_.take_changed_pages();
  if (pages.empty()) return;
  HOLDOVER_CHECK(!stale_);
  for (const std::uint64_t page : pages) {
    std::memcpy(known_.data() + page * kPage, std::as_const(memory_).bytes().data() + page * kPage, kPage);
  }
}

void MemoryRecorder::request_took_effect(Time now, unsigned endpoint, const pcie::Tlp& request) {
  HOLDOVER_CHECK(!stale_);
  trace_.write_effect(now, endpoint, request);
}

void MemoryRecorder::register_written(Time now, BusAddress address, unsigned size, std::uint64_t value) {
  settle(now);
  std::array<std::byte, 8> bytes{};
  for (unsigned i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
  trace_.write_register(now, address, std::span<const std::byte>{bytes}.first(size));
}

void MemoryRecorder::page_poisoned(Time now, std::uint64_t page) {
  HOLDOVER_CHECK(!stale_);
  trace_.write_fill(now, PhysicalAddress{page * kPage}, poison_word(page));
}

}  // namespace holdover::sim
