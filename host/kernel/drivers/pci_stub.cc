// SPDX-License-Identifier: MIT
#include "host/kernel/drivers/pci_stub.h"

#include "host/kernel/pci/function_reset.h"
#include "host/kernel/pci/setup_device.h"

namespace holdover::host::kernel {

int PciStubDriver::probe(PciDevice& device) {
  enable_device(device);
  const int error = reset_function(context().platform, context().policies, device);
  if (error != 0 && error != ENOTTY) return error;
  set_bus_master(device, context().policies.stub_bus_master == StubBusMaster::On);
  return 0;
}

void PciStubDriver::remove(PciDevice& device) { set_bus_master(device, false); }

}  // namespace holdover::host::kernel
