// SPDX-License-Identifier: MIT
// All that a user-space program on a live-update host can ask for: the seam under the agent.
//
// Implementations: host/backend/emulated over our kernel, host/backend/linux over the real one, host/backend/vfio_user
// behind a socket. What each says of itself stands there; what they have in common stands here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/device/device.h"
#include "host/liveupdate/live_update.h"
#include "pcie/command_line.h"
#include "pcie/instrument.h"

namespace holdover::host {

class System {
 public:
  System() = default;
  System(const System&) = delete;
  System& operator=(const System&) = delete;
  virtual ~System() = default;

  // Every function but bridges, in ascending order (/sys/bus/pci/devices).
  [[nodiscard]] virtual std::vector<pcie::Bdf> functions() = 0;
  // Those of them that a device file can be opened for.
  [[nodiscard]] virtual std::vector<pcie::Bdf> devices() = 0;
  // Throws Error{NotFound}, or Error{Refused} with EBUSY while the function is incoming or open.
  [[nodiscard]] virtual std::unique_ptr<Device> open_device(pcie::Bdf bdf) = 0;
  // Zeroed memory, size a multiple of the page size. Throws Error{Refused} with ENOMEM.
  [[nodiscard]] virtual std::unique_ptr<Memory> create_memory(Bytes size) = 0;
  [[nodiscard]] virtual std::unique_ptr<AddressSpace> create_address_space() = 0;
  // Opens /dev/liveupdate. Throws Error{Refused}: ENOENT (no such device: not enabled), EBUSY, EIO.
  [[nodiscard]] virtual std::unique_ptr<LiveUpdate> open_live_update() = 0;
  // kexec_file_load(): the kernel that kexec() enters, and its command line. A second call replaces the first. Throws
  // Error{Refused}: EINVAL where the command line is too long.
  virtual void load_kernel(const std::string& command_line) = 0;
  // The same for the kernel that a panic enters (KEXEC_FILE_ON_CRASH). Throws Error{Refused}: EADDRNOTAVAIL where no
  // memory was kept for it (crashkernel= on the command line).
  virtual void load_crash_kernel(const std::string& command_line) = 0;
  // reboot(LINUX_REBOOT_CMD_KEXEC). Leaves the stack by throwing KernelGone where the jump took place; throws
  // Error{Refused} where the kernel refused, and everything preserved is still preserved then.
  virtual void kexec() = 0;
  // A panic with a crash kernel loaded (echo c >/proc/sysrq-trigger): nothing is shut down and nothing handed over.
  // Leaves the stack by throwing KernelGone; throws Error{Refused} with EINVAL where no crash kernel is loaded.
  virtual void crash() = 0;
  // Configuration space by way of sysfs, whether or not a driver is bound: `size` 1, 2 or 4 bytes, naturally aligned.
  // Throws Error{NotFound} where there is no such function.
  virtual void write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) = 0;

  // sysfs `unbind` of the function's driver. Throws Error{Refused}: ENODEV where it has none, EBUSY while somebody
  // holds its device file (a real write would sleep until then).
  virtual void unbind_driver(pcie::Bdf function) = 0;
  // rmmod of the function's driver, which unbinds all of its functions. Throws Error{Refused}: ENODEV, EBUSY as above
  // for any of them.
  virtual void remove_driver(pcie::Bdf function) = 0;

  // A range of `size` bytes of IO virtual addresses that suits this system, never the same twice.
  [[nodiscard]] virtual Iova allocate_iova(Bytes size) = 0;
  // /proc/cmdline: «name=value», separated by blanks.
  [[nodiscard]] virtual std::string command_line() = 0;
  // Parameter of the command line («scenario=continuity» → parameter("scenario")), empty where there is none.
  [[nodiscard]] virtual std::string parameter(std::string_view name) {
    return command_line_value(command_line(), name);
  }
  // Whether this kernel was entered by a kexec.
  [[nodiscard]] virtual bool booted_by_kexec() = 0;

  // Monotonic time since some fixed moment (clock_gettime(CLOCK_MONOTONIC)).
  [[nodiscard]] virtual std::chrono::nanoseconds now() = 0;
  // Lets the device make progress.
  virtual void wait(std::chrono::nanoseconds duration) = 0;
  // What `device`, which is of this system, needs for a load(), by the clock of now(): in it whatever else passes on
  // that clock between the load's beginning and its value.
  [[nodiscard]] virtual std::chrono::nanoseconds time_load(Device& device, unsigned bar, Bytes offset, unsigned size) {
    const std::chrono::nanoseconds begin = now();
    (void)device.load(bar, offset, size);
    return now() - begin;
  }
  virtual void print(std::string_view line) = 0;
  virtual void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) = 0;
};

// Thrown through the caller of kexec() when the kernel is gone. Nothing may catch it but the image's entry point.
struct KernelGone {
  PhysicalAddress boot_parameters;
};

}  // namespace holdover::host
