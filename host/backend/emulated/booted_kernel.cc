// SPDX-License-Identifier: MIT
#include "host/backend/emulated/booted_kernel.h"

#include <utility>

#include "host/kernel/panic.h"
#include "pcie/error.h"

namespace holdover::host {

BootedKernel::BootedKernel(pcie::Platform& platform, PhysicalAddress boot_parameters, std::function<bool()> stop)
    : platform_(platform, [this] {
        if (kernel_) kernel_->stop();
      }) {
  try {
    kernel_.emplace(platform_, boot_parameters);
    kernel_->boot();
    system_.emplace(*kernel_, std::move(stop));
  } catch (const kernel::Panic& reason) {
    panic(reason.what());
  } catch (const Error& error) {
    panic(error.what());
  }
  if (platform_.failure()) std::rethrow_exception(platform_.failure());
}

void BootedKernel::run(const std::function<void(System&)>& program) {
  HOLDOVER_CHECK(!end_);
  try {
    program(*system_);
  } catch (const KernelGone& gone) {
    end_ = End{gone.boot_parameters, {}};
  } catch (const kernel::Panic& reason) {
    panic(reason.what());
  } catch (const Error&) {
    if (!platform_.failure()) throw;
  }
  if (!platform_.failure()) return;
  // However user space took it: a machine that failed has the last word.
  end_ = End{{}, "the machine below it failed"};
  std::rethrow_exception(platform_.failure());
}

void BootedKernel::panic(const std::string& reason) {
  if (end_) return;
  end_ = End{{}, reason};
  if (kernel_) {
    kernel_->panic(reason);
    return;
  }
  // There is no kernel yet that could say it.
  platform_.console("Kernel panic: " + reason);
  platform_.mark(pcie::Phase::EarlyBoot, pcie::Step::Panic, 0);
}

System& BootedKernel::system() {
  HOLDOVER_CHECK(system_.has_value());
  return *system_;
}

kernel::Kernel& BootedKernel::kernel() {
  HOLDOVER_CHECK(system_.has_value());
  return *kernel_;
}

}  // namespace holdover::host
