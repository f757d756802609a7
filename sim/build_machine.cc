// SPDX-License-Identifier: MIT
// The machine with Verilated endpoints.
#include <filesystem>
#include <memory>

#include "sim/machine.h"
#include "sim/model_library.h"
#include "sim/witness.h"

namespace holdover::sim {

namespace {

std::unique_ptr<ObservedMachine> build(const MachineConfig& config, Witness& witness, RequestMemory* memory) {
  const std::filesystem::path models = config.models.empty() ? default_model_folder() : config.models;
  const auto make = [&](unsigned number, const EndpointConfig& straps) -> std::unique_ptr<Endpoint> {
    if (number == 0 && !config.wave.empty()) {
      return make_endpoint(straps, WaveConfig{config.wave, config.wave_from, config.wave_to}, models);
    }
    return make_endpoint(straps, number == 0 ? config.pins : std::filesystem::path{}, models);
  };
  return std::make_unique<Machine>(config, witness, make, memory);
}

}  // namespace

std::unique_ptr<ObservedMachine> build_machine(const MachineConfig& config, Witness& witness) {
  return build(config, witness, nullptr);
}

std::unique_ptr<ObservedMachine> build_machine_over(const MachineConfig& config, Witness& witness,
                                                    RequestMemory& memory) {
  return build(config, witness, &memory);
}

}  // namespace holdover::sim
