// SPDX-License-Identifier: MIT
#include "host/backend/vfio/vfio_address_space.h"

#include <algorithm>
#include <cerrno>

#include "host/backend/refusal.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

// As many as could be mapped are taken away again.
void unmap_first(IommuDoor& door, std::span<const DmaMapping> mappings) {
  for (const DmaMapping& mapping : mappings) {
    try {
      door.unmap(mapping.iova, Bytes{mapping.bytes.size()});
    } catch (const Error&) {
      // What keeps the range is gone, or keeps it until the door is closed.
    }
  }
}

}  // namespace

void Attachment::begin(VfioAddressSpace& space) {
  end();
  std::size_t mapped = 0;
  try {
    for (const DmaMapping& mapping : space.mappings_) {
      door_.map(mapping);
      ++mapped;
    }
  } catch (const Error&) {
    unmap_first(door_, std::span(space.mappings_).first(mapped));
    throw;
  }
  space.attached_.push_back(this);
  space_ = &space;
}

void Attachment::end() {
  if (space_ == nullptr) return;
  unmap_first(door_, space_->mappings_);
  leave();
}

void Attachment::leave() {
  if (space_ == nullptr) return;
  std::erase(space_->attached_, this);
  space_ = nullptr;
}

VfioAddressSpace::~VfioAddressSpace() {
  while (!attached_.empty()) attached_.back()->end();
}

void VfioAddressSpace::map(Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) {
  const auto* const file = dynamic_cast<DescriptorFile*>(&memory);
  HOLDOVER_CHECK(file != nullptr);
  const Bytes available{memory.bytes().size()};
  const bool aligned = offset % kPageSize == Bytes{0} && size % kPageSize == Bytes{0} &&
                       iova.raw() % kPageSize.count() == 0 && size > Bytes{0};
  if (!aligned || offset > available || size > available - offset) {
    refuse(EINVAL, "a mapping", "offset, size and IOVA are multiples of 4 KiB inside the memory");
  }
  const bool taken = std::any_of(mappings_.begin(), mappings_.end(), [&](const DmaMapping& each) {
    return iova < each.iova + Bytes{each.bytes.size()} && each.iova < iova + size;
  });
  if (taken) refuse(EEXIST, "a mapping", "its range of IO virtual addresses is taken");
  const DmaMapping mapping{memory.bytes().subspan(offset.count(), size.count()), file->descriptor(), offset, iova,
                           device_writes};
  std::size_t mapped = 0;
  try {
    for (Attachment* each : attached_) {
      each->door_.map(mapping);
      ++mapped;
    }
  } catch (const Error&) {
    for (std::size_t i = 0; i < mapped; ++i) unmap_first(attached_[i]->door_, std::span(&mapping, 1));
    throw;
  }
  mappings_.push_back(mapping);
}

void VfioAddressSpace::unmap(Iova iova, Bytes size) {
  const auto found = std::find_if(mappings_.begin(), mappings_.end(), [&](const DmaMapping& each) {
    return each.iova == iova && each.bytes.size() == size.count();
  });
  if (found == mappings_.end()) refuse(ENOENT, "to take a mapping away", "there is none of that range");
  for (Attachment* each : attached_) each->door_.unmap(iova, size);
  mappings_.erase(found);
}

void VfioAddressSpace::mark_for_preservation(std::uint64_t token) {
  if (attached_.empty()) refuse(EINVAL, "to mark an address space", "no device is attached to it");
  attached_.front()->door_.mark_for_preservation(token);
}

int VfioAddressSpace::descriptor() const { return attached_.empty() ? -1 : attached_.front()->door_.descriptor(); }

}  // namespace holdover::host
