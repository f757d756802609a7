// SPDX-License-Identifier: MIT
#include "host/kernel/luo/ioctl.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "host/kernel/errno.h"
#include "host/kernel/luo/uapi.h"

namespace holdover::host::kernel {
namespace {

using luo_uapi::FileArgument;
using luo_uapi::FinishArgument;
using luo_uapi::NameArgument;
using luo_uapi::SessionArgument;

class DeviceNode : public OpenFile<KernelFile> {
 public:
  explicit DeviceNode(Luo& luo) : luo_(luo) {}
  void release() override { luo_.close(); }

 private:
  Luo& luo_;
};

class SessionFile : public OpenFile<KernelFile> {
 public:
  explicit SessionFile(LuoSession& session) : session_(session) {}
  void release() override { session_.close(); }
  [[nodiscard]] LuoSession& session() { return session_; }

 private:
  LuoSession& session_;
};

// The kernel's copy of an argument, and where its answer goes.
struct Command {
  Luo& luo;
  FileTable& files;
  DescriptorTable& descriptors;
  LuoSession* session;  // null on the device node
  UserMemory user;
  std::array<std::byte, sizeof(SessionArgument)> copy;
  std::size_t size;  // of the kernel's struct

  template <typename Argument>
  [[nodiscard]] Argument argument() const {
    Argument argument;
    std::memcpy(&argument, copy.data(), sizeof(argument));
    return argument;
  }
  template <typename Argument>
  [[nodiscard]] int respond(const Argument& answer) {
    if (!user.writable) return EFAULT;
    std::memcpy(user.bytes.data(), &answer, std::min(sizeof(answer), std::size_t{answer.size}));
    return 0;
  }
  // Answers with a new descriptor of `file`.
  template <typename Argument>
  [[nodiscard]] int respond_with(KernelFile& file, Argument answer) {
    answer.fd = descriptors.install(file);
    const int error = respond(answer);
    if (error != 0) (void)descriptors.close(answer.fd);
    return error;
  }
};

// Nothing where no NUL stands in the field.
int name_of(const SessionArgument& argument, std::string& name) {
  const char* const end = std::find(argument.name, argument.name + luo_uapi::kNameBytes, '\0');
  if (end == argument.name + luo_uapi::kNameBytes) return EINVAL;
  name.assign(argument.name, end);
  return 0;
}

template <int (Luo::*Verb)(const std::string&, LuoSession*&)>
int open_session(Command& command) {
  const auto argument = command.argument<SessionArgument>();
  std::string name;
  if (const int error = name_of(argument, name); error != 0) return error;
  LuoSession* session = nullptr;
  if (const int error = (command.luo.*Verb)(name, session); error != 0) return error;
  return command.respond_with(command.files.add(std::make_unique<SessionFile>(*session)), argument);
}

int preserve_fd(Command& command) {
  const auto argument = command.argument<FileArgument>();
  if (const int error = command.session->preserve(command.descriptors.find(argument.fd), argument.token); error != 0) {
    return error;
  }
  return command.respond(argument);
}

int retrieve_fd(Command& command) {
  const auto argument = command.argument<FileArgument>();
  KernelFile* file = nullptr;
  if (const int error = command.session->retrieve(argument.token, file); error != 0) return error;
  return command.respond_with(*file, argument);
}

int finish(Command& command) {
  const auto argument = command.argument<FinishArgument>();
  if (argument.reserved != 0) return EINVAL;
  if (const int error = command.session->finish(); error != 0) return error;
  return command.respond(argument);
}

int get_name(Command& command) {
  auto argument = command.argument<NameArgument>();
  if (argument.reserved != 0) return EINVAL;
  if (command.luo.frozen()) return kNeverReturns;
  std::ranges::fill(argument.name, '\0');
  std::ranges::copy(command.session->name(), argument.name);
  return command.respond(argument);
}

struct Operation {
  std::uint32_t request;
  std::size_t size;
  int (*execute)(Command&);
};

constexpr std::array kDeviceOperations{
    Operation{luo_uapi::kCreateSession, sizeof(SessionArgument), open_session<&Luo::create_session>},
    Operation{luo_uapi::kRetrieveSession, sizeof(SessionArgument), open_session<&Luo::retrieve_session>},
};
constexpr std::array kSessionOperations{
    Operation{luo_uapi::kPreserveFd, sizeof(FileArgument), preserve_fd},
    Operation{luo_uapi::kRetrieveFd, sizeof(FileArgument), retrieve_fd},
    Operation{luo_uapi::kFinish, sizeof(FinishArgument), finish},
    Operation{luo_uapi::kGetName, sizeof(NameArgument), get_name},
};

// copy_struct_from_user(): `command.size` bytes, of which user space has `user_size`.
int copy_argument(Command& command, std::uint32_t user_size) {
  const std::span<std::byte> bytes = command.user.bytes;
  if (user_size > command.size) {
    // The tail is read byte by byte: what is not zero is seen before what is not mapped.
    const std::size_t readable = std::min(bytes.size(), std::size_t{user_size});
    for (std::size_t at = command.size; at < readable; ++at) {
      if (bytes[at] != std::byte{0}) return E2BIG;
    }
    if (readable < user_size) return EFAULT;
  }
  if (bytes.size() < command.size) return EFAULT;
  std::copy_n(bytes.begin(), command.size, command.copy.begin());
  return 0;
}

int run(std::span<const Operation> operations, std::uint32_t request, Command& command) {
  const auto of_number = [request](const Operation& operation) {
    return luo_uapi::number_of(operation.request) == luo_uapi::number_of(request);
  };
  const auto operation = std::find_if(operations.begin(), operations.end(), of_number);
  if (operation == operations.end()) return EINVAL;
  std::uint32_t user_size = 0;
  if (command.user.bytes.size() < sizeof(user_size)) return EFAULT;
  std::memcpy(&user_size, command.user.bytes.data(), sizeof(user_size));
  // ENOIOCTLCMD inside the kernel, which ioctl() turns into ENOTTY.
  if (operation->request != request) return ENOTTY;
  if (user_size < operation->size) return EINVAL;
  command.size = operation->size;
  if (const int error = copy_argument(command, user_size); error != 0) return error;
  return operation->execute(command);
}

}  // namespace

int LuoIoctl::open(int& descriptor) {
  if (const int error = luo_.open(); error != 0) return error;
  descriptor = descriptors_.install(files_.add(std::make_unique<DeviceNode>(luo_)));
  return 0;
}

int LuoIoctl::ioctl(int descriptor, std::uint32_t request, UserMemory argument) {
  KernelFile* const file = descriptors_.find(descriptor);
  if (file == nullptr) return EBADF;
  Command command{luo_, files_, descriptors_, nullptr, argument, {}, 0};
  if (auto* session = dynamic_cast<SessionFile*>(file)) {
    command.session = &session->session();
    return run(kSessionOperations, request, command);
  }
  if (dynamic_cast<DeviceNode*>(file) == nullptr) return ENOTTY;
  return run(kDeviceOperations, request, command);
}

int LuoIoctl::close(int descriptor) {
  if (luo_.frozen() && dynamic_cast<SessionFile*>(descriptors_.find(descriptor)) != nullptr) return kNeverReturns;
  return descriptors_.close(descriptor);
}

}  // namespace holdover::host::kernel
