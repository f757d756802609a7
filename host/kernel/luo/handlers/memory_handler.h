// SPDX-License-Identifier: MIT
// LUO's handler of memfds: contents, size, position, seals and status flags survive, at the same physical pages.
// While a file is preserved it neither grows nor shrinks.
#pragma once

#include <cstdint>
#include <optional>

#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/luo/handlers/memory_abi.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

class MemoryHandler : public FileHandler {
 public:
  // All outlive it.
  MemoryHandler(Kho& kho, KernelObjects& objects, const Policies& policies);

  [[nodiscard]] std::string_view compatible() const override { return memory_abi::kCompatible; }
  // Not of hugetlbfs.
  [[nodiscard]] bool can_preserve(const KernelFile& file) const override;
  // EOPNOTSUPP: unknown seals; EFBIG: more than 2^32 - 1 pages; ENOMEM; EINVAL for memory that lies in scratch.
  [[nodiscard]] int preserve(FileState& state) override;
  void unpreserve(FileState& state) override;
  // Position and status flags as they are now. EINVAL: the mistake «refused-kexec», for the memory that holds the
  // agent's state.
  [[nodiscard]] int freeze(FileState& state) override;
  // EIO where what was handed over is broken, or pages of the file were not preserved; EOPNOTSUPP: unknown seals, or a
  // file of a shape that this kernel has not.
  [[nodiscard]] int retrieve(FileState& state) override;
  void finish(FileState& state) override;

 private:
  struct Preserved;
  // Takes everything over into `out`. Where it fails, what is left stays reserved until the next boot.
  [[nodiscard]] int take_over(std::uint64_t handle, MemoryState& out);
  [[nodiscard]] bool restore_folios(const MemoryState& state);
  [[nodiscard]] int preserve_folio(const MemoryFolio& folio, bool leave_out_first_page);
  void unpreserve_folio(const MemoryFolio& folio, bool leave_out_first_page);
  [[nodiscard]] int preserve_list(const MemoryState& memory, Preserved& preserved, memory_abi::MemorySer& header);
  // Mistakes H012 and H013: whether the first page of this file stays out of the tree.
  [[nodiscard]] bool leaves_out_first_page(std::uint64_t token) const;

  Kho& kho_;
  KernelObjects& objects_;
  const Policies& policies_;
};

}  // namespace holdover::host::kernel
