// SPDX-License-Identifier: MIT
// The memory ledger knows who owns a page before and after the jump, and what each byte must be.
#include "bench/ledger/memory_ledger.h"

#include <cstddef>

#include "host/kernel/boot_parameters.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

using host::kernel::PageState;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPages = 16;
constexpr std::uint64_t kOldParameters = 1;
constexpr std::uint64_t kOldMap = 2;
constexpr std::uint64_t kNewParameters = 3;

class Memory : public BenchScene {
 protected:
  Memory() : dram(kPages * kPage), ledger(scene, evidence, dram) {
    set_map(kOldParameters, kOldMap);
    ledger.enter_kernel(PhysicalAddress{kOldParameters * kPage});
    set_state(8, PageState::Dma);
    set_state(9, PageState::Kernel);
  }

  void set_map(std::uint64_t parameters, std::uint64_t map) {
    const std::uint64_t address = map * kPage;
    std::memcpy(dram.data() + parameters * kPage + offsetof(host::kernel::BootParameters, page_map), &address, 8);
  }
  void set_state(std::uint64_t page, PageState state) { dram[kOldMap * kPage + page] = static_cast<std::byte>(state); }
  void access(bool write, std::uint64_t address, std::vector<std::byte> bytes, bool reaches = true) {
    sim::MemoryAccess access;
    access.time = us(5);
    access.write = write;
    access.iova = Iova{0x77'0000 + address};
    access.address = PhysicalAddress{address};
    access.data = bytes;
    if (write && reaches) std::copy(bytes.begin(), bytes.end(), dram.begin() + static_cast<std::ptrdiff_t>(address));
    ledger.on_access(access, enabled_run(access));
  }
  void jump(std::uint64_t preserved_page) {
    scene.on_jump(us(6));
    std::vector<bool> preserved(kPages);
    preserved[preserved_page] = true;
    ledger.on_jump(us(6), preserved);
    ledger.enter_kernel(PhysicalAddress{kNewParameters * kPage});
  }

  std::vector<std::byte> dram;
  MemoryLedger ledger;
};

const std::vector<std::byte> kBytes(64, std::byte{0x5a});

TEST_F(Memory, DeviceMemoryMayBeUsedAndIsCompared) {
  access(true, 8 * kPage + 100, kBytes);
  access(false, 8 * kPage, kBytes);
  ledger.compare(us(9), "now");
  EXPECT_EQ(count(Check::Memory), 0u) << first(Check::Memory);
  EXPECT_EQ(ledger.bytes_compared(), 64u);
}

TEST_F(Memory, AnAccessToAPageOfTheKernelIsNamed) {
  access(true, 9 * kPage, kBytes);
  EXPECT_EQ(first(Check::Memory),
            "endpoint 0 wrote physical page 0x9000 (IOVA 0x779000), which it does not own: kernel memory");
}

TEST_F(Memory, AChangedByteIsFound) {
  access(true, 8 * kPage, kBytes);
  dram[8 * kPage + 7] = std::byte{0};
  ledger.compare(us(9), "when traffic had stopped");
  EXPECT_EQ(first(Check::Memory), "byte at physical 0x8007 is 0x00 when traffic had stopped; endpoint 0 wrote 0x5a");
}

TEST_F(Memory, AWriteThatNeverReachedMemoryIsFound) {
  access(true, 8 * kPage, kBytes, false);
  ledger.compare(us(9), "now");
  EXPECT_EQ(count(Check::Memory), 1u);
}

TEST_F(Memory, AfterTheJumpOnlyPreservedPagesAreTheDevices) {
  set_state(10, PageState::Dma);
  jump(8);
  access(true, 8 * kPage, kBytes);
  EXPECT_EQ(count(Check::Memory), 0u) << first(Check::Memory);
  access(true, 10 * kPage, kBytes);
  EXPECT_EQ(cause(Check::Memory), "page 0xa000 was not in the KHO tree that kernel A handed over at 6.000 us");
}

TEST_F(Memory, TheNewKernelsMapGivesPagesToDevicesAgain) {
  jump(8);
  set_map(kNewParameters, kOldMap);  // the new kernel's map, which happens to lie where the old one did
  set_state(12, PageState::Dma);
  access(true, 12 * kPage, kBytes);
  EXPECT_EQ(count(Check::Memory), 0u) << first(Check::Memory);
}

TEST_F(Memory, FreePagesAreThoseOfTheRunningKernel) {
  for (std::uint64_t page = 0; page < kPages; ++page) set_state(page, PageState::Kernel);
  set_state(14, PageState::Free);
  EXPECT_EQ(ledger.free_pages(), std::vector<std::uint64_t>{14});
  jump(8);
  EXPECT_TRUE(ledger.free_pages().empty());  // its map does not stand yet
}

TEST_F(Memory, UnpreservedPageTablesAreACircumstanceOfWhatFollows) {
  set_state(11, PageState::PageTable);
  open_window(us(1));
  jump(8);
  evidence.find(Check::Iommu, us(7), 0, "fault");
  EXPECT_NE(cause(Check::Iommu).find("1 IOMMU page-table pages, the first at 0xb000, left out of the KHO tree"),
            std::string::npos);
}

}  // namespace
}  // namespace holdover::bench::testing
