// SPDX-License-Identifier: MIT
// The ioctl interface of /dev/liveupdate and of session descriptors (linux include/uapi/linux/liveupdate.h): plain _IO
// numbers of type 0xBA; each argument begins with its own size.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdover::host::kernel::luo_uapi {

inline constexpr std::uint32_t kType = 0xBA;
[[nodiscard]] constexpr std::uint32_t request(std::uint32_t number) { return kType << 8 | number; }
[[nodiscard]] constexpr std::uint32_t number_of(std::uint32_t request) { return request & 0xff; }

// On /dev/liveupdate.
inline constexpr std::uint32_t kCreateSession = request(0x00);
inline constexpr std::uint32_t kRetrieveSession = request(0x01);
// On a session.
inline constexpr std::uint32_t kPreserveFd = request(0x40);
inline constexpr std::uint32_t kRetrieveFd = request(0x41);
inline constexpr std::uint32_t kFinish = request(0x42);
inline constexpr std::uint32_t kGetName = request(0x43);

inline constexpr std::size_t kNameBytes = 64;  // NUL-terminated: 1 to 63 characters

// kCreateSession, kRetrieveSession
struct SessionArgument {
  std::uint32_t size;
  std::int32_t fd;  // out
  char name[kNameBytes];
};
static_assert(sizeof(SessionArgument) == 72 && offsetof(SessionArgument, fd) == 4 &&
              offsetof(SessionArgument, name) == 8);

// kPreserveFd (fd in), kRetrieveFd (fd out)
struct FileArgument {
  std::uint32_t size;
  std::int32_t fd;
  std::uint64_t token;
};
static_assert(sizeof(FileArgument) == 16 && offsetof(FileArgument, fd) == 4 && offsetof(FileArgument, token) == 8);

// kFinish
struct FinishArgument {
  std::uint32_t size;
  std::uint32_t reserved;  // 0
};
static_assert(sizeof(FinishArgument) == 8 && offsetof(FinishArgument, reserved) == 4);

// kGetName
struct NameArgument {
  std::uint32_t size;
  std::uint32_t reserved;  // 0
  char name[kNameBytes];   // out
};
static_assert(sizeof(NameArgument) == 72 && offsetof(NameArgument, reserved) == 4 && offsetof(NameArgument, name) == 8);

}  // namespace holdover::host::kernel::luo_uapi
