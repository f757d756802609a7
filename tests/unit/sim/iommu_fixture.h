// SPDX-License-Identifier: MIT
// An IOMMU over translation structures in memory.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/iommu.h"

namespace holdover::sim {

inline constexpr pcie::RequesterId kFunction = 0x0100;  // 01:00.0
inline constexpr std::uint64_t kReadWrite = 3;
inline constexpr PhysicalAddress kRoot{0x1000};
inline constexpr PhysicalAddress kContexts{0x2000};
inline constexpr PhysicalAddress kLevel4{0x3000};
inline constexpr PhysicalAddress kLevel3{0x4000};
inline constexpr PhysicalAddress kLevel2{0x5000};
inline constexpr PhysicalAddress kLevel1{0x6000};
inline constexpr PhysicalAddress kOtherRoot{0x7000};
inline constexpr PhysicalAddress kContextEntry = kContexts;  // of devfn 0

// A unit over tables that map page 0x10 + n to page 0x40 + n for eight pages of function 01:00.0, domain 5.
class IommuTest : public ::testing::Test {
 protected:
  struct Fault {
    Iova iova;
    bool write;
    std::string reason;
  };

  IommuTest()
      : iommu_(memory_, [this](Time, pcie::RequesterId, Iova iova, bool write, std::string_view reason) {
          faults_.push_back(Fault{iova, write, std::string{reason}});
        }) {
    put(kRoot + Bytes{16}, kContexts.raw() | 1);  // bus 1
    put(kContextEntry, kLevel4.raw() | 1);
    put(kContextEntry + Bytes{8}, (5u << 8) | 2);
    put(kLevel4, kLevel3.raw() | kReadWrite);
    put(kLevel3, kLevel2.raw() | kReadWrite);
    put(kLevel2, kLevel1.raw() | kReadWrite);
    for (std::uint64_t page = 0; page < 8; ++page) map(0x10 + page, 0x40 + page, kReadWrite);
  }

  void put(PhysicalAddress where, std::uint64_t word) {
    std::byte bytes[8];
    for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(word >> (8 * i));
    ASSERT_TRUE(memory_.write(where, bytes));
  }
  void map(std::uint64_t iova_page, std::uint64_t page, std::uint64_t permission) {
    put(kLevel1 + Bytes{iova_page * 8}, (page << 12) | permission);
  }
  void command(std::uint32_t bit) {
    const auto status = static_cast<std::uint32_t>(iommu_.read_register(0x1c, 4));
    iommu_.write_register(0x18, 4, (status & 0x96ff'ffff) | bit);
  }
  void enable() {
    iommu_.write_register(0x20, 8, kRoot.raw());
    command(1u << 30);
    command(1u << 31);
  }
  [[nodiscard]] Translation look(std::uint64_t iova, bool write = false) {
    return iommu_.translate(Time{1}, kFunction, Iova{iova}, write);
  }
  void invalidate_pages(std::uint64_t command_bits, std::uint64_t address = 0) {
    iommu_.write_register(0x100, 8, address);
    iommu_.write_register(0x108, 8, (std::uint64_t{1} << 63) | command_bits);
  }
  void invalidate_contexts(std::uint64_t command_bits) {
    iommu_.write_register(0x28, 8, (std::uint64_t{1} << 63) | command_bits);
  }

  HostMemory memory_{1_MiB};
  std::vector<Fault> faults_;
  Iommu iommu_;
};

}  // namespace holdover::sim
