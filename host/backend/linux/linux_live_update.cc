// SPDX-License-Identifier: MIT
#include "host/backend/linux/linux_live_update.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "host/backend/linux/live_update_abi.h"
#include "host/backend/linux/memfd_memory.h"
#include "host/backend/refusal.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

namespace abi = live_update_abi;

constexpr char kPath[] = "/dev/liveupdate";

std::string_view way_out_of_open(int error) {
  switch (error) {
    case ENOENT:
      return "this kernel has no live update, or was not started with kho=on liveupdate=on";
    case EACCES:
    case EPERM:
      return "run it as root";
    case EBUSY:
      return "another process has it open, and it takes one at a time";
    case EIO:
      return "what the kernel before handed over could not be read, and only a reboot helps";
    default:
      return {};
  }
}

std::string_view way_out_of_preserve(int error) {
  switch (error) {
    case ENOENT:
      return "no driver of this kernel knows how to hand such a file over";
    case EBUSY:
      return "the file is preserved already";
    case EEXIST:
      return "the token is in use";
    default:
      return {};
  }
}

}  // namespace

void require_live_update_free(SystemCalls& calls) {
  const int file = calls.open(kPath, O_RDWR);
  if (file >= 0) {
    const Descriptor owner(calls, file);
  } else if (file == -EACCES || file == -EPERM || file == -EBUSY) {
    throw Error(ErrorCode::Unavailable, std::string(kPath) + " cannot be opened (" + errno_name(-file) + "); " +
                                            std::string(way_out_of_open(-file)));
  }
}

void LinuxSession::preserve(File& file, std::uint64_t token) {
  const auto* const opened = dynamic_cast<DescriptorFile*>(&file);
  abi::FileArgument argument;
  argument.descriptor = opened == nullptr ? -1 : opened->descriptor();
  argument.token = token;
  const int answer = calls_.ioctl(file_.number(), abi::kPreserveFile, bytes_of(argument));
  require(answer, "to preserve a file under token " + std::to_string(token), way_out_of_preserve(-answer));
}

Descriptor LinuxSession::retrieve(std::uint64_t token, const std::string& what) {
  const std::string call = "to retrieve " + what + " under token " + std::to_string(token);
  abi::FileArgument argument;
  argument.token = token;
  require(calls_.ioctl(file_.number(), abi::kRetrieveFile, bytes_of(argument)), call);
  if (argument.descriptor < 0) refuse(EBADF, call, "it gave no descriptor back");
  return {calls_, argument.descriptor};
}

std::unique_ptr<Memory> LinuxSession::retrieve_memory(std::uint64_t token) {
  return MemfdMemory::adopt(calls_, retrieve(token, "the memory"));
}

std::unique_ptr<AddressSpace> LinuxSession::retrieve_address_space(std::uint64_t token) {
  kept_.push_back(retrieve(token, "the address space"));
  refuse(EOPNOTSUPP, "the page table of token " + std::to_string(token),
         "its iommufd came back, and there is no call that finds the page table in it");
}

std::unique_ptr<Device> LinuxSession::retrieve_device(std::uint64_t token) {
  return devices_.adopt(retrieve(token, "the device"));
}

void LinuxSession::finish() {
  abi::FinishArgument argument;
  const int answer = calls_.ioctl(file_.number(), abi::kFinish, bytes_of(argument));
  require(answer, "to finish the session",
          answer == -EBUSY ? "a file of it was not retrieved, or its device not opened" : "");
}

LinuxLiveUpdate::LinuxLiveUpdate(SystemCalls& calls, DeviceFiles& devices) : calls_(calls), devices_(devices) {
  const int number = calls.open(kPath, O_RDWR);
  require(number, "to open " + std::string(kPath), way_out_of_open(-number));
  file_ = Descriptor(calls, number);
}

std::unique_ptr<Session> LinuxLiveUpdate::session(unsigned long request, const std::string& name,
                                                  const std::string& call) {
  abi::SessionArgument argument;
  // A name that fills the field leaves no room for its zero: the kernel refuses it.
  std::copy_n(name.begin(), std::min(name.size(), std::size(argument.name)), argument.name);
  require(calls_.ioctl(file_.number(), request, bytes_of(argument)), call);
  if (argument.descriptor < 0) refuse(EBADF, call, "it gave no descriptor back");
  return std::make_unique<LinuxSession>(calls_, devices_, Descriptor(calls_, argument.descriptor));
}

std::unique_ptr<Session> LinuxLiveUpdate::create_session(const std::string& name) {
  return session(abi::kCreateSession, name, "to create the session «" + name + "»");
}

std::unique_ptr<Session> LinuxLiveUpdate::retrieve_session(const std::string& name) {
  return session(abi::kRetrieveSession, name, "to retrieve the session «" + name + "»");
}

}  // namespace holdover::host
