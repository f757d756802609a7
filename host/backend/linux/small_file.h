// SPDX-License-Identifier: MIT
// The small text files of /sys and /proc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/backend/linux/system_calls.h"

namespace holdover::host {

// Where the kernel's file systems are mounted.
struct KernelPaths {
  std::string sysfs = "/sys";
  std::string proc = "/proc";
  std::string dev = "/dev";

  // «/sys/bus/pci/devices/0000:01:00.0»
  [[nodiscard]] std::string function(const std::string& bdf) const { return sysfs + "/bus/pci/devices/" + bdf; }
};

// What makes vfio-pci there, and leaves a function awake that nobody has open: the sleep of another kind of device is
// for this one the loss of what it was doing.
inline constexpr char kLoadVfioPci[] = "modprobe vfio-pci disable_idle_d3=1";

// Whole, without a line break at its end. Nothing where it cannot be read.
[[nodiscard]] std::optional<std::string> read_text(SystemCalls& calls, const std::string& path);
// Of the kernel that runs now, another one with every boot. Throws Error{Unavailable} where it cannot be read.
[[nodiscard]] std::string boot_id(SystemCalls& calls, const KernelPaths& paths = {});
// 0, or a negated errno.
[[nodiscard]] int write_text(SystemCalls& calls, const std::string& path, std::string_view text);
// The last part of a link's target: «vfio-pci» of «../../../bus/pci/drivers/vfio-pci». Nothing where there is no link.
[[nodiscard]] std::optional<std::string> link_name(SystemCalls& calls, const std::string& path);

}  // namespace holdover::host
