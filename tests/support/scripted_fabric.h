// SPDX-License-Identifier: MIT
// A machine of topology `switch` whose endpoints are scripts, configured as far as its ports go.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "sim/machine.h"

namespace holdover::sim {

// Sends the messages and requests that a test queues; keeps nothing and answers nothing.
class MessageScript final : public Endpoint {
 public:
  explicit MessageScript(std::deque<pcie::Tlp>& to_send) : to_send_(to_send) {}

  void tick(Time, EndpointPins& pins) override {
    for (std::size_t stream = 0; stream < kStreams; ++stream) pins.rx_taken[stream] = pins.rx[stream] != nullptr;
    if (to_send_.empty()) return;
    const pcie::Tlp& next = to_send_.front();
    const auto requests = static_cast<std::size_t>(Stream::Request);
    if (next.kind == pcie::TlpKind::Message) {
      if (!pins.message_ready) return;
      pins.message = pcie::encode_header(next);
      pins.message_valid = true;
    } else {
      if (!pins.tx_ready[requests]) return;
      pins.tx_header[requests] = pcie::encode_header(next);
      pins.tx[requests] = next;
      pins.tx_valid[requests] = true;
      pins.any_tx = true;
    }
    to_send_.pop_front();
  }
  void drop_streams() override {}
  std::uint32_t peek(unsigned) override { return 0; }

 private:
  std::deque<pcie::Tlp>& to_send_;
};

struct FabricWatch : Witness {
  void on_request_refused(Time, unsigned, FunctionIndex where, const pcie::Tlp&, std::string_view reason) override {
    refused.push_back(std::to_string(where) + ": " + std::string{reason});
  }
  void on_link(Time, FunctionIndex port, bool up) override {
    links.push_back(std::to_string(port) + (up ? " up" : " down"));
  }
  void on_message(Time, pcie::RequesterId requester, std::uint64_t, std::uint32_t, std::uint8_t vector,
                  MessageOutcome) override {
    interrupts.emplace_back(requester, vector);
  }
  std::vector<std::string> refused;
  std::vector<std::string> links;
  std::vector<std::pair<pcie::RequesterId, unsigned>> interrupts;
};

// Function indices are those of the topology: 0 root port, 1 upstream port, 2 and 3 downstream ports.
struct ScriptedFabric {
  static constexpr pcie::Bdf kRoot{0, 0, 1, 0};
  static constexpr pcie::Bdf kUpstream{0, 1, 0, 0};
  static constexpr pcie::Bdf kFirst{0, 2, 0, 0};
  static constexpr pcie::Bdf kSecond{0, 2, 1, 0};
  static constexpr pcie::RequesterId kFirstEndpoint = 0x0300;

  ScriptedFabric() {
    MachineConfig config;
    config.topology = "switch";
    config.dram_size = Bytes{1 << 20};
    config.check_protocol = false;
    machine = std::make_unique<Machine>(config, seen, [this](unsigned number, const EndpointConfig&) {
      return std::make_unique<MessageScript>(to_send[number]);
    });
    connect(kRoot, 0x0004'0100);
    connect(kUpstream, 0x0004'0201);
    connect(kFirst, 0x0003'0302);
    connect(kSecond, 0x0004'0402);
    platform().mmio_write(kPlatformMap.interrupt_controller, 4, 1);
  }

  [[nodiscard]] pcie::Platform& platform() { return machine->platform(); }
  [[nodiscard]] std::uint32_t read(pcie::Bdf port, unsigned offset, unsigned size) {
    return platform().config_read(port, Bytes{offset}, size);
  }
  void write(pcie::Bdf port, unsigned offset, unsigned size, std::uint32_t value) {
    platform().config_write(port, Bytes{offset}, size, value);
  }
  [[nodiscard]] unsigned capability(pcie::Bdf port, std::uint8_t id) {
    return pcie::find_capability([&](unsigned offset) { return read(port, offset, 4); }, id).value();
  }
  [[nodiscard]] std::optional<unsigned> extended(pcie::Bdf port, std::uint16_t id) {
    return pcie::find_extended_capability([&](unsigned offset) { return read(port, offset, 4); }, id);
  }
  // Lets a port send interrupt messages for this vector.
  void enable_interrupts(pcie::Bdf port, unsigned vector) {
    const unsigned msi = capability(port, pcie::config::kCapMsi);
    write(port, msi + 4, 4, static_cast<std::uint32_t>(kPlatformMap.msi_window.raw()));
    write(port, msi + 8, 4, static_cast<std::uint32_t>(kPlatformMap.msi_window.raw() >> 32));
    write(port, msi + 12, 2, vector);
    write(port, msi + pcie::config::kMsiControl, 2, pcie::config::kMsiControlEnable);
  }
  void send(unsigned endpoint, const pcie::Tlp& message) {
    to_send[endpoint].push_back(message);
    platform().wait(Time{5'000'000});
  }
  [[nodiscard]] static pcie::Tlp error(std::uint8_t code) {
    pcie::Tlp message;
    message.kind = pcie::TlpKind::Message;
    message.requester = kFirstEndpoint;
    message.message_code = code;
    return message;
  }
  // A register of the first downstream port at an offset of its containment capability.
  [[nodiscard]] unsigned dpc() { return extended(kFirst, pcie::config::kExtCapDpc).value(); }

  FabricWatch seen;
  std::array<std::deque<pcie::Tlp>, 2> to_send;
  std::unique_ptr<Machine> machine;

 private:
  void connect(pcie::Bdf port, std::uint32_t buses) {
    namespace config = pcie::config;
    write(port, config::kPrimaryBus, 4, buses);
    write(port, config::kCommand, 2, config::kCommandMemory | config::kCommandBusMaster);
    write(port, config::kBridgeControl, 2, config::kBridgeControlSerr);
    const unsigned device = capability(port, config::kCapExpress) + config::kExpressDeviceControl;
    write(port, device, 2, config::kDeviceControlErrorReporting);
  }
};

}  // namespace holdover::sim
