// SPDX-License-Identifier: MIT
// What user space holds a file descriptor of, and can hand over a kexec.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "pcie/units.h"

namespace holdover::host {

class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;
};

// Anonymous, file-backed, pinned host memory (a memfd). Contents and size survive a kexec when preserved in a session.
class Memory : public File {
 public:
  // Valid as long as the object lives. The device may read and write it at any simulated time.
  [[nodiscard]] virtual std::span<std::byte> bytes() = 0;
};

// A set of mappings that a device's requests go through (an iommufd HWPT).
class AddressSpace : public File {
 public:
  // Maps [offset, offset + size) of `memory` at `iova`; all multiples of the page size. `memory` outlives the mapping.
  // Throws Error{Refused} with EEXIST where the range is taken, EINVAL where it is misaligned, EBUSY while preserved.
  virtual void map(Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) = 0;
  virtual void unmap(Iova iova, Bytes size) = 0;
  // Before it can be preserved. There is no unmark. Throws Error{Refused} with EADDRINUSE where another address space
  // has the token, ENOTTY where the kernel cannot hand address spaces over.
  virtual void mark_for_preservation(std::uint64_t token) = 0;
};

}  // namespace holdover::host
