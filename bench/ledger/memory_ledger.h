// SPDX-License-Identifier: MIT
// Memory as devices see it: every byte that a device wrote must still be there when it is looked at, and no device may
// touch a page that it does not own. Who owns a page says the page map of the running kernel, and after the jump what
// was preserved.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bench/ledger/byte_run.h"
#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"
#include "host/kernel/mm/page_map.h"

namespace holdover::bench {

class MemoryLedger {
 public:
  MemoryLedger(const Scene& scene, Evidence& evidence, std::span<const std::byte> dram);

  // The running kernel was entered with this page.
  void enter_kernel(PhysicalAddress boot_parameters) { boot_parameters_ = boot_parameters; }
  // `preserved`: one flag per page.
  void on_jump(Time time, std::vector<bool> preserved);
  void on_access(const sim::MemoryAccess& access, const ByteRun& run);
  // Compares everything devices have written with what is there. `when` goes into the sentence.
  void compare(Time time, const char* when);

  // Byte of the running kernel's page map; nothing where it has none.
  [[nodiscard]] std::optional<host::kernel::PageState> state(std::uint64_t page) const;
  // Numbers of the pages that the running kernel has free.
  [[nodiscard]] std::vector<std::uint64_t> free_pages() const;

  [[nodiscard]] std::uint64_t bytes_written() const { return bytes_written_; }
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
  [[nodiscard]] std::uint64_t bytes_compared() const { return bytes_compared_; }
  // A comparison was asked for and there was nothing that a device had written and still owned.
  [[nodiscard]] bool compared_nothing() const { return compared_nothing_; }
  [[nodiscard]] std::uint64_t stray_accesses() const { return stray_accesses_; }

 private:
  struct ShadowPage {
    std::array<std::byte, 4096> bytes{};
    std::bitset<4096> written;
    unsigned endpoint = 0;  // last to write
  };

  [[nodiscard]] std::uint64_t page_map() const;
  [[nodiscard]] bool owned(std::uint64_t page) const;
  void judge_owner(const sim::MemoryAccess& access, std::uint64_t page);
  void record(const sim::MemoryAccess& access, const ByteRun& run);

  const Scene& scene_;
  Evidence& evidence_;
  std::span<const std::byte> dram_;
  PhysicalAddress boot_parameters_;
  std::vector<bool> preserved_;
  std::vector<bool> reported_;
  std::vector<std::unique_ptr<ShadowPage>> shadow_;
  std::uint64_t bytes_written_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_compared_ = 0;
  bool compared_nothing_ = false;
  std::uint64_t stray_accesses_ = 0;
};

}  // namespace holdover::bench
