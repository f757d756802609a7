// SPDX-License-Identifier: MIT
// What others do to a function that is handed over, and what the death of the agent does, at a point of the update:
// «interference=unbind-preserved» on the command line.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "host/system.h"

namespace holdover::host {

enum class UpdatePoint : std::uint8_t {
  Preserved,  // stage 1, before the kexec
  Incoming,   // stage 2, before the agent has opened anything
  Retrieved,  // stage 2, before the finish
};

struct Interference {
  enum class Act : std::uint8_t {
    Unbind,        // sysfs `unbind` of the function's driver
    RemoveModule,  // rmmod of it
    CloseFiles,    // the agent closes every file but its session; then unbind
    AgentDies,     // every descriptor of its process is closed
  };
  std::string_view name;
  std::string_view sentence;
  UpdatePoint point = UpdatePoint::Preserved;
  Act act = Act::Unbind;
};
[[nodiscard]] std::span<const Interference> interferences();

// The one that the command line asks for at this point; null: none. Throws Error{InvalidArgument} for an unknown name.
[[nodiscard]] const Interference* interference_at(System& system, UpdatePoint point);
// The half of it that others do: on the first function that a device file can be opened for. Says on the console what
// came of it.
void interfere(System& system, const Interference& interference);

}  // namespace holdover::host
