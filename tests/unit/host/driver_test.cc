// SPDX-License-Identifier: MIT
// Which driver may bind to a function that was handed over, and what one does that should not have.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "pcie/config_space.h"
#include "pcie/error.h"
#include "tests/unit/host/kernel_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;
using holdover::testing::FakeFunction;

class BindingTest : public KernelTest {
 protected:
  // Retrieves the device under the next kernel, which these policies are about; the errno of that.
  int retrieve(const std::string& policies, std::string* console = nullptr) {
    const PhysicalAddress next = run_first_kernel("profile=continuous " + policies);
    resets_ = end0_.resets;
    platform_.writes.clear();
    platform_.console_lines.clear();
    Kernel kernel(platform_, next);
    kernel.boot();
    for (const std::string& line : platform_.console_lines) {
      if (console != nullptr) *console += line + "\n";
    }
    after_boot_ = command(end0_);
    EmulatedSystem system(kernel);
    const auto live_update = system.open_live_update();
    const auto session = live_update->retrieve_session("holdover");
    try {
      const auto device = session->retrieve_device(20);
      after_retrieve_ = command(end0_);
      kernel.stop();
      return 0;
    } catch (const Error& error) {
      after_retrieve_ = command(end0_);
      kernel.stop();
      return error.errno_value();
    }
  }
  bool untouched() const { return end0_.resets == resets_ && (after_retrieve_ & kCommandBusMaster) != 0; }

  unsigned resets_ = 0;
  unsigned after_boot_ = 0;
  unsigned after_retrieve_ = 0;
};

TEST_F(BindingTest, TheDriverItWasHandedOverFromMayBindUnderEveryContract) {
  for (const char* contract : {"none", "driver-name", "schema-guid"}) {
    for (const char* model : {"probe", "retrieve"}) {
      EXPECT_EQ(retrieve(std::string("policy=binding-contract=") + contract + " policy=entry-model=" + model), 0);
      EXPECT_TRUE(untouched()) << contract << ' ' << model;
      platform_.iommu_status = 0;
    }
  }
}

// H109, H113
TEST_F(BindingTest, WithoutAContractTheWrongDriverResetsARunningFunction) {
  EXPECT_EQ(retrieve("policy=driver=stub"), ENODEV);
  EXPECT_EQ(end0_.resets, resets_ + 1);
  EXPECT_EQ(after_boot_ & kCommandBusMaster, 0u);
}

TEST_F(BindingTest, TheStubSetsBusMasteringWhereItsPolicySaysSo) {
  EXPECT_EQ(retrieve("policy=driver=stub policy=stub-bus-master=on"), ENODEV);
  EXPECT_EQ(end0_.resets, resets_ + 1);
  EXPECT_NE(after_boot_ & kCommandBusMaster, 0u);
}

TEST_F(BindingTest, AContractRefusesTheWrongDriverAndLeavesTheFunctionAlone) {
  for (const char* contract : {"driver-name", "schema-guid"}) {
    for (const char* driver : {"stub", "schema-2"}) {
      std::string console;
      EXPECT_EQ(retrieve(std::string("policy=driver=") + driver + " policy=binding-contract=" + contract, &console),
                ENODEV);
      EXPECT_TRUE(untouched()) << contract << ' ' << driver;
      EXPECT_NE(console.find("is refused"), std::string::npos);
      platform_.iommu_status = 0;
    }
  }
}

TEST_F(BindingTest, AnotherLayoutOfTheSavedStateProgramsTheFunctionWrongly) {
  EXPECT_EQ(retrieve("policy=driver=schema-2"), 0);
  EXPECT_NE(after_boot_ & kCommandBusMaster, 0u) << "its probe does no harm";
  EXPECT_EQ(after_retrieve_ & 0x547u, 2u) << "two vectors, taken for COMMAND";
}

TEST_F(BindingTest, ANameSaysNothingOfALayout) {
  EXPECT_EQ(retrieve("policy=driver=same-name policy=binding-contract=driver-name"), 0);
  EXPECT_FALSE(untouched()) << "two vectors, taken for COMMAND";
  platform_.iommu_status = 0;
  EXPECT_EQ(retrieve("policy=driver=same-name policy=binding-contract=schema-guid"), ENODEV);
  EXPECT_TRUE(untouched());
}

TEST_F(BindingTest, WhatAVariantDriverRetrievedCannotBePreservedAgain) {
  for (const auto& [driver, expected] : {std::pair{"schema-2", ENOENT}, {"same-name", ENOENT}, {"renamed", 0}}) {
    const PhysicalAddress next = run_first_kernel(std::string("profile=continuous policy=driver=") + driver);
    Kernel kernel(platform_, next);
    kernel.boot();
    EmulatedSystem system(kernel);
    const auto live_update = system.open_live_update();
    const auto incoming = live_update->retrieve_session("holdover");
    const auto space = incoming->retrieve_address_space(10);
    const auto device = incoming->retrieve_device(20);
    device->attach(*space);
    incoming->finish();
    const auto outgoing = live_update->create_session("again");
    space->mark_for_preservation(10);
    outgoing->preserve(*space, 10);
    int error = 0;
    try {
      outgoing->preserve(*device, 20);
    } catch (const Error& refused) {
      error = refused.errno_value();
    }
    EXPECT_EQ(error, expected) << driver;
    kernel.stop();
    platform_.iommu_status = 0;
  }
}

