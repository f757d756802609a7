// SPDX-License-Identifier: MIT
// Memory and address spaces over files of the emulated kernel.
#pragma once

#include "host/device/file.h"
#include "host/kernel/file.h"
#include "host/kernel/iommu/domain.h"
#include "host/kernel/mm/memfd.h"

namespace holdover::host {

class EmulatedMemory : public Memory {
 public:
  explicit EmulatedMemory(kernel::FileReference<kernel::Memfd> file) : file_(std::move(file)) {}

  [[nodiscard]] std::span<std::byte> bytes() override { return file_->bytes(); }
  [[nodiscard]] kernel::Memfd& file() { return *file_; }

 private:
  kernel::FileReference<kernel::Memfd> file_;
};

class EmulatedAddressSpace : public AddressSpace {
 public:
  explicit EmulatedAddressSpace(kernel::FileReference<kernel::IommuDomain> file) : file_(std::move(file)) {}

  void map(Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) override;
  void unmap(Iova iova, Bytes size) override;
  void mark_for_preservation(std::uint64_t token) override;
  [[nodiscard]] kernel::IommuDomain& file() { return *file_; }

 private:
  kernel::FileReference<kernel::IommuDomain> file_;
};

}  // namespace holdover::host
