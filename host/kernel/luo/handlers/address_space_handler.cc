// SPDX-License-Identifier: MIT
#include "host/kernel/luo/handlers/address_space_handler.h"

#include <cerrno>

namespace holdover::host::kernel {

bool AddressSpaceHandler::can_preserve(const KernelFile& file) const {
  return dynamic_cast<const AddressSpaceFile*>(&file) != nullptr;
}

int AddressSpaceHandler::preserve(FileState& state) {
  auto& file = dynamic_cast<AddressSpaceFile&>(*state.file);
  const AddressSpaceState space = file.state();
  if (!space.marked) return EINVAL;
  if (const int error = iommu_.preserve_domain(space); error != 0) return error;
  file.set_preserved(true);
  state.handle = space.domain_id;
  return 0;
}

void AddressSpaceHandler::unpreserve(FileState& state) {
  dynamic_cast<AddressSpaceFile&>(*state.file).set_preserved(false);
  iommu_.unpreserve_domain(static_cast<std::uint16_t>(state.handle));
}

int AddressSpaceHandler::freeze(FileState&) { return iommu_.freeze(); }

int AddressSpaceHandler::retrieve(FileState& state) {
  const IncomingIommu* const incoming = iommu_.incoming();
  if (incoming == nullptr) return ENOENT;
  for (const AddressSpaceState& domain : incoming->domains) {
    if (domain.domain_id != state.handle) continue;
    state.file = &objects_.restore_address_space(domain);
    return 0;
  }
  return ENOENT;
}

// Nothing of the domain is given back: a device may still go through it. Where nobody retrieved it, it stays in the
// hands of the IOMMU driver until the next boot.
void AddressSpaceHandler::finish(FileState&) {}

}  // namespace holdover::host::kernel
