// SPDX-License-Identifier: MIT
// What a sysfs tree says of each PCI function, whether Holdover can use it, and what stands in the way. Changes
// nothing; of configuration space it reads the header and the capabilities' headers.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/backend/sysfs/sysfs_tree.h"
#include "pcie/bdf.h"

namespace holdover::host {

struct Obstacle {
  std::string what;    // «the driver nvme has it»
  std::string remedy;  // a command, or what to do; empty where nothing helps
};

struct SurveyedFunction {
  pcie::Bdf bdf;
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::uint16_t device_class = 0;
  std::string vendor;  // names, as far as libpci knows any
  std::string device;
  std::string class_name;
  std::vector<SysfsCapability> capabilities;
  std::string link_speed;  // «8.0 GT/s PCIe», empty where it has no link
  std::string link_width;
  std::string max_link_speed;
  std::string max_link_width;
  std::string driver;       // empty: none
  std::string iommu_group;  // empty: none
  bool endpoint = false;    // a Holdover endpoint, by the capability that describes its monitor
  std::vector<Obstacle> obstacles;

  [[nodiscard]] bool usable() const { return obstacles.empty(); }
};

// What the user may do on this machine.
struct Surroundings {
  bool root = false;
  std::function<bool(const std::filesystem::path&)> exists;      // of a device file
  std::function<bool(const std::filesystem::path&)> accessible;  // for reading and writing
};
[[nodiscard]] Surroundings surroundings_of_this_process();

// Every function of the tree, ascending. `root` is taken as sysfs_root() takes it; the commands of remedies are for
// that place. `here`: the tree is this machine's own, so device files of VFIO count as well. Throws what SysfsTree
// throws.
[[nodiscard]] std::vector<SurveyedFunction> survey(const std::filesystem::path& root, bool here,
                                                   const Surroundings& surroundings);

// «MSI-X», or «0x2f» for one without a name here (PCIe 5.0, 7.5.1.1.11 and 7.6.3; PCI Code and ID Assignment).
[[nodiscard]] std::string capability_name(const SysfsCapability& capability);

}  // namespace holdover::host
