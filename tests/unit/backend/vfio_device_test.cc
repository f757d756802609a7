// SPDX-License-Identifier: MIT
// A VFIO device and its address space over recorded answers: registers, interrupts, DMA, and what a kernel may refuse.
#include "host/backend/vfio/vfio_device.h"

#include <gtest/gtest.h>

#include <limits>

#include "host/backend/linux/memfd_memory.h"
#include "host/backend/vfio/vfio_files.h"
#include "tests/unit/backend/refused.h"
#include "tests/unit/backend/vfio_script.h"

namespace holdover::host {
namespace {

using testing::recorded;
using testing::refused;
using testing::Refused;
using testing::VfioScript;
namespace abi = vfio_abi;

class VfioDeviceTest : public ::testing::Test {
 protected:
  void open(bool mapped = true) {
    mapped_ = mapped;
    calls.expect_file_door();
    calls.expect_regions(mapped ? std::span<std::byte>(bar) : std::span<std::byte>());
    device = VfioFiles(calls).open(pcie::Bdf::parse("0000:01:00.0"));
  }
  void open_by_group() {
    calls.expect_driver("vfio-pci");
    calls.expect(std::string("list ") + testing::kFunction + "/vfio-dev", -ENOENT);
    calls.expect_group_open(VFIO_GROUP_FLAGS_VIABLE);
    calls.expect_container();
    calls.expect_device_of_group();
    calls.expect_regions(bar);
    by_group_ = true;
    device = VfioFiles(calls).open(pcie::Bdf::parse("0000:01:00.0"));
  }
  void TearDown() override {
    if (device == nullptr) return;
    calls.expect_regions_gone(mapped_);
    calls.expect("close 6", 0);
    calls.expect("close 5", 0);
    if (by_group_) calls.expect("close 4", 0);
    device.reset();
    if (memory == nullptr) return;
    calls.expect("munmap 8192", 0);
    calls.expect("close 8", 0);
    memory.reset();
  }
  void create_memory() {
    calls.expect("memfd_create holdover", 8);
    calls.expect("ftruncate 8 8192", 0);
    calls.expect("add_seals 8 7", 0);
    calls.expect("mmap 8 0 8192", reinterpret_cast<std::int64_t>(pages.data()));
    memory = MemfdMemory::create(calls, 8_KiB);
  }

  void expect_ioas() {
    abi::IoasAlloc out;
    out.ioas = 2;
    calls.expect_ioctl(5, abi::kIoasAlloc, abi::IoasAlloc{}, 0, out);
  }
  void expect_map_file(std::int64_t answer = 0, std::uint64_t start = 0, std::uint64_t iova = 0x100000) {
    abi::IoasMapFile in;
    in.flags = abi::kMapFixed | abi::kMapReadable | abi::kMapWriteable;
    in.ioas = 2;
    in.file = 8;
    in.start = start;
    in.length = 4096;
    in.iova = iova;
    calls.expect_ioctl(5, abi::kIoasMapFile, in, answer);
  }
  void expect_unmap(std::uint64_t iova = 0x100000, std::int64_t answer = 0) {
    abi::IoasUnmap in;
    in.ioas = 2;
    in.iova = iova;
    in.length = 4096;
    calls.expect_ioctl(5, abi::kIoasUnmap, in, answer);
  }
  void expect_attach(std::int64_t hwpt_answer = 0, std::int64_t attach_answer = 0) {
    abi::HwptAlloc table;
    table.device_id = 9;
    table.page_table = 2;
    abi::HwptAlloc made = table;
    made.hwpt = 3;
    calls.expect_ioctl(5, abi::kHwptAlloc, table, hwpt_answer, made);
    abi::AttachPageTable in;
    in.page_table = hwpt_answer == 0 ? 3 : 2;
    abi::AttachPageTable out = in;
    out.page_table = hwpt_answer == 0 ? 3 : 4;
    calls.expect_ioctl(6, abi::kAttachPageTable, in, attach_answer, out);
  }
  void attach_one_page() {
    open();
    create_memory();
    space.emplace();
    space->map(*memory, Bytes{0}, Iova{0x100000}, 4_KiB, true);
    expect_ioas();
    expect_map_file();
    expect_attach();
    device->attach(*space);
  }

