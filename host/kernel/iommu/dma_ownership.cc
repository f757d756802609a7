// SPDX-License-Identifier: MIT
#include "host/kernel/iommu/dma_ownership.h"

#include <cerrno>

#include "host/kernel/panic.h"

namespace holdover::host::kernel {

void DmaOwnership::probe(pcie::Bdf function, bool restored) {
  const auto number = static_cast<unsigned>(groups_.size());
  const auto [found, added] = groups_.try_emplace(function);
  Group& group = found->second;
  if (added) group.number = number;
  if (!restored) {
    attach_default(function, group, policies_.default_domain);
  } else if (policies_.mistakes.default_domain_replaces) {
    attach_default(function, group, DefaultDomain::Dma);
  } else {
    group.owner = Owner::Restored;
  }
}

void DmaOwnership::attach_default(pcie::Bdf function, Group& group, DefaultDomain kind) {
  switch (kind) {
    case DefaultDomain::None:
      return;
    case DefaultDomain::Blocked:
      iommu_.block(function);
      return;
    case DefaultDomain::Identity:
      iommu_.pass_through(function);
      return;
    case DefaultDomain::Dma:
      break;
  }
  if (!group.default_domain) {
    std::unique_ptr<IommuDomain> domain = IommuDomain::create(pages_, iommu_);
    if (domain == nullptr) throw Panic("There is no memory for the default domain of a function.");
    group.default_domain = FileReference<IommuDomain>(files_.add(std::move(domain)));
  }
  iommu_.block(function);
  if (iommu_.attach(function, *group.default_domain) != 0) {
    throw Panic("There is no memory for the default domain of a function.");
  }
}

int DmaOwnership::claim(pcie::Bdf function, bool retrieved) {
  Group& group = groups_[function];
  const bool restored = group.owner == Owner::Restored;
  if (group.owner == Owner::Driver || group.owner == Owner::UserSpace || (restored && !retrieved)) return EBUSY;
  group.owner = Owner::UserSpace;
  if (!restored || policies_.dma_claim == DmaClaim::Block) iommu_.block(function);
  return 0;
}

void DmaOwnership::release(pcie::Bdf function) {
  const auto found = groups_.find(function);
  if (found == groups_.end() || found->second.owner != Owner::UserSpace) return;
  found->second.owner = Owner::Kernel;
  attach_default(function, found->second, policies_.default_domain);
}

int DmaOwnership::use_dma_api(pcie::Bdf function) {
  Group& group = groups_[function];
  if (group.owner == Owner::UserSpace || group.owner == Owner::Restored) return EBUSY;
  group.owner = Owner::Driver;
  return 0;
}

void DmaOwnership::unuse_dma_api(pcie::Bdf function) {
  const auto found = groups_.find(function);
  if (found != groups_.end() && found->second.owner == Owner::Driver) found->second.owner = Owner::Kernel;
}

std::optional<unsigned> DmaOwnership::group(pcie::Bdf function) const {
  const auto found = groups_.find(function);
  if (found == groups_.end()) return std::nullopt;
  return found->second.number;
}

bool DmaOwnership::claimed(pcie::Bdf function) const {
  const auto found = groups_.find(function);
  return found != groups_.end() && found->second.owner == Owner::UserSpace;
}

}  // namespace holdover::host::kernel
