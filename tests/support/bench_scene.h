// SPDX-License-Identifier: MIT
// A scene for ledgers without a machine: root port, switch with two endpoints, and shorthands for what a machine would
// show.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"
#include "pcie/tlp.h"
#include "sim/witness.h"

namespace holdover::bench::testing {

inline constexpr sim::FunctionIndex kRootPort = 0;
inline constexpr sim::FunctionIndex kUpstreamPort = 1;
inline constexpr sim::FunctionIndex kEndpoint0 = 4;
inline constexpr sim::FunctionIndex kEndpoint1 = 5;

inline std::vector<sim::FunctionInfo> switch_functions() {
  using Kind = sim::FunctionKind;
  return {{"root port 0", Kind::RootPort, std::nullopt, 0},
          {"switch upstream", Kind::SwitchUpstream, 0u, 0},
          {"switch port 0", Kind::SwitchDownstream, 1u, 0},
          {"switch port 1", Kind::SwitchDownstream, 1u, 0},
          {"endpoint 0", Kind::Endpoint, 2u, 0},
          {"endpoint 1", Kind::Endpoint, 3u, 1}};
}

class BenchScene : public ::testing::Test {
 protected:
  BenchScene() : scene(switch_functions()), evidence(scene) {
    const std::array<const char*, 6> places = {"00:01.0", "01:00.0", "02:00.0", "02:01.0", "03:00.0", "04:00.0"};
    for (sim::FunctionIndex i = 0; i < places.size(); ++i) scene.place(i, pcie::Bdf::parse(places[i]));
  }

  static constexpr Time us(std::uint64_t n) { return Time{n * 1'000'000}; }
  void mark(Time time, pcie::Phase phase, pcie::Step step = pcie::Step::Begin, std::uint64_t value = 0) {
    scene.on_phase(time, phase, step, value);
  }
  void open_window(Time time) { mark(time, pcie::Phase::Preserve, pcie::Step::WindowBegin); }
  std::string first(Check check) const {
    const auto finding = evidence.first(check, ~0u);
    return finding ? finding->sentence : std::string();
  }
  std::string cause(Check check) const {
    const auto finding = evidence.first(check, ~0u);
    return finding ? finding->cause : std::string();
  }
  std::uint64_t count(Check check) const { return evidence.count(check, ~0u); }

  Scene scene;
  Evidence evidence;
};

inline pcie::Tlp register_write(std::uint64_t address, std::uint32_t value) {
  pcie::Tlp tlp;
  tlp.kind = pcie::TlpKind::MemoryWrite;
  tlp.address = address;
  tlp.length_dw = 1;
  tlp.first_be = 0xf;
  tlp.payload.resize(4);
  std::memcpy(tlp.payload.data(), &value, sizeof value);
  return tlp;
}

template <typename Value>
std::vector<std::byte> bytes_of(const Value& value) {
  std::vector<std::byte> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

}  // namespace holdover::bench::testing
