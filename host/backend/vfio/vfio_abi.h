// SPDX-License-Identifier: MIT
// VFIO and iommufd as user space calls them: linux/vfio.h, and what the headers of older kernels lack of it and of
// linux/iommufd.h.
#pragma once

#include <linux/vfio.h>

#include <cstddef>
#include <cstdint>

namespace holdover::host::vfio_abi {

// Of a device file in /dev/vfio/devices (Linux 6.6).
inline constexpr unsigned long kBindIommufd = _IO(VFIO_TYPE, VFIO_BASE + 18);
inline constexpr unsigned long kAttachPageTable = _IO(VFIO_TYPE, VFIO_BASE + 19);

struct BindIommufd {
  std::uint32_t argsz = sizeof(BindIommufd);
  std::uint32_t flags = 0;
  std::int32_t iommufd = -1;
  std::uint32_t device_id = 0;  // out
};
static_assert(sizeof(BindIommufd) == 16);

struct AttachPageTable {
  std::uint32_t argsz = sizeof(AttachPageTable);
  std::uint32_t flags = 0;
  std::uint32_t page_table = 0;  // of an IOAS or a HWPT; out: the HWPT
};
static_assert(sizeof(AttachPageTable) == 12);

// The heads of two answers, without the arrays behind them.
struct HotResetInfo {
  std::uint32_t argsz = 0;
  std::uint32_t flags = 0;
  std::uint32_t count = 0;  // out: of vfio_pci_dependent_device
};
static_assert(sizeof(HotResetInfo) == sizeof(vfio_pci_hot_reset_info));

struct SparseMmap {
  vfio_info_cap_header header{};
  std::uint32_t areas = 0;  // of vfio_region_sparse_mmap_area
  std::uint32_t reserved = 0;
};
static_assert(sizeof(SparseMmap) == sizeof(vfio_region_info_cap_sparse_mmap));

// Of /dev/iommu (Linux 6.2).
inline constexpr unsigned long kIoasAlloc = _IO(VFIO_TYPE, 0x81);
inline constexpr unsigned long kIoasMap = _IO(VFIO_TYPE, 0x85);
inline constexpr unsigned long kIoasUnmap = _IO(VFIO_TYPE, 0x86);
inline constexpr unsigned long kHwptAlloc = _IO(VFIO_TYPE, 0x89);
inline constexpr unsigned long kIoasMapFile = _IO(VFIO_TYPE, 0x8f);  // Linux 6.13
// Announced by the series «iommu: live update», not merged: the number may still change.
inline constexpr unsigned long kHwptPreserve = _IO(VFIO_TYPE, 0x95);
static_assert(kIoasAlloc == 0x3b81 && kBindIommufd == 0x3b76);

struct IoasAlloc {
  std::uint32_t size = sizeof(IoasAlloc);
  std::uint32_t flags = 0;
  std::uint32_t ioas = 0;  // out
};
static_assert(sizeof(IoasAlloc) == 12);

inline constexpr std::uint32_t kMapFixed = 1u << 0;
inline constexpr std::uint32_t kMapWriteable = 1u << 1;
inline constexpr std::uint32_t kMapReadable = 1u << 2;

struct IoasMap {
  std::uint32_t size = sizeof(IoasMap);
  std::uint32_t flags = kMapFixed;
  std::uint32_t ioas = 0;
  std::uint32_t reserved = 0;
  std::uint64_t address = 0;  // of this process
  std::uint64_t length = 0;
  std::uint64_t iova = 0;
};
static_assert(sizeof(IoasMap) == 40 && offsetof(IoasMap, iova) == 32);

struct IoasMapFile {
  std::uint32_t size = sizeof(IoasMapFile);
  std::uint32_t flags = kMapFixed;
  std::uint32_t ioas = 0;
  std::int32_t file = -1;
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  std::uint64_t iova = 0;
};
static_assert(sizeof(IoasMapFile) == 40 && offsetof(IoasMapFile, iova) == 32);

struct IoasUnmap {
  std::uint32_t size = sizeof(IoasUnmap);
  std::uint32_t ioas = 0;
  std::uint64_t iova = 0;
  std::uint64_t length = 0;
};
static_assert(sizeof(IoasUnmap) == 24);

// The first version of it: shorter is accepted.
struct HwptAlloc {
  std::uint32_t size = sizeof(HwptAlloc);
  std::uint32_t flags = 0;
  std::uint32_t device_id = 0;
  std::uint32_t page_table = 0;  // of an IOAS
  std::uint32_t hwpt = 0;        // out
  std::uint32_t reserved = 0;
};
static_assert(sizeof(HwptAlloc) == 24);

struct HwptPreserve {
  std::uint32_t size = sizeof(HwptPreserve);
  std::uint32_t hwpt = 0;
  std::uint32_t token = 0;
};
static_assert(sizeof(HwptPreserve) == 12);

}  // namespace holdover::host::vfio_abi
