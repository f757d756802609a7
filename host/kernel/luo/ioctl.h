// SPDX-License-Identifier: MIT
// LUO as user space reaches it: descriptors, request numbers, and the bytes of arguments. Layouts: luo/uapi.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "host/kernel/descriptor_table.h"
#include "host/kernel/file.h"
#include "host/kernel/luo/luo.h"

namespace holdover::host::kernel {

// What an argument points to: the memory of the process from that address to the end of its mapping; empty for an
// address that is not mapped.
struct UserMemory {
  std::span<std::byte> bytes;
  bool writable = true;
};

class LuoIoctl {
 public:
  // All outlive it.
  LuoIoctl(Luo& luo, FileTable& files, DescriptorTable& descriptors)
      : luo_(luo), files_(files), descriptors_(descriptors) {}

  // open("/dev/liveupdate"): the errors of Luo::open().
  [[nodiscard]] int open(int& descriptor);

  // In this order: EBADF: no such descriptor; ENOTTY: of another file; EINVAL: no such number; EFAULT: the size cannot
  // be read; ENOTTY: the number with another encoding; EINVAL: size too small; E2BIG: larger, with a tail that is not
  // zero; EFAULT: the rest cannot be read; EINVAL: reserved field, direction of the session; then the errors of the
  // verb; EFAULT: the answer cannot be written, what was opened is closed again. kNeverReturns after a successful
  // Luo::freeze().
  [[nodiscard]] int ioctl(int descriptor, std::uint32_t request, UserMemory argument);

  // close(): EBADF; kNeverReturns for a session after a successful Luo::freeze().
  [[nodiscard]] int close(int descriptor);

 private:
  Luo& luo_;
  FileTable& files_;
  DescriptorTable& descriptors_;
};

}  // namespace holdover::host::kernel
