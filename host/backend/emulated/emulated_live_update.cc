// SPDX-License-Identifier: MIT
#include "host/backend/emulated/emulated_live_update.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include "host/backend/emulated/emulated_device.h"
#include "host/backend/emulated/emulated_memory.h"
#include "host/backend/emulated/refused.h"
#include "host/kernel/luo/uapi.h"
#include "host/kernel/panic.h"

namespace holdover::host {
namespace {

namespace luo_uapi = kernel::luo_uapi;

// A kernel that panics says so and runs nothing any more: what user space closes while the stack unwinds must not reach
// the hardware.
template <typename Call>
auto stopping_on_panic(kernel::Kernel& kernel, Call call) {
  try {
    return call();
  } catch (const kernel::Panic& panic) {
    kernel.panic(panic.what());
    throw;
  }
}

kernel::KernelFile* file_of(File& file) {
  if (auto* memory = dynamic_cast<EmulatedMemory*>(&file)) return &memory->file();
  if (auto* space = dynamic_cast<EmulatedAddressSpace*>(&file)) return &space->file();
  if (auto* device = dynamic_cast<EmulatedDevice*>(&file)) return &device->file();
  return nullptr;
}

template <typename Argument>
int ioctl(kernel::Kernel& kernel, int descriptor, std::uint32_t request, Argument& argument) {
  argument.size = sizeof(argument);
  const kernel::UserMemory memory{std::as_writable_bytes(std::span(&argument, 1))};
  return stopping_on_panic(kernel, [&] { return kernel.luo_ioctl().ioctl(descriptor, request, memory); });
}

// A kernel that is gone closes nothing; one that is on its way to the next never comes back from this.
void close_descriptor(kernel::Kernel& kernel, int descriptor) {
  if (kernel.stopped()) return;
  try {
    (void)kernel.luo_ioctl().close(descriptor);
  } catch (const kernel::Panic& panic) {
    kernel.panic(panic.what());
  }
}

std::string with_token(const char* call, std::uint64_t token) { return call + std::to_string(token); }

}  // namespace

EmulatedSession::~EmulatedSession() { close_descriptor(kernel_, descriptor_); }

void EmulatedSession::preserve(File& file, std::uint64_t token) {
  kernel::KernelFile* const opened = file_of(file);
  luo_uapi::FileArgument argument{};
  argument.fd = opened == nullptr ? -1 : kernel_.descriptors().install(*opened);
  argument.token = token;
  const int error = ioctl(kernel_, descriptor_, luo_uapi::kPreserveFd, argument);
  if (opened != nullptr) (void)kernel_.descriptors().close(argument.fd);
  check_answer(error, with_token("to preserve a file under token ", token));
}

template <typename T>
kernel::FileReference<T> EmulatedSession::retrieve(std::uint64_t token) {
  const std::string call = with_token("to retrieve the file under token ", token);
  luo_uapi::FileArgument argument{};
  argument.token = token;
  check_answer(ioctl(kernel_, descriptor_, luo_uapi::kRetrieveFd, argument), call);
  auto* typed = dynamic_cast<T*>(kernel_.descriptors().find(argument.fd));
  kernel::FileReference<T> reference = typed == nullptr ? kernel::FileReference<T>() : kernel::FileReference<T>(*typed);
  (void)kernel_.descriptors().close(argument.fd);
  check_answer(typed == nullptr ? EINVAL : 0, call);
  return reference;
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
  luo_uapi::FinishArgument argument{};
  check_answer(ioctl(kernel_, descriptor_, luo_uapi::kFinish, argument), "to finish the session");
}

EmulatedLiveUpdate::EmulatedLiveUpdate(kernel::Kernel& kernel) : kernel_(kernel) {
  check_answer(stopping_on_panic(kernel_, [&] { return kernel_.luo_ioctl().open(descriptor_); }),
               "to open /dev/liveupdate");
}

EmulatedLiveUpdate::~EmulatedLiveUpdate() { close_descriptor(kernel_, descriptor_); }

std::unique_ptr<Session> EmulatedLiveUpdate::open_session(std::uint32_t request, const std::string& name,
                                                          const std::string& call) {
  luo_uapi::SessionArgument argument{};
  // A name that fills the field leaves no room for its NUL: the kernel refuses it.
  std::copy_n(name.begin(), std::min(name.size(), luo_uapi::kNameBytes), argument.name);
  check_answer(ioctl(kernel_, descriptor_, request, argument), call);
  return std::make_unique<EmulatedSession>(kernel_, argument.fd);
}

std::unique_ptr<Session> EmulatedLiveUpdate::create_session(const std::string& name) {
  return open_session(luo_uapi::kCreateSession, name, "to create the session «" + name + "»");
}

std::unique_ptr<Session> EmulatedLiveUpdate::retrieve_session(const std::string& name) {
  return open_session(luo_uapi::kRetrieveSession, name, "to retrieve the session «" + name + "»");
}

}  // namespace holdover::host
