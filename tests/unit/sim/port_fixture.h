// SPDX-License-Identifier: MIT
// The topology «switch» with bus numbers and windows, and two endpoints that send what a test tells them to.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "sim/machine.h"

namespace holdover::sim {

class ScriptedEndpoint final : public Endpoint {
 public:
  struct State {
    std::deque<pcie::Tlp> to_send;
    std::vector<pcie::Tlp> arrived;
  };
  explicit ScriptedEndpoint(State& state) : state_(state) {}

  void tick(Time, EndpointPins& pins) override {
    for (std::size_t stream = 0; stream < kStreams; ++stream) {
      if (pins.rx[stream] == nullptr) continue;
      pins.rx_taken[stream] = true;
      state_.arrived.push_back(*pins.rx[stream]);
    }
    if (state_.to_send.empty()) return;
    const pcie::Tlp& next = state_.to_send.front();
    if (pcie::is_error_message(next)) {
      if (!pins.message_ready) return;
      pins.message = pcie::encode_header(next);
      pins.message_valid = true;
    } else {
      const auto stream =
          static_cast<std::size_t>(pcie::is_completion(next.kind) ? Stream::Completion : Stream::Request);
      if (!pins.tx_ready[stream]) return;
      pins.tx_header[stream] = pcie::encode_header(next);
      pins.tx[stream] = next;
      pins.tx_valid[stream] = true;
      pins.any_tx = true;
    }
    state_.to_send.pop_front();
  }
  void drop_streams() override {}
  std::uint32_t peek(unsigned) override { return 0; }

 private:
  State& state_;
};

struct PortFixture : testing::Test, Witness {
  static constexpr pcie::Bdf kRoot{0, 0, 1, 0};
  static constexpr pcie::Bdf kUpstream{0, 1, 0, 0};
  static constexpr std::array<pcie::Bdf, 2> kDownstream{pcie::Bdf{0, 2, 0, 0}, pcie::Bdf{0, 2, 1, 0}};
  static constexpr std::array<pcie::RequesterId, 2> kEndpoint{0x0300, 0x0400};
  static constexpr std::array<std::uint32_t, 2> kWindow{0xe000'0000, 0xe010'0000};
  static constexpr unsigned kVector = 0x42;

  PortFixture() { build({}); }
  // A machine of its own for faults, configured as the other was.
  void rebuild(const MachineFault& fault) { build({fault}); }
  void build(std::vector<MachineFault> faults, bool replay = false) {
    MachineConfig machine_config;
    machine_config.faults = std::move(faults);
    machine_config.topology = "switch";
    machine_config.dram_size = 1_MiB;
    machine_config.check_protocol = false;
    machine_config.disturbance.answer_late = false;
    machine_config.disturbance.replay = replay;
    machine_config.blackout = 20_us;
    machine = std::make_unique<Machine>(machine_config, *this, [this](unsigned number, const EndpointConfig&) {
      return std::make_unique<ScriptedEndpoint>(endpoints[number]);
    });
    bridge(kRoot, 0x0004'0100, 0xe010'e000);
    bridge(kUpstream, 0x0004'0201, 0xe010'e000);
    bridge(kDownstream[0], 0x0003'0302, 0xe000'e000);
    bridge(kDownstream[1], 0x0004'0402, 0xe010'e010);
    machine->platform().mmio_write(kPlatformMap.interrupt_controller, 4, 1);
    const unsigned msi = capability(kRoot, pcie::config::kCapMsi);
    write(kRoot, msi + 4, 4, static_cast<std::uint32_t>(kPlatformMap.msi_window.raw()));
    write(kRoot, msi + 12, 2, kVector);
    write(kRoot, msi + 2, 2, 1);
  }
  void bridge(pcie::Bdf port, std::uint32_t buses, std::uint32_t window) {
    namespace config = pcie::config;
    write(port, config::kPrimaryBus, 4, buses);
    write(port, config::kMemoryBase, 4, window);
    write(port, config::kPrefetchBase, 4, 0x0000'fff0);
    write(port, config::kCommand, 2, config::kCommandMemory | config::kCommandBusMaster);
    write(port, config::kBridgeControl, 2, config::kBridgeControlSerr);
    write(port, capability(port, config::kCapExpress) + config::kExpressDeviceControl, 2, 0xf);
  }
  std::uint32_t read(pcie::Bdf function, unsigned offset, unsigned size = 4) {
    return machine->platform().config_read(function, Bytes{offset}, size);
  }
  void write(pcie::Bdf function, unsigned offset, unsigned size, std::uint32_t value) {
    machine->platform().config_write(function, Bytes{offset}, size, value);
  }
  unsigned capability(pcie::Bdf function, std::uint8_t id) {
    return pcie::find_capability([&](unsigned offset) { return read(function, offset); }, id).value();
  }
  unsigned extended(pcie::Bdf function, std::uint16_t id) {
    return pcie::find_extended_capability([&](unsigned offset) { return read(function, offset); }, id).value();
  }
  // Endpoint sends, and time passes until everything has arrived.
  void send(unsigned endpoint, pcie::Tlp tlp) {
    endpoints[endpoint].to_send.push_back(std::move(tlp));
    settle();
  }
  void settle() { machine->platform().wait(10_us); }

  static pcie::Tlp memory_write(pcie::RequesterId requester, std::uint64_t address) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::MemoryWrite;
    tlp.requester = requester;
    tlp.address = address;
    tlp.length_dw = 1;
    tlp.first_be = 0xf;
    tlp.payload.resize(4, std::byte{0x5a});
    return tlp;
  }
  static pcie::Tlp memory_read(pcie::RequesterId requester, std::uint64_t address, std::uint16_t tag) {
    pcie::Tlp tlp = memory_write(requester, address);
    tlp.kind = pcie::TlpKind::MemoryRead;
    tlp.payload.clear();
    tlp.tag = tag;
    return tlp;
  }
  static pcie::Tlp message(pcie::RequesterId requester, std::uint8_t code) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::Message;
    tlp.requester = requester;
    tlp.message_code = code;
    return tlp;
  }

  void on_request_refused(Time, unsigned, FunctionIndex, const pcie::Tlp&, std::string_view reason) override {
    refused.emplace_back(reason);
  }
  void on_memory_access(const MemoryAccess& access) override { written += access.write ? 1 : 0; }
  void on_message(Time, pcie::RequesterId requester, std::uint64_t, std::uint32_t, std::uint8_t vector,
                  MessageOutcome) override {
    EXPECT_EQ(vector, kVector);
    interrupts.push_back(requester);
  }
  void on_link(Time, FunctionIndex port, bool up) override { links.emplace_back(port, up); }

  std::array<ScriptedEndpoint::State, 2> endpoints;
  std::vector<std::string> refused;
  std::vector<pcie::RequesterId> interrupts;
  std::vector<std::pair<FunctionIndex, bool>> links;
  unsigned written = 0;
  std::unique_ptr<Machine> machine;
};

}  // namespace holdover::sim
