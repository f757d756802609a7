// SPDX-License-Identifier: MIT
// The IOMMU core's part in a live update: unit, domains and attachments that stay in force over the kexec. Registered
// with LUO where the policy «iommu-part» says so; elsewhere nothing comes in, and freeze() has nothing to do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "host/kernel/kho/block_set.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/profile.h"

namespace holdover::host::kernel {

class Luo;

// What the IOMMU driver of the new kernel adopts without switching translation off.
struct IncomingIommu {
  IommuState unit;
  std::vector<AddressSpaceState> domains;                        // their ids are taken
  std::vector<std::pair<pcie::Bdf, std::uint16_t>> attachments;  // function, domain id
};

class IommuLiveUpdate : public Flb {
 public:
  // All outlive it.
  IommuLiveUpdate(Kho& kho, Luo& luo, KernelObjects& objects, const Policies& policies);

  // ---- IOMMU driver of the new kernel, at init ----
  // Nothing where no IOMMU state was handed over, or where this kernel has no such part. All pages are restored as
  // PageTable at the first call. Throws Panic for state that is broken or not preserved: going on could let a device
  // reach foreign memory.
  [[nodiscard]] const IncomingIommu* incoming();

  // ---- File handlers ----
  // ENOENT: no file is being preserved; EADDRINUSE: domain id recorded already; ENOMEM, ENOSPC.
  [[nodiscard]] int preserve_domain(const AddressSpaceState& state);
  void unpreserve_domain(std::uint16_t domain_id);
  // EOPNOTSUPP: not attached; EINVAL: the domain is not preserved, or user space does not own the function's DMA;
  // EBUSY: recorded already; ENOMEM, ENOSPC.
  [[nodiscard]] int preserve_device(const DeviceState& state);
  void unpreserve_device(pcie::Bdf function);
  // Records tables that the unit got since preserve. Inside reboot(KEXEC).
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
  void release_unit();
  void release_domain(Domain& domain);
  void write_header();
  // Ownership of what came in; throws Panic.
  [[nodiscard]] BlockSet take_over(std::uint64_t first, std::size_t entry_bytes, const char* what);
  [[nodiscard]] std::vector<PhysicalAddress> take_over_tables(std::uint64_t first);

  Kho& kho_;
  Luo& luo_;
  KernelObjects& objects_;
  const Policies& policies_;

  PhysicalAddress header_;
  std::vector<PhysicalAddress> unit_pages_;  // recorded and preserved
  std::optional<BlockSet> unit_set_;
  std::optional<BlockSet> domain_set_;
  std::optional<BlockSet> device_set_;
  std::map<std::uint16_t, Domain> domains_;
  std::map<pcie::Bdf, std::uint64_t> devices_;  // slot

  std::optional<IncomingIommu> incoming_;
  std::vector<BlockSet> incoming_sets_;
};

}  // namespace holdover::host::kernel
