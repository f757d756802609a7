// SPDX-License-Identifier: MIT
// Links of the whole machine: reset, lost, retrained, disabled, without power, and ports with nothing below.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "host/driver/endpoint_regs.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "tests/integration/machine_bench.h"

namespace holdover {
namespace {

namespace config = pcie::config;
namespace regs = host::regs;
using test::Bench;
using test::HandHost;
using test::small;
using testing::IsEmpty;

class MachineLinkTest : public testing::TestWithParam<const char*> {};

TEST_P(MachineLinkTest, SecondaryBusResetTakesTheLinkDownAndBringsItUpAgain) {
  Bench bench(small(GetParam()));
  bench.host.configure();
  const sim::FunctionInfo endpoint = bench.machine->functions().back();
  const sim::FunctionIndex index = static_cast<sim::FunctionIndex>(bench.machine->functions().size() - 1);
  const pcie::Bdf port = bench.machine->bdf(*endpoint.parent);
  const pcie::Bdf function = bench.machine->bdf(index);
  bench.platform.config_write(port, Bytes{config::kBridgeControl}, 2, config::kBridgeControlSecondaryReset);
  EXPECT_EQ(bench.platform.config_read(function, Bytes{0}, 4), 0xffff'ffffu);
  bench.platform.wait(10_us);
  bench.platform.config_write(port, Bytes{config::kBridgeControl}, 2, 0);
  bench.platform.wait(400_us);
  EXPECT_EQ(bench.platform.config_read(function, Bytes{config::kVendorId}, 2), 0x1172u);
  EXPECT_EQ(bench.platform.config_read(function, Bytes{config::kCommand}, 2), 0u);
  EXPECT_THAT(bench.seen.links,
              testing::ElementsAre(std::pair{*endpoint.parent, false}, std::pair{*endpoint.parent, true}));
  EXPECT_THAT(bench.seen.resets, testing::Contains(std::pair{index, sim::ResetKind::HotReset}));
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

TEST_P(MachineLinkTest, ALostLinkComesBackByItself) {
  sim::MachineConfig machine_config = small(GetParam());
  machine_config.faults.push_back({sim::MachineFault::Kind::LinkDown, 0, pcie::Phase::Blackout, 5_us});
  machine_config.blackout = 400_us;
  Bench bench(machine_config);
  bench.host.configure();
  bench.host.start_traffic(0);
  bench.platform.jump(PhysicalAddress{0x1000});
  EXPECT_THAT(bench.seen.faults, testing::ElementsAre(sim::MachineFault::Kind::LinkDown));
  EXPECT_EQ(bench.seen.links.size(), 2u);
  EXPECT_EQ(bench.platform.config_read(bench.host.endpoint(0), Bytes{config::kVendorId}, 2), 0x1172u);
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

// The port above the last endpoint, and its PCI Express capability.
struct Below {
  explicit Below(Bench& bench)
      : endpoint(static_cast<sim::FunctionIndex>(bench.machine->functions().size() - 1)),
        index(*bench.machine->functions().back().parent),
        port(bench.machine->bdf(index)),
        function(bench.machine->bdf(endpoint)),
        platform(bench.platform),
        express(*pcie::find_capability([this](unsigned offset) { return platform.config_read(port, Bytes{offset}, 4); },
                                       config::kCapExpress)) {}
  [[nodiscard]] std::uint32_t read(unsigned offset) { return platform.config_read(port, Bytes{express + offset}, 2); }
  void write(unsigned offset, std::uint32_t value) { platform.config_write(port, Bytes{express + offset}, 2, value); }
  [[nodiscard]] std::uint32_t function_register(unsigned offset) {
    return platform.config_read(function, Bytes{offset}, 4);
  }
  [[nodiscard]] unsigned aer() {
    return *pcie::find_extended_capability([this](unsigned offset) { return function_register(offset); },
                                           config::kExtCapAer);
  }

  sim::FunctionIndex endpoint;
  sim::FunctionIndex index;
  pcie::Bdf port;
  pcie::Bdf function;
  pcie::Platform& platform;
  unsigned express;
};

TEST_P(MachineLinkTest, RetrainingStopsTrafficForAWhileAndLosesNothing) {
  Bench bench(small(GetParam()));
  bench.host.configure();
  Below below(bench);
  const unsigned number = bench.machine->functions().back().endpoint;
  bench.seen.watch_heartbeat(number, HandHost::heartbeat_base(number), HandHost::kHeartbeatRing);
  bench.host.start_traffic(number);
  bench.platform.wait(20_us);
  below.write(config::kExpressLinkControl, 1u << 5);
  bench.platform.wait(20_us);
  EXPECT_NE(below.read(config::kExpressLinkStatus) & (1u << 14), 0u);
  EXPECT_GT(bench.seen.heartbeats, 15u);
  EXPECT_THAT(bench.seen.links, IsEmpty());
  EXPECT_THAT(bench.seen.resets, IsEmpty());
  EXPECT_EQ(bench.host.read(number, regs::heartbeat_writer::kMissed), 0u);
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

TEST_P(MachineLinkTest, ADisabledLinkAnswersNothingAndTheEndpointComesBackReset) {
  Bench bench(small(GetParam()));
  bench.host.configure();
  Below below(bench);
  const unsigned mask = below.aer() + config::kAerUncorrectableMask;
  bench.platform.config_write(below.function, Bytes{mask}, 4, config::kAerUnsupported);
  bench.host.start_traffic(bench.machine->functions().back().endpoint);
  bench.platform.wait(20_us);
  const std::uint32_t control = below.read(config::kExpressLinkControl);
  below.write(config::kExpressLinkControl, control | (1u << 4));
  const Time begin = bench.platform.now();
  EXPECT_EQ(below.function_register(0), 0xffff'ffffu);
  EXPECT_LT(bench.platform.now() - begin, 10_us) << "the port answers itself";
  bench.platform.wait(500_us);
  EXPECT_EQ(below.function_register(0), 0xffff'ffffu) << "it does not train";
  below.write(config::kExpressLinkControl, control);
  bench.platform.wait(400_us);
  EXPECT_EQ(below.function_register(config::kCommand) & 0xffff, 0u);
  EXPECT_EQ(below.function_register(mask), config::kAerUnsupported) << "sticky";
  EXPECT_THAT(bench.seen.resets, testing::Contains(std::pair{below.endpoint, sim::ResetKind::LinkDown}));
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

TEST_P(MachineLinkTest, ASlotWithoutPowerForgetsEverythingThatIsInIt) {
  Bench bench(small(GetParam()));
  bench.host.configure();
  Below below(bench);
  const unsigned number = bench.machine->functions().back().endpoint;
  const unsigned mask = below.aer() + config::kAerUncorrectableMask;
  const std::uint32_t fresh = below.function_register(mask);
  bench.platform.config_write(below.function, Bytes{mask}, 4, config::kAerUnsupported);
  bench.platform.mmio_write(bench.host.bar2(number), 4, 0x1234'5678);
  EXPECT_EQ(bench.platform.mmio_read(bench.host.bar2(number), 4), 0x1234'5678u);
  bench.host.start_traffic(number);
  bench.platform.wait(20_us);
  const std::uint32_t control = below.read(config::kExpressSlotControl);
  below.write(config::kExpressSlotControl, control | (1u << 10));
  EXPECT_EQ(below.function_register(0), 0xffff'ffffu);
  bench.platform.wait(50_us);
  EXPECT_EQ(below.read(config::kExpressLinkStatus) & (1u << 13), 0u) << "no link";
  below.write(config::kExpressSlotControl, control);
  bench.platform.wait(400_us);
  EXPECT_EQ(below.function_register(0), 0x0d17'1172u);
  EXPECT_EQ(below.function_register(config::kCommand) & 0xffff, 0u);
  EXPECT_EQ(below.function_register(mask), fresh) << "nothing is sticky without power";
  EXPECT_THAT(bench.seen.resets, testing::Contains(std::pair{below.endpoint, sim::ResetKind::Fundamental}));
  bench.host.configure();
  EXPECT_EQ(bench.platform.mmio_read(bench.host.bar2(number), 4), 0u);
  bench.host.start_traffic(number);
  const std::uint64_t written = bench.seen.bytes_written;
  bench.platform.wait(20_us);
  EXPECT_GT(bench.seen.bytes_written, written + 10'000);
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

TEST_P(MachineLinkTest, AMomentWithoutPowerIsAFundamentalReset) {
  sim::MachineConfig machine_config = small(GetParam());
  machine_config.faults.push_back({sim::MachineFault::Kind::PowerLoss, 0, pcie::Phase::Blackout, 5_us});
  machine_config.blackout = 10_us;
  Bench bench(machine_config);
  bench.host.configure();
  const pcie::Bdf function = bench.host.endpoint(0);
  const unsigned aer = *pcie::find_extended_capability(
      [&](unsigned offset) { return bench.platform.config_read(function, Bytes{offset}, 4); }, config::kExtCapAer);
  const Bytes mask{aer + config::kAerUncorrectableMask};
  const std::uint32_t fresh = bench.platform.config_read(function, mask, 4);
  bench.platform.config_write(function, mask, 4, config::kAerUnsupported);
  EXPECT_EQ(bench.platform.config_read(function, mask, 4), config::kAerUnsupported);
  bench.platform.jump(PhysicalAddress{0x1000});
  bench.platform.wait(400_us);
  EXPECT_EQ(bench.platform.config_read(function, mask, 4), fresh) << "nothing is sticky without power";
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

// It answers where the other one answered, and knows nothing of what that one did.
TEST_P(MachineLinkTest, AnotherEndpointInTheSlotHasAnotherSerialNumberAndNothingElse) {
  sim::MachineConfig machine_config = small(GetParam());
  machine_config.faults.push_back({sim::MachineFault::Kind::SwappedEndpoint, 0, pcie::Phase::Blackout, 5_us});
  machine_config.blackout = 10_us;
  Bench bench(machine_config);
  bench.host.configure();
  bench.host.start_traffic(0);
  const pcie::Bdf function = bench.host.endpoint(0);
  const auto read = [&](unsigned offset) { return bench.platform.config_read(function, Bytes{offset}, 4); };
  const unsigned serial = *pcie::find_extended_capability(read, config::kExtCapSerialNumber);
  const std::uint32_t identity = read(0);
  const std::uint32_t subsystem = read(config::kSubsystemVendorId);
  const std::uint64_t number = read(serial + 4) | std::uint64_t{read(serial + 8)} << 32;
  bench.platform.jump(PhysicalAddress{0x1000});
  bench.platform.wait(400_us);
  EXPECT_EQ(read(0), identity);
  EXPECT_NE(read(config::kSubsystemVendorId), subsystem);
  EXPECT_NE(read(serial + 4) | std::uint64_t{read(serial + 8)} << 32, number);
  EXPECT_EQ(read(config::kCommand) & 0xffff, 0u);
  const std::uint64_t written = bench.seen.bytes_written;
  bench.platform.wait(20_us);
  EXPECT_EQ(bench.seen.bytes_written, written) << "the DMA went with the other one";
  EXPECT_THAT(bench.seen.faults, testing::ElementsAre(sim::MachineFault::Kind::SwappedEndpoint));
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

// Its sticky bits, and with them those of everything below, which has no other supply.
TEST(SwitchWithoutPower, ForgetsEverythingDownToItsEndpoints) {
  Bench bench(small("switch"));
  bench.host.configure();
  const pcie::Bdf root = bench.machine->bdf(0);
  const auto aer_of = [&](sim::FunctionIndex function) {
    const pcie::Bdf bdf = bench.machine->bdf(function);
    return *pcie::find_extended_capability(
        [&](unsigned offset) { return bench.platform.config_read(bdf, Bytes{offset}, 4); }, config::kExtCapAer);
  };
  std::vector<unsigned> mask;
  for (sim::FunctionIndex i = 0; i < bench.machine->functions().size(); ++i) {
    mask.push_back(aer_of(i) + config::kAerUncorrectableMask);
  }
  const auto write_masks = [&] {
    for (sim::FunctionIndex i = 1; i < mask.size(); ++i) {
      bench.platform.config_write(bench.machine->bdf(i), Bytes{mask[i]}, 4, config::kAerUnsupported);
    }
  };
  const auto masked = [&] {
    unsigned count = 0;
    for (sim::FunctionIndex i = 1; i < mask.size(); ++i) {
      const auto value = bench.platform.config_read(bench.machine->bdf(i), Bytes{mask[i]}, 4);
      count += (value & config::kAerUnsupported) != 0 ? 1 : 0;
    }
    return count;
  };
  const auto functions = static_cast<unsigned>(mask.size()) - 1;
  write_masks();
  bench.platform.config_write(root, Bytes{config::kBridgeControl}, 2, config::kBridgeControlSecondaryReset);
  bench.platform.wait(10_us);
  bench.platform.config_write(root, Bytes{config::kBridgeControl}, 2, 0);
  bench.platform.wait(800_us);
  bench.host.configure();
  EXPECT_EQ(masked(), functions) << "a hot reset keeps what is sticky";

  const unsigned express = *pcie::find_capability(
      [&](unsigned offset) { return bench.platform.config_read(root, Bytes{offset}, 4); }, config::kCapExpress);
  const Bytes control{express + config::kExpressSlotControl};
  bench.platform.config_write(root, control, 2, 1u << 10);
  bench.platform.wait(10_us);
  bench.platform.config_write(root, control, 2, 0);
  bench.platform.wait(800_us);
  bench.host.configure();
  EXPECT_EQ(masked(), 0u);
  for (sim::FunctionIndex i = 1; i < mask.size(); ++i) {
    if (bench.machine->functions()[i].kind != sim::FunctionKind::Endpoint) continue;
    EXPECT_THAT(bench.seen.resets, testing::Contains(std::pair{i, sim::ResetKind::Fundamental}));
  }
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

TEST_P(MachineLinkTest, ALinkThatIsLostAnswersAtThePortUntilItIsBack) {
  sim::MachineConfig machine_config = small(GetParam());
  const unsigned number = 0;
  machine_config.faults.push_back({sim::MachineFault::Kind::LinkDown, number, pcie::Phase::Blackout, 5_us});
  machine_config.blackout = 10_us;
  Bench bench(machine_config);
  bench.host.configure();
  bench.host.start_traffic(number);
  bench.platform.wait(20_us);
  bench.platform.jump(PhysicalAddress{0x1000});
  const std::uint64_t written = bench.seen.bytes_written;
  const Time begin = bench.platform.now();
  EXPECT_EQ(bench.platform.config_read(bench.host.endpoint(number), Bytes{0}, 4), 0xffff'ffffu);
  EXPECT_LT(bench.platform.now() - begin, 10_us) << "the port answers itself";
  bench.platform.wait(400_us);
  EXPECT_EQ(bench.platform.config_read(bench.host.endpoint(number), Bytes{config::kCommand}, 2), 0u);
  EXPECT_LT(bench.seen.bytes_written, written + 64 * 1024) << "nothing moves after the reset";
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

// A port without a link partner: nothing answers below, and the port says that nothing is there.
TEST(EmptyPort, HasNoLinkAndNothingBelow) {
  Bench bench(small("wide"));
  bench.host.configure();
  const std::vector<sim::FunctionInfo>& tree = bench.machine->functions();
  unsigned empty = 0;
  for (sim::FunctionIndex port = 0; port < tree.size(); ++port) {
    if (tree[port].kind != sim::FunctionKind::RootPort && tree[port].kind != sim::FunctionKind::SwitchDownstream) {
      continue;
    }
    const bool occupied =
        std::any_of(tree.begin(), tree.end(), [port](const auto& other) { return other.parent == port; });
    const pcie::Bdf bdf = bench.machine->bdf(port);
    const auto read = [&](unsigned offset, unsigned size) {
      return bench.platform.config_read(bdf, Bytes{offset}, size);
    };
    const unsigned express =
        pcie::find_capability([&](unsigned offset) { return read(offset, 4); }, config::kCapExpress).value();
    constexpr std::uint32_t kActive = 1u << 13;
    constexpr std::uint32_t kPresent = 1u << 6;
    EXPECT_EQ((read(express + config::kExpressLinkStatus, 2) & kActive) != 0, occupied) << tree[port].name;
    EXPECT_EQ((read(express + config::kExpressSlotControl + 2, 2) & kPresent) != 0, occupied) << tree[port].name;
    if (occupied) continue;
    ++empty;
    const auto bus = static_cast<std::uint8_t>(read(config::kSecondaryBus, 1));
    EXPECT_EQ(bench.platform.config_read(pcie::Bdf{0, bus, 0, 0}, Bytes{0}, 4), 0xffff'ffffu);
    // A secondary bus reset trains nothing.
    bench.platform.config_write(bdf, Bytes{config::kBridgeControl}, 2, config::kBridgeControlSecondaryReset);
    bench.platform.config_write(bdf, Bytes{config::kBridgeControl}, 2, 0);
    bench.platform.wait(400_us);
    EXPECT_EQ(read(express + config::kExpressLinkStatus, 2) & kActive, 0u) << tree[port].name;
  }
  EXPECT_EQ(empty, 4u);
  EXPECT_EQ(bench.endpoints(), 3u);
  EXPECT_THAT(bench.seen.links, IsEmpty());
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Topologies, MachineLinkTest, testing::Values("direct", "switch", "wide"),
                         [](const auto& topology) { return std::string{topology.param}; });

}  // namespace
}  // namespace holdover
