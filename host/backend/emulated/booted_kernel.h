// SPDX-License-Identifier: MIT
// One emulated kernel with its user space, in this process, for as long as the caller wants it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/backend/emulated/emulated_system.h"
#include "host/fail_stop_platform.h"
#include "host/kernel/kernel.h"
#include "pcie/platform.h"

namespace holdover::host {

class BootedKernel {
 public:
  // How a kernel comes to its end.
  struct End {
    std::optional<PhysicalAddress> next;  // it jumped: boot-parameter page of the next kernel
    std::string panic;                    // or it stopped itself, and why
  };

  // Boots the kernel whose boot-parameter page lies there, up to where user space starts. What stops a kernel is in
  // end(), not thrown; what `platform` throws passes through, and it outlives this. Once `stop` says so, waits of user
  // space throw Error{Interrupted}; empty: nothing does.
  BootedKernel(pcie::Platform& platform, PhysicalAddress boot_parameters, std::function<bool()> stop = {});
  BootedKernel(const BootedKernel&) = delete;
  BootedKernel& operator=(const BootedKernel&) = delete;

  // Set once the kernel is gone: no instruction of it runs any more.
  [[nodiscard]] const std::optional<End>& end() const { return end_; }

  // Runs `program` in user space, and returns also where it took the kernel to its end: by a kexec or a crash, or into
  // a panic. Error passes through and the kernel goes on; what the platform throws passes through and is its end.
  // Contract: not at its end.
  void run(const std::function<void(System&)>& program);
  // Ends it as a panic does. Nothing for a kernel at its end.
  void panic(const std::string& reason);

  // Both live as long as this. Contract: the kernel has come as far as user space.
  [[nodiscard]] System& system();
  [[nodiscard]] kernel::Kernel& kernel();

 private:
  FailStopPlatform platform_;
  std::optional<kernel::Kernel> kernel_;
  std::optional<EmulatedSystem> system_;
  std::optional<End> end_;
};

}  // namespace holdover::host
