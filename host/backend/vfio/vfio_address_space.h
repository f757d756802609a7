// SPDX-License-Identifier: MIT
// An address space that keeps its mappings by itself, and gives them to the door of every device that is attached.
#pragma once

#include <vector>

#include "host/backend/vfio/iommu_door.h"
#include "host/device/file.h"

namespace holdover::host {

class VfioAddressSpace;

// One device's end of an attachment; either side may go first.
class Attachment {
 public:
  // `door` and the device file outlive it.
  explicit Attachment(IommuDoor& door) : door_(door) {}
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  // What is mapped goes with the door.
  ~Attachment() { leave(); }

  // Leaves the space before, and brings what is mapped in `space` behind the door. Throws Error{Refused}.
  void begin(VfioAddressSpace& space);
  // Takes everything away from behind the door.
  void end();

 private:
  friend class VfioAddressSpace;
  void leave();

  IommuDoor& door_;
  VfioAddressSpace* space_ = nullptr;
};

class VfioAddressSpace final : public AddressSpace, public DescriptorFile {
 public:
  VfioAddressSpace() = default;
  ~VfioAddressSpace() override;

  // `memory` is a MemfdMemory.
  void map(Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) override;
  void unmap(Iova iova, Bytes size) override;
  // EINVAL before a device is attached.
  void mark_for_preservation(std::uint64_t token) override;
  [[nodiscard]] int descriptor() const override;

 private:
  friend class Attachment;
  std::vector<DmaMapping> mappings_;
  std::vector<Attachment*> attached_;
};

}  // namespace holdover::host
