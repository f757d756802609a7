// SPDX-License-Identifier: MIT
#include "host/kernel/drivers/driver.h"

#include <algorithm>

#include "host/kernel/drivers/pci_stub.h"
#include "host/kernel/drivers/vfio_pci.h"

namespace holdover::host::kernel {

bool may_bind(BindingContract contract, const PciDriver& driver, const SavedBinding* saved) {
  switch (contract) {
    case BindingContract::None:
      return true;
    case BindingContract::DriverName:
      return saved != nullptr && saved->driver == driver.name();
    case BindingContract::Schema:
      break;
  }
  const auto known = driver.schemas();
  return saved != nullptr && std::find(known.begin(), known.end(), saved->schema) != known.end();
}

DriverRegistry::DriverRegistry(DriverContext context) {
  drivers_.push_back(std::make_unique<VfioPciDriver>(context));
  drivers_.push_back(std::make_unique<PciStubDriver>(context));
  drivers_.push_back(std::make_unique<VfioPciSchema2Driver>(context, kVfioPciSchema2));
  drivers_.push_back(std::make_unique<VfioPciSchema2Driver>(context, kVfioPci));
  drivers_.push_back(std::make_unique<VfioPciRenamedDriver>(context));
}

PciDriver* DriverRegistry::find(const PciDevice& device) const {
  for (const auto& driver : drivers_) {
    const bool wanted =
        device.driver_override.empty() ? driver->match(device) : driver->name() == device.driver_override;
    if (wanted) return driver.get();
  }
  return nullptr;
}

}  // namespace holdover::host::kernel
