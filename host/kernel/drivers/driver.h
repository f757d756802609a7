// SPDX-License-Identifier: MIT
// A driver of PCI functions (struct pci_driver), and what the kernel asks of it before it may have one.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "host/kernel/drivers/schema.h"
#include "host/kernel/luo/handlers/kernel_objects.h"
#include "host/kernel/pci/pci_device.h"
#include "host/kernel/profile.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

// What a driver needs of the kernel; all of it outlives the driver.
struct DriverContext {
  pcie::Platform& platform;
  const Policies& policies;
};

class PciDriver {
 public:
  explicit PciDriver(DriverContext context) : context_(context) {}
  virtual ~PciDriver() = default;
  PciDriver(const PciDriver&) = delete;
  PciDriver& operator=(const PciDriver&) = delete;

  [[nodiscard]] virtual std::string_view name() const = 0;
  // Without driver_override.
  [[nodiscard]] virtual bool match(const PciDevice& device) const = 0;
  // The layout that it saves state in comes first; empty for a driver that saves none.
  [[nodiscard]] virtual std::span<const SchemaGuid> schemas() const { return {}; }
  // Functions it is bound to can be opened by user space.
  [[nodiscard]] virtual bool for_user_space() const { return false; }
  // A variant driver of VFIO: its device files have operations of its own, whatever it is called. Live update knows
  // those of vfio-pci alone (vfio_pci_liveupdate_can_preserve()).
  [[nodiscard]] virtual bool variant() const { return false; }

  // 0 or a positive errno; a failed probe leaves the function without a driver.
  [[nodiscard]] virtual int probe(PciDevice& device) = 0;
  virtual void remove(PciDevice&) {}
  // device_shutdown().
  virtual void shutdown(PciDevice&, bool /*outgoing*/) {}

  // ---- Entry model «retrieve» ----
  // In the place of probe for a function that was handed over, when user space retrieves it.
  [[nodiscard]] virtual int retrieve(PciDevice& device) = 0;
  // In the place of shutdown for a function that is handed over.
  virtual void freeze(PciDevice&) {}

  // User space has retrieved the function with this state; the driver may program it accordingly.
  virtual void restore(PciDevice&, const DeviceState&) {}

 protected:
  [[nodiscard]] const DriverContext& context() const { return context_; }

 private:
  DriverContext context_;
};

// Whether `driver` may bind to a function that was handed over with `saved` (null: nothing was saved).
[[nodiscard]] bool may_bind(BindingContract contract, const PciDriver& driver, const SavedBinding* saved);

// The drivers of a kernel, asked in this order.
class DriverRegistry {
 public:
  explicit DriverRegistry(DriverContext context);

  // The one that driver_override names, or without it the first that matches. Null: none.
  [[nodiscard]] PciDriver* find(const PciDevice& device) const;
  // The one that driver_override gives to incoming functions, whatever it matches.
  [[nodiscard]] PciDriver& incoming(IncomingDriver which) const { return *drivers_[static_cast<std::size_t>(which)]; }

 private:
  std::vector<std::unique_ptr<PciDriver>> drivers_;  // in the order of IncomingDriver
};

}  // namespace holdover::host::kernel
