// SPDX-License-Identifier: MIT
// DRAM: a memfd, so that a host in another process can map the very same pages. Physical address 0 is its first byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "pcie/file_descriptor.h"
#include "pcie/units.h"
#include "sim/request_memory.h"

namespace holdover::sim {

// The word that fills a poisoned page: differs from page to page, and is no valid pointer into DRAM, no valid page
// table entry and no valid ring entry wherever it lands.
[[nodiscard]] constexpr std::uint64_t poison_word(std::uint64_t page) {
  return 0xDEAD'F00D'0000'0000 | (page & 0xffff'ffff);
}

class HostMemory final : public RequestMemory {
 public:
  // `size` is a positive multiple of the page size. All bytes are 0. Throws Error{Unavailable}.
  explicit HostMemory(Bytes size);
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;
  ~HostMemory() override;

  // Stays open across an execve; owned by this object.
  [[nodiscard]] int descriptor() const { return descriptor_.number(); }
  [[nodiscard]] Bytes size() const { return Bytes{bytes_.size()}; }
  [[nodiscard]] std::uint64_t pages() const { return bytes_.size() / kPageSize.count(); }
  [[nodiscard]] std::span<std::byte> bytes() { return bytes_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] bool contains(PhysicalAddress address, Bytes size) const;

  // All or nothing: false, and nothing read or written, where any byte lies outside DRAM.
  [[nodiscard]] bool read(PhysicalAddress address, std::span<std::byte> data) const;
  [[nodiscard]] bool write(PhysicalAddress address, std::span<const std::byte> data);
  // `data` is whole double words from a double-word aligned address; byte enables select bytes of the first and of the
  // last one as in a memory request (PCIe 5.0, 2.2.5); one double word uses `first_be` alone.
  [[nodiscard]] bool write(PhysicalAddress address, std::span<const std::byte> data, unsigned first_be,
                           unsigned last_be) override;
  [[nodiscard]] Answer read(PhysicalAddress address, std::span<std::byte> data, ReadTicket /*ticket*/) override {
    return read(address, data) ? Answer::Done : Answer::Unsupported;
  }
  // Little-endian 64-bit word at a multiple of 8; false outside DRAM.
  [[nodiscard]] bool read_word(PhysicalAddress address, std::uint64_t& word) const;

  void poison(std::uint64_t page);
  // The pages that write() and poison() change are written down from now on: what else changes is a processor's doing.
  void watch_changes() { watched_ = true; }
  // Those since the last time, with repetitions.
  [[nodiscard]] std::vector<std::uint64_t> take_changed_pages() { return std::exchange(changed_, {}); }

  // Calls `visit` for every page that may hold anything but zeroes, in ascending order: pages that nobody ever touched
  // are left out.
  void visit_touched(const std::function<void(std::uint64_t page)>& visit) const;
  // All of DRAM as a file, byte 0 first; pages of zeroes are holes. The file appears under its name when it is
  // complete. Throws Error{Unavailable} with the path.
  void save(const std::filesystem::path& path) const;

 private:
  void note_change(std::uint64_t address, std::uint64_t size);

  FileDescriptor descriptor_;
  std::span<std::byte> bytes_;
  bool watched_ = false;
  std::vector<std::uint64_t> changed_;
};

}  // namespace holdover::sim
