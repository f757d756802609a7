// SPDX-License-Identifier: MIT
// The options of `holdover run`, once: on the command line and in a configuration file they have the same names and
// texts.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "bench/run.h"

namespace holdover::cli {

struct OptionEntry {
  std::string_view name;   // without dashes; the key in a configuration file
  std::string_view value;  // «TIME»
  std::string_view sentence;
  std::string_view group;
  bool repeats;
  // Throws Error{InvalidArgument}: what the text should have been, without the option's name.
  void (*apply)(bench::RunOptions&, const std::string& text);
};

[[nodiscard]] std::span<const OptionEntry> run_options();
// Null for an unknown name.
[[nodiscard]] const OptionEntry* find_run_option(std::string_view name);

}  // namespace holdover::cli
