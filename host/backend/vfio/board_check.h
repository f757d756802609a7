// SPDX-License-Identifier: MIT
// What a live update with a function of this machine needs, and what of it is there. Reads files and changes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/backend/linux/small_file.h"
#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::host {

struct BoardFact {
  enum class State {
    Ok,
    Note,     // works, and is worth knowing
    Missing,  // stands in the way
  };
  std::string subject;  // «IOMMU group»
  State state = State::Ok;
  std::string sentence;
  std::vector<std::string> commands{};  // that change it, one a line
};

struct BoardCheck {
  pcie::Bdf bdf;
  std::vector<BoardFact> facts;

  [[nodiscard]] bool ready() const;
};

// `memory`: how much of it the function is going to reach. Throws Error{NotFound} where there is no such function,
// and Error{InvalidArgument} where it is a bridge.
[[nodiscard]] BoardCheck check_board(SystemCalls& calls, const KernelPaths& paths, pcie::Bdf bdf, Bytes memory);

[[nodiscard]] std::string_view to_string(BoardFact::State state);

}  // namespace holdover::host
