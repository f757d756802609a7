// SPDX-License-Identifier: MIT
// Opening a function through VFIO over recorded answers: both doors, and each thing that may stand in the way.
#include "host/backend/vfio/vfio_files.h"

#include <gtest/gtest.h>

#include "tests/unit/backend/refused.h"
#include "tests/unit/backend/vfio_script.h"

namespace holdover::host {
namespace {

using testing::kFunction;
using testing::recorded;
using testing::refused;
using testing::Refused;
using testing::VfioScript;

class VfioFilesTest : public ::testing::Test {
 protected:
  Refused refused_open() {
    return refused([&] { (void)VfioFiles(calls).open(bdf); });
  }
  void expect_no_file() {
    calls.expect_driver("vfio-pci");
    calls.expect(std::string("list ") + kFunction + "/vfio-dev", -ENOENT);
  }

  VfioScript calls;
  const pcie::Bdf bdf = pcie::Bdf::parse("0000:01:00.0");
  std::vector<std::byte> memory = std::vector<std::byte>(testing::kBar0Bytes);
};

TEST_F(VfioFilesTest, TheDevicesAreTheFunctionsBoundToVfioPci) {
  calls.expect_list("/sys/bus/pci/devices", "0000:00:00.0\n0000:01:00.0\n");
  calls.expect("readlink /sys/bus/pci/devices/0000:00:00.0/driver", -ENOENT);
  calls.expect_driver("vfio-pci");
  EXPECT_EQ(VfioFiles(calls).devices(), std::vector{bdf});
}

TEST_F(VfioFilesTest, AFunctionThatWasNotNamedIsNotOpened) {
  VfioFiles files(calls, {}, {bdf});
  EXPECT_EQ(files.devices(), std::vector{bdf});
  EXPECT_EQ(refused([&] { (void)files.open(pcie::Bdf::parse("02:00.0")); }).code, ErrorCode::NotFound);
}

TEST_F(VfioFilesTest, OpensTheDeviceFileBehindAnIommufd) {
  calls.expect_file_door();
  calls.expect_regions(memory);
  {
    const auto device = VfioFiles(calls).open(bdf);
    EXPECT_EQ(device->bdf(), bdf);
    EXPECT_EQ(device->bar_size(0).count(), testing::kBar0Bytes);
    EXPECT_EQ(device->bar_size(2), Bytes{0});
    calls.expect_regions_gone(true);
    calls.expect("close 6", 0);
    calls.expect("close 5", 0);
  }
  EXPECT_TRUE(calls.over());
}

TEST_F(VfioFilesTest, OpensTheGroupWhereThereIsNoDeviceFile) {
  expect_no_file();
  calls.expect_group_open(VFIO_GROUP_FLAGS_VIABLE);
  calls.expect_container();
  calls.expect_device_of_group();
  calls.expect_regions(memory);
  {
    const auto device = VfioFiles(calls).open(bdf);
    EXPECT_EQ(device->bdf(), bdf);
    calls.expect_regions_gone(true);
    calls.expect("close 6", 0);
    calls.expect("close 5", 0);
    calls.expect("close 4", 0);
  }
  EXPECT_TRUE(calls.over());
}

TEST_F(VfioFilesTest, OpensTheGroupWhereTheKernelHasNoIommufd) {
  calls.expect_driver("vfio-pci");
  calls.expect_list(std::string(kFunction) + "/vfio-dev", "vfio3\n");
  calls.expect("open /dev/iommu", -ENOENT);
  calls.expect(std::string("readlink ") + kFunction + "/iommu_group", -ENOENT);
  EXPECT_TRUE(refused_open().says("no IOMMU group"));
}

TEST_F(VfioFilesTest, AFunctionThatIsNotThereIsNamed) {
  calls.expect_no_link("driver");
  calls.expect(std::string("open ") + kFunction + "/vendor", -ENOENT);
  const Refused refusal = refused_open();
  EXPECT_EQ(refusal.code, ErrorCode::NotFound);
  EXPECT_EQ(refusal.sentence, "There is no function at 0000:01:00.0; lspci -D lists those there are.");
}

TEST_F(VfioFilesTest, AnotherDriverIsNamedWithTheCommandsThatChangeIt) {
  calls.expect_driver("nvme");
  const Refused refusal = refused_open();
  EXPECT_EQ(refusal.code, ErrorCode::NotFound);
  EXPECT_TRUE(refusal.says("0000:01:00.0 is bound to the driver nvme")) << refusal.sentence;
  EXPECT_TRUE(refusal.says("echo 0000:01:00.0 > /sys/bus/pci/devices/0000:01:00.0/driver/unbind")) << refusal.sentence;
}

TEST_F(VfioFilesTest, AFunctionWithoutDriverNeedsNoUnbind) {
  calls.expect_no_link("driver");
  calls.expect_file(std::string(kFunction) + "/vendor", 3, "0x1af4\n");
  const Refused refusal = refused_open();
  EXPECT_TRUE(refusal.says("has no driver")) << refusal.sentence;
  EXPECT_FALSE(refusal.says("unbind")) << refusal.sentence;
}

TEST_F(VfioFilesTest, ADeviceFileThatIsTakenSaysByWhom) {
  calls.expect_driver("vfio-pci");
  calls.expect_list(std::string(kFunction) + "/vfio-dev", "vfio3\n");
  calls.expect("open /dev/iommu", 5);
  calls.expect("open /dev/vfio/devices/vfio3", -EBUSY);
  calls.expect("close 5", 0);
  const Refused refusal = refused_open();
  EXPECT_EQ(refusal.error, EBUSY);
  EXPECT_TRUE(refusal.says("0000:01:00.0")) << refusal.sentence;
  EXPECT_TRUE(refusal.says("incoming")) << refusal.sentence;
}

TEST_F(VfioFilesTest, PermissionIsAskedFor) {
  calls.expect_driver("vfio-pci");
  calls.expect_list(std::string(kFunction) + "/vfio-dev", "vfio3\n");
  calls.expect("open /dev/iommu", -EACCES);
  EXPECT_TRUE(refused_open().says("run it as root"));
}

TEST_F(VfioFilesTest, AGroupThatIsNotViableNamesTheStrangers) {
  expect_no_file();
  calls.expect_group_open(0);
  calls.expect_list(std::string(kFunction) + "/iommu_group/devices", "0000:00:01.0\n0000:01:00.0\n0000:01:00.1\n");
  calls.expect("readlink /sys/bus/pci/devices/0000:00:01.0/driver", 0, {}, recorded("drivers/pcieport"));
  calls.expect_driver("vfio-pci");
  calls.expect("readlink /sys/bus/pci/devices/0000:01:00.1/driver", 0, {}, recorded("drivers/snd_hda_intel"));
  calls.expect("close 4", 0);
  const Refused refusal = refused_open();
  EXPECT_EQ(refusal.code, ErrorCode::NotFound);
  EXPECT_EQ(refusal.sentence,
            "IOMMU group 17 of 0000:01:00.0 cannot be used: 0000:01:00.1 (snd_hda_intel) belongs to a driver of the "
            "kernel; bind every function of the group to vfio-pci, or unbind it.");
}

TEST_F(VfioFilesTest, AKernelWithoutType1IsNamed) {
  expect_no_file();
  calls.expect_group_open(VFIO_GROUP_FLAGS_VIABLE);
  calls.expect("open /dev/vfio/vfio", 5);
  calls.expect_ioctl_number(5, VFIO_GET_API_VERSION, 0, VFIO_API_VERSION);
  calls.expect_ioctl_number(5, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU, 0);
  calls.expect("close 5", 0);
  calls.expect("close 4", 0);
  const Refused refusal = refused_open();
  EXPECT_EQ(refusal.code, ErrorCode::Unavailable);
  EXPECT_TRUE(refusal.says("vfio_iommu_type1")) << refusal.sentence;
}

TEST_F(VfioFilesTest, InterruptsThatAreNotRemappedAreTheReasonOfARefusedContainer) {
  expect_no_file();
  calls.expect_group_open(VFIO_GROUP_FLAGS_VIABLE);
  calls.expect_container(-EPERM);
  calls.expect("close 5", 0);
  calls.expect("close 4", 0);
  EXPECT_TRUE(refused_open().says("allow_unsafe_interrupts"));
}

TEST_F(VfioFilesTest, AnIncomingFunctionIsNotGivenOutByItsGroup) {
  expect_no_file();
  calls.expect_group_open(VFIO_GROUP_FLAGS_VIABLE);
  calls.expect_container();
  calls.expect_device_of_group(-EBUSY);
  calls.expect("close 5", 0);
  calls.expect("close 4", 0);
  const Refused refusal = refused_open();
  EXPECT_EQ(refusal.error, EBUSY);
  EXPECT_TRUE(refusal.says("only a session gives it out")) << refusal.sentence;
}

class AdoptedFile : public VfioFilesTest {
 protected:
  void expect_hot_reset(std::int64_t answer, std::vector<vfio_pci_dependent_device> devices) {
    testing::Recorded in(sizeof(vfio_abi::HotResetInfo) + 64 * sizeof(vfio_pci_dependent_device));
    vfio_abi::HotResetInfo info;
    info.argsz = static_cast<std::uint32_t>(in.size());
    std::memcpy(in.data(), &info, sizeof info);
    testing::Recorded out = in;
    info.count = static_cast<std::uint32_t>(devices.size());
    std::memcpy(out.data(), &info, sizeof info);
    std::memcpy(out.data() + sizeof info, devices.data(), devices.size() * sizeof(devices[0]));
    calls.expect("ioctl 6 0x3b70", answer, in, out);
  }
  void expect_gone() {
    calls.expect_regions_gone(true);
    calls.expect("close 6", 0);
    calls.expect("close 5", 0);
  }
};

TEST_F(AdoptedFile, IsKnownByItsNumberInTheIommufd) {
  calls.expect("open /dev/iommu", 5);
  calls.expect_bind(6, 5);
  expect_hot_reset(0, {{7, 0, 1, 0x08}, {9, 0, 1, 0x00}});
  calls.expect_regions(memory);
  const auto device = VfioFiles(calls).adopt(Descriptor(calls, 6));
  EXPECT_EQ(device->bdf(), bdf);
  expect_gone();
}

TEST_F(AdoptedFile, IsKnownByItsNameWhereTheBusCannotBeReset) {
  calls.expect("open /dev/iommu", 5);
  calls.expect_bind(6, 5);
  expect_hot_reset(-ENODEV, {});
  calls.expect("readlink /proc/self/fd/6", 0, {}, recorded("/dev/vfio/devices/vfio3"));
  calls.expect("readlink /sys/class/vfio-dev/vfio3/device", 0, {}, recorded("../../../0000:01:00.0"));
  calls.expect_regions(memory);
  const auto device = VfioFiles(calls).adopt(Descriptor(calls, 6));
  EXPECT_EQ(device->bdf(), bdf);
  expect_gone();
}

TEST_F(AdoptedFile, ThatTheKernelKeepsTranslatedForItselfIsRefusedWithTheReason) {
  calls.expect("open /dev/iommu", 5);
  calls.expect_bind(6, 5, -EPERM);
  calls.expect("close 5", 0);
  calls.expect("close 6", 0);
  const Refused refusal = refused([&] { (void)VfioFiles(calls).adopt(Descriptor(calls, 6)); });
  EXPECT_EQ(refusal.error, EPERM);
  EXPECT_TRUE(refusal.says("does not give it back")) << refusal.sentence;
}

}  // namespace
}  // namespace holdover::host
