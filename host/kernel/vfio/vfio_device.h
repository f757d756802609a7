// SPDX-License-Identifier: MIT
// A PCI function in the hands of user space: the file behind a VFIO character device.
//
// The driver under it acts as vfio-pci does with disable_idle_d3: a function nobody has opened stays in D0.
#pragma once

#include <cstdint>

#include "host/kernel/file.h"
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
  const Policies& policies;
};

class VfioDevice : public OpenFile<DeviceFile> {
 public:
  // vfio_pci_core_enable(): bus mastering off, function enabled and reset. Contract: the function is not open.
  VfioDevice(VfioContext context, PciDevice& device);
  // The function was handed over and runs: nothing of the hardware is touched.
  VfioDevice(VfioContext context, PciDevice& device, const DeviceState& handed_over);

  [[nodiscard]] PciDevice& device() { return device_; }
  [[nodiscard]] pcie::Bdf bdf() const { return device_.bdf; }

  // After freeze reads give all ones, writes vanish, the rest answers EIO.
  [[nodiscard]] std::uint32_t config_read(unsigned offset, unsigned size);
  void config_write(unsigned offset, unsigned size, std::uint32_t value);
  // Contract: offset + 4 lies inside the BAR.
  [[nodiscard]] std::uint64_t load(unsigned bar, Bytes offset, unsigned size);
  void write(unsigned bar, Bytes offset, std::uint32_t value);
  [[nodiscard]] Bytes bar_size(unsigned bar) const;

  // 0 or the errno of Iommu::attach. Holds the domain from then on; a function that was handed over attached to this
  // very domain stays attached.
  [[nodiscard]] int attach(IommuDomain& domain);
  [[nodiscard]] IommuDomain* domain() const { return domain_; }

  void enable_bus_master();
  // 0 or the errno of Msix::enable, EIO after freeze.
  [[nodiscard]] int enable_interrupts(unsigned count);
  void disable_interrupts();
  [[nodiscard]] std::uint64_t take_interrupts(unsigned vector);

  // ENOTTY: no FLR; EIO: it does not come back.
  [[nodiscard]] int reset();

  // device_shutdown(): interrupts as the policies say for a function that is, or is not, handed over.
  void shutdown(bool outgoing);

  // ---- DeviceFile ----
  [[nodiscard]] DeviceState state() const override;
  void reset_for_freeze() override;

  void release() override;

 private:
  VfioContext context_;
  PciDevice& device_;
  Msix msix_;
  IommuDomain* domain_ = nullptr;  // held from attach to release
  bool frozen_ = false;
};

}  // namespace holdover::host::kernel
