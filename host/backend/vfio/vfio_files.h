// SPDX-License-Identifier: MIT
// Device files of VFIO: /dev/vfio/devices/vfioN with an iommufd where the kernel has both, else /dev/vfio/GROUP with a
// container of type 1.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/backend/linux/device_files.h"
#include "host/backend/linux/small_file.h"
#include "host/backend/vfio/vfio_device.h"

namespace holdover::host {

class VfioFiles final : public DeviceFiles {
 public:
  // `only`: the functions that this program is allowed to touch, bound to vfio-pci or not; empty: each one that is
  // bound to it. `calls` outlives it.
  explicit VfioFiles(SystemCalls& calls, KernelPaths paths = {}, std::vector<pcie::Bdf> only = {})
      : calls_(calls), paths_(std::move(paths)), only_(std::move(only)) {}

  [[nodiscard]] std::vector<pcie::Bdf> devices() override;
  // Error{NotFound} says what stands in the way and how to change that: no such function, another driver, no IOMMU,
  // a group that is not viable. Error{Refused} carries the kernel's errno.
  [[nodiscard]] std::unique_ptr<Device> open(pcie::Bdf bdf) override;
  [[nodiscard]] std::unique_ptr<Device> adopt(Descriptor file) override;
  [[nodiscard]] std::unique_ptr<AddressSpace> create_address_space() override {
    return std::make_unique<VfioAddressSpace>();
  }

 private:
  [[nodiscard]] std::unique_ptr<Device> open_by_file(pcie::Bdf bdf, const std::string& name, Descriptor iommu);
  [[nodiscard]] std::unique_ptr<Device> open_by_group(pcie::Bdf bdf);
  void require_driver(const std::string& bdf);
  [[nodiscard]] std::string group_of(const std::string& bdf);
  // «0000:01:00.1 (snd_hda_intel)», of those that keep the group from being used.
  [[nodiscard]] std::string strangers(const std::string& bdf);
  // The function that a bound device file belongs to.
  [[nodiscard]] pcie::Bdf bdf_of(int device, std::uint32_t device_id);

  SystemCalls& calls_;
  KernelPaths paths_;
  std::vector<pcie::Bdf> only_;
};

// What binds a function to vfio-pci, one command a line.
[[nodiscard]] std::vector<std::string> bind_commands(const std::string& bdf, const std::optional<std::string>& driver);

}  // namespace holdover::host
