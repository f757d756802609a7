// SPDX-License-Identifier: MIT
#include "host/driver/driver_state.h"

#include <cstring>
#include <string>

#include "host/driver/dma_abi.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::Corrupt, "the driver state that was handed over cannot be used: " + what);
}

void check_place(const DriverState& state, const DmaPlace& place, std::uint64_t bytes, const char* what) {
  if (place.region >= kMaxRegions || place.offset > state.regions[place.region].bytes ||
      bytes > state.regions[place.region].bytes - place.offset) {
    refuse(std::string(what) + " lies outside of its memory");
  }
}

std::uint64_t state_checksum(DriverState state) {
  state.checksum = 0;
  return checksum64(std::as_bytes(std::span(&state, 1)));
}

}  // namespace

std::uint64_t checksum64(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
  for (const std::byte byte : bytes) {
    hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100'0000'01b3;
  }
  return hash;
}

void write_driver_state(std::span<std::byte> memory, DriverState state) {
  HOLDOVER_CHECK(memory.size() >= sizeof(DriverState));
  state.magic = kDriverStateMagic;
  state.version = kDriverStateVersion;
  state.bytes = sizeof(DriverState);
  state.checksum = state_checksum(state);
  std::memcpy(memory.data(), &state, sizeof(state));
}

DriverState read_driver_state(std::span<const std::byte> memory) {
  if (memory.size() < sizeof(DriverState)) {
    refuse("its memory holds " + std::to_string(memory.size()) + " bytes, " + std::to_string(sizeof(DriverState)) +
           " are needed");
  }
  DriverState state;
  std::memcpy(&state, memory.data(), sizeof(state));
  if (state.magic != kDriverStateMagic) {
    refuse("the magic number is wrong");
  }
  if (state.version != kDriverStateVersion) {
    refuse("its version is " + std::to_string(state.version) + ", this driver knows " +
           std::to_string(kDriverStateVersion));
  }
  if (state.bytes != sizeof(DriverState)) {
    refuse("its size is " + std::to_string(state.bytes) + " bytes, expected " + std::to_string(sizeof(DriverState)));
  }
  if (state.checksum != state_checksum(state)) {
    refuse("the checksum does not match");
  }
  for (const ChannelState& channel : state.channels) {
    check_place(state, channel.descriptors, channel.entries * std::uint64_t{sizeof(DmaDescriptor)},
                "a descriptor ring");
    check_place(state, channel.completions, channel.entries * std::uint64_t{sizeof(DmaCompletion)},
                "a completion ring");
  }
  check_place(state, state.writer.ring, state.writer.entries * std::uint64_t{sizeof(HeartbeatRecord)},
              "the heartbeat ring");
  check_place(state, state.reader.ring, state.reader.entries * std::uint64_t{sizeof(HeartbeatRecord)},
              "the heartbeat table");
  return state;
}

}  // namespace holdover::host
