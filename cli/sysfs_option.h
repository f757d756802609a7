// SPDX-License-Identifier: MIT
// What --sysfs takes, wherever there is one.
#pragma once

namespace holdover::cli {

inline constexpr char kSysfsOption[] =
    "Where the tree is: the place where sysfs or `holdover mount` is mounted, or its bus/pci, which lspci calls "
    "sysfs.path (default /sys)";

}  // namespace holdover::cli
