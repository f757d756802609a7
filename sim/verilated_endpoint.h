// SPDX-License-Identifier: MIT
// The endpoint in RTL: turns pins into TLPs and back. Its source is compiled once for the plain model and once for the
// one that writes waveforms.
#pragma once

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

}  // namespace holdover::sim
