// SPDX-License-Identifier: MIT
// A machine is the same machine, whether its host is in this process or at the other end of a connection.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/endpoint.h"
#include "sim/machine.h"
#include "sim/remote/platform_server.h"
#include "sim/remote/protocol.h"
#include "sim/remote/remote_platform.h"

namespace holdover::sim {
namespace {

// A function with 4 KiB of plain configuration registers that answers after three clocks, and sends a message write
// of 0x41 to the message window for each configuration write.
class PlainEndpoint final : public Endpoint {
 public:
  PlainEndpoint() { registers_[0] = 0x0D17'1172; }

  void tick(Time, EndpointPins& pins) override {
    constexpr auto kRequest = static_cast<std::size_t>(Stream::Request);
    constexpr auto kConfig = static_cast<std::size_t>(Stream::Config);
    if (message_pending_ && pins.tx_ready[kRequest]) {
      message_pending_ = false;
      send(pins, kRequest, message());
    }
    const pcie::Tlp* request = pins.rx[kConfig];
    if (request == nullptr || !pins.tx_ready[kConfig]) return;
    if (++clocks_ < 3) return;
    clocks_ = 0;
    pins.rx_taken[kConfig] = true;
    send(pins, kConfig, answer(*request));
    pins.function = state_;
    pins.function_changed = true;
  }
  void drop_streams() override { clocks_ = 0; }
  std::uint32_t peek(unsigned offset) override { return registers_[offset / 4]; }

 private:
  void send(EndpointPins& pins, std::size_t stream, pcie::Tlp tlp) {
    pins.tx_header[stream] = pcie::encode_header(tlp);
    pins.tx[stream] = std::move(tlp);
    pins.tx_state[stream] = state_;
    pins.tx_valid[stream] = true;
    pins.any_tx = true;
  }
  pcie::Tlp answer(const pcie::Tlp& request) {
    pcie::Tlp reply;
    reply.requester = request.requester;
    reply.tag = request.tag;
    reply.byte_count = 4;
    std::uint32_t& word = registers_[request.register_offset / 4u];
    if (request.kind == pcie::TlpKind::ConfigWrite0) {
      reply.kind = pcie::TlpKind::Completion;
      std::memcpy(&word, request.payload.data(), 4);
      state_.bdf = request.target;
      state_.bus_master = true;
      message_pending_ = true;
    } else {
      reply.kind = pcie::TlpKind::CompletionData;
      reply.length_dw = 1;
      reply.payload.resize(4);
      std::memcpy(reply.payload.data(), &word, 4);
    }
    reply.completer = state_.bdf;
    return reply;
  }
  [[nodiscard]] pcie::Tlp message() const {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::MemoryWrite;
    tlp.requester = state_.bdf;
    tlp.address = kPlatformMap.msi_window.raw();
    tlp.length_dw = 1;
    tlp.first_be = 0xf;
    tlp.payload = {std::byte{0x41}, std::byte{0}, std::byte{0}, std::byte{0}};
    return tlp;
  }

  std::vector<std::uint32_t> registers_ = std::vector<std::uint32_t>(1024);
  FunctionState state_;
  unsigned clocks_ = 0;
  bool message_pending_ = false;
};

struct Listener final : Witness {
  void on_phase(Time time, pcie::Phase phase, pcie::Step, std::uint64_t value) override {
    heard.push_back(std::to_string(time.count()) + " " + std::string{pcie::to_string(phase)} + " " +
                    std::to_string(value));
  }
  void on_console(Time time, std::string_view line) override {
    heard.push_back(std::to_string(time.count()) + " " + std::string{line});
  }
  void on_violation(const Violation& violation) override { heard.push_back(violation.sentence); }

  std::vector<std::string> heard;
};

// What a host does and what it finds out, time by time.
std::vector<std::uint64_t> use(pcie::Platform& platform) {
  std::vector<std::uint64_t> seen;
  const auto note = [&](std::uint64_t value) {
    seen.push_back(value);
    seen.push_back(platform.now().count());
  };
  platform.mark(pcie::Phase::Boot, pcie::Step::Begin, 1);
  platform.console("looking for the root port");
  pcie::Bdf port;
  for (std::uint8_t device = 0; device < 32; ++device) {
    const pcie::Bdf candidate{0, 0, device, 0};
    const std::uint32_t identity = platform.config_read(candidate, Bytes{0}, 4);
    note(identity);
    if (identity != 0xffff'ffff) port = candidate;
  }
  platform.config_write(port, Bytes{0x18}, 4, 0x0001'0100);
  platform.config_write(port, Bytes{0x04}, 2, 0x0006);
  platform.mmio_write(kPlatformMap.interrupt_controller, 4, 1);
  const pcie::Bdf function{0, 1, 0, 0};
  for (std::uint32_t i = 0; i < 50; ++i) {
    platform.config_write(function, Bytes{0x40}, 4, i);
    note(platform.config_read(function, Bytes{0x40}, 4));
    note(platform.take_interrupt().value_or(0));
    platform.wait(Time{1000 * i});
    note(platform.take_interrupt().value_or(0));
  }
  note(platform.mmio_read(kPlatformMap.iommu + Bytes{8}, 8));
  platform.dram()[4096] = std::byte{1};
  platform.mark(pcie::Phase::After, pcie::Step::Begin, 2);
  platform.jump(PhysicalAddress{4096});
  note(0);
  return seen;
}

class RemoteMachineTest : public ::testing::Test {
 protected:
  RemoteMachineTest() {
    std::string name = (std::filesystem::temp_directory_path() / "remote-machine-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~RemoteMachineTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<Machine> machine(const std::string& name, Witness& witness) const {
    MachineConfig config;
    config.dram_size = 1_MiB;
    config.blackout = 5_us;
    config.trace = folder_ / name;
    return std::make_unique<Machine>(config, witness, [](auto&&...) { return std::make_unique<PlainEndpoint>(); });
  }
  [[nodiscard]] std::string trace(const std::string& name) const {
    std::ifstream stream{folder_ / name, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
  }

  std::filesystem::path folder_;
};

TEST_F(RemoteMachineTest, ResultsTimesWitnessAndTraceAreThoseOfOneProcess) {
  Listener near;
  auto local = machine("near", near);
  const std::vector<std::uint64_t> expected = use(local->platform());
  local->close_files();

  Listener far;
  auto served = machine("far", far);
  Connection connection = make_connection();
  PlatformServer server{served->platform(), std::move(connection.machine)};
  std::future<ServeResult> result = std::async(std::launch::async, [&server] { return server.serve(); });
  RemotePlatform host{std::move(connection.host), FileDescriptor{::dup(served->dram_descriptor())}};
  const std::vector<std::uint64_t> seen = use(host);
  EXPECT_EQ(result.get().kind, ServeResult::Kind::Jumped);
  EXPECT_EQ(served->platform().dram()[4096], std::byte{1});
  served->close_files();

  EXPECT_EQ(seen, expected);
  EXPECT_EQ(std::count(expected.begin(), expected.end(), 0x41u), 50);
  EXPECT_EQ(far.heard, near.heard);
  EXPECT_EQ(near.heard.size(), 3u) << near.heard[1];
  EXPECT_GT(trace("near").size(), 1000u);
  EXPECT_TRUE(trace("near") == trace("far"));
}

}  // namespace
}  // namespace holdover::sim
