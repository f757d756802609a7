// SPDX-License-Identifier: MIT
// Device files of VFIO: open, freeze, what a retrieve takes up, close.
#include "host/kernel/vfio/vfio_device.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <initializer_list>

#include "host/kernel/pci/path.h"
#include "host/kernel/pci/runtime_power.h"
#include "tests/unit/host/device_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using holdover::testing::FakeFunction;

TEST_F(DeviceFileTest, OpenResetsTheFunctionAndRestoresItsAddresses) {
  const std::uint64_t bar = end_.bar(0);
  const auto file = open();
  EXPECT_EQ(end_.resets, 1u);
  EXPECT_EQ(end_.bar(0), bar);
  EXPECT_EQ(end_.get(kCommand, 2) & (kCommandMemory | kCommandBusMaster), kCommandMemory);
}

TEST_F(DeviceFileTest, RegistersAreReachedThroughTheBar) {
  const auto file = open();
  ASSERT_EQ(file->write(0, Bytes{0x10}, 0x1234'5678), 0);
  EXPECT_EQ(end_.registers[0x10], 0x78);
  ASSERT_EQ(file->write(0, Bytes{0x14}, 0x9abc'def0), 0);
  const auto loaded = [&](std::uint64_t offset, unsigned size) {
    std::uint64_t value = 0;
    EXPECT_EQ(file->load(0, Bytes{offset}, size, value), 0);
    return value;
  };
  EXPECT_EQ(loaded(0x10, 4), 0x1234'5678u);
  EXPECT_EQ(loaded(0x12, 2), 0x1234u);
  EXPECT_EQ(loaded(0x11, 1), 0x56u);
  EXPECT_EQ(loaded(0x10, 8), 0x9abc'def0'1234'5678u);
  EXPECT_EQ(file->bar_size(0), 64_KiB);
  EXPECT_EQ(file->bar_size(1), 0_B);
}

TEST_F(DeviceFileTest, AFunctionWithoutFlrIsNotReset) {
  end_.set(FakeFunction::kExpress + kExpressDeviceCapabilities, 4, 2);
  const auto file = open();
  EXPECT_EQ(file->reset(), ENOTTY);
  EXPECT_EQ(end_.resets, 0u);
}

TEST_F(DeviceFileTest, CloseStopsTheFunctionAndGivesItBack) {
  auto file = open();
  ASSERT_EQ(file->enable_bus_master(), 0);
  ASSERT_EQ(file->enable_interrupts(1), 0);
  FileReference<IommuDomain> space(files_.add(IommuDomain::create(pages_, iommu_)));
  ASSERT_EQ(file->attach(*space), 0);
  file.close();
  EXPECT_EQ(end_.get(kCommand, 2) & kCommandBusMaster, 0u);
  EXPECT_EQ(msix_control() & kMsixControlEnable, 0u);
  EXPECT_FALSE(iommu_.attached(pcie::Bdf{0, 1, 0, 0}).has_value());
  EXPECT_EQ(device().open, nullptr);
}

TEST_F(DeviceFileTest, AGroupFileCannotBePreserved) {
  {
    const auto file = open(VfioDoor::Group);
    EXPECT_FALSE(file->can_preserve());
  }
  EXPECT_TRUE(open()->can_preserve());
}

TEST_F(DeviceFileTest, AFileOfAVariantDriverCannotBePreserved) {
  const auto file = open();
  VfioPciSchema2Driver variant(DriverContext{platform_, policies_}, kVfioPciSchema2);
  VfioPciSchema2Driver same_name(DriverContext{platform_, policies_}, kVfioPci);
  VfioPciRenamedDriver renamed(DriverContext{platform_, policies_});
  for (PciDriver* const driver : std::initializer_list<PciDriver*>{&variant, &same_name}) {
    device().driver = driver;
    EXPECT_FALSE(file->can_preserve()) << driver->name();
  }
  device().driver = &renamed;
  EXPECT_TRUE(file->can_preserve()) << "the same driver under another name";
  device().driver = nullptr;
  EXPECT_FALSE(file->can_preserve());
}

TEST_F(DeviceFileTest, AnIntelDisplayDeviceCannotBePreserved) {
  const auto file = open();
  const auto preservable = [&](std::uint16_t vendor, std::uint32_t class_code) {
    device().vendor_id = vendor;
    device().class_code = class_code;
    return file->can_preserve();
  };
  EXPECT_FALSE(preservable(0x8086, 0x03'0000));
  EXPECT_FALSE(preservable(0x8086, 0x03'80ff));
  EXPECT_TRUE(preservable(0x8086, 0x02'0000));
  EXPECT_TRUE(preservable(0x8086, 0x12'0003)) << "not the base class";
  EXPECT_TRUE(preservable(0x10de, 0x03'0000)) << "a display device of somebody else";
}

TEST_F(DeviceFileTest, FreezeOfALaterPhaseTouchesNothing) {
  const auto file = open();
  ASSERT_EQ(file->enable_interrupts(1), 0);
  platform_.writes.clear();
  EXPECT_EQ(file->freeze(), 0);
  EXPECT_TRUE(platform_.writes.empty());
  EXPECT_EQ(file->enable_interrupts(1), 0);
}

TEST_F(DeviceFileTest, FreezeAsPostedRefusesInterrupts) {
  policies_.interrupts_at_freeze = InterruptsAtFreeze::MustBeOff;
  policies_.freeze = Freeze::ResetFunction;
  const auto file = open();
  ASSERT_EQ(file->enable_interrupts(1), 0);
  EXPECT_EQ(file->freeze(), EINVAL);
  EXPECT_EQ(end_.resets, 1u);
  ASSERT_EQ(file->disable_interrupts(), 0);
  EXPECT_EQ(file->freeze(), 0);
  EXPECT_EQ(end_.resets, 2u);
}

TEST_F(DeviceFileTest, FreezeAsPostedRefusesAFunctionThatIsNotInD0) {
  const auto file = open();
  const unsigned control = FakeFunction::kPowerManagement + kPmControl;
  ASSERT_EQ(file->config_write(control, 2, 3), 0);
  EXPECT_EQ(file->freeze(), 0);
  policies_.power_at_freeze = PowerAtFreeze::MustBeD0;
  EXPECT_EQ(file->freeze(), EINVAL);
  ASSERT_EQ(file->config_write(control, 2, 0), 0);
  EXPECT_EQ(file->freeze(), 0);
}

TEST_F(DeviceFileTest, AfterTheResetOfAFreezeTheFileIsDeadUntilItIsOpenedAgain) {
  policies_.freeze = Freeze::ResetFunction;
  {
    const auto file = open();
    ASSERT_EQ(file->freeze(), 0);
    EXPECT_EQ(end_.resets, 2u);
    EXPECT_EQ(end_.get(kCommand, 2), kCommandIntxDisable);
    std::uint64_t value = 0;
    std::uint32_t word = 0;
    EXPECT_EQ(file->load(0, Bytes{0}, 4, value), EIO);
    EXPECT_EQ(file->write(0, Bytes{0}, 0), EIO);
    EXPECT_EQ(file->config_read(0, 4, word), EIO);
    EXPECT_EQ(file->config_write(kCommand, 2, 0), EIO);
    EXPECT_EQ(file->enable_interrupts(1), EIO);
    EXPECT_EQ(file->disable_interrupts(), EIO);
    EXPECT_EQ(file->enable_bus_master(), EIO);
    EXPECT_EQ(file->reset(), EIO);
  }
  std::uint64_t value = 0;
  EXPECT_EQ(open()->load(0, Bytes{0}, 4, value), 0);
}

TEST_F(DeviceFileTest, AnIdleFunctionSleepsWithItsStateKept) {
  policies_.idle_power = IdlePower::D3hot;
  enable_device(device());
  const std::uint64_t bar = end_.bar(0);
  const auto state = [&] { return end_.get(FakeFunction::kPowerManagement + kPmControl, 2) & kPmStateMask; };
  suspend(platform_, policies_, device());
  EXPECT_EQ(state(), 3u);
  EXPECT_EQ(power_state(device()), 3u);
  end_.set(kBar0, 4, 0);  // as a function without No_Soft_Reset loses it
  end_.set(kCommand, 2, 0);
  {
    const Time before = platform_.now();
    const auto file = open();
    EXPECT_GE(platform_.now() - before, 10_us) << "10 ms, scaled";
    EXPECT_EQ(state(), 0u);
    EXPECT_EQ(end_.bar(0), bar);
    EXPECT_NE(end_.get(kCommand, 2) & kCommandMemory, 0u);
  }
  EXPECT_EQ(state(), 3u) << "closed";
}

// A function that runs for the old kernel's address space, and the file of it that a retrieve makes.
class TakenUpTest : public DeviceFileTest {
 protected:
  TakenUpTest() {
    enable_device(device());
    set_bus_master(device(), true);
    EXPECT_EQ(iommu_.attach(device().bdf, *space_), 0);
    platform_.writes.clear();
  }
  FileReference<VfioDevice> retrieve() {
    DeviceState state;
    state.path = path_to(device());
    state.attached = true;
    state.domain_id = space_->identifier();
    return FileReference<VfioDevice>(files_.add(std::make_unique<VfioDevice>(context(), device(), state)));
  }
  bool masters() const { return (end_.get(kCommand, 2) & kCommandBusMaster) != 0; }

  FileReference<IommuDomain> space_{files_.add(IommuDomain::create(pages_, iommu_))};
};

TEST_F(TakenUpTest, NeitherRetrieveNorBindTouchesAFunctionThatRunsOn) {
  const auto file = retrieve();
  EXPECT_FALSE(file->state().attached) << "nobody has bound it yet";
  EXPECT_EQ(file->state().path.bridges, (std::vector<pcie::Bdf>{pcie::Bdf{0, 0, 1, 0}}));
  ASSERT_EQ(file->attach(*space_), 0);
  EXPECT_EQ(file->state().domain_id, space_->identifier());
  EXPECT_TRUE(platform_.writes.empty());
  EXPECT_EQ(end_.resets, 0u);
}

TEST_F(TakenUpTest, BindAsPostedClearsBusMasteringAndResets) {
  policies_.bus_master_at_open = BusMasterAtOpen::Clear;
  policies_.reset_at_open = ResetAtOpen::Yes;
  const auto file = retrieve();
  EXPECT_TRUE(masters()) << "the retrieve alone opens nothing";
  ASSERT_EQ(file->attach(*space_), 0);
  EXPECT_EQ(end_.resets, 1u);
  EXPECT_FALSE(masters());
}

TEST_F(TakenUpTest, BusMasteringAndResetAtOpenAreDecidedApart) {
  policies_.bus_master_at_open = BusMasterAtOpen::Clear;
  const auto file = retrieve();
  ASSERT_EQ(file->attach(*space_), 0);
  EXPECT_EQ(end_.resets, 0u);
  EXPECT_FALSE(masters());
}

TEST_F(TakenUpTest, AFileThatNobodyBoundIsClosedWithoutATrace) {
  auto file = retrieve();
  file.close();
  EXPECT_TRUE(platform_.writes.empty());
  EXPECT_EQ(device().open, nullptr);
}

TEST_F(TakenUpTest, CloseOfABoundOneDisablesTheFunction) {
  auto file = retrieve();
  ASSERT_EQ(file->attach(*space_), 0);
  file.close();
  EXPECT_FALSE(masters());
  EXPECT_EQ(end_.resets, 1u);
}

}  // namespace
}  // namespace holdover::host::kernel
