// SPDX-License-Identifier: MIT
// What the Live Update Orchestrator leaves in DRAM (luo-v5), found through the KHO subtree «LUO». A contract between
// kernel images of different versions: a changed layout changes the compatible string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdover::host::kernel::luo_abi {

inline constexpr const char* kSubtree = "LUO";
inline constexpr std::string_view kCompatible = "luo-v5";
inline constexpr std::size_t kNameBytes = 64;        // session names, NUL-terminated
inline constexpr std::size_t kCompatibleBytes = 48;  // compatible strings of handlers and FLBs, NUL-terminated
inline constexpr std::uint64_t kMaxFlbs = 63;

struct LuoSer {
  char compatible[8];
  std::uint64_t liveupdate_num;  // 1 at the first live update after a cold boot
  std::uint64_t sessions;        // block chain of SessionSer; 0: none
  std::uint64_t flbs;            // one page: FlbHeader and FlbSer[count]; 0: none
};
static_assert(sizeof(LuoSer) == 32 && offsetof(LuoSer, flbs) == 24);

struct SessionSer {
  char name[kNameBytes];
  std::uint64_t files;  // block chain of FileSer; 0: none
  std::uint64_t count;  // entries in that chain
};
static_assert(sizeof(SessionSer) == 80 && offsetof(SessionSer, files) == 64);

struct FileSer {
  char compatible[kCompatibleBytes];
  std::uint64_t handle;  // of the handler; usually a physical address
  std::uint64_t token;   // of user space
};
static_assert(sizeof(FileSer) == 64 && offsetof(FileSer, token) == 56);

struct FlbHeader {
  std::uint64_t pages;  // 1
  std::uint64_t count;  // 1..63
};
static_assert(sizeof(FlbHeader) == 16);

struct FlbSer {
  char name[kCompatibleBytes];
  std::uint64_t data;
  std::uint64_t count;  // files that depend on it
};
static_assert(sizeof(FlbSer) == 64 && offsetof(FlbSer, data) == 48);

}  // namespace holdover::host::kernel::luo_abi
