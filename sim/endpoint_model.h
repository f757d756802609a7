// SPDX-License-Identifier: MIT
// The door of a model that is built as a shared object: one C function, and a struct that says what is behind it.
//
// Both sides are compiled from this tree by one compiler. What crosses the door besides this struct is sim::Endpoint;
// a model whose idea of it has another shape is refused by `layout`.
#pragma once

#include <cstdint>
#include <filesystem>

#include "sim/endpoint.h"
#include "sim/verilated_endpoint.h"

namespace holdover::sim {

// Counts up with any change of meaning that does not show in sizes.
inline constexpr std::uint32_t kEndpointModelAbi = 5;
inline constexpr std::uint64_t kEndpointModelLayout =
    sizeof(EndpointPins) + 0x1'0000 * sizeof(EndpointConfig) + 0x1'0000'0000 * sizeof(pcie::Tlp);

struct EndpointModel {
  std::uint32_t abi;
  std::uint64_t layout;
  std::uint32_t data_width;  // bits
  std::uint32_t channels;
  // The caller owns what it returns. A model with waveforms takes `wave`, one without takes `pin_record`; both throw
  // what make_traced_endpoint() and make_verilated_endpoint() throw.
  Endpoint* (*make)(const EndpointConfig& config, const WaveConfig& wave, const std::filesystem::path& pin_record);
};

inline constexpr char kEndpointModelEntry[] = "holdover_endpoint_model";
extern "C" __attribute__((visibility("default"))) const EndpointModel* holdover_endpoint_model();

}  // namespace holdover::sim
