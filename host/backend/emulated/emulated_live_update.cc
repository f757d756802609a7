// SPDX-License-Identifier: MIT
#include "host/backend/emulated/emulated_live_update.h"

#include <cerrno>

#include "host/backend/emulated/emulated_device.h"
#include "host/backend/emulated/emulated_memory.h"
#include "host/backend/emulated/refused.h"
#include "host/kernel/panic.h"

namespace holdover::host {
namespace {

// A kernel that panics runs nothing any more: what user space closes while the stack unwinds must not reach the
// hardware.
template <typename Call>
auto stopping_on_panic(kernel::Kernel& kernel, Call call) {
  try {
    return call();
  } catch (const kernel::Panic&) {
    kernel.stop();
    throw;
  }
}

kernel::KernelFile* file_of(File& file) {
  if (auto* memory = dynamic_cast<EmulatedMemory*>(&file)) return &memory->file();
  if (auto* space = dynamic_cast<EmulatedAddressSpace*>(&file)) return &space->file();
  if (auto* device = dynamic_cast<EmulatedDevice*>(&file)) return &device->file();
  return nullptr;
}

std::string with_token(const char* call, std::uint64_t token) { return call + std::to_string(token); }

}  // namespace

EmulatedSession::~EmulatedSession() {
  if (kernel_.stopped()) return;
  try {
    session_.close();
  } catch (const kernel::Panic& panic) {
    kernel_.panic(panic.what());
  }
}

void EmulatedSession::preserve(File& file, std::uint64_t token) {
  check_errno(stopping_on_panic(kernel_, [&] { return session_.preserve(file_of(file), token); }),
              with_token("to preserve a file under token ", token));
}

template <typename T>
kernel::FileReference<T> EmulatedSession::retrieve(std::uint64_t token) {
  kernel::KernelFile* file = nullptr;
  const std::string call = with_token("to retrieve the file under token ", token);
  check_errno(stopping_on_panic(kernel_, [&] { return session_.retrieve(token, file); }), call);
  auto* typed = dynamic_cast<T*>(file);
  if (typed == nullptr) check_errno(EINVAL, call);
  return kernel::FileReference<T>(*typed);
}

std::unique_ptr<Memory> EmulatedSession::retrieve_memory(std::uint64_t token) {
  return std::make_unique<EmulatedMemory>(retrieve<kernel::Memfd>(token));
}

std::unique_ptr<AddressSpace> EmulatedSession::retrieve_address_space(std::uint64_t token) {
  return std::make_unique<EmulatedAddressSpace>(retrieve<kernel::IommuDomain>(token));
}

std::unique_ptr<Device> EmulatedSession::retrieve_device(std::uint64_t token) {
  return std::make_unique<EmulatedDevice>(retrieve<kernel::VfioDevice>(token));
}

void EmulatedSession::finish() {
  check_errno(stopping_on_panic(kernel_, [&] { return session_.finish(); }), "to finish the session");
}

EmulatedLiveUpdate::EmulatedLiveUpdate(kernel::Kernel& kernel) : kernel_(kernel) {
  check_errno(stopping_on_panic(kernel_, [&] { return kernel_.live_update().luo().open(); }),
              "to open /dev/liveupdate");
}

EmulatedLiveUpdate::~EmulatedLiveUpdate() {
  if (!kernel_.stopped()) kernel_.live_update().luo().close();
}

std::unique_ptr<Session> EmulatedLiveUpdate::create_session(const std::string& name) {
  kernel::LuoSession* session = nullptr;
  check_errno(kernel_.live_update().luo().create_session(name, session), "to create the session «" + name + "»");
  return std::make_unique<EmulatedSession>(kernel_, *session);
}

std::unique_ptr<Session> EmulatedLiveUpdate::retrieve_session(const std::string& name) {
  kernel::LuoSession* session = nullptr;
  check_errno(kernel_.live_update().luo().retrieve_session(name, session), "to retrieve the session «" + name + "»");
  return std::make_unique<EmulatedSession>(kernel_, *session);
}

}  // namespace holdover::host
