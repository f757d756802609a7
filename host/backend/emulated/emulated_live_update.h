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
  // Owns the descriptor. `kernel` outlives it.
  EmulatedSession(kernel::Kernel& kernel, int descriptor) : kernel_(kernel), descriptor_(descriptor) {}
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
  int descriptor_;
};

class EmulatedLiveUpdate : public LiveUpdate {
 public:
  // Opens the device; throws as System::open_live_update(). `kernel` outlives it.
  explicit EmulatedLiveUpdate(kernel::Kernel& kernel);
  ~EmulatedLiveUpdate() override;

  [[nodiscard]] std::unique_ptr<Session> create_session(const std::string& name) override;
  [[nodiscard]] std::unique_ptr<Session> retrieve_session(const std::string& name) override;

 private:
  [[nodiscard]] std::unique_ptr<Session> open_session(std::uint32_t request, const std::string& name,
                                                      const std::string& call);

  kernel::Kernel& kernel_;
  int descriptor_ = -1;
};

}  // namespace holdover::host
