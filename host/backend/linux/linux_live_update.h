// SPDX-License-Identifier: MIT
// /dev/liveupdate and its sessions over the ioctls of a real kernel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/backend/linux/descriptor.h"
#include "host/backend/linux/device_files.h"
#include "host/liveupdate/live_update.h"

namespace holdover::host {

// What stands in the way of whoever asks, and says nothing of the kernel: throws Error{Unavailable} where
// /dev/liveupdate is there and may not be opened, or somebody else has it. Nothing is left open.
void require_live_update_free(SystemCalls& calls);

class LinuxSession final : public Session {
 public:
  // `calls` and `devices` outlive it.
  LinuxSession(SystemCalls& calls, DeviceFiles& devices, Descriptor file)
      : calls_(calls), devices_(devices), file_(std::move(file)) {}

  // Files of this backend only: they have a descriptor.
  void preserve(File& file, std::uint64_t token) override;
  [[nodiscard]] std::unique_ptr<Memory> retrieve_memory(std::uint64_t token) override;
  // The kernel series that preserve an iommufd have no call yet that finds the page table of a token in it again: what
  // comes back is kept until the session is over, and Error{Refused} with EOPNOTSUPP says so.
  [[nodiscard]] std::unique_ptr<AddressSpace> retrieve_address_space(std::uint64_t token) override;
  [[nodiscard]] std::unique_ptr<Device> retrieve_device(std::uint64_t token) override;
  void finish() override;

 private:
  [[nodiscard]] Descriptor retrieve(std::uint64_t token, const std::string& what);

  SystemCalls& calls_;
  DeviceFiles& devices_;
  std::vector<Descriptor> kept_;
  Descriptor file_;
};

class LinuxLiveUpdate final : public LiveUpdate {
 public:
  // Opens /dev/liveupdate; throws as System::open_live_update(). `calls` and `devices` outlive it.
  LinuxLiveUpdate(SystemCalls& calls, DeviceFiles& devices);

  [[nodiscard]] std::unique_ptr<Session> create_session(const std::string& name) override;
  [[nodiscard]] std::unique_ptr<Session> retrieve_session(const std::string& name) override;

 private:
  [[nodiscard]] std::unique_ptr<Session> session(unsigned long request, const std::string& name,
                                                 const std::string& call);

  SystemCalls& calls_;
  DeviceFiles& devices_;
  Descriptor file_;
};

}  // namespace holdover::host
