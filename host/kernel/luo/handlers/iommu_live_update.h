// SPDX-License-Identifier: MIT
// The IOMMU core's part in a live update: unit, domains and attachments that stay in force over the kexec.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "host/kernel/iommu/domain.h"
#include "host/kernel/iommu/iommu.h"
#include "host/kernel/kho/block_set.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "pcie/bdf.h"

namespace holdover::host::kernel {

class Luo;

struct IncomingDomain {
  std::uint16_t identifier = 0;
  PhysicalAddress root;
};

struct IncomingAttachment {
  pcie::Bdf function;
  std::uint16_t identifier = 0;
};

// What the IOMMU driver of the new kernel adopts without switching translation off.
struct IncomingIommu {
  IommuUnitState unit;
  std::vector<IncomingDomain> domains;
  std::vector<IncomingAttachment> attachments;
};

class IommuLiveUpdate : public Flb {
 public:
  // Mistake H013 (policies): the first leaf table of the first domain stays out of the KHO tree. All outlive it.
  IommuLiveUpdate(Kho& kho, Luo& luo, const KernelObjects& objects);

  // ---- IOMMU driver of the new kernel, at init ----
  // Nothing where no IOMMU state was handed over. All pages are restored as PageTable at the first call. Throws Panic
  // for state that is broken or not preserved: going on could let a device reach foreign memory.
  [[nodiscard]] const IncomingIommu* incoming();

  // ---- File handlers ----
  // ENOENT: no file is being preserved; EADDRINUSE: recorded already; ENOMEM, ENOSPC.
  [[nodiscard]] int preserve_domain(const IommuDomain& domain);
  void unpreserve_domain(std::uint16_t identifier);
  // EOPNOTSUPP: not attached; EINVAL: the domain is not preserved; EBUSY: recorded already; ENOMEM, ENOSPC.
  [[nodiscard]] int preserve_attachment(pcie::Bdf function, const IommuDomain* domain);
  void unpreserve_attachment(pcie::Bdf function);
  // Records tables that the unit got since the last call. Inside reboot(KEXEC).
  [[nodiscard]] int freeze();

  // ---- Flb ----
  [[nodiscard]] std::string_view compatible() const override;
  [[nodiscard]] int preserve(std::uint64_t& data) override;
  void unpreserve(std::uint64_t data) override;
  [[nodiscard]] int retrieve(std::uint64_t data) override;
  void finish(std::uint64_t data) override;

 private:
  struct Domain {
    std::uint64_t slot = 0;
    std::vector<PhysicalAddress> preserved;
    BlockSet table_pages;
  };
  [[nodiscard]] int record_unit();
  [[nodiscard]] int record_tables(Domain& domain, const std::vector<PhysicalAddress>& tables);
  void release_domain(Domain& domain);
  void release_unit();
  void write_header();

  Kho& kho_;
  Luo& luo_;
  const KernelObjects& objects_;

  PhysicalAddress header_;
  std::vector<PhysicalAddress> unit_tables_;  // recorded and preserved
  std::optional<BlockSet> unit_set_;
  std::optional<BlockSet> domain_set_;
  std::optional<BlockSet> device_set_;
  std::map<std::uint16_t, Domain> domains_;
  std::map<pcie::Bdf, std::uint64_t> devices_;  // slot

  std::optional<IncomingIommu> incoming_;
  std::vector<BlockSet> incoming_sets_;
};

}  // namespace holdover::host::kernel
