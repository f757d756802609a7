// SPDX-License-Identifier: MIT
// The endpoints that can be had: the one that is part of this program, and those that were built beside it as shared
// objects, one per data width and channel count, with and without waveforms.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "sim/endpoint.h"
#include "sim/verilated_endpoint.h"

namespace holdover::sim {

struct ModelSize {
  unsigned data_width = 0;  // bits
  unsigned channels = 0;
  friend bool operator==(const ModelSize&, const ModelSize&) = default;
};
// What is part of every program.
inline constexpr ModelSize kOwnModel{EndpointConfig{}.data_width, EndpointConfig{}.channels};

// Where the shared objects of this program stand: the first of own_folders() that holds one; where none does, «lib»
// beside the folder of the program.
[[nodiscard]] std::filesystem::path default_model_folder();
// Its own and those in `folder`, by width and channels. A folder that does not exist holds none.
[[nodiscard]] std::vector<ModelSize> built_models(const std::filesystem::path& folder = default_model_folder());

// The endpoint that `config` describes, from `folder` where it is not this program's own. A shared object stays loaded
// until the program ends. Both throw Error{Unavailable} where the model is not built, or was built from another state
// of the tree.
[[nodiscard]] std::unique_ptr<Endpoint> make_endpoint(const EndpointConfig& config,
                                                      const std::filesystem::path& pin_record,
                                                      const std::filesystem::path& folder);
[[nodiscard]] std::unique_ptr<Endpoint> make_endpoint(const EndpointConfig& config, const WaveConfig& wave,
                                                      const std::filesystem::path& folder);

}  // namespace holdover::sim
