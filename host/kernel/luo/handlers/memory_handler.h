// SPDX-License-Identifier: MIT
// LUO's handler of memfds: contents and size survive, at the same physical pages.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

namespace memory_abi {

inline constexpr std::string_view kCompatible = "memfd-v2";

// Handle: physical address of this, in a page of its own.
struct MemorySer {
  std::uint64_t page_count;
  std::uint64_t folios;  // block chain of FolioSer, in file order
};
static_assert(sizeof(MemorySer) == 16);

struct FolioSer {
  std::uint64_t address;
  std::uint32_t order;
  std::uint32_t reserved;  // 0
};
static_assert(sizeof(FolioSer) == 16 && offsetof(FolioSer, order) == 8);

}  // namespace memory_abi

class MemoryHandler : public FileHandler {
 public:
  // All outlive it.
  MemoryHandler(Kho& kho, KernelObjects& objects, const Policies& policies);

  [[nodiscard]] std::string_view compatible() const override { return memory_abi::kCompatible; }
  [[nodiscard]] bool can_preserve(const KernelFile& file) const override;
  // ENOMEM, ENOSPC; EINVAL for memory that lies in scratch.
  [[nodiscard]] int preserve(FileState& state) override;
  void unpreserve(FileState& state) override;
  // EIO where what was handed over is broken, or pages of the file were not preserved.
  [[nodiscard]] int retrieve(FileState& state) override;
  void finish(FileState& state) override;

 private:
  // Takes everything over; nothing as above. `first` and `count` are the file's pages then.
  [[nodiscard]] int take_over(std::uint64_t handle, PhysicalAddress& first, std::uint64_t& count);
  // Mistakes H012 and H013: whether the first page of this file stays out of the tree.
  [[nodiscard]] bool leaves_out_first_page(std::uint64_t token) const;

  Kho& kho_;
  KernelObjects& objects_;
  const Policies& policies_;
};

}  // namespace holdover::host::kernel
