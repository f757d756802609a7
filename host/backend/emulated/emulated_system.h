// SPDX-License-Identifier: MIT
// The system calls of the emulated kernel as user space sees them.
#pragma once

#include <functional>
#include <utility>

#include "host/kernel/kernel.h"
#include "host/system.h"

namespace holdover::host {

class EmulatedSystem : public System {
 public:
  // `kernel` has booted, and outlives it. Once `stop` says so, wait() throws Error{Interrupted}; empty: nothing does.
  explicit EmulatedSystem(kernel::Kernel& kernel, std::function<bool()> stop = {})
      : kernel_(kernel), stop_(std::move(stop)) {}

  [[nodiscard]] std::vector<pcie::Bdf> functions() override { return kernel_.functions(); }
  [[nodiscard]] std::vector<pcie::Bdf> devices() override { return kernel_.vfio_devices(); }
  [[nodiscard]] std::unique_ptr<Device> open_device(pcie::Bdf bdf) override;
  [[nodiscard]] std::unique_ptr<Memory> create_memory(Bytes size) override;
  [[nodiscard]] std::unique_ptr<AddressSpace> create_address_space() override;
  [[nodiscard]] std::unique_ptr<LiveUpdate> open_live_update() override;
  void load_kernel(const std::string& command_line) override;
  void load_crash_kernel(const std::string& command_line) override;
  void kexec() override;
  void crash() override;
  void write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  void unbind_driver(pcie::Bdf function) override;
  void remove_driver(pcie::Bdf function) override;
  [[nodiscard]] Iova allocate_iova(Bytes size) override { return kernel_.allocate_iova(size); }
  [[nodiscard]] std::string command_line() override;
  [[nodiscard]] bool booted_by_kexec() override { return kernel_.booted_by_kexec(); }
  [[nodiscard]] std::chrono::nanoseconds now() override;
  void wait(std::chrono::nanoseconds duration) override;
  void print(std::string_view line) override { kernel_.print(line); }
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override {
    kernel_.platform().mark(phase, step, value);
  }

 private:
  kernel::Kernel& kernel_;
  std::function<bool()> stop_;
};

}  // namespace holdover::host
