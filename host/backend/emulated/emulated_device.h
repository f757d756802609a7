// SPDX-License-Identifier: MIT
// A device over a VFIO device file of the emulated kernel.
#pragma once

#include "host/device/device.h"
#include "host/kernel/file.h"
#include "host/kernel/vfio/vfio_device.h"

namespace holdover::host {

class EmulatedDevice : public Device {
 public:
  explicit EmulatedDevice(kernel::FileReference<kernel::VfioDevice> file) : file_(std::move(file)) {}

  [[nodiscard]] pcie::Bdf bdf() const override { return file_->bdf(); }
  [[nodiscard]] std::uint32_t config_read(Bytes offset, unsigned size) override;
  void config_write(Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t load(unsigned bar, Bytes offset, unsigned size) override;
  void write(unsigned bar, Bytes offset, std::uint32_t value) override;
  [[nodiscard]] Bytes bar_size(unsigned bar) const override { return file_->bar_size(bar); }
  void attach(AddressSpace& space) override;
  void enable_bus_master() override;
  void enable_interrupts(unsigned count) override;
  void disable_interrupts() override;
  [[nodiscard]] std::uint64_t take_interrupts(unsigned vector) override { return file_->take_interrupts(vector); }
  void reset() override;

  [[nodiscard]] kernel::VfioDevice& file() { return *file_; }

 private:
  void check_access(int error, const char* call) const;

  kernel::FileReference<kernel::VfioDevice> file_;
};

}  // namespace holdover::host
