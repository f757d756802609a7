// SPDX-License-Identifier: MIT
// The machine with the endpoint in RTL, driven by hand: what a kernel will rely on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "host/driver/dma_abi.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "pcie/pattern.h"
#include "tests/integration/machine_bench.h"

namespace holdover {
namespace {

namespace config = pcie::config;
namespace regs = host::regs;
using test::Bench;
using test::HandHost;
using test::small;
using testing::IsEmpty;

class MachineTest : public testing::TestWithParam<const char*> {};

TEST_P(MachineTest, FunctionsAnswerOnceTheirBridgesHaveBusNumbers) {
  Bench bench(small(GetParam()));
  EXPECT_EQ(bench.platform.config_read(pcie::Bdf{0, 1, 0, 0}, Bytes{0}, 4), 0xffff'ffffu);
  bench.host.configure();
  for (sim::FunctionIndex i = 0; i < bench.machine->functions().size(); ++i) {
    EXPECT_EQ(bench.platform.config_read(bench.machine->bdf(i), Bytes{config::kVendorId}, 2), 0x1172u)
        << bench.machine->functions()[i].name;
  }
  EXPECT_EQ(bench.platform.config_read(pcie::Bdf{0, 0, 7, 0}, Bytes{0}, 4), 0xffff'ffffu);
  EXPECT_EQ(bench.platform.config_read(pcie::Bdf{0, 20, 0, 0}, Bytes{0}, 2), 0xffffu);
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

// A request for a function that is not there, which the endpoint has been told to hold for a fatal error.
TEST_P(MachineTest, AnErrorMessageTravelsToTheRootPortAsFarAsBridgesForwardIt) {
  for (const bool forward : {false, true}) {
    SCOPED_TRACE(forward);
    Bench bench(small(GetParam()));
    bench.host.configure();
    const pcie::Bdf function = bench.host.endpoint(0);
    const auto read = [&](unsigned offset) { return bench.platform.config_read(function, Bytes{offset}, 4); };
    const auto aer = pcie::find_extended_capability(read, config::kExtCapAer);
    const auto express = pcie::find_capability(read, config::kCapExpress);
    ASSERT_TRUE(aer && express);
    bench.platform.config_write(function, Bytes{*aer + config::kAerUncorrectableSeverity}, 4, config::kAerUnsupported);
    const Bytes control{*express + config::kExpressDeviceControl};
    bench.platform.config_write(function, control, 2, bench.platform.config_read(function, control, 2) | 0xf);
    for (sim::FunctionIndex i = 0; i < bench.machine->functions().size(); ++i) {
      if (bench.machine->functions()[i].kind == sim::FunctionKind::Endpoint) continue;
      bench.platform.config_write(bench.machine->bdf(i), Bytes{config::kBridgeControl}, 2,
                                  forward ? config::kBridgeControlSerr : 0);
      bench.platform.config_write(
          bench.machine->bdf(i), Bytes{config::kCommand}, 2,
          bench.platform.config_read(bench.machine->bdf(i), Bytes{config::kCommand}, 2) | config::kCommandSerr);
    }
    pcie::Bdf other = function;
    other.function = 1;
    EXPECT_EQ(bench.platform.config_read(other, Bytes{0}, 4), 0xffff'ffffu);
    bench.platform.wait(10_us);
    EXPECT_EQ(read(*aer + config::kAerUncorrectableStatus), config::kAerUnsupported);
    const std::vector<sim::FunctionInfo>& functions = bench.machine->functions();
    const auto endpoint = std::find_if(functions.begin(), functions.end(), [](const sim::FunctionInfo& info) {
      return info.kind == sim::FunctionKind::Endpoint && info.endpoint == 0;
    });
    ASSERT_NE(endpoint, functions.end());
    std::vector<sim::FunctionIndex> above;  // the port next to it first
    for (auto port = endpoint->parent; port; port = functions[*port].parent) above.push_back(*port);
    for (sim::FunctionIndex i = 0; i < functions.size(); ++i) {
      if (functions[i].kind == sim::FunctionKind::Endpoint) continue;
      const auto status = static_cast<std::uint16_t>(
          bench.platform.config_read(bench.machine->bdf(i), Bytes{config::kSecondaryStatus}, 2));
      const bool on_the_way = std::find(above.begin(), above.end(), i) != above.end();
      EXPECT_EQ((status & config::kStatusSystemError) != 0, on_the_way && (forward || i == above.front()))
          << functions[i].name;
    }
    EXPECT_THAT(bench.seen.violations, IsEmpty());
    EXPECT_THAT(bench.seen.refused, IsEmpty());
  }
}

TEST(Straps, ThatTheEndpointWasNotMadeForBuildNoMachine) {
  sim::MachineConfig machine_config = small("direct");
  machine_config.endpoint.msix_vectors = 33;
  try {
    Bench bench(machine_config);
    ADD_FAILURE() << "it was built";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_THAT(error.what(), testing::HasSubstr("msix_vectors of the endpoint is 33"));
  }
}

TEST_P(MachineTest, BarsTellTheirSizes) {
  Bench bench(small(GetParam()));
  bench.host.configure();
  const pcie::Bdf function = bench.host.endpoint(0);
  bench.platform.config_write(function, Bytes{config::kCommand}, 2, 0);
  bench.platform.config_write(function, Bytes{config::kBar0}, 4, 0xffff'ffff);
  EXPECT_EQ(bench.platform.config_read(function, Bytes{config::kBar0}, 4), 0xffff'0000u);
  bench.platform.config_write(function, Bytes{config::kBar0 + 8}, 4, 0xffff'ffff);
  EXPECT_EQ(bench.platform.config_read(function, Bytes{config::kBar0 + 8}, 4), 0xffff'000cu);
}

TEST_P(MachineTest, RegistersAndCardMemoryAnswerThroughTheWindows) {
  Bench bench(small(GetParam()));
  bench.host.configure();
  for (unsigned endpoint = 0; endpoint < bench.endpoints(); ++endpoint) {
    EXPECT_EQ(bench.host.read(endpoint, regs::global::kId), regs::global::kIdReset);
    bench.host.write(endpoint, regs::global::kScratch, 0xa5a5'0000 + endpoint);
    EXPECT_EQ(bench.host.read(endpoint, regs::global::kScratch), 0xa5a5'0000 + endpoint);
    bench.platform.mmio_write(bench.host.bar2(endpoint) + Bytes{0x128}, 8, 0x0102'0304'0506'0708 + endpoint);
    EXPECT_EQ(bench.platform.mmio_read(bench.host.bar2(endpoint) + Bytes{0x128}, 8), 0x0102'0304'0506'0708 + endpoint);
    EXPECT_EQ(bench.platform.mmio_read(bench.host.bar2(endpoint) + Bytes{0x12a}, 2), 0x0506u);
  }
  EXPECT_EQ(bench.platform.mmio_read(BusAddress{0xef00'0000}, 4), 0xffff'ffffu);
  EXPECT_THAT(bench.seen.violations, IsEmpty());
}

TEST_P(MachineTest, OneDescriptorMovesItsBytes) {
  Bench bench(small(GetParam()));
  bench.host.configure();
  constexpr std::uint32_t kLength = 5000;
  constexpr std::uint64_t kRing = 0x10'0000;
  constexpr std::uint64_t kRecords = 0x10'1000;
  constexpr std::uint64_t kData = 0x10'2003;
  host::DmaDescriptor descriptor{};
  descriptor.host_address = kData;
  descriptor.length = kLength;
  descriptor.cookie = 77;
  std::memcpy(&bench.platform.dram()[kRing], &descriptor, sizeof descriptor);
  bench.host.run_ring(0, 0, regs::channel::kControlC2h.mask() | regs::channel::kControlPattern.mask(),
                      PhysicalAddress{kRing}, 1, PhysicalAddress{kRecords}, 42);
  bench.platform.wait(50_us);
  host::DmaCompletion record{};
  std::memcpy(&record, &bench.platform.dram()[kRecords], sizeof record);
  EXPECT_EQ(record.cookie, 77u);
  EXPECT_EQ(record.length, kLength);
  EXPECT_EQ(record.status & 0xffu, 0u);
  const auto bytes = bench.platform.dram().subspan(kData, kLength);
  EXPECT_EQ(pcie::first_mismatch(bytes, 42, 0, 0), kLength);
  EXPECT_EQ(bench.platform.dram()[kData - 1], std::byte{0});
  EXPECT_EQ(bench.platform.dram()[kData + kLength], std::byte{0});
  EXPECT_THAT(bench.seen.violations, IsEmpty());
  EXPECT_THAT(bench.seen.refused, IsEmpty());
}

TEST_P(MachineTest, NoSilenceIsLongerThanTheMachineAdmits) {
  constexpr std::uint32_t kPeriod = 200;
  const std::uint64_t seeds = std::string{GetParam()} == "wide" ? 12 : 40;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    sim::MachineConfig config = small(GetParam(), seed);
    config.endpoint.completion_timeout = sim::longest_answer(config) + 2_us;
    Bench bench(config);
    bench.host.configure(2, 2);
    const unsigned deepest = bench.endpoints() - 1;
    bench.seen.watch_heartbeat(deepest, HandHost::heartbeat_base(deepest), HandHost::kHeartbeatRing);
    for (unsigned endpoint = 0; endpoint < bench.endpoints(); ++endpoint) bench.host.start_traffic(endpoint, kPeriod);
    bench.platform.wait(150_us);  // more than two reads that are answered as late as can be
    const Time bound = bench.machine->silence_bound().total;
    ASSERT_LE(bench.seen.longest_silence, Time{4000} * kPeriod + bound);
    ASSERT_LT(bound, std::string{GetParam()} == "wide" ? 20_us : 12_us);
    ASSERT_GE(bench.seen.heartbeats, 175u);
    ASSERT_EQ(bench.host.read(0, regs::channel::mismatches(1)), 0u);
    // Both directions near the wire's rate, shared by the endpoints.
    ASSERT_GT(bench.seen.bytes_written, 600'000u);
    ASSERT_GT(bench.seen.bytes_read, 400'000u);
    ASSERT_THAT(bench.seen.violations, IsEmpty());
    ASSERT_THAT(bench.seen.refused, IsEmpty());
  }
}

TEST_P(MachineTest, TheSameSeedGivesTheSameRunAndAnotherSeedAnother) {
  const auto run = [&](std::uint64_t seed) {
    Bench bench(small(GetParam(), seed));
    bench.host.configure();
    bench.host.start_traffic(0);
    bench.platform.wait(50_us);
    return std::pair{bench.seen.digest, bench.seen.tlps};
  };
  const auto first = run(7);
  EXPECT_GT(first.second, 1000u);
  EXPECT_EQ(run(7), first);
  EXPECT_NE(run(8).first, first.first);
}

TEST(Wave, AWaveformChangesNothing) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "holdover_wave_test";
  std::filesystem::create_directories(folder);
  const auto run = [&](const std::filesystem::path& wave) {
    sim::MachineConfig machine_config = small("direct", 3);
    machine_config.wave = wave;
    machine_config.wave_from = 5_us;
    machine_config.wave_to = 10_us;
    Bench bench(machine_config);
    bench.host.configure();
    bench.host.start_traffic(0);
    bench.platform.wait(10_us);
    bench.machine->close_files();
    return bench.seen.digest;
  };
  EXPECT_EQ(run(folder / "run.fst"), run({}));
  EXPECT_GT(std::filesystem::file_size(folder / "run.fst"), 1000u);
  std::filesystem::remove_all(folder);
  EXPECT_THROW(run(folder / "no" / "run.fst"), Error);
}

TEST_P(MachineTest, BusMasteringOfEveryPortOnTheWayGatesRequests) {
  const std::vector<sim::FunctionInfo> tree = Bench(small(GetParam())).machine->functions();
  for (auto port = tree.back().parent; port; port = tree[*port].parent) {
    SCOPED_TRACE(tree[*port].name);
    Bench bench(small(GetParam()));
    bench.host.configure();
    const unsigned endpoint = tree.back().endpoint;
    bench.host.start_traffic(endpoint);
    bench.platform.wait(20_us);
    EXPECT_THAT(bench.seen.refused, IsEmpty());
    bench.platform.config_write(bench.machine->bdf(*port), Bytes{config::kCommand}, 2, config::kCommandMemory);
    bench.platform.wait(20_us);
    ASSERT_FALSE(bench.seen.refused.empty());
    EXPECT_THAT(bench.seen.refused.front(), testing::HasSubstr("bus master enable is off"));
    EXPECT_THAT(bench.seen.refused.front(), testing::StartsWith(std::to_string(*port) + ":"));
  }
}

TEST_P(MachineTest, AStalledBlockStopsTheHeartbeatAndNothingHangs) {
  sim::MachineConfig machine_config = small(GetParam());
  machine_config.faults.push_back({sim::MachineFault::Kind::StallTransmit, 0, pcie::Phase::Blackout, 5_us});
  machine_config.blackout = 100_us;
  Bench bench(machine_config);
  bench.host.configure();
  bench.seen.watch_heartbeat(0, HandHost::heartbeat_base(0), HandHost::kHeartbeatRing);
  bench.host.start_traffic(0);
  bench.platform.jump(PhysicalAddress{0x1000});
  const std::uint64_t before = bench.seen.heartbeats;
  bench.platform.wait(100_us);
  EXPECT_EQ(bench.seen.heartbeats, before);
  EXPECT_THAT(bench.machine->dump(), testing::HasSubstr("endpoint 0"));
}

TEST_P(MachineTest, PeekSeesWhatTheHostReads) {
  Bench bench(small(GetParam()));
  bench.host.configure();
  for (sim::FunctionIndex i = 0; i < bench.machine->functions().size(); ++i) {
    const std::vector<std::byte> space = bench.machine->config_space(i);
    for (unsigned offset = 0; offset < 0x100; offset += 4) {
      std::uint32_t peeked = 0;
      std::memcpy(&peeked, &space[offset], 4);
      EXPECT_EQ(peeked, bench.platform.config_read(bench.machine->bdf(i), Bytes{offset}, 4)) << i << " " << offset;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Topologies, MachineTest, testing::Values("direct", "switch", "wide"),
                         [](const auto& topology) { return std::string{topology.param}; });

}  // namespace
}  // namespace holdover
