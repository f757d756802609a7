// SPDX-License-Identifier: MIT
// The machine with Verilated endpoints.
#include <filesystem>
#include <memory>

#include "sim/machine.h"
#include "sim/verilated_endpoint.h"
#include "sim/witness.h"

namespace holdover::sim {

std::unique_ptr<ObservedMachine> build_machine(const MachineConfig& config, Witness& witness) {
  const auto make_endpoint = [&config](unsigned number, const EndpointConfig& straps) -> std::unique_ptr<Endpoint> {
    if (number == 0 && !config.wave.empty()) {
      return make_traced_endpoint(straps, WaveConfig{config.wave, config.wave_from, config.wave_to});
    }
    return make_verilated_endpoint(straps, number == 0 ? config.pins : std::filesystem::path{});
  };
  return std::make_unique<Machine>(config, witness, make_endpoint);
}

}  // namespace holdover::sim
