// SPDX-License-Identifier: MIT
// An endpoint as its hard block sees it: whole TLPs on streams, one call per clock. The Verilated model is one; tests
// have scripted ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pcie/tlp.h"
#include "sim/protocol_checker.h"
#include "sim/witness.h"

namespace holdover::sim {

// Streams towards the endpoint, and from it.
enum class Stream : std::uint8_t { Request, Completion, Config };
inline constexpr std::size_t kStreams = 3;

// What the hard block and the endpoint show each other in one clock.
struct EndpointPins {
  // From the block. A TLP stays in place until the endpoint has set `rx_taken` for its stream.
  std::array<const pcie::Tlp*, kStreams> rx{};
  std::array<bool, kStreams> tx_ready{};  // there is room for one more TLP; does not fall inside a TLP
  bool message_ready = false;             // for one error message besides
  std::uint8_t np_limit = 0;
  std::uint16_t posted_sent = 0;
  bool hot_reset = false;
  bool link_up = true;
  bool power = true;  // off: fundamental reset

  // From the endpoint. The block clears what it has seen.
  std::array<bool, kStreams> rx_taken{};  // the last beat was accepted in this clock
  std::array<bool, kStreams> tx_valid{};  // the last beat of tx[stream] left in this clock
  std::array<pcie::Tlp, kStreams> tx;
  std::array<pcie::TlpHeader, kStreams> tx_header{};  // of tx[stream], as it stood on the pins
  std::array<FunctionState, kStreams> tx_state;       // when the first beat of tx[stream] was presented
  bool message_valid = false;                         // an error message of the configuration space left in this clock
  pcie::TlpHeader message{};
  bool any_tx = false;
  bool malformed_tx = false;  // a header that names no TLP, or beats that do not fit it; dropped
  Stream malformed_stream = Stream::Request;
  FunctionState function;
  bool reset_in_progress = false;  // FLR
  bool function_changed = false;   // `function` or `reset_in_progress` differs from the clock before
  bool config_write = false;
  ConfigWrite written;  // without time and function
  bool event = false;
  std::uint8_t event_vector = 0;
  bool event_coalesced = false;
};

class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  virtual ~Endpoint() = default;

  // One rising edge of the user clock at `now`.
  virtual void tick(Time now, EndpointPins& pins) = 0;
  // The conventional reset that the pins show has taken the TLPs in hand: drops what was half sent or half received.
  virtual void drop_streams() = 0;
  // Double word of configuration space, without effect.
  [[nodiscard]] virtual std::uint32_t peek(unsigned offset) = 0;
  // Another endpoint takes its place: the next fundamental reset samples these straps.
  virtual void exchange(const EndpointConfig& /*straps*/) {}
  // Completes the waveform and gives it its name, where there is one.
  virtual void close_files() {}
};

}  // namespace holdover::sim
