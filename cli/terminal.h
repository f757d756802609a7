// SPDX-License-Identifier: MIT
// What a person at a terminal sees beside the answer: colours, and a line of progress.
#pragma once

#include <string>

namespace holdover::cli {

// Standard output is a terminal that can show colours, and nobody asked for none (NO_COLOR).
[[nodiscard]] bool colours();

// One line on standard error, written over and over, and gone at the end; nothing where that is no terminal.
class ProgressLine {
 public:
  ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  [[nodiscard]] bool is_seen() const { return terminal_; }
  void show(const std::string& text);
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
};

}  // namespace holdover::cli
