// SPDX-License-Identifier: MIT
#include "bench/ledger/memory_ledger.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "host/kernel/boot_parameters.h"

namespace holdover::bench {
namespace {

using host::kernel::PageState;

constexpr std::uint64_t kPage = kPageSize.count();

const char* name(PageState state) {
  switch (state) {
    case PageState::Free:
      return "free";
    case PageState::Reserved:
      return "reserved";
    case PageState::Kernel:
      return "kernel memory";
    case PageState::Dma:
      return "device memory";
    case PageState::Preserved:
      return "preserved";
    case PageState::Scratch:
      return "scratch";
    case PageState::PageTable:
      return "an IOMMU page table";
  }
  return "of no known state";
}

}  // namespace

MemoryLedger::MemoryLedger(const Scene& scene, Evidence& evidence, std::span<const std::byte> dram)
    : scene_(scene), evidence_(evidence), dram_(dram), reported_(dram.size() / kPage), shadow_(dram.size() / kPage) {}

std::uint64_t MemoryLedger::page_map() const {
  const std::uint64_t at = boot_parameters_.raw() + offsetof(host::kernel::BootParameters, page_map);
  if (at + sizeof(std::uint64_t) > dram_.size()) return 0;
  std::uint64_t map = 0;
  std::memcpy(&map, dram_.data() + at, sizeof map);
  return map != 0 && map + shadow_.size() <= dram_.size() ? map : 0;
}

std::optional<PageState> MemoryLedger::state(std::uint64_t page) const {
  const std::uint64_t map = page_map();
  if (map == 0 || page >= shadow_.size()) return std::nullopt;
  return static_cast<PageState>(std::to_integer<std::uint8_t>(dram_[map + page]) & host::kernel::kPageStateMask);
}

std::vector<std::uint64_t> MemoryLedger::free_pages() const {
  std::vector<std::uint64_t> pages;
  const std::uint64_t map = page_map();
  if (map == 0) return pages;
  for (std::uint64_t page = 0; page < shadow_.size(); ++page) {
    const auto byte = std::to_integer<std::uint8_t>(dram_[map + page]);
    if (static_cast<PageState>(byte & host::kernel::kPageStateMask) == PageState::Free) pages.push_back(page);
  }
  return pages;
}

void MemoryLedger::on_jump(Time time, std::vector<bool> preserved) {
  compare(time, "at the jump");
  std::string missing;
  unsigned tables = 0;
  for (std::uint64_t page = 0; page < shadow_.size(); ++page) {
    if (preserved[page]) continue;
    shadow_[page].reset();
    if (state(page) != PageState::PageTable) continue;
    if (tables++ == 0) missing = hex(page * kPage);
  }
  if (tables != 0) {
    evidence_.disrupt(
        time, ~0u, Rank::Circumstance, Evidence::kTraffic,
        std::to_string(tables) + " IOMMU page-table pages, the first at " + missing + ", left out of the KHO tree");
  }
  preserved_ = std::move(preserved);
}

bool MemoryLedger::owned(std::uint64_t page) const {
  const std::optional<PageState> now = state(page);
  if (now == PageState::Dma) return true;
  if (preserved_.empty() || scene_.find(pcie::Step::WindowEnd) != nullptr) {
    return !preserved_.empty() && now == PageState::Preserved;
  }
  return preserved_[page];
}

void MemoryLedger::judge_owner(const sim::MemoryAccess& access, std::uint64_t page) {
  if (page >= shadow_.size() || owned(page)) return;
  ++stray_accesses_;
  if (reported_[page]) return;
  reported_[page] = true;
  const std::optional<PageState> now = state(page);
  Evidence::Observation observation;
  observation.time = access.time;
  observation.since = access.time;
  observation.endpoint = access.endpoint;
  observation.sentence = "endpoint " + std::to_string(access.endpoint) + (access.write ? " wrote" : " read") +
                         " physical page " + hex(page * kPage) + " (IOVA " + hex(access.iova.raw()) +
                         "), which it does not own: " + (now ? name(*now) : "no kernel has it");
  if (access.translated && !preserved_.empty() && !preserved_[page]) {
    const std::string why = "page " + hex(page * kPage) + " was not in the KHO tree that " +
                            kernel_name(static_cast<unsigned>(scene_.jumps().size()) - 1) + " handed over at " +
                            readable_time(scene_.jumps().back());
    observation.cause = why;
    evidence_.disrupt(access.time, 1u << access.endpoint, Rank::Circumstance, Evidence::kTraffic,
                      "endpoint " + std::to_string(access.endpoint) + (access.write ? " wrote" : " read") +
                          " a page that kernel A had not preserved (" + why + ")");
  }
  evidence_.find(Check::Memory, std::move(observation));
}

void MemoryLedger::on_access(const sim::MemoryAccess& access, const ByteRun& run) {
  if (run.bytes.empty()) return;
  const std::uint64_t first = run.address.raw() / kPage;
  const std::uint64_t last = (run.address.raw() + run.bytes.size() - 1) / kPage;
  for (std::uint64_t page = first; page <= last; ++page) judge_owner(access, page);
  (access.write ? bytes_written_ : bytes_read_) += run.bytes.size();
  if (access.write) record(access, run);
}

void MemoryLedger::record(const sim::MemoryAccess& access, const ByteRun& run) {
  for (std::size_t i = 0; i < run.bytes.size();) {
    const std::uint64_t at = run.address.raw() + i;
    const std::uint64_t page = at / kPage;
    const std::size_t offset = at % kPage;
    const std::size_t count = std::min<std::size_t>(run.bytes.size() - i, kPage - offset);
    if (page >= shadow_.size()) return;
    if (!shadow_[page]) shadow_[page] = std::make_unique<ShadowPage>();
    ShadowPage& shadow = *shadow_[page];
    shadow.endpoint = access.endpoint;
    const std::size_t skipped = static_cast<std::size_t>(run.bytes.data() - access.data.data()) + i;
    for (std::size_t n = 0; n < count; ++n) {
      if (!run.contiguous && !access.enabled[skipped + n]) continue;
      shadow.bytes[offset + n] = run.bytes[i + n];
      shadow.written.set(offset + n);
    }
    i += count;
  }
}

void MemoryLedger::compare(Time time, const char* when) {
  const std::uint64_t compared_before = bytes_compared_;
  for (std::uint64_t page = 0; page < shadow_.size(); ++page) {
    if (!shadow_[page]) continue;
    const std::optional<PageState> now = state(page);
    const bool kept = !now || *now == PageState::Dma || *now == PageState::Preserved;
    if (!kept) {  // its owner gave it back
      shadow_[page].reset();
      continue;
    }
    const ShadowPage& shadow = *shadow_[page];
    const std::byte* const actual = dram_.data() + page * kPage;
    bytes_compared_ += shadow.written.count();
    if (shadow.written.all() && std::memcmp(actual, shadow.bytes.data(), kPage) == 0) continue;
    for (std::size_t i = 0; i < kPage; ++i) {
      if (!shadow.written[i] || actual[i] == shadow.bytes[i]) continue;
      evidence_.find(Check::Memory, time, shadow.endpoint,
                     "byte at physical " + hex(page * kPage + i) + " is " +
                         hex(std::to_integer<unsigned>(actual[i]), 2) + " " + when + "; endpoint " +
                         std::to_string(shadow.endpoint) + " wrote " +
                         hex(std::to_integer<unsigned>(shadow.bytes[i]), 2));
      break;
    }
  }
  if (bytes_compared_ == compared_before) compared_nothing_ = true;
}

}  // namespace holdover::bench
