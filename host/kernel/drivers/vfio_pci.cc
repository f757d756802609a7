// SPDX-License-Identifier: MIT
#include "host/kernel/drivers/vfio_pci.h"

#include "host/kernel/pci/runtime_power.h"
#include "host/kernel/vfio/vfio_device.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

constexpr std::array<SchemaGuid, 1> kSchemas{
    {{0x6b, 0x1d, 0x2f, 0x40, 0x93, 0x5a, 0x4e, 0x0c, 0xa8, 0x11, 0x7c, 0x52, 0xd3, 0x09, 0xe4, 0x01}}};
constexpr std::array<SchemaGuid, 1> kSchemas2{
    {{0x6b, 0x1d, 0x2f, 0x40, 0x93, 0x5a, 0x4e, 0x0c, 0xa8, 0x11, 0x7c, 0x52, 0xd3, 0x09, 0xe4, 0x02}}};

}  // namespace

std::span<const SchemaGuid> VfioPciDriver::schemas() const { return kSchemas; }

int VfioPciDriver::probe(PciDevice& device) {
  if (context().policies.idle_power == IdlePower::D3hot) suspend(context().platform, context().policies, device);
  return 0;
}

void VfioPciDriver::shutdown(PciDevice& device, bool outgoing) {
  if (device.open != nullptr) device.open->shutdown(outgoing);
}

void VfioPciDriver::freeze(PciDevice& device) { VfioPciDriver::shutdown(device, true); }

std::span<const SchemaGuid> VfioPciSchema2Driver::schemas() const { return kSchemas2; }

void VfioPciSchema2Driver::restore(PciDevice& device, const DeviceState& state) {
  device.config.write16(pcie::config::kCommand, static_cast<std::uint16_t>(state.interrupt_vectors));
}

}  // namespace holdover::host::kernel
