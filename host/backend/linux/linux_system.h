// SPDX-License-Identifier: MIT
// The kernel that this process runs on, as the agent's System.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "host/backend/iova_ranges.h"
#include "host/backend/linux/device_files.h"
#include "host/backend/linux/kexec_image.h"
#include "host/backend/linux/small_file.h"
#include "host/system.h"

namespace holdover::host {

struct LinuxSystemOptions {
  KernelPaths paths{};
  // «name=value», separated by blanks: all that parameter() finds. A real kernel's command line says nothing of ours.
  std::string parameters{};
  // Of the next kernel. Without an image kexec() enters the one that somebody else has loaded; an empty command line
  // is that of the running kernel.
  KexecFiles next{};
  std::string next_command_line{};
  std::function<void(std::string_view)> print{};
  // Set from a signal handler: waits throw Error{Interrupted}. Null: nobody does. Outlives the system.
  const std::atomic<bool>* stop = nullptr;
};

class LinuxSystem final : public System {
 public:
  // `calls` and `devices` outlive it.
  LinuxSystem(SystemCalls& calls, DeviceFiles& devices, LinuxSystemOptions options)
      : calls_(calls), devices_(devices), options_(std::move(options)) {}

  [[nodiscard]] std::vector<pcie::Bdf> functions() override;
  [[nodiscard]] std::vector<pcie::Bdf> devices() override { return devices_.devices(); }
  [[nodiscard]] std::unique_ptr<Device> open_device(pcie::Bdf bdf) override { return devices_.open(bdf); }
  [[nodiscard]] std::unique_ptr<Memory> create_memory(Bytes size) override;
  [[nodiscard]] std::unique_ptr<AddressSpace> create_address_space() override {
    return devices_.create_address_space();
  }
  [[nodiscard]] std::unique_ptr<LiveUpdate> open_live_update() override;
  void load_kernel(const std::string& command_line) override;
  void load_crash_kernel(const std::string& command_line) override;
  // Writes dirty file systems back first. Does not return where the jump takes place.
  void kexec() override;
  // By way of /proc/sysrq-trigger.
  void crash() override;
  void write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  void unbind_driver(pcie::Bdf function) override;
  void remove_driver(pcie::Bdf function) override;
  // From 4 GiB on, where no platform keeps addresses for itself that an IOMMU of 39 bits reaches.
  [[nodiscard]] Iova allocate_iova(Bytes size) override { return iovas_.take(size); }
  // That of the next kernel where one is given, of the running one otherwise.
  [[nodiscard]] std::string command_line() override;
  // Of the options' parameters.
  [[nodiscard]] std::string parameter(std::string_view name) override {
    return command_line_value(options_.parameters, name);
  }
  // By the type of the boot loader, which is kexec's own (x86: /proc/sys/kernel/bootloader_type 0xd0 to 0xdf).
  [[nodiscard]] bool booted_by_kexec() override;
  [[nodiscard]] std::chrono::nanoseconds now() override { return calls_.now(); }
  // Short waits look at the clock all the time: a sleep would be longer than they are.
  void wait(std::chrono::nanoseconds duration) override;
  void print(std::string_view line) override;
  void mark(pcie::Phase, pcie::Step, std::uint64_t) override {}

 private:
  SystemCalls& calls_;
  DeviceFiles& devices_;
  LinuxSystemOptions options_;
  IovaRanges iovas_{Iova{std::uint64_t{4} << 30}};
};

}  // namespace holdover::host
