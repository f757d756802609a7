// SPDX-License-Identifier: MIT
// A host of one program and one device: what stands behind a vfio-user server. Its live update is one of user space:
// kexec() puts another program in the place of this one by execve(), as VMMs do that update themselves, and the device
// runs on because its connection does.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/backend/iova_ranges.h"
#include "host/backend/vfio_user/sessions.h"
#include "host/system.h"

namespace holdover::host {

struct VfioUserOptions {
  std::string command_line;  // «scenario=continuity seed=1 …»
  // Descriptors of memory go to the server with mappings; without them it asks for every byte.
  bool pass_descriptors = true;
  // What kexec() does once everything is in the state: leaves the program, or throws. Nothing of the system reaches the
  // server any more. Where there is none, or it returns, KernelGone{PhysicalAddress{state}} is thrown for a caller that
  // builds the next system in this process.
  std::function<void(int state, const std::string& command_line)> jump;
  // Lines that are printed, and marks; both may be absent.
  std::function<void(std::string_view line)> print;
  std::function<void(pcie::Phase phase, pcie::Step step, std::uint64_t value)> mark;
  // Set from a signal handler: waits throw Error{Interrupted}. Null: nobody does. Outlives the system.
  const std::atomic<bool>* stop = nullptr;
};

// For VfioUserOptions::jump: execve() of this program with these arguments, in which «{}» stands for the state's
// descriptor. The next program begins with every signal blocked, so that none is lost between the handlers of the two.
// Throws Error{Refused} where that fails, and Error{Interrupted} where `stop` (null: nobody) is set by then.
[[nodiscard]] std::function<void(int, const std::string&)> exec_again(std::vector<std::string> arguments,
                                                                      const std::atomic<bool>* stop = nullptr);

class VfioUserSystem final : public System {
 public:
  // Connects. Throws as VfioUserConnection does.
  VfioUserSystem(const std::filesystem::path& socket, VfioUserOptions options);
  // What a predecessor left under this descriptor, which is closed. Its command line is in the state; that of `options`
  // is not used. Throws Error{Corrupt}.
  VfioUserSystem(int state, VfioUserOptions options);
  ~VfioUserSystem() override;

  [[nodiscard]] std::vector<pcie::Bdf> functions() override { return {bdf_}; }
  [[nodiscard]] std::vector<pcie::Bdf> devices() override { return {bdf_}; }
  [[nodiscard]] std::unique_ptr<Device> open_device(pcie::Bdf bdf) override;
  [[nodiscard]] std::unique_ptr<Memory> create_memory(Bytes size) override;
  [[nodiscard]] std::unique_ptr<AddressSpace> create_address_space() override;
  [[nodiscard]] std::unique_ptr<LiveUpdate> open_live_update() override;
  void load_kernel(const std::string& command_line) override;
  // There is none: EADDRNOTAVAIL, and EINVAL from crash().
  void load_crash_kernel(const std::string& command_line) override;
  void kexec() override;
  void crash() override;
  void write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  // No driver is bound on this side: ENODEV.
  void unbind_driver(pcie::Bdf function) override;
  void remove_driver(pcie::Bdf function) override;
  [[nodiscard]] Iova allocate_iova(Bytes size) override { return iovas_.take(size); }
  [[nodiscard]] std::string command_line() override { return options_.command_line; }
  [[nodiscard]] bool booted_by_kexec() override { return booted_by_kexec_; }
  // Time of the device, where the server tells it; CLOCK_MONOTONIC otherwise.
  [[nodiscard]] std::chrono::nanoseconds now() override;
  [[nodiscard]] bool has_device_time() const { return clock_region_ != 0; }
  void wait(std::chrono::nanoseconds duration) override;
  // Where the server tells the device's time, nothing but what the load takes of it: a server lets no time pass between
  // requests that are there at once (docs/vfio-user.md).
  [[nodiscard]] std::chrono::nanoseconds time_load(Device& device, unsigned bar, Bytes offset, unsigned size) override;
  void print(std::string_view line) override;
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override;

 private:
  void find_clock();
  // Everything that the next program is to know, in descriptors that it inherits. Nothing has changed where it throws.
  [[nodiscard]] FileDescriptor write_state(CarriedState& state);
  void end_what_is_not_preserved(const CarriedState& state);
  void check_function(pcie::Bdf bdf) const;

  VfioUserOptions options_;
  VfioUserEra era_;
  std::uint32_t clock_region_ = 0;  // 0: there is none
  pcie::Bdf bdf_;
  IovaRanges iovas_;
  bool booted_by_kexec_ = false;
  std::string next_command_line_;
  bool loaded_ = false;
  std::weak_ptr<DeviceFile> open_;
  SessionTable sessions_;
};

}  // namespace holdover::host