  VfioScript calls;
  std::vector<std::byte> bar = std::vector<std::byte>(testing::kBar0Bytes);
  std::vector<std::byte> pages = std::vector<std::byte>(8192);
  std::unique_ptr<Memory> memory;
  std::optional<VfioAddressSpace> space;
  std::unique_ptr<Device> device;

 private:
  bool mapped_ = true;
  bool by_group_ = false;
};

TEST_F(VfioDeviceTest, RegistersAreMappedAndReadInEachSize) {
  open();
  for (unsigned i = 0; i < 8; ++i) bar[0x10 + i] = std::byte(0x11 * (i + 1));
  EXPECT_EQ(device->load(0, Bytes{0x10}, 1), 0x11u);
  EXPECT_EQ(device->load(0, Bytes{0x10}, 2), 0x2211u);
  EXPECT_EQ(device->read(0, Bytes{0x10}), 0x44332211u);
  EXPECT_EQ(device->load(0, Bytes{0x10}, 8), 0x8877665544332211u);
  device->write(0, Bytes{0x9000}, 0xa1b2c3d4);
  EXPECT_EQ(bar[0x9000], std::byte{0xd4});
  EXPECT_EQ(bar[0x9003], std::byte{0xa1});
}

TEST_F(VfioDeviceTest, ThePageOfTheInterruptTableIsReachedThroughTheKernel) {
  open();
  calls.expect("pread 6 32768 4", 4, {}, recorded(std::uint32_t{0xfee00000}));
  EXPECT_EQ(device->read(0, Bytes{0x8000}), 0xfee00000u);
  calls.expect("pwrite 6 32780", 4, recorded(std::uint32_t{1}));
  device->write(0, Bytes{0x800c}, 1);
  // The last register of that page, and the first behind it.
  calls.expect("pread 6 36860 4", 4, {}, recorded(std::uint32_t{5}));
  EXPECT_EQ(device->read(0, Bytes{0x8ffc}), 5u);
  EXPECT_EQ(device->read(0, Bytes{0x9000}), 0u);
}

TEST_F(VfioDeviceTest, ABarThatCannotBeMappedIsReadThroughTheKernel) {
  open(false);
  calls.expect("pread 6 0 8", 8, {}, recorded(std::uint64_t{0x1122334455667788}));
  EXPECT_EQ(device->load(0, Bytes{0}, 8), 0x1122334455667788u);
}

TEST_F(VfioDeviceTest, ARegisterThatDoesNotAnswerReadsAllOnes) {
  open(false);
  calls.expect("pread 6 0 4", -EIO);
  EXPECT_EQ(device->read(0, Bytes{0}), ~0u);
  calls.expect("pread 6 0 8", -EIO);
  EXPECT_EQ(device->load(0, Bytes{0}, 8), std::numeric_limits<std::uint64_t>::max());
  calls.expect("pwrite 6 0", -EIO, recorded(std::uint32_t{3}));
  device->write(0, Bytes{0}, 3);
}

TEST_F(VfioDeviceTest, AccessesOutsideOfABarAreRefusedBeforeTheKernelHearsOfThem) {
  open();
  EXPECT_EQ(refused([&] { (void)device->load(0, Bytes{2}, 4); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(refused([&] { (void)device->read(0, Bytes{0x10000}); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(refused([&] { device->write(1, Bytes{0}, 0); }).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(refused([&] { (void)device->config_read(Bytes{4096}, 4); }).code, ErrorCode::InvalidArgument);
}

TEST_F(VfioDeviceTest, ConfigurationSpaceIsARegionOfTheFile) {
  open();
  const std::string config = std::to_string(std::uint64_t{VFIO_PCI_CONFIG_REGION_INDEX} << 40);
  const std::string command = std::to_string((std::uint64_t{VFIO_PCI_CONFIG_REGION_INDEX} << 40) + 4);
  calls.expect("pread 6 " + config + " 2", 2, {}, recorded(std::uint16_t{0x1af4}));
  EXPECT_EQ(device->config_read(Bytes{0}, 2), 0x1af4u);
  calls.expect("pread 6 " + command + " 2", 2, {}, recorded(std::uint16_t{0x0402}));
  calls.expect("pwrite 6 " + command, 2, recorded(std::uint16_t{0x0406}));
  device->enable_bus_master();
}

TEST_F(VfioDeviceTest, InterruptsComeThroughEventfds) {
  open();
  vfio_irq_info in{};
  in.argsz = sizeof in;
  in.index = VFIO_PCI_MSIX_IRQ_INDEX;
  vfio_irq_info out = in;
  out.count = 32;
  calls.expect_ioctl(6, VFIO_DEVICE_GET_IRQ_INFO, in, 0, out);
  calls.expect("eventfd", 10);
  calls.expect("eventfd", 11);
  // vfio_irq_set: argsz, flags, index, start, count, then the descriptors.
  constexpr std::uint32_t kEventfds = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  calls.expect_ioctl(6, VFIO_DEVICE_SET_IRQS,
                     std::array<std::uint32_t, 7>{28, kEventfds, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, 10, 11});
  device->enable_interrupts(2);
  calls.expect("read 11", 8, {}, recorded(std::uint64_t{3}));
  EXPECT_EQ(device->take_interrupts(1), 3u);
  calls.expect("read 11", -EAGAIN);
  EXPECT_EQ(device->take_interrupts(1), 0u);
  EXPECT_EQ(device->take_interrupts(7), 0u);
  constexpr std::uint32_t kNone = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
  calls.expect_ioctl(6, VFIO_DEVICE_SET_IRQS, std::array<std::uint32_t, 5>{20, kNone, VFIO_PCI_MSIX_IRQ_INDEX, 0, 0});
  device->disable_interrupts();
  calls.expect("close 10", 0);
  calls.expect("close 11", 0);
}

TEST_F(VfioDeviceTest, MoreVectorsThanTheTableHasAreRefused) {
  open();
  vfio_irq_info in{};
  in.argsz = sizeof in;
  in.index = VFIO_PCI_MSIX_IRQ_INDEX;
  vfio_irq_info out = in;
  out.count = 4;
  calls.expect_ioctl(6, VFIO_DEVICE_GET_IRQ_INFO, in, 0, out);
  const Refused refusal = refused([&] { device->enable_interrupts(9); });
  EXPECT_EQ(refusal.error, ENOSPC);
  EXPECT_TRUE(refusal.says("has 4")) << refusal.sentence;
}

TEST_F(VfioDeviceTest, AFunctionThatCannotBeResetAloneSaysSo) {
  open();
  calls.expect_ioctl_number(6, VFIO_DEVICE_RESET, 0, 0);
  device->reset();
  calls.expect_ioctl_number(6, VFIO_DEVICE_RESET, 0, -ENOTTY);
  const Refused refusal = refused([&] { device->reset(); });
  EXPECT_EQ(refusal.error, ENOTTY);
  EXPECT_TRUE(refusal.says("function level reset")) << refusal.sentence;
}

TEST_F(VfioDeviceTest, MappingsMadeBeforeAndAfterTheAttachmentReachTheIommufd) {
  attach_one_page();
  expect_map_file(0, 4096, 0x200000);
  space->map(*memory, 4_KiB, Iova{0x200000}, 4_KiB, true);
  expect_unmap();
  space->unmap(Iova{0x100000}, 4_KiB);
  expect_unmap(0x200000);
  space.reset();
}

TEST_F(VfioDeviceTest, AnOlderIommufdMapsByAddressAndMakesItsPageTableItself) {
  open();
  create_memory();
  space.emplace();
  space->map(*memory, Bytes{0}, Iova{0x100000}, 4_KiB, true);
  expect_ioas();
  expect_map_file(-ENOTTY);
  abi::IoasMap in;
  in.flags = abi::kMapFixed | abi::kMapReadable | abi::kMapWriteable;
  in.ioas = 2;
  in.address = reinterpret_cast<std::uint64_t>(pages.data());
  in.length = 4096;
  in.iova = 0x100000;
  calls.expect_ioctl(5, abi::kIoasMap, in);
  expect_attach(-ENOTTY);
  device->attach(*space);
  // It is not asked for the newer call again.
  in.address += 4096;
  in.iova = 0x200000;
  calls.expect_ioctl(5, abi::kIoasMap, in);
  space->map(*memory, 4_KiB, Iova{0x200000}, 4_KiB, true);
}

TEST_F(VfioDeviceTest, AMappingThatIsRefusedNamesTheWayOut) {
  attach_one_page();
  for (const auto& [error, seen, words] :
       {std::tuple{ENOMEM, ENOMEM, "ulimit -l"}, std::tuple{EADDRINUSE, EEXIST, "reserved_regions"},
        std::tuple{EINVAL, EINVAL, "beyond what this IOMMU translates"}, std::tuple{EBUSY, EBUSY, "preserved"}}) {
    expect_map_file(-error, 4096, 0x200000);
    const Refused refusal = refused([&] { space->map(*memory, 4_KiB, Iova{0x200000}, 4_KiB, true); });
    EXPECT_EQ(refusal.error, seen);
    EXPECT_TRUE(refusal.says(words)) << refusal.sentence;
    EXPECT_TRUE(refusal.says("0000:01:00.0")) << refusal.sentence;
  }
}

TEST_F(VfioDeviceTest, AnAttachmentThatFailsTakesItsMappingsBack) {
  open();
  create_memory();
  space.emplace();
  space->map(*memory, Bytes{0}, Iova{0x100000}, 4_KiB, true);
  space->map(*memory, 4_KiB, Iova{0x200000}, 4_KiB, true);
  expect_ioas();
  expect_map_file();
  expect_map_file(-ENOMEM, 4096, 0x200000);
  expect_unmap();
  EXPECT_EQ(refused([&] { device->attach(*space); }).error, ENOMEM);
  EXPECT_EQ(space->descriptor(), -1);
}

TEST_F(VfioDeviceTest, MappingsThatOverlapOrAreMisalignedNeverReachTheKernel) {
  open();
  create_memory();
  space.emplace();
  space->map(*memory, Bytes{0}, Iova{0x100000}, 8_KiB, true);
  EXPECT_EQ(refused([&] { space->map(*memory, Bytes{0}, Iova{0x101000}, 4_KiB, true); }).error, EEXIST);
  EXPECT_EQ(refused([&] { space->map(*memory, Bytes{0}, Iova{0x200100}, 4_KiB, true); }).error, EINVAL);
  EXPECT_EQ(refused([&] { space->map(*memory, 4_KiB, Iova{0x200000}, 8_KiB, true); }).error, EINVAL);
  EXPECT_EQ(refused([&] { space->unmap(Iova{0x300000}, 4_KiB); }).error, ENOENT);
}

TEST_F(VfioDeviceTest, AnAddressSpaceIsMarkedThroughItsPageTable) {
  attach_one_page();
  abi::HwptPreserve in;
  in.hwpt = 3;
  in.token = 10;
  calls.expect_ioctl(5, abi::kHwptPreserve, in);
  space->mark_for_preservation(10);
  EXPECT_EQ(space->descriptor(), 5);
  calls.expect_ioctl(5, abi::kHwptPreserve, in, -EADDRINUSE);
  EXPECT_EQ(refused([&] { space->mark_for_preservation(10); }).error, EADDRINUSE);
  calls.expect_ioctl(5, abi::kHwptPreserve, in, -ENOTTY);
  const Refused refusal = refused([&] { space->mark_for_preservation(10); });
  EXPECT_EQ(refusal.error, ENOTTY);
  EXPECT_TRUE(refusal.says("cannot hand an iommufd over")) << refusal.sentence;
  EXPECT_EQ(refused([&] { space->mark_for_preservation(std::uint64_t{1} << 32); }).error, EINVAL);
}

TEST_F(VfioDeviceTest, AContainerOfType1MapsByAddressAndCannotBeHandedOver) {
  open_by_group();
  create_memory();
  space.emplace();
  EXPECT_EQ(refused([&] { space->mark_for_preservation(1); }).error, EINVAL);
  space->map(*memory, Bytes{0}, Iova{0x100000}, 4_KiB, false);
  vfio_iommu_type1_dma_map in{};
  in.argsz = sizeof in;
  in.flags = VFIO_DMA_MAP_FLAG_READ;
  in.vaddr = reinterpret_cast<std::uint64_t>(pages.data());
  in.iova = 0x100000;
  in.size = 4096;
  calls.expect_ioctl(5, VFIO_IOMMU_MAP_DMA, in);
  device->attach(*space);
  EXPECT_EQ(refused([&] { space->mark_for_preservation(1); }).error, ENOTTY);
  vfio_iommu_type1_dma_unmap out{};
  out.argsz = sizeof out;
  out.iova = 0x100000;
  out.size = 4096;
  calls.expect_ioctl(5, VFIO_IOMMU_UNMAP_DMA, out);
  space->unmap(Iova{0x100000}, 4_KiB);
}

}  // namespace
}  // namespace holdover::host
