// SPDX-License-Identifier: MIT
// A machine with a kernel that stays: what its user is promised.
#include "bench/booted_machine.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/panic.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "tests/support/bench_run.h"

namespace holdover::bench {
namespace {

using namespace pcie::config;

RunOptions quiet(const std::string& topology = "direct") {
  RunOptions options = testing::short_run();
  options.topology = topology;
  options.disturb = "none";
  return options;
}

TEST(BootedMachine, TimePassesInsideCallsOnly) {
  BootedMachine machine(quiet(), sim::build_machine);
  const Time before = machine.platform().now();
  EXPECT_EQ(machine.platform().now(), before);
  machine.system().wait(std::chrono::microseconds{3});
  EXPECT_EQ(machine.platform().now(), before + Time{3'000'000});
}

TEST(BootedMachine, UserSpaceOpensItsDevices) {
  BootedMachine machine(quiet("switch"), sim::build_machine);
  const std::vector<pcie::Bdf> devices = machine.system().devices();
  ASSERT_EQ(devices.size(), 2u);
  const std::unique_ptr<host::Device> device = machine.system().open_device(devices[1]);
  EXPECT_EQ(device->config_read(Bytes{kVendorId}, 4), 0x0d17'1172u);
}

TEST(BootedMachine, AnErrorOfTheProgramLeavesTheKernelAlive) {
  BootedMachine machine(quiet(), sim::build_machine);
  EXPECT_THROW(machine.run([](host::System& system) { (void)system.open_device(pcie::Bdf{0, 9, 9, 0}); }), Error);
  EXPECT_EQ(machine.system().devices().size(), 1u);
}

TEST(BootedMachine, APanicIsAnErrorThenAndEverAfter) {
  BootedMachine machine(quiet(), sim::build_machine);
  for (const bool first : {true, false}) {
    try {
      machine.run([](host::System&) { throw host::kernel::Panic("the sky fell"); });
      FAIL() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Unavailable);
      EXPECT_STREQ(error.what(), "the emulated kernel panicked: the sky fell") << first;
    }
  }
  EXPECT_THROW((void)machine.system(), Error);
}

TEST(BootedMachine, AKernelThatDoesNotBootSaysWhy) {
  RunOptions options = quiet();
  try {
    BootedMachine machine(options, [](const sim::MachineConfig& config, sim::Witness& witness) {
      sim::MachineConfig small = config;
      small.dram_size = Bytes{1 << 20};
      return sim::build_machine(small, witness);
    });
    FAIL() << "it booted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("the emulated kernel panicked: DRAM is too small"), std::string::npos)
        << error.what();
  }
}

TEST(BootedMachine, AStopEndsAWaitAndLeavesTheKernelAlive) {
  bool stop = false;
  RunOptions options = quiet();
  options.stop = [&stop] { return stop; };
  BootedMachine machine(options, sim::build_machine);
  machine.system().wait(std::chrono::microseconds{1});
  stop = true;
  EXPECT_THROW(machine.system().wait(std::chrono::seconds{1}), Error);
  stop = false;
  machine.system().wait(std::chrono::microseconds{1});
  EXPECT_EQ(machine.system().devices().size(), 1u);
}

TEST(BootedMachine, AKexecInUserSpaceBootsTheNextKernel) {
  BootedMachine machine(quiet(), sim::build_machine);
  EXPECT_FALSE(machine.system().booted_by_kexec());
  machine.run([](host::System& system) {
    system.load_kernel("profile=pci-v9 next=nothing");
    system.kexec();
  });
  EXPECT_TRUE(machine.system().booted_by_kexec());
  EXPECT_EQ(machine.system().parameter("profile"), "pci-v9");
  EXPECT_EQ(machine.system().devices().size(), 1u);
}

}  // namespace
}  // namespace holdover::bench
