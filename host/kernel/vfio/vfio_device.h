// SPDX-License-Identifier: MIT
// A PCI function in the hands of user space: the file behind a VFIO character device.
#pragma once

#include <cstdint>

#include "host/kernel/file.h"
#include "host/kernel/iommu/dma_ownership.h"
#include "host/kernel/iommu/domain.h"
#include "host/kernel/iommu/iommu.h"
#include "host/kernel/irq/interrupts.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/pci/msix.h"
#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

// What every VFIO device needs of the kernel around it; all of it outlives the device.
struct VfioContext {
  pcie::Platform& platform;
  Interrupts& interrupts;
  Iommu& iommu;
  DmaOwnership& dma;
  const Policies& policies;
};

// How user space came to the device: its character device, or the older group.
enum class VfioDoor { Cdev, Group };

class VfioDevice : public OpenFile<DeviceFile> {
 public:
  // vfio_pci_core_enable(): function awake, bus mastering off, enabled and reset. Contract: the function is not open.
  VfioDevice(VfioContext context, PciDevice& device, VfioDoor door = VfioDoor::Cdev);
  // The function was handed over and runs: nothing of the hardware is touched before attach() takes it up.
  VfioDevice(VfioContext context, PciDevice& device, const DeviceState& handed_over);

  [[nodiscard]] PciDevice& device() { return device_; }
  [[nodiscard]] pcie::Bdf bdf() const { return device_.bdf; }

  // After a freeze that reset the function everything below answers EIO, until the file is closed and opened again:
  // there is no unfreeze.
  [[nodiscard]] int config_read(unsigned offset, unsigned size, std::uint32_t& value);
  [[nodiscard]] int config_write(unsigned offset, unsigned size, std::uint32_t value);
  // Through a mapping of the BAR, which freeze zaps. Contract: offset + size lies inside the BAR.
  [[nodiscard]] int load(unsigned bar, Bytes offset, unsigned size, std::uint64_t& value);
  [[nodiscard]] int write(unsigned bar, Bytes offset, std::uint32_t value);
  [[nodiscard]] Bytes bar_size(unsigned bar) const;

  // Binds the device to iommufd, which claims its DMA, and attaches it. 0 or the errno of DmaOwnership::claim and
  // Iommu::attach. Holds the domain from then on. A
  // function that was handed over is taken up here, as the policies say, and stays attached where it is attached to
  // this very domain.
  [[nodiscard]] int attach(IommuDomain& domain);
  [[nodiscard]] IommuDomain* domain() const { return domain_; }

  [[nodiscard]] int enable_bus_master();
  // 0 or the errno of Msix::enable.
  [[nodiscard]] int enable_interrupts(unsigned count);
  [[nodiscard]] int disable_interrupts();
  [[nodiscard]] std::uint64_t take_interrupts(unsigned vector);
  [[nodiscard]] MessageInterrupts messages() const { return msix_.messages(); }

  // ENOTTY: no FLR; EIO: it does not come back.
  [[nodiscard]] int reset();

  // device_shutdown(): interrupts as the policies say for a function that is, or is not, handed over.
  void shutdown(bool outgoing);

  // ---- DeviceFile ----
  [[nodiscard]] DeviceState state() const override;
  [[nodiscard]] bool can_preserve() const override;
  [[nodiscard]] int freeze() override;

  void release() override;

 private:
  // vfio_pci_core_enable().
  void enable();

  VfioContext context_;
  PciDevice& device_;
  VfioDoor door_ = VfioDoor::Cdev;
  Msix msix_;
  bool incoming_ = false;          // the function was handed over
  bool enabled_ = false;           // enable() was done
  IommuDomain* domain_ = nullptr;  // held from attach to release
  bool frozen_ = false;
};

}  // namespace holdover::host::kernel
