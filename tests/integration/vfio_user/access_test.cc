// SPDX-License-Identifier: MIT
// What one access of a client costs in clocks of the endpoint, counted in the machine itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "host/driver/endpoint_regs.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "serve/vfio_user/config_view.h"
#include "serve/vfio_user/machine.h"
#include "sim/witness.h"

namespace holdover::serve {
namespace {

namespace config = pcie::config;
namespace regs = host::regs;

struct Case {
  const char* name;
  const char* topology;
  unsigned function;
  const char* disturb;
  bool no_soft_reset = true;
};

class AccessClocks : public ::testing::TestWithParam<Case> {
 protected:
  AccessClocks() {
    sim::MachineConfig machine;
    machine.topology = GetParam().topology;
    machine.dram_size = 1_MiB;
    machine.endpoint.no_soft_reset = GetParam().no_soft_reset;
    machine.disturbance = sim::select_disturbances(GetParam().disturb);
    machine.endpoint.completion_timeout = sim::longest_answer(machine) + 50_us;
    machine_.emplace(machine, GetParam().function, sim::build_machine_over);
  }

  [[nodiscard]] std::uint64_t most_clocks(const std::function<void()>& access, unsigned times = 200) {
    std::uint64_t most = 0;
    for (unsigned i = 0; i < times; ++i) {
      const Cycles before = machine_->cycles();
      access();
      most = std::max(most, (machine_->cycles() - before).count());
    }
    return most;
  }

  std::optional<ServedMachine> machine_;
};

// docs/vfio-user.md says these.
constexpr std::uint64_t kMostReadClocks = 500;
constexpr std::uint64_t kMostWriteClocks = 500;
constexpr std::uint64_t kMostLargestClocks = 512'000;
constexpr std::uint64_t kMostResetClocks = 20'000;

TEST_P(AccessClocks, AreBounded) {
  machine_->config_write(config::kCommand, 2, config::kCommandMemory | config::kCommandBusMaster);
  // Writes of the endpoint go where no memory is: the busiest way that there is without a client.
  machine_->store(0, regs::heartbeat_writer::kRingEntries, 4, 64);
  machine_->store(0, regs::heartbeat_writer::kPeriod, 4, 16);
  machine_->store(0, regs::heartbeat_writer::kControl, 4, 1);
  EXPECT_LE(most_clocks([&] { (void)machine_->config_read(0, 4); }), kMostReadClocks);
  EXPECT_LE(most_clocks([&] { machine_->config_write(config::kInterruptLine, 1, 5); }), kMostWriteClocks);
  EXPECT_LE(most_clocks([&] { (void)machine_->load(0, 0, 4); }), kMostReadClocks);
  EXPECT_LE(most_clocks([&] { (void)machine_->load(2, 0x40, 8); }), kMostReadClocks);
  EXPECT_LE(most_clocks([&] { machine_->store(2, 0x40, 8, 1); }), kMostWriteClocks);
  ConfigView view(*machine_);
  EXPECT_LE(most_clocks([&] { view.reset(); }, 3), kMostResetClocks);
  EXPECT_EQ(machine_->load(0, regs::global::kId, 4), regs::global::kIdReset) << "it is ready at once";
  EXPECT_GT(machine_->memory().refused(), 0u);
  EXPECT_EQ(machine_->violation(), "");
}

// The largest that a client may ask for: as many requests as its 4096 bytes take.
TEST_P(AccessClocks, OfTheLargestRequestAreBounded) {
  constexpr std::uint64_t kBytes = 4096;
  machine_->config_write(config::kCommand, 2, config::kCommandMemory | config::kCommandBusMaster);
  machine_->store(0, regs::heartbeat_writer::kRingEntries, 4, 64);
  machine_->store(0, regs::heartbeat_writer::kPeriod, 4, 16);
  machine_->store(0, regs::heartbeat_writer::kControl, 4, 1);
  ConfigView view(*machine_);
  std::vector<std::byte> space(kBytes);
  EXPECT_LE(most_clocks([&] { view.read(0, space); }, 1), kMostLargestClocks);
  EXPECT_EQ(space[0], std::byte{0x72});
  EXPECT_LE(kBytes / 4 * kMostReadClocks, kMostLargestClocks);
  EXPECT_LE(kBytes / 8 * std::max(kMostReadClocks, kMostWriteClocks), kMostLargestClocks) << "of a BAR";
}

// A function in reset is waited for, not given up.
TEST_P(AccessClocks, OfAResetByConfigurationSpaceAreBounded) {
  ConfigView view(*machine_);
  const auto express = [&] {
    for (unsigned at = machine_->config_read(config::kCapabilityPointer, 1); at != 0;) {
      const std::uint32_t head = machine_->config_read(at, 2);
      if ((head & 0xff) == config::kCapExpress) return at;
      at = head >> 8;
    }
    return 0u;
  }();
  ASSERT_NE(express, 0u);
  const std::array<std::byte, 2> flr{std::byte{0}, std::byte{0x80}};
  bool told = false;
  EXPECT_LE(most_clocks([&] { view.write(express + config::kExpressDeviceControl, flr, [&] { told = true; }); }, 3),
            kMostResetClocks);
  EXPECT_TRUE(told);
  EXPECT_LE(most_clocks([&] { (void)machine_->config_read(0, 4); }, 1), kMostReadClocks);
  EXPECT_EQ(machine_->config_read(config::kBar0, 4), 0u) << "an FLR takes the BARs";
}

TEST_P(AccessClocks, OfLeavingD3hotAreBounded) {
  constexpr unsigned kControl = 0x40 + config::kPmControl;
  ConfigView view(*machine_);
  const auto write = [&](unsigned offset, std::uint16_t value) {
    view.write(offset, std::as_bytes(std::span(&value, 1)), [] {});
  };
  write(config::kCommand, config::kCommandMemory);
  write(kControl, 3);
  EXPECT_TRUE(view.asleep());
  EXPECT_EQ(machine_->load(0, regs::global::kId, 4), 0xffff'ffffu);
  EXPECT_LE(most_clocks([&] { write(kControl, 0); }, 1), kMostResetClocks);
  EXPECT_FALSE(view.asleep());
  EXPECT_EQ(machine_->load(0, regs::global::kId, 4), regs::global::kIdReset) << "it decodes memory as before";
}

INSTANTIATE_TEST_SUITE_P(Machines, AccessClocks,
                         ::testing::Values(Case{"Direct", "direct", 0, "none"},
                                           Case{"DirectDisturbed", "direct", 0, "all"}, Case{"Wide", "wide", 2, "none"},
                                           Case{"WideDisturbed", "wide", 2, "all"},
                                           Case{"SoftReset", "direct", 0, "all", false}),
                         [](const auto& each) { return each.param.name; });

TEST(ServedFunction, IsOneOfTheTopology) {
  sim::MachineConfig machine;
  machine.topology = "switch";
  machine.dram_size = 1_MiB;
  EXPECT_THROW(ServedMachine(machine, 2, sim::build_machine_over), Error);
}

}  // namespace
}  // namespace holdover::serve
