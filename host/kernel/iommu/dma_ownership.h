// SPDX-License-Identifier: MIT
// Who may decide where a function's DMA goes: the kernel through the default domain, user space once it has claimed the
// function, or a domain that was handed over until user space retrieves it (iommu_device_claim_dma_owner() and
// iommu_probe_device()). Every function is a group of its own.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "host/kernel/file.h"
#include "host/kernel/iommu/domain.h"
#include "host/kernel/iommu/iommu.h"
#include "host/kernel/profile.h"
#include "pcie/bdf.h"

namespace holdover::host::kernel {

class DmaOwnership {
 public:
  // All outlive it.
  DmaOwnership(Iommu& iommu, PageAllocator& pages, const Policies& policies, FileTable& files)
      : iommu_(iommu), pages_(pages), policies_(policies), files_(files) {}

  // IOMMU probe of a function. `restored`: the domain that it was handed over with is in force; it stays, and nobody
  // but who retrieves it may claim the function. Any other gets its default domain, as the policy says. Throws Panic
  // where there is no memory for one.
  void probe(pcie::Bdf function, bool restored);
  // User space takes the function over: it is parked in a blocking domain until something is attached, except where a
  // restored domain stays. `retrieved`: by the file that was handed over. EBUSY: claimed, or restored for somebody
  // else, or a driver uses it.
  [[nodiscard]] int claim(pcie::Bdf function, bool retrieved);
  // Back to the kernel, and to the default domain. Not claimed: nothing.
  void release(pcie::Bdf function);
  // A driver that uses the DMA API binds, or unbinds. EBUSY: user space, or a restored domain, owns the function.
  [[nodiscard]] int use_dma_api(pcie::Bdf function);
  void unuse_dma_api(pcie::Bdf function);
  [[nodiscard]] bool claimed(pcie::Bdf function) const;
  // Number of the function's group, in the order of the probes; nothing where it has none.
  [[nodiscard]] std::optional<unsigned> group(pcie::Bdf function) const;

 private:
  enum class Owner { Kernel, Driver, UserSpace, Restored };
  struct Group {
    unsigned number = 0;
    Owner owner = Owner::Kernel;
    FileReference<IommuDomain> default_domain;  // of policy dma
  };
  void attach_default(pcie::Bdf function, Group& group, DefaultDomain kind);

  Iommu& iommu_;
  PageAllocator& pages_;
  const Policies& policies_;
  FileTable& files_;
  std::map<pcie::Bdf, Group> groups_;
};

}  // namespace holdover::host::kernel
