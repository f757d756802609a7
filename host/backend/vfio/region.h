// SPDX-License-Identifier: MIT
// One region of a VFIO device file: configuration space or a BAR, mapped as far as the kernel lets it be.
#pragma once

#include <string>
#include <vector>

#include "host/backend/linux/memfd_memory.h"

namespace holdover::host {

class VfioRegion {
 public:
  VfioRegion() = default;
  // Asks for region `index` of `device`, and maps what may be mapped; a region that is not there has size 0.
  // Throws Error{Refused}. `calls` and the device outlive it.
  VfioRegion(SystemCalls& calls, int device, unsigned index, std::string name);

  [[nodiscard]] Bytes size() const { return size_; }
  // 1, 2, 4 or 8 bytes, naturally aligned, inside the region. All ones where the device does not answer (EIO).
  [[nodiscard]] std::uint64_t load(Bytes offset, unsigned bytes) const;
  // 1, 2 or 4 bytes.
  void store(Bytes offset, unsigned bytes, std::uint32_t value) const;

 private:
  struct Area {
    Bytes first;
    Mapped mapped;
  };
  // The mapped byte at `offset`, null where the kernel has to be asked (the pages of the MSI-X table).
  [[nodiscard]] std::byte* mapped(Bytes offset, unsigned bytes) const;
  void map(std::uint64_t first, std::uint64_t bytes);

  SystemCalls* calls_ = nullptr;
  int device_ = -1;
  std::string name_;
  Bytes size_;
  std::uint64_t offset_ = 0;  // in the device file
  std::vector<Area> areas_;
};

}  // namespace holdover::host
