// SPDX-License-Identifier: MIT
// vfio-pci, and a build of it that saves its state in another layout under the same handler name.
#pragma once

#include "host/kernel/drivers/driver.h"

namespace holdover::host::kernel {

inline constexpr std::string_view kVfioPci = "vfio-pci";
inline constexpr std::string_view kVfioPciSchema2 = "vfio-pci-schema2";
inline constexpr std::string_view kVfioPciRenamed = "vfio-pci-renamed";

class VfioPciDriver : public PciDriver {
 public:
  using PciDriver::PciDriver;

  [[nodiscard]] std::string_view name() const override { return kVfioPci; }
  [[nodiscard]] bool match(const PciDevice& device) const override { return !device.bridge; }
  [[nodiscard]] std::span<const SchemaGuid> schemas() const override;
  [[nodiscard]] bool for_user_space() const override { return true; }
  // Nearly all software state; an idle function goes to sleep, as the policy says (H110).
  [[nodiscard]] int probe(PciDevice& device) override;
  void shutdown(PciDevice& device, bool outgoing) override;
  [[nodiscard]] int retrieve(PciDevice&) override { return 0; }
  void freeze(PciDevice& device) override;
};

// Takes the state that was saved for what its own layout has at that place: COMMAND where the other has the number of
// vectors, and programs the function with it.
class VfioPciSchema2Driver : public VfioPciDriver {
 public:
  VfioPciSchema2Driver(DriverContext context, std::string_view name) : VfioPciDriver(context), name_(name) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] bool match(const PciDevice&) const override { return false; }
  [[nodiscard]] std::span<const SchemaGuid> schemas() const override;
  [[nodiscard]] bool variant() const override { return true; }
  void restore(PciDevice& device, const DeviceState& state) override;

 private:
  std::string_view name_;
};

// The same driver, in a build that calls it something else.
class VfioPciRenamedDriver : public VfioPciDriver {
 public:
  using VfioPciDriver::VfioPciDriver;

  [[nodiscard]] std::string_view name() const override { return kVfioPciRenamed; }
  [[nodiscard]] bool match(const PciDevice&) const override { return false; }
};

}  // namespace holdover::host::kernel
