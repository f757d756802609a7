// SPDX-License-Identifier: MIT
// The PCI devices of a simulated machine as a mounted sysfs tree, while the machine runs: one thread serves a request,
// or lets simulated time pass.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/booted_machine.h"

namespace holdover::serve {

struct SysfsOptions {
  std::filesystem::path directory;
  bool traffic = true;               // the agent's streams run on every endpoint that user space can open
  std::vector<std::string> command;  // runs while the tree is mounted; empty: the tree stays until somebody ends it
  std::function<void()> on_ready;    // called once the tree can be used; empty: nobody
};

// Mounts and serves until `stop` is set, somebody unmounts the tree, or the command has ended; then nothing of it is
// left. Returns the command's exit code, 0 without one. Once `stop` is set a command gets SIGTERM, and is served to its
// end. Throws what require_mount_point() and FuseMount throw, and Error{Unavailable} where the kernel panics.
[[nodiscard]] int serve_sysfs(bench::BootedMachine& machine, const SysfsOptions& options,
                              const std::atomic<bool>& stop);

}  // namespace holdover::serve
