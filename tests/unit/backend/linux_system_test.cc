// SPDX-License-Identifier: MIT
// A real Linux as the agent sees it, over recorded answers.
#include "host/backend/linux/linux_system.h"

#include <gtest/gtest.h>
#include <linux/reboot.h>

#include "pcie/error.h"
#include "tests/unit/backend/refused.h"
#include "tests/unit/backend/scripted_system_calls.h"

namespace holdover::host {
namespace {

using testing::recorded;
using testing::refused;
using testing::ScriptedSystemCalls;

class NoDevices final : public DeviceFiles {
 public:
  std::vector<pcie::Bdf> devices() override { return {}; }
  std::unique_ptr<Device> open(pcie::Bdf) override { return nullptr; }
  std::unique_ptr<Device> adopt(Descriptor) override { return nullptr; }
  std::unique_ptr<AddressSpace> create_address_space() override { return nullptr; }
};

class LinuxSystemTest : public ::testing::Test {
 protected:
  LinuxSystem system(LinuxSystemOptions options = {}) { return LinuxSystem(calls, devices, std::move(options)); }
  LinuxSystem system_with_kernel() {
    LinuxSystemOptions options;
    options.next = {"/boot/next", "/boot/initrd"};
    return system(options);
  }

  ScriptedSystemCalls calls;
  NoDevices devices;
  const pcie::Bdf bdf = pcie::Bdf::parse("0000:01:00.0");
};

TEST_F(LinuxSystemTest, FunctionsAreThoseOfSysfsWithoutBridges) {
  calls.expect("list /sys/bus/pci/devices", 0, {}, recorded("0000:00:01.0\n0000:01:00.0\n"));
  calls.expect_file("/sys/bus/pci/devices/0000:00:01.0/class", 3, "0x060400\n");
  calls.expect_file("/sys/bus/pci/devices/0000:01:00.0/class", 3, "0x120000\n");
  EXPECT_EQ(system().functions(), std::vector{bdf});
}

TEST_F(LinuxSystemTest, EveryBootHasAnIdentity) {
  calls.expect_file("/proc/sys/kernel/random/boot_id", 3, "0b9e1c6e-0000-4000-8000-000000000001\n");
  EXPECT_EQ(boot_id(calls), "0b9e1c6e-0000-4000-8000-000000000001");
  calls.expect("open /proc/sys/kernel/random/boot_id", -ENOENT);
  EXPECT_TRUE(refused([this] { (void)boot_id(calls); }).says("mount /proc"));
}

TEST_F(LinuxSystemTest, TheNextKernelIsLoadedFromItsFiles) {
  calls.expect("open /boot/next", 3);
  calls.expect("open /boot/initrd", 4);
  calls.expect("kexec_file_load 3 4 «quiet kho=on» 0", 0);
  calls.expect("close 4", 0);
  calls.expect("close 3", 0);
  system_with_kernel().load_kernel("quiet kho=on");
}

TEST_F(LinuxSystemTest, EveryRefusalOfALoadNamesTheWayOut) {
  for (const auto& [error, words] :
       {std::pair{EPERM, "kexec_load_disabled"}, std::pair{ENOEXEC, "no kernel image"}, std::pair{EINVAL, "longer"},
        std::pair{EADDRNOTAVAIL, "kho_scratch="}, std::pair{EBUSY, "under way"}, std::pair{ENOSYS, "CONFIG_KEXEC_FILE"},
        std::pair{EKEYREJECTED, "signed"}}) {
    calls.expect("open /boot/next", 3);
    calls.expect("open /boot/initrd", 4);
    calls.expect("kexec_file_load 3 4 «» 0", -error);
    calls.expect("close 4", 0);
    calls.expect("close 3", 0);
    const auto refusal = refused([&] { system_with_kernel().load_kernel(""); });
    EXPECT_EQ(refusal.error, error);
    EXPECT_TRUE(refusal.says(words)) << refusal.sentence;
  }
}

TEST_F(LinuxSystemTest, AnImageThatIsNotThereIsNamed) {
  calls.expect("open /boot/next", -ENOENT);
  const auto refusal = refused([&] { system_with_kernel().load_kernel(""); });
  EXPECT_EQ(refusal.code, ErrorCode::Unavailable);
  EXPECT_EQ(refusal.sentence, "The kernel image /boot/next cannot be opened: ENOENT.");
}

TEST_F(LinuxSystemTest, ACrashKernelNeedsMemoryOfItsOwn) {
  calls.expect("open /boot/next", 3);
  calls.expect("open /boot/initrd", 4);
  calls.expect("kexec_file_load 3 4 «» 2", -EADDRNOTAVAIL);
  calls.expect("close 4", 0);
  calls.expect("close 3", 0);
  EXPECT_TRUE(refused([&] { system_with_kernel().load_crash_kernel(""); }).says("crashkernel="));
}

TEST_F(LinuxSystemTest, AKernelThatSomebodyElseLoadedIsEntered) {
  calls.expect_file("/sys/kernel/kexec_loaded", 3, "1\n");
  system().load_kernel("");
  calls.expect("sync", 0);
  calls.expect("reboot " + std::to_string(LINUX_REBOOT_CMD_KEXEC), 0);
  EXPECT_THROW(system().kexec(), KernelGone);
}

TEST_F(LinuxSystemTest, WithoutAnyKernelToEnterItSaysHowToNameOne) {
  calls.expect_file("/sys/kernel/kexec_loaded", 3, "0\n");
  EXPECT_TRUE(refused([&] { system().load_kernel(""); }).says("--kernel"));
}

TEST_F(LinuxSystemTest, ARefusedKexecComesBackWithItsErrno) {
  calls.expect("sync", 0);
  calls.expect("reboot " + std::to_string(LINUX_REBOOT_CMD_KEXEC), -EINVAL);
  const auto refusal = refused([&] { system().kexec(); });
  EXPECT_EQ(refusal.code, ErrorCode::Refused);
  EXPECT_EQ(refusal.error, EINVAL);
}

TEST_F(LinuxSystemTest, ParametersAreThoseThatWereGivenAndNoneOfTheKernel) {
  LinuxSystemOptions options;
  options.parameters = "seed=7 bulk=c2h,h2c";
  LinuxSystem given = system(options);
  EXPECT_EQ(given.parameter("seed"), "7");
  EXPECT_EQ(given.parameter("bulk"), "c2h,h2c");
  EXPECT_EQ(given.parameter("see"), "");
  EXPECT_EQ(given.parameter("before_us"), "");
}

TEST_F(LinuxSystemTest, TheNextKernelsCommandLineIsThatOfTheRunningOneUnlessOneIsGiven) {
  calls.expect_file("/proc/cmdline", 3, "root=/dev/sda\n");
  EXPECT_EQ(system().command_line(), "root=/dev/sda");
  LinuxSystemOptions options;
  options.next_command_line = "root=/dev/sdb";
  EXPECT_EQ(system(options).command_line(), "root=/dev/sdb");
}

TEST_F(LinuxSystemTest, KexecAsTheBootLoaderTellsThatTheKernelIsNotTheFirst) {
  calls.expect_file("/proc/sys/kernel/bootloader_type", 3, "208\n");
  EXPECT_TRUE(system().booted_by_kexec());
  calls.expect_file("/proc/sys/kernel/bootloader_type", 3, "114\n");
  EXPECT_FALSE(system().booted_by_kexec());
  calls.expect("open /proc/sys/kernel/bootloader_type", -ENOENT);
  EXPECT_FALSE(system().booted_by_kexec());
}

TEST_F(LinuxSystemTest, ConfigurationSpaceIsWrittenBySysfs) {
  calls.expect("open /sys/bus/pci/devices/0000:01:00.0/config", 3);
  calls.expect("pwrite 3 4", 2, recorded(std::uint16_t{0x0406}));
  calls.expect("close 3", 0);
  system().write_config(bdf, Bytes{4}, 2, 0x0406);
  calls.expect("open /sys/bus/pci/devices/0000:01:00.0/config", -ENOENT);
  EXPECT_EQ(refused([&] { system().write_config(bdf, Bytes{4}, 2, 0); }).code, ErrorCode::NotFound);
}

TEST_F(LinuxSystemTest, ADriverIsUnboundBySysfsAndItsModuleRemoved) {
  calls.expect("open /sys/bus/pci/devices/0000:01:00.0/driver/unbind", 3);
  calls.expect("write 3", 12, recorded(std::string_view("0000:01:00.0")));
  calls.expect("close 3", 0);
  system().unbind_driver(bdf);
  calls.expect("open /sys/bus/pci/devices/0000:01:00.0/driver/unbind", -ENOENT);
  EXPECT_EQ(refused([&] { system().unbind_driver(bdf); }).error, ENODEV);
  calls.expect("readlink /sys/bus/pci/devices/0000:01:00.0/driver/module", 0, {}, recorded("../../module/vfio_pci"));
  calls.expect("delete_module vfio_pci", -EAGAIN);
  EXPECT_EQ(refused([&] { system().remove_driver(bdf); }).error, EBUSY);
}

TEST_F(LinuxSystemTest, IoVirtualAddressesNeverComeTwiceAndNeverTouch) {
  LinuxSystem here = system();
  const Iova first = here.allocate_iova(Bytes{5000});
  const Iova second = here.allocate_iova(4_KiB);
  EXPECT_GE(first.raw(), std::uint64_t{1} << 32);
  EXPECT_GE(second, first + 12_KiB);
}

TEST_F(LinuxSystemTest, AWaitEndsWhereTheProgramWasToldToStop) {
  std::atomic<bool> stop{true};
  LinuxSystemOptions options;
  options.stop = &stop;
  EXPECT_EQ(refused([&] { system(options).wait(std::chrono::seconds{1}); }).code, ErrorCode::Interrupted);
}

TEST_F(LinuxSystemTest, AShortWaitWatchesTheClockAndALongOneSleeps) {
  LinuxSystem here = system();
  calls.tick = std::chrono::nanoseconds{50};
  here.wait(std::chrono::nanoseconds{500});
  EXPECT_GE(calls.time, std::chrono::nanoseconds{500});
  EXPECT_LE(calls.time, std::chrono::nanoseconds{700});
  calls.tick = std::chrono::nanoseconds{0};
  here.wait(std::chrono::milliseconds{3});
  EXPECT_GE(calls.time, std::chrono::milliseconds{3});
}

}  // namespace
}  // namespace holdover::host
