// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "pcie/units.h"

namespace holdover::sim {

// A recorded run, ready to be driven into a bare model again: what Verilator alone costs.
class PinReplay {
 public:
  // Throws Error{Unavailable} where the record cannot be read, Error{Corrupt} where it is none.
  explicit PinReplay(const std::filesystem::path& pin_record);
  ~PinReplay();
  PinReplay(const PinReplay&) = delete;
  PinReplay& operator=(const PinReplay&) = delete;

  // Drives all of it; returns the clocks, and a sum over the outputs that must be the same each time.
  struct Result {
    Cycles clocks;
    std::uint64_t digest = 0;
  };
  [[nodiscard]] Result run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace holdover::sim
