// SPDX-License-Identifier: MIT
// /dev/liveupdate and its sessions over LUO of the emulated kernel.
#pragma once

#include <memory>
#include <string>

#include "host/kernel/kernel.h"
#include "host/liveupdate/live_update.h"

namespace holdover::host {

class EmulatedSession : public Session {
 public:
  // `kernel` outlives it; so does whoever opened /dev/liveupdate.
  EmulatedSession(kernel::Kernel& kernel, kernel::LuoSession& session) : kernel_(kernel), session_(session) {}
  ~EmulatedSession() override;

  void preserve(File& file, std::uint64_t token) override;
  [[nodiscard]] std::unique_ptr<Memory> retrieve_memory(std::uint64_t token) override;
  [[nodiscard]] std::unique_ptr<AddressSpace> retrieve_address_space(std::uint64_t token) override;
  [[nodiscard]] std::unique_ptr<Device> retrieve_device(std::uint64_t token) override;
  void finish() override;

 private:
  // The kernel's file under `token`. EINVAL where it is of another type.
  template <typename T>
  [[nodiscard]] kernel::FileReference<T> retrieve(std::uint64_t token);

  kernel::Kernel& kernel_;
  kernel::LuoSession& session_;
};

class EmulatedLiveUpdate : public LiveUpdate {
 public:
  // Opens the device; throws as System::open_live_update(). `kernel` outlives it.
  explicit EmulatedLiveUpdate(kernel::Kernel& kernel);
  ~EmulatedLiveUpdate() override;

  [[nodiscard]] std::unique_ptr<Session> create_session(const std::string& name) override;
  [[nodiscard]] std::unique_ptr<Session> retrieve_session(const std::string& name) override;

 private:
  kernel::Kernel& kernel_;
};

}  // namespace holdover::host
