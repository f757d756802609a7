// SPDX-License-Identifier: MIT
#include <cstdio>

#include "bench/booted_machine.h"
#include "host/driver/endpoint_driver.h"

int main() {
  holdover::bench::BootedMachine machine({}, holdover::sim::build_machine);
  machine.run([](holdover::host::System& system) {
    const auto device = system.open_device(system.devices().front());
    const auto state = system.create_memory(holdover::kPageSize);
    const auto driver = holdover::host::EndpointDriver::open(system, *device, *state);
    std::printf("%u channels at %s\n", driver->channels(), device->bdf().to_string().c_str());
  });
}
