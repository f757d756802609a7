// SPDX-License-Identifier: MIT
// A machine whose endpoint is a script: it sends what the test queues, and keeps what arrives.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "pcie/config_space.h"
#include "sim/machine.h"

namespace holdover::sim::scripted {

namespace config = pcie::config;
using pcie::TlpKind;

inline constexpr pcie::RequesterId kFunction = 0x0100;

// Sends what the test queues, keeps what arrives, never answers.
class Script final : public Endpoint {
 public:
  struct State {
    std::deque<pcie::Tlp> to_send;
    std::vector<pcie::Tlp> arrived;
    std::uint16_t posted_sent = 0;  // as the block says
  };
  explicit Script(State& state) : state_(state) {}

  void tick(Time, EndpointPins& pins) override {
    for (std::size_t stream = 0; stream < kStreams; ++stream) {
      if (pins.rx[stream] == nullptr) continue;
      pins.rx_taken[stream] = true;
      state_.arrived.push_back(*pins.rx[stream]);
    }
    state_.posted_sent = pins.posted_sent;
    if (state_.to_send.empty()) return;
    if (pcie::is_error_message(state_.to_send.front())) {
      if (!pins.message_ready) return;
      pins.message = pcie::encode_header(state_.to_send.front());
      pins.message_valid = true;
      state_.to_send.pop_front();
      return;
    }
    const bool completion = pcie::is_completion(state_.to_send.front().kind);
    const auto stream = static_cast<std::size_t>(completion ? Stream::Completion : Stream::Request);
    if (!pins.tx_ready[stream]) return;
    pins.tx_header[stream] = pcie::encode_header(state_.to_send.front());
    pins.tx[stream] = state_.to_send.front();
    pins.tx_valid[stream] = true;
    pins.any_tx = true;
    state_.to_send.pop_front();
  }
  void drop_streams() override {}
  std::uint32_t peek(unsigned) override { return 0; }

 private:
  State& state_;
};

struct Watch : Witness {
  void on_request_refused(Time, unsigned, FunctionIndex, const pcie::Tlp&, std::string_view reason) override {
    refused.emplace_back(reason);
  }
  void on_memory_access(const MemoryAccess& access) override {
    order.push_back((access.write ? "write " : "read ") + std::to_string(access.iova.raw()) + " " +
                    std::to_string(access.size.count()));
    if (!access.enabled.empty()) holes = true;
  }
  void on_message(Time, pcie::RequesterId, std::uint64_t, std::uint32_t, std::uint8_t vector,
                  MessageOutcome outcome) override {
    order.push_back("message " + std::to_string(vector) + (outcome == MessageOutcome::Delivered ? "" : " lost"));
  }
  std::vector<std::string> refused;
  std::vector<std::string> order;
  bool holes = false;
};

inline pcie::Tlp write(std::uint64_t address, unsigned bytes) {
  pcie::Tlp tlp;
  tlp.kind = TlpKind::MemoryWrite;
  tlp.requester = kFunction;
  tlp.address = address;
  tlp.length_dw = static_cast<std::uint16_t>(bytes / 4);
  tlp.first_be = 0xf;
  tlp.last_be = bytes > 4 ? 0xf : 0;
  for (unsigned i = 0; i < bytes; ++i) tlp.payload.push_back(static_cast<std::byte>(address + i));
  return tlp;
}

inline pcie::Tlp read(std::uint64_t address, unsigned bytes, std::uint16_t tag) {
  pcie::Tlp tlp = write(address, bytes);
  tlp.kind = TlpKind::MemoryRead;
  tlp.payload.clear();
  tlp.tag = tag;
  return tlp;
}

struct RootTest : testing::Test {
  RootTest() {
    machine_config.dram_size = 1_MiB;
    machine_config.check_protocol = false;
    machine_config.disturbance.answer_late = false;  // answers come soon, unless a test asks for others
  }
  pcie::Platform& boot(bool bus_master = true) {
    machine = std::make_unique<Machine>(
        machine_config, seen, [this](unsigned, const EndpointConfig&) { return std::make_unique<Script>(script); });
    pcie::Platform& platform = machine->platform();
    const pcie::Bdf port{0, 0, 1, 0};
    platform.config_write(port, Bytes{config::kPrimaryBus}, 4, 0x0001'0100);
    platform.config_write(port, Bytes{config::kMemoryBase}, 4, 0xe000'e000);
    platform.config_write(port, Bytes{config::kPrefetchBase}, 4, 0x0000'fff0);
    platform.config_write(port, Bytes{config::kCommand}, 2,
                          config::kCommandMemory | (bus_master ? config::kCommandBusMaster : 0));
    platform.mmio_write(kPlatformMap.interrupt_controller, 4, 1);
    return platform;
  }
  // Completions for this tag, in the order of their arrival.
  std::vector<pcie::Tlp> completions(std::uint16_t tag) const {
    std::vector<pcie::Tlp> found;
    for (const pcie::Tlp& tlp : script.arrived) {
      if (pcie::is_completion(tlp.kind) && tlp.tag == tag) found.push_back(tlp);
    }
    return found;
  }

  MachineConfig machine_config;
  Watch seen;
  Script::State script;
  std::unique_ptr<Machine> machine;
};

}  // namespace holdover::sim::scripted
