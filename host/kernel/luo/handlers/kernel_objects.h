// SPDX-License-Identifier: MIT
// What the file handlers need of the kernel's objects: implemented by the kernel's memory, IOMMU and VFIO parts.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "host/kernel/drivers/schema.h"
#include "host/kernel/luo/kernel_file.h"
#include "host/kernel/pci/liveupdate.h"
#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

// F_SEAL_*: what a memfd refuses from now on.
inline constexpr std::uint32_t kSealSeal = 0x01;
inline constexpr std::uint32_t kSealShrink = 0x02;
inline constexpr std::uint32_t kSealGrow = 0x04;
inline constexpr std::uint32_t kSealWrite = 0x08;
inline constexpr std::uint32_t kSealFutureWrite = 0x10;
inline constexpr std::uint32_t kSealExec = 0x20;
inline constexpr std::uint32_t kKnownSeals =
    kSealSeal | kSealShrink | kSealGrow | kSealWrite | kSealFutureWrite | kSealExec;

// Pages of a file that lie together in memory, 2^order of them, naturally aligned.
struct MemoryFolio {
  std::uint64_t index = 0;  // page in the file
  PhysicalAddress address;
  unsigned order = 0;

  friend bool operator==(const MemoryFolio&, const MemoryFolio&) = default;
};

// What stands of a memfd.
struct MemoryState {
  Bytes size;
  Bytes position;
  std::uint32_t seals = 0;
  std::uint32_t flags = 0;          // status flags (O_*); FD_CLOEXEC is the descriptor's
  std::vector<MemoryFolio> folios;  // ascending index; pages that none of them covers are holes

  [[nodiscard]] std::uint64_t page_count() const { return size / kPageSize + (size % kPageSize > Bytes{0} ? 1 : 0); }
};
// Whether the folios are one physical range without a hole.
[[nodiscard]] bool is_contiguous(const MemoryState& state);

// A memfd: pages of state Dma.
class MemoryFile : public KernelFile {
 public:
  [[nodiscard]] virtual MemoryState state() const = 0;
  [[nodiscard]] virtual bool huge() const = 0;  // of hugetlbfs
  // While frozen, the file neither grows nor shrinks, and no hole is punched into it.
  virtual void set_frozen(bool frozen) = 0;
};

// What stands of an address space in DRAM: 48-bit second-level page tables, and the domain id in the context entries.
struct AddressSpaceState {
  std::uint16_t domain_id = 0;  // not 0
  PhysicalAddress root;         // top-level table
  std::vector<PhysicalAddress>
      table_pages;      // every page of the tables, root first, then level by level, ascending IOVA
  bool marked = false;  // for preservation, by user space
};

// An iommufd HWPT.
class AddressSpaceFile : public KernelFile {
 public:
  [[nodiscard]] virtual AddressSpaceState state() const = 0;
  // While true: map, unmap answer EBUSY, and functions can be neither attached nor detached.
  virtual void set_preserved(bool preserved) = 0;
};

struct DeviceState {
  PciPath path;
  bool attached = false;
  std::uint16_t domain_id = 0;     // of the address space it is attached to
  unsigned interrupt_vectors = 0;  // MSI-X vectors in use, 0: MSI-X off
  bool dma_owner = false;          // user space owns its DMA
  SavedBinding binding;            // its driver, and the layout of what that saves
};

// A VFIO device.
class DeviceFile : public KernelFile {
 public:
  [[nodiscard]] virtual DeviceState state() const = 0;
  // Opened through its character device, bound to vfio-pci and no variant of it, and no display device of Intel; a
  // virtual function is refused by its path.
  [[nodiscard]] virtual bool can_preserve() const = 0;
  // Inside reboot(KEXEC), as the policies say: EINVAL where interrupts are on or the function is not in D0; a function
  // level reset and COMMAND = INTx disable, after which the file answers EIO. There is no way back.
  [[nodiscard]] virtual int freeze() = 0;
};

// The IOMMU of this kernel.
struct IommuState {
  BusAddress registers;  // base of the register set: how the next kernel recognises the unit
  PhysicalAddress root_table;
  std::vector<PhysicalAddress> structure_pages;  // root table first, then context tables
  PhysicalAddress remapping_table;               // of interrupts, one page; 0: none
};

// Makes kernel objects from preserved state without touching the hardware, and keeps them. All pages that are named
// have been restored (memory as Dma, tables as PageTable).
class KernelObjects {
 public:
  virtual ~KernelObjects() = default;

  [[nodiscard]] virtual IommuState iommu_state() const = 0;
  // Null where this kernel has no file of that shape (EOPNOTSUPP).
  [[nodiscard]] virtual MemoryFile* restore_memory(const MemoryState& state) = 0;
  [[nodiscard]] virtual AddressSpaceFile& restore_address_space(const AddressSpaceState& state) = 0;
  // Nothing where the scan did not find the function (ENODEV), or where no VFIO driver is bound to it.
  [[nodiscard]] virtual DeviceFile* restore_device(const DeviceState& state) = 0;
  // Path of a function that the scan found, for finish of a file that was never retrieved. The function alone where it
  // is gone.
  [[nodiscard]] virtual PciPath path(pcie::Bdf function) const = 0;
  // How many functions the scan has found.
  [[nodiscard]] virtual std::uint64_t pci_functions() const = 0;
};

}  // namespace holdover::host::kernel
