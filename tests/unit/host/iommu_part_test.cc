// SPDX-License-Identifier: MIT
// Whole kernels with and without the IOMMU's part in a live update, which is a series of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "host/kernel/luo/decode.h"
#include "host/kernel/luo/handlers/iommu_abi.h"
#include "pcie/error.h"
#include "tests/unit/host/kernel_fixture.h"

namespace holdover::host::kernel {
namespace {

template <typename Act>
int errno_of(Act act) {
  try {
    act();
  } catch (const Error& error) {
    return error.errno_value();
  }
  return 0;
}

class IommuPartTest : public KernelTest {
 protected:
  // User space that knows nothing of preserved address spaces: memory and device go into the session.
  PhysicalAddress hand_over(const std::string& command_line, bool attached) {
    Kernel kernel(platform_, platform_.write_boot_page(command_line));
    kernel.boot();
    EmulatedSystem system(kernel);
    PhysicalAddress next{0};
    {
      const auto memory = system.create_memory(16_KiB);
      memory->bytes()[5000] = std::byte{0x77};
      iova_ = system.allocate_iova(16_KiB);
      const auto space = system.create_address_space();
      space->map(*memory, Bytes{0}, iova_, 16_KiB, true);
      const auto device = system.open_device(kEndpoint);
      if (attached) device->attach(*space);
      device->enable_bus_master();
      const auto live_update = system.open_live_update();
      const auto session = live_update->create_session("holdover");
      session->preserve(*memory, 1);
      session->preserve(*device, 20);
      try {
        system.kexec();
      } catch (const KernelGone& gone) {
        next = gone.boot_parameters;
      }
    }
    const auto handed =
        decode_live_update(platform_.dram(), PhysicalAddress{read_boot_parameters(platform_.dram(), next).kho_fdt});
    EXPECT_TRUE(handed.has_value());
    if (handed) {
      EXPECT_TRUE(std::none_of(handed->flbs.begin(), handed->flbs.end(),
                               [](const HandedFlb& flb) { return flb.name == iommu_abi::kCompatible; }));
    }
    poison(next);
    return next;
  }
  void take_over(PhysicalAddress next) {
    Kernel kernel(platform_, next);
    kernel.boot();
    EXPECT_EQ(kernel.live_update().iommu().incoming(), nullptr);
    EmulatedSystem system(kernel);
    const auto live_update = system.open_live_update();
    const auto session = live_update->retrieve_session("holdover");
    const auto memory = session->retrieve_memory(1);
    EXPECT_EQ(memory->bytes()[5000], std::byte{0x77});
    const auto device = session->retrieve_device(20);
    EXPECT_FALSE(kernel.iommu().attached(kEndpoint).has_value()) << "it came without its domain";
    EXPECT_EQ(errno_of([&] { session->finish(); }), EBUSY) << "nobody has taken the device up";
    const auto space = system.create_address_space();
    space->map(*memory, Bytes{0}, iova_, 16_KiB, true);
    device->attach(*space);
    EXPECT_TRUE(kernel.iommu().translating());
    EXPECT_TRUE(kernel.iommu().maps(iova_, 16_KiB));
    EXPECT_EQ(errno_of([&] { session->finish(); }), 0);
    EXPECT_FALSE(kernel.live_update().pci().is_incoming(kEndpoint));
  }
};

class WithoutIommuPart : public IommuPartTest, public ::testing::WithParamInterface<const char*> {
 protected:
  static std::string command_line() { return std::string("profile=") + GetParam(); }
};

TEST_P(WithoutIommuPart, MemoryAndDeviceAloneAreHandedOver) { take_over(hand_over(command_line(), true)); }

TEST_P(WithoutIommuPart, ADeviceThatIsNotAttachedIsHandedOverToo) { take_over(hand_over(command_line(), false)); }

TEST_P(WithoutIommuPart, AnAddressSpaceHasNeitherMarkNorHandler) {
  Kernel kernel(platform_, platform_.write_boot_page(command_line()));
  kernel.boot();
  EmulatedSystem system(kernel);
  UserSpace user;
  start(system, user);
  EXPECT_EQ(errno_of([&] { user.space->mark_for_preservation(10); }), ENOTTY);
  const auto live_update = system.open_live_update();
  const auto session = live_update->create_session("holdover");
  EXPECT_EQ(errno_of([&] { session->preserve(*user.space, 10); }), ENOENT);
  session->preserve(*user.device, 20);
  EXPECT_EQ(errno_of([&] { user.space->map(*user.memory, Bytes{0}, system.allocate_iova(16_KiB), 16_KiB, true); }), 0)
      << "nothing froze it";
}

std::string name_of(const ::testing::TestParamInfo<const char*>& profile) {
  const std::string line = profile.param;
  std::string name = line.substr(0, line.find(' '));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '+'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Profiles, WithoutIommuPart,
                         ::testing::Values("pci-v3",
                                           "pci-v4 policy=pci-singleton-group=none",  // the fake switch has no ACS
                                           "pci-v5", "pci-v6", "pci-v7", "pci-v8", "pci-v9", "pci-v9+vfio-v5",
                                           "continuous policy=iommu-part=none"),
                         name_of);

TEST_F(IommuPartTest, ItCanBeHadWithTheCoreSeriesAlone) {
  const PhysicalAddress next = run_first_kernel("profile=pci-v9 policy=iommu-part=series");
  Kernel kernel(platform_, next);
  kernel.boot();
  EmulatedSystem system(kernel);
  const auto live_update = system.open_live_update();
  const auto session = live_update->retrieve_session("holdover");
  const auto space = session->retrieve_address_space(10);
  const auto device = session->retrieve_device(20);
  device->attach(*space);
  EXPECT_TRUE(kernel.iommu().maps(iova_, 16_KiB));
  EXPECT_EQ(errno_of([&] { session->finish(); }), 0);
}

TEST_F(IommuPartTest, AKernelWithoutItReadsNoneOfItAndNoSession) {
  PhysicalAddress next{0};
  {
    Kernel first(platform_, platform_.write_boot_page("profile=continuous"));
    first.boot();
    EmulatedSystem system(first);
    UserSpace user;
    start(system, user);
    preserve(system, user);
    system.load_kernel("profile=continuous policy=iommu-part=none");
    try {
      system.kexec();
    } catch (const KernelGone& gone) {
      next = gone.boot_parameters;
    }
  }
  poison(next);
  EXPECT_EQ(platform_.translation_fell, 0u);
  Kernel kernel(platform_, next);
  kernel.boot();
  EXPECT_EQ(platform_.translation_fell, 1u) << "the unit is reset";
  EXPECT_EQ(kernel.live_update().iommu().incoming(), nullptr);
  EmulatedSystem system(kernel);
  EXPECT_EQ(errno_of([&] { (void)system.open_live_update(); }), EIO) << "nobody handles its address spaces";
}

}  // namespace
}  // namespace holdover::host::kernel
