// SPDX-License-Identifier: MIT
// An address space for devices (an iommufd HWPT): a second-level page table in DRAM and a domain identifier.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "host/kernel/file.h"
#include "host/kernel/iommu/page_table.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/mm/page_allocator.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

class Iommu;

class IommuDomain : public OpenFile<AddressSpaceFile> {
 public:
  // An empty domain with an identifier of its own. Nothing where memory or identifiers are short (ENOMEM). `pages` and
  // `iommu` outlive it.
  [[nodiscard]] static std::unique_ptr<IommuDomain> create(PageAllocator& pages, Iommu& iommu);
  // Takes over a table that stands in DRAM, in pages that are PageState::PageTable already, with an identifier that is
  // reserved in `iommu`: a restored one.
  IommuDomain(PageAllocator& pages, Iommu& iommu, PhysicalAddress root, std::uint16_t identifier)
      : pages_(pages), iommu_(iommu), root_(root), identifier_(identifier) {}

  // All or nothing. 0, EINVAL: empty, misaligned, beyond 48 bits or beyond DRAM; EEXIST: range taken; EBUSY: preserved;
  // ENOMEM: no page for a table.
  [[nodiscard]] int map(Iova iova, PhysicalAddress physical, Bytes size, bool device_writes);
  // What is not mapped is skipped. 0, EINVAL, EBUSY.
  [[nodiscard]] int unmap(Iova iova, Bytes size);
  // Where the hardware would send a request.
  [[nodiscard]] std::optional<PhysicalAddress> translate(Iova iova) const;

  [[nodiscard]] PhysicalAddress root() const { return root_; }
  [[nodiscard]] std::uint16_t identifier() const { return identifier_; }
  [[nodiscard]] bool preserved() const { return preserved_; }
  // Before it can be preserved. 0 or the errno of Iommu::mark; EBUSY: preserved already.
  [[nodiscard]] int mark(std::uint64_t token);

  [[nodiscard]] AddressSpaceState state() const override;
  void set_preserved(bool preserved) override { preserved_ = preserved; }
  void release() override;

 private:
  // The leaf table for `iova`, built on the way where it is missing; nothing where memory is short.
  [[nodiscard]] std::optional<PhysicalAddress> leaf_table(Iova iova);
  void clear(Iova iova, Bytes size);

  PageAllocator& pages_;
  Iommu& iommu_;
  PhysicalAddress root_;
  std::uint16_t identifier_;
  bool preserved_ = false;
};

}  // namespace holdover::host::kernel
