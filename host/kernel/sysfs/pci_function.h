// SPDX-License-Identifier: MIT
// One PCI function in sysfs: its attributes, links and folders, as drivers/pci/pci-sysfs.c, drivers/base and the
// services that stand behind a function make them. Only what this kernel has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/kernel/kernel.h"
#include "host/kernel/pci/pci_device.h"
#include "host/kernel/sysfs/node.h"

namespace holdover::host::kernel::sysfs {

class PciFunction {
 public:
  // Reads once what Linux keeps of a scan and this kernel does not: subsystem, interrupt line, reset methods. Both
  // outlive it.
  PciFunction(Kernel& kernel, PciDevice& device);

  [[nodiscard]] PciDevice& device() { return device_; }
  [[nodiscard]] std::string name() const { return device_.bdf.to_string(); }
  // Of its folder, below devices/: «pci0000:00/0000:00:01.0/0000:01:00.0».
  [[nodiscard]] const std::string& path() const { return path_; }
  // The driver's name, empty where there is none.
  [[nodiscard]] std::string_view driver() const;

  // All of its folder but the folders of the functions below it.
  [[nodiscard]] std::vector<Entry> entries();

 private:
  void add_identity(std::vector<Entry>& entries);
  void add_settings(std::vector<Entry>& entries);
  // Ports always get the port driver.
  void add_override(std::vector<Entry>& entries);
  void add_bridge(std::vector<Entry>& entries);
  void add_link_state(std::vector<Entry>& entries);
  void add_reset(std::vector<Entry>& entries);
  void add_errors(std::vector<Entry>& entries);
  void add_binaries(std::vector<Entry>& entries);
  void add_links(std::vector<Entry>& entries);

  [[nodiscard]] std::string modalias() const;
  [[nodiscard]] std::string uevent() const;
  [[nodiscard]] std::string resources() const;
  [[nodiscard]] std::vector<Entry> message_interrupts() const;
  // «../../../» as often as it takes from its folder to the root of the tree.
  [[nodiscard]] std::string to_root() const;
  [[nodiscard]] int enable(std::string_view text);
  [[nodiscard]] int reset(std::string_view text);
  [[nodiscard]] int choose_reset(std::string_view text);

  Kernel& kernel_;
  PciDevice& device_;
  std::string path_;
  std::uint16_t subsystem_vendor_ = 0;
  std::uint16_t subsystem_device_ = 0;
  unsigned line_ = 0;            // of the interrupt pin
  bool function_reset_ = false;  // has FLR
  bool reset_allowed_ = true;    // by `reset_method`
  bool wide_prefetch_ = false;   // the prefetchable window of a bridge
  bool broken_parity_ = false;
};

}  // namespace holdover::host::kernel::sysfs
