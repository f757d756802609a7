// SPDX-License-Identifier: MIT
// The endpoint in RTL: turns pins into TLPs and back. verilated_endpoint.cc is the only file that knows Verilator; it
// is compiled once for the plain model and once for the one that writes waveforms.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "sim/endpoint.h"

namespace holdover::sim {

struct WaveConfig {
  std::filesystem::path path;  // FST
  Time from;
  std::optional<Time> to;
};

// Both come out of fundamental reset with the straps that `config` names.
// `pin_record`, where not empty, gets the state of every input pin at every clock. Throws Error{Unavailable}.
[[nodiscard]] std::unique_ptr<Endpoint> make_verilated_endpoint(const EndpointConfig& config,
                                                                const std::filesystem::path& pin_record = {});
[[nodiscard]] std::unique_ptr<Endpoint> make_traced_endpoint(const EndpointConfig& config, const WaveConfig& wave);

// A recorded run, ready to be driven into a bare model again: what Verilator alone costs.
class PinReplay {
 public:
  // Throws Error{Unavailable} where the record cannot be read, Error{Corrupt} where it is none.
  explicit PinReplay(const std::filesystem::path& pin_record);
  ~PinReplay();
  PinReplay(const PinReplay&) = delete;
  PinReplay& operator=(const PinReplay&) = delete;

  // Drives all of it; returns the clocks, and a sum over the outputs that must be the same each time.
  struct Result {
    Cycles clocks;
    std::uint64_t digest = 0;
  };
  [[nodiscard]] Result run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace holdover::sim
