// SPDX-License-Identifier: MIT
#include "host/agent/agent_state.h"

#include <cstring>
#include <string>

#include "host/driver/driver_state.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

std::uint64_t state_checksum(AgentState state) {
  state.checksum = 0;
  return checksum64(std::as_bytes(std::span(&state, 1)));
}

}  // namespace

void write_agent_state(std::span<std::byte> state_memory, std::uint32_t endpoints) {
  HOLDOVER_CHECK(state_memory.size() >= kStateMemoryBytes.count());
  AgentState state{kAgentStateMagic, kAgentStateVersion, endpoints, 0};
  state.checksum = state_checksum(state);
  std::memcpy(state_memory.data() + kPageSize.count(), &state, sizeof(state));
}

AgentState read_agent_state(std::span<const std::byte> state_memory) {
  const std::string refusal = "the agent state that was handed over cannot be used: ";
  if (state_memory.size() < kStateMemoryBytes.count()) {
    throw Error(ErrorCode::Corrupt, refusal + "its memory holds " + std::to_string(state_memory.size()) + " bytes");
  }
  AgentState state;
  std::memcpy(&state, state_memory.data() + kPageSize.count(), sizeof(state));
  if (state.magic != kAgentStateMagic) {
    throw Error(ErrorCode::Corrupt, refusal + "the magic number is wrong");
  }
  if (state.version != kAgentStateVersion) {
    throw Error(ErrorCode::Corrupt, refusal + "its version is " + std::to_string(state.version) +
                                        ", this agent knows " + std::to_string(kAgentStateVersion));
  }
  if (state.checksum != state_checksum(state)) {
    throw Error(ErrorCode::Corrupt, refusal + "the checksum does not match");
  }
  return state;
}

}  // namespace holdover::host
