// SPDX-License-Identifier: MIT
#include "host/backend/emulated/emulated_system.h"

#include <algorithm>
#include <cerrno>

#include "host/backend/emulated/emulated_device.h"
#include "host/backend/emulated/emulated_live_update.h"
#include "host/backend/emulated/emulated_memory.h"
#include "host/backend/emulated/refused.h"
#include "host/kernel/panic.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

// The longest that a request to stop goes unheard, in simulated time.
constexpr Time kStopLatency{10'000'000};

}  // namespace

std::unique_ptr<Device> EmulatedSystem::open_device(pcie::Bdf bdf) {
  kernel::FileReference<kernel::VfioDevice> file;
  const int error = kernel_.open_device(bdf, file);
  if (error == ENODEV) {
    throw Error(ErrorCode::NotFound, "There is no device file for " + bdf.to_string() + ".", error);
  }
  check_answer(error, "to open " + bdf.to_string());
  return std::make_unique<EmulatedDevice>(std::move(file));
}

std::unique_ptr<Memory> EmulatedSystem::create_memory(Bytes size) {
  kernel::FileReference<kernel::Memfd> file;
  check_answer(kernel_.create_memory(size, file), "a memfd of " + std::to_string(size.count()) + " bytes");
  return std::make_unique<EmulatedMemory>(std::move(file));
}

std::unique_ptr<AddressSpace> EmulatedSystem::create_address_space() {
  kernel::FileReference<kernel::IommuDomain> file;
  check_answer(kernel_.create_domain(file), "an address space");
  return std::make_unique<EmulatedAddressSpace>(std::move(file));
}

std::unique_ptr<LiveUpdate> EmulatedSystem::open_live_update() { return std::make_unique<EmulatedLiveUpdate>(kernel_); }

void EmulatedSystem::load_kernel(const std::string& command_line) {
  check_answer(kernel_.load_image(command_line), "kexec_file_load()");
}

void EmulatedSystem::load_crash_kernel(const std::string& command_line) {
  check_answer(kernel_.load_image(command_line, kernel::Kernel::ImageKind::OnCrash),
               "kexec_file_load() of a crash kernel");
}

void EmulatedSystem::kexec() {
  PhysicalAddress next;
  if (!kernel_.image_loaded()) load_kernel(command_line());
  try {
    check_answer(kernel_.kexec(next), "reboot(LINUX_REBOOT_CMD_KEXEC)");
  } catch (const kernel::Panic& panic) {
    kernel_.panic(panic.what());
    throw;
  }
  throw KernelGone{next};
}

std::string EmulatedSystem::command_line() { return std::string(kernel::command_line(kernel_.parameters())); }

void EmulatedSystem::crash() {
  PhysicalAddress next;
  check_answer(kernel_.crash(next), "to enter a crash kernel");
  throw KernelGone{next};
}

void EmulatedSystem::write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  if (kernel_.write_config(function, offset, size, value) == 0) return;
  throw Error(ErrorCode::NotFound, "There is no function at " + function.to_string() + ".", ENODEV);
}

void EmulatedSystem::unbind_driver(pcie::Bdf function) {
  check_answer(kernel_.unbind(function), "to unbind the driver of " + function.to_string());
}

void EmulatedSystem::remove_driver(pcie::Bdf function) {
  check_answer(kernel_.remove_driver(function), "to remove the driver of " + function.to_string());
}

std::chrono::nanoseconds EmulatedSystem::now() {
  return std::chrono::nanoseconds{kernel_.platform().now().count() / 1000};
}

void EmulatedSystem::wait(std::chrono::nanoseconds duration) {
  HOLDOVER_CHECK(duration.count() >= 0);
  for (Time left{static_cast<std::uint64_t>(duration.count()) * 1000}; left > Time{0};) {
    if (stop_ && stop_()) {
      throw Error(ErrorCode::Interrupted, "a wait was stopped at " + std::to_string(now().count()) + " ns");
    }
    const Time slice = std::min(left, kStopLatency);
    kernel_.wait(slice);
    left -= slice;
  }
}

}  // namespace holdover::host
