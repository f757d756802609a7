// SPDX-License-Identifier: MIT
// /dev/liveupdate and its sessions (linux include/uapi/linux/liveupdate.h, 7.3), which the headers of older kernels
// lack: plain _IO numbers of type 0xBA, and arguments that begin with their own size.
#pragma once

#include <linux/ioctl.h>

#include <cstddef>
#include <cstdint>

namespace holdover::host::live_update_abi {

// On /dev/liveupdate.
inline constexpr unsigned long kCreateSession = _IO(0xBA, 0x00);
inline constexpr unsigned long kRetrieveSession = _IO(0xBA, 0x01);
// On a session.
inline constexpr unsigned long kPreserveFile = _IO(0xBA, 0x40);
inline constexpr unsigned long kRetrieveFile = _IO(0xBA, 0x41);
inline constexpr unsigned long kFinish = _IO(0xBA, 0x42);

// kCreateSession, kRetrieveSession
struct SessionArgument {
  std::uint32_t size = sizeof(SessionArgument);
  std::int32_t descriptor = -1;  // out
  char name[64] = {};            // 1 to 63 characters and a zero
};
static_assert(sizeof(SessionArgument) == 72 && offsetof(SessionArgument, name) == 8);

// kPreserveFile (descriptor in), kRetrieveFile (descriptor out)
struct FileArgument {
  std::uint32_t size = sizeof(FileArgument);
  std::int32_t descriptor = -1;
  std::uint64_t token = 0;
};
static_assert(sizeof(FileArgument) == 16 && offsetof(FileArgument, token) == 8);

struct FinishArgument {
  std::uint32_t size = sizeof(FinishArgument);
  std::uint32_t reserved = 0;
};
static_assert(sizeof(FinishArgument) == 8);

static_assert(kCreateSession == 0xBA00 && kFinish == 0xBA42);

}  // namespace holdover::host::live_update_abi