TEST_F(BindingTest, AnotherNameForTheSameLayoutIsRefusedByNameOnly) {
  EXPECT_EQ(retrieve("policy=driver=renamed policy=binding-contract=driver-name"), ENODEV);
  EXPECT_TRUE(untouched());
  platform_.iommu_status = 0;
  EXPECT_EQ(retrieve("policy=driver=renamed policy=binding-contract=schema-guid"), 0);
  EXPECT_TRUE(untouched());
}

TEST_F(BindingTest, AHandlerUnderAnotherStringMakesEverySessionUnreadable) {
  const PhysicalAddress next = run_first_kernel("profile=continuous");
  resets_ = end0_.resets;
  BootParameters parameters = read_boot_parameters(platform_.dram(), next);
  const std::string line = "profile=continuous policy=device-handler=v2";
  parameters.command_line.fill('\0');
  std::copy(line.begin(), line.end(), parameters.command_line.begin());
  write_boot_parameters(platform_.dram(), next, parameters);
  Kernel kernel(platform_, next);
  kernel.boot();
  EmulatedSystem system(kernel);
  try {
    (void)system.open_live_update();
    ADD_FAILURE() << "nobody handles vfio-pci-v1";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), EIO);
  }
  after_retrieve_ = command(end0_);
  EXPECT_TRUE(untouched());
  kernel.stop();
}

TEST_F(BindingTest, ADriverCannotGoWhileItsDeviceFileIsOpen) {
  Kernel kernel(platform_, platform_.write_boot_page("profile=continuous"));
  kernel.boot();
  EmulatedSystem system(kernel);
  auto device = system.open_device(kEndpoint);
  EXPECT_EQ(kernel.unbind(kEndpoint), EBUSY);
  EXPECT_EQ(kernel.remove_driver(kNeighbour), EBUSY) << "it is the same module";
  EXPECT_EQ(kernel.unbind(kNeighbour), 0);
  EXPECT_EQ(kernel.unbind(kNeighbour), ENODEV);
  EXPECT_EQ(system.devices(), std::vector<pcie::Bdf>{kEndpoint});
  device.reset();
  EXPECT_EQ(kernel.remove_driver(kEndpoint), 0);
  EXPECT_TRUE(system.devices().empty());
  EXPECT_EQ(kernel.remove_driver(kEndpoint), ENODEV);
  kernel.stop();
}

TEST_F(BindingTest, NothingKeepsTheDriverOfAnIncomingFunctionBeforeItsFileIsRetrieved) {
  const PhysicalAddress next = run_first_kernel("profile=continuous");
  resets_ = end0_.resets;
  Kernel kernel(platform_, next);
  kernel.boot();
  EmulatedSystem system(kernel);
  EXPECT_EQ(kernel.unbind(kEndpoint), 0);
  const auto live_update = system.open_live_update();
  const auto session = live_update->retrieve_session("holdover");
  try {
    (void)session->retrieve_device(20);
    ADD_FAILURE() << "no driver is bound";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), ENODEV);
  }
  after_retrieve_ = command(end0_);
  EXPECT_TRUE(untouched());
  kernel.stop();
}

TEST_F(BindingTest, WhatIsPreservedKeepsItsDriver) {
  Kernel kernel(platform_, platform_.write_boot_page("profile=continuous"));
  kernel.boot();
  EmulatedSystem system(kernel);
  UserSpace user;
  start(system, user);
  preserve(system, user);
  user.device.reset();
  EXPECT_EQ(kernel.unbind(kEndpoint), EBUSY) << "the session holds the file";
  user.session.reset();
  EXPECT_EQ(kernel.unbind(kEndpoint), 0);
  kernel.stop();
}

TEST_F(BindingTest, UnderTheEntryModelRetrieveNoDriverIsProbed) {
  EXPECT_EQ(retrieve("policy=driver=stub policy=entry-model=retrieve"), ENODEV);
  EXPECT_TRUE(untouched());
}

TEST_F(BindingTest, UnderTheEntryModelRetrieveAnIncomingFunctionIsNotPutToSleep) {
  EXPECT_EQ(retrieve("policy=entry-model=retrieve policy=idle-d3hot=on"), 0);
  EXPECT_EQ(end0_.get(FakeFunction::kPowerManagement + kPmControl, 2) & kPmStateMask, 0u);
  EXPECT_EQ(end1_.get(FakeFunction::kPowerManagement + kPmControl, 2) & kPmStateMask, 3u) << "not incoming";
}

}  // namespace
}  // namespace holdover::host::kernel
