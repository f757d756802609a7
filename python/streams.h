// SPDX-License-Identifier: MIT
// What a driver does for Python: every argument is checked before the driver, which holds its callers to a contract,
// sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "python/parts.h"

namespace holdover::python {

// Calls `work(driver, part, system, interruption)`.
template <typename Work>
auto on(DriverHandle& handle, Work work) {
  return handle.use([&](DriverPart& part, host::System& system, Interruption& interruption) {
    return work(there(part.driver, handle.name()), part, system, interruption);
  });
}

// Throw Error{InvalidArgument} where the endpoint has no such channel, or it was never configured.
DriverPart::Channel& channel_of(DriverPart& part, unsigned channel);
DriverPart::Channel& configured(DriverPart& part, unsigned channel);
void require_vector(const host::EndpointDriver& driver, unsigned vector);

[[nodiscard]] host::DmaDescriptor descriptor_of(std::uint64_t host_address, std::uint64_t card_address,
                                                std::uint32_t length, bool interrupt, std::uint32_t cookie);
void configure(DriverHandle& handle, unsigned channel, const std::string& direction, unsigned entries, bool cyclic,
               bool pattern, std::uint32_t seed, std::optional<unsigned> vector, unsigned moderation);
// Moves `length` bytes and returns the status of their descriptor. Throws Error{Unavailable} where no completion comes.
[[nodiscard]] unsigned copy(DriverHandle& handle, bool to_card, MemoryHandle& buffer, std::uint64_t card_address,
                            std::optional<std::uint64_t> length, std::uint64_t offset, unsigned channel);
void start_heartbeat(DriverHandle& handle, Time period, unsigned entries, std::optional<unsigned> vector,
                     unsigned interrupt_every);
void start_heartbeat_reader(DriverHandle& handle, Time period, unsigned entries, std::uint32_t seed);
// The writer's ring. Inside use(). Throws Error{InvalidArgument} where no heartbeat was ever started.
[[nodiscard]] std::span<std::byte> heartbeat_ring(DriverPart& part);
// Memory that is mapped for the driver's device.
[[nodiscard]] std::unique_ptr<MemoryHandle> make_buffer(DriverHandle& handle, std::uint64_t size, bool device_writes);

}  // namespace holdover::python
