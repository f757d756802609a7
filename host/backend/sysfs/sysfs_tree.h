// SPDX-License-Identifier: MIT
// PCI functions by way of a sysfs tree, through libpci: the one of this machine, or the one that `holdover mount` makes
// of a simulated machine. What links this is under the GNU General Public License, version 2 or later, as libpci is.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/device/config_space.h"
#include "pcie/units.h"

namespace holdover::host {

struct SysfsBar {
  BusAddress address{0};
  Bytes size{0};  // 0: there is none
  bool io = false;
  bool wide = false;  // 64 bits
  bool prefetchable = false;
};

struct SysfsCapability {
  unsigned id = 0;
  unsigned offset = 0;
  bool extended = false;
};

class SysfsTree;

// A function of a tree that outlives it. Not for two threads at once, nor are two functions of one tree.
class SysfsFunction : public ConfigSpace {
 public:
  ~SysfsFunction() override;

  // ---- ConfigSpace ----
  // Beyond the first 64 bytes a kernel shows configuration space to root alone: all ones for others. A write throws
  // Error{Refused} where the kernel refuses it.
  [[nodiscard]] pcie::Bdf bdf() const override;
  [[nodiscard]] std::uint32_t config_read(Bytes offset, unsigned size) override;
  void config_write(Bytes offset, unsigned size, std::uint32_t value) override;

  [[nodiscard]] std::uint16_t vendor_id() const;
  [[nodiscard]] std::uint16_t device_id() const;
  [[nodiscard]] std::uint16_t device_class() const;  // base class and subclass
  // From the list of names that libpci has (pci.ids); «1172» where it has none.
  [[nodiscard]] std::string vendor_name() const;
  [[nodiscard]] std::string device_name() const;
  [[nodiscard]] std::string class_name() const;
  // In the order of the two lists.
  [[nodiscard]] std::vector<SysfsCapability> capabilities() const;
  [[nodiscard]] std::array<SysfsBar, 6> bars() const;

  // An attribute without its line feed; nothing where there is none, or it cannot be read.
  [[nodiscard]] std::optional<std::string> attribute(const std::string& name) const;
  // Last name of where the link leads; nothing where there is none.
  [[nodiscard]] std::optional<std::string> link(const std::string& name) const;

  // A load or store of a processor in a memory BAR: 1, 2, 4 or 8 bytes, naturally aligned; Error{InvalidArgument} for
  // anything else. Through a mapping of `resourceN` where the tree has one, else by read() and write() of that size.
  // Throws Error{Refused} with the errno where the tree refuses it.
  [[nodiscard]] std::uint64_t load(unsigned bar, Bytes offset, unsigned size);
  void store(unsigned bar, Bytes offset, unsigned size, std::uint64_t value);

 private:
  friend class SysfsTree;
  class State;
  explicit SysfsFunction(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Where sysfs is mounted, from either form that people know: that place itself (/sys), or its bus/pci as lspci has it
// (-O sysfs.path=/sys/bus/pci). A path that is neither comes back as it is.
[[nodiscard]] std::filesystem::path sysfs_root(const std::filesystem::path& path);

class SysfsTree {
 public:
  // `root`: as sysfs_root() takes it. Throws Error{NotFound} where it has no bus/pci/devices, and Error{Unavailable}
  // with what libpci says.
  explicit SysfsTree(const std::filesystem::path& root = "/sys");
  ~SysfsTree();
  SysfsTree(const SysfsTree&) = delete;
  SysfsTree& operator=(const SysfsTree&) = delete;

  // Every function, bridges too, in ascending order.
  [[nodiscard]] std::vector<std::unique_ptr<SysfsFunction>> functions() const;
  // Throws Error{NotFound}.
  [[nodiscard]] std::unique_ptr<SysfsFunction> open(pcie::Bdf bdf) const;

 private:
  friend class SysfsFunction;
  class Access;
  std::shared_ptr<Access> access_;
};

}  // namespace holdover::host
