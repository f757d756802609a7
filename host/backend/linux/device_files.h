// SPDX-License-Identifier: MIT
// What opens PCI functions for user space on a real Linux: VFIO, or what a test puts in its place.
#pragma once

#include <memory>
#include <vector>

#include "host/backend/linux/descriptor.h"
#include "host/device/device.h"
#include "pcie/bdf.h"

namespace holdover::host {

class DeviceFiles {
 public:
  DeviceFiles() = default;
  DeviceFiles(const DeviceFiles&) = delete;
  DeviceFiles& operator=(const DeviceFiles&) = delete;
  virtual ~DeviceFiles() = default;

  // Functions that can be opened, in ascending order.
  [[nodiscard]] virtual std::vector<pcie::Bdf> devices() = 0;
  // Throws as System::open_device().
  [[nodiscard]] virtual std::unique_ptr<Device> open(pcie::Bdf bdf) = 0;
  // Around a device file that a session gave back. Throws Error{Refused}.
  [[nodiscard]] virtual std::unique_ptr<Device> adopt(Descriptor file) = 0;
  [[nodiscard]] virtual std::unique_ptr<AddressSpace> create_address_space() = 0;
};

}  // namespace holdover::host
