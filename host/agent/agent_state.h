// SPDX-License-Identifier: MIT
// What the agent's first stage leaves to its second, beside the drivers' states: one versioned struct in preserved
// memory, one page after the first endpoint's driver state. Also the names under which everything is preserved.
#pragma once

#include <cstdint>
#include <span>

#include "pcie/units.h"

namespace holdover::host {

inline constexpr char kSessionName[] = "holdover";

// Tokens of endpoint n are these plus 100 n.
inline constexpr std::uint64_t kTokenStride = 100;
inline constexpr std::uint64_t kTokenState = 1;
inline constexpr std::uint64_t kTokenRings = 2;
inline constexpr std::uint64_t kTokenData = 3;
inline constexpr std::uint64_t kTokenHeartbeat = 4;
inline constexpr std::uint64_t kTokenAddressSpace = 10;
inline constexpr std::uint64_t kTokenDevice = 20;

inline constexpr std::uint64_t kAgentStateMagic = 0x544E'4741'444C'4F48;  // «HOLDAGNT»
inline constexpr std::uint32_t kAgentStateVersion = 1;

// Little endian; fields are only ever added at the end, and the version changes with any change of meaning.
struct AgentState {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t endpoints;  // preserved endpoints, tokens of endpoints 0..endpoints-1 are in the session
  std::uint64_t checksum;   // FNV-1a of the struct with this field 0
};
static_assert(sizeof(AgentState) == 24);

// The state memory holds the driver's page, then the agent's.
inline constexpr Bytes kStateMemoryBytes = kPageSize * 2;

void write_agent_state(std::span<std::byte> state_memory, std::uint32_t endpoints);
// Throws Error{Corrupt} that names the field.
[[nodiscard]] AgentState read_agent_state(std::span<const std::byte> state_memory);

}  // namespace holdover::host
