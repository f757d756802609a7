// SPDX-License-Identifier: MIT
// A PCI function behind a VFIO device file.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "host/backend/vfio/region.h"
#include "host/backend/vfio/vfio_address_space.h"
#include "host/device/device.h"

namespace holdover::host {

class VfioDevice final : public Device, public DescriptorFile {
 public:
  // `group` is closed last of all; not open where the device has a file of its own. `door` is behind the device
  // already. `calls` outlives it. Throws Error{Refused}.
  VfioDevice(SystemCalls& calls, pcie::Bdf bdf, Descriptor group, std::unique_ptr<IommuDoor> door, Descriptor file);

  [[nodiscard]] pcie::Bdf bdf() const override { return bdf_; }
  // Configuration space as VFIO shows it: it keeps a copy of some registers (BARs, interrupts) for user space.
  [[nodiscard]] std::uint32_t config_read(Bytes offset, unsigned size) override;
  void config_write(Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t load(unsigned bar, Bytes offset, unsigned size) override;
  void write(unsigned bar, Bytes offset, std::uint32_t value) override;
  [[nodiscard]] Bytes bar_size(unsigned bar) const override;
  void attach(AddressSpace& space) override;
  void enable_bus_master() override;
  void enable_interrupts(unsigned count) override;
  void disable_interrupts() override;
  [[nodiscard]] std::uint64_t take_interrupts(unsigned vector) override;
  void reset() override;
  [[nodiscard]] int descriptor() const override { return file_.number(); }

 private:
  void set_irqs(std::uint32_t flags, std::span<const std::int32_t> eventfds, const std::string& call);

  SystemCalls& calls_;
  pcie::Bdf bdf_;
  Descriptor group_;
  std::unique_ptr<IommuDoor> door_;
  Descriptor file_;
  Attachment attachment_;
  VfioRegion config_;
  std::array<VfioRegion, 6> bars_;
  std::vector<Descriptor> eventfds_;
};

}  // namespace holdover::host
