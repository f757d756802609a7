// SPDX-License-Identifier: MIT
// The kernel's sysfs as far as its PCI devices reach: bus/pci, devices/pci0000:00, kernel/iommu_groups.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/kernel/kernel.h"
#include "host/kernel/sysfs/node.h"
#include "host/kernel/sysfs/pci_function.h"

namespace holdover::host::kernel::sysfs {

class Tree {
 public:
  // `kernel` has booted and outlives it, and every node that was taken out of it. Reads what PciFunction reads.
  explicit Tree(Kernel& kernel);

  // What is at «/bus/pci/devices/0000:01:00.0» now, without following a link; nothing: ENOENT. «/» is the root.
  [[nodiscard]] std::optional<Node> find(std::string_view path) const;

 private:
  [[nodiscard]] std::vector<Entry> bus_entries() const;
  [[nodiscard]] std::vector<Entry> driver_entries(const std::string& driver) const;
  // Folders of the functions right below this one; of the root bus for null.
  [[nodiscard]] std::vector<Entry> functions_below(const PciDevice* bridge) const;
  [[nodiscard]] std::vector<Entry> group_entries() const;
  [[nodiscard]] std::vector<Entry> group_entries(unsigned group) const;
  // Links to every function that `wanted` says, from a folder so many levels below the root.
  template <typename Wanted>
  [[nodiscard]] std::vector<Entry> links(unsigned depth, const Wanted& wanted) const;
  [[nodiscard]] PciFunction* named(std::string_view name) const;

  Kernel& kernel_;
  std::vector<std::unique_ptr<PciFunction>> functions_;
};

}  // namespace holdover::host::kernel::sysfs
