// SPDX-License-Identifier: MIT
// What a kernel with a board in it was recorded to answer to VFIO, in pieces that tests put together.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "host/backend/vfio/vfio_abi.h"
#include "tests/unit/backend/scripted_system_calls.h"

namespace holdover::testing {

namespace abi = host::vfio_abi;

inline constexpr char kFunction[] = "/sys/bus/pci/devices/0000:01:00.0";
inline constexpr std::uint64_t kBar0Bytes = 0x10000;

class VfioScript : public ScriptedSystemCalls {
 public:
  void expect_driver(const std::string& driver) {
    expect(std::string("readlink ") + kFunction + "/driver", 0, {}, recorded("../../../../bus/pci/drivers/" + driver));
  }
  void expect_no_link(const std::string& name) { expect(std::string("readlink ") + kFunction + "/" + name, -ENOENT); }
  void expect_list(const std::string& path, const std::string& names) {
    expect("list " + path, 0, {}, recorded(names));
  }

  // Device file 6 behind iommufd 5.
  void expect_file_door() {
    expect_driver("vfio-pci");
    expect_list(std::string(kFunction) + "/vfio-dev", "vfio3\n");
    expect("open /dev/iommu", 5);
    expect("open /dev/vfio/devices/vfio3", 6);
    expect_bind(6, 5);
  }
  void expect_bind(int device, int iommufd, std::int64_t answer = 0) {
    abi::BindIommufd in;
    in.iommufd = iommufd;
    abi::BindIommufd out = in;
    out.device_id = 9;
    expect_ioctl(device, abi::kBindIommufd, in, answer, out);
  }

  // Group file 4, container 5, device file 6.
  void expect_group_open(std::uint32_t flags) {
    expect(std::string("readlink ") + kFunction + "/iommu_group", 0, {}, recorded("../../../kernel/iommu_groups/17"));
    expect("open /dev/vfio/17", 4);
    vfio_group_status in{};
    in.argsz = sizeof in;
    vfio_group_status out = in;
    out.flags = flags;
    expect_ioctl(4, VFIO_GROUP_GET_STATUS, in, 0, out);
  }
  void expect_container(std::int64_t set_iommu = 0) {
    expect("open /dev/vfio/vfio", 5);
    expect_ioctl_number(5, VFIO_GET_API_VERSION, 0, VFIO_API_VERSION);
    expect_ioctl_number(5, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU, 1);
    expect_ioctl(4, VFIO_GROUP_SET_CONTAINER, int{5});
    expect_ioctl_number(5, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU, set_iommu);
  }
  void expect_device_of_group(std::int64_t answer = 6) {
    std::array<char, 16> name{};
    const std::string text = "0000:01:00.0";
    std::copy(text.begin(), text.end(), name.begin());
    expect_ioctl(4, VFIO_GROUP_GET_DEVICE_FD, name, answer, name);
  }

  // What the constructor of a device asks for. BAR 0: 64 KiB, of which all but the page of the MSI-X table can be
  // mapped; `memory` stands in for what lies behind it. No other BAR.
  void expect_regions(std::span<std::byte> memory) {
    vfio_device_info in{};
    in.argsz = sizeof in;
    vfio_device_info out = in;
    out.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
    out.num_regions = 9;
    out.num_irqs = 5;
    expect_ioctl(6, VFIO_DEVICE_GET_INFO, in, 0, out);
    expect_region(VFIO_PCI_CONFIG_REGION_INDEX, 4096, {});
    expect_region(VFIO_PCI_BAR0_REGION_INDEX, kBar0Bytes, {{0, 0x8000}, {0x9000, 0x7000}});
    const auto address = [&](std::uint64_t offset) { return reinterpret_cast<std::int64_t>(memory.data() + offset); };
    expect("mmap 6 0 32768", memory.empty() ? -EINVAL : address(0));
    expect("mmap 6 36864 28672", memory.empty() ? -EINVAL : address(0x9000));
    for (unsigned bar = 1; bar < 6; ++bar) expect_region(VFIO_PCI_BAR0_REGION_INDEX + bar, 0, {});
  }
  void expect_region(std::uint32_t index, std::uint64_t size,
                     const std::vector<std::pair<std::uint64_t, std::uint64_t>>& areas) {
    Recorded in(512);
    vfio_region_info info{};
    info.argsz = 512;
    info.index = index;
    std::memcpy(in.data(), &info, sizeof info);
    Recorded out = in;
    info.size = size;
    info.offset = std::uint64_t{index} << 40;
    if (!areas.empty()) {
      info.offset = 0;
      info.flags = VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
      info.cap_offset = sizeof info;
      abi::SparseMmap list;
      list.header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
      list.header.version = 1;
      list.areas = static_cast<std::uint32_t>(areas.size());
      std::memcpy(out.data() + sizeof info, &list, sizeof list);
      for (std::size_t i = 0; i < areas.size(); ++i) {
        const vfio_region_sparse_mmap_area area{areas[i].first, areas[i].second};
        std::memcpy(out.data() + sizeof info + sizeof list + i * sizeof area, &area, sizeof area);
      }
    }
    std::memcpy(out.data(), &info, sizeof info);
    expect("ioctl 6 0x3b6c", 0, in, out);
  }
  void expect_regions_gone(bool mapped) {
    if (!mapped) return;
    expect("munmap 32768", 0);
    expect("munmap 28672", 0);
  }
};

}  // namespace holdover::testing
