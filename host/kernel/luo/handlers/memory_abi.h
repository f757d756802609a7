// SPDX-License-Identifier: MIT
// What the memfd handler leaves in DRAM (memfd-v2). A contract between kernel images of different versions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "host/kernel/kho/abi.h"

namespace holdover::host::kernel::memory_abi {

inline constexpr std::string_view kCompatible = "memfd-v2";

// Handle: physical address of this, in a page of its own.
struct MemorySer {
  std::uint64_t position;
  std::uint64_t size;  // bytes
  std::uint32_t seals;
  std::uint32_t flags;  // status flags
  std::uint64_t folio_count;
  kho_abi::VmallocSer folios;  // FolioSer[folio_count], ascending index; unused where the count is 0
};
static_assert(sizeof(MemorySer) == 48 && offsetof(MemorySer, seals) == 16 && offsetof(MemorySer, folio_count) == 24 &&
              offsetof(MemorySer, folios) == 32);

struct FolioSer {
  std::uint64_t frame_and_flags;  // page frame number in bits 51:0, flags in bits 63:52
  std::uint64_t index;            // of its first page in the file; what no folio covers is a hole
};
static_assert(sizeof(FolioSer) == 16 && offsetof(FolioSer, index) == 8);
inline constexpr std::uint64_t kFrameMask = (std::uint64_t{1} << 52) - 1;
inline constexpr std::uint64_t kFolioDirty = std::uint64_t{1} << 52;
inline constexpr std::uint64_t kFolioUptodate = std::uint64_t{1} << 53;

}  // namespace holdover::host::kernel::memory_abi
