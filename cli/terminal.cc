// SPDX-License-Identifier: MIT
#include "cli/terminal.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "cli/command.h"
#include "pcie/error.h"

namespace holdover::cli {
namespace {

bool dumb_terminal() {
  const char* term = std::getenv("TERM");
  return term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
}

}  // namespace

bool colours() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && !dumb_terminal() && (no_color == nullptr || *no_color == '\0');
}

void require_written(const char* advice) {
  std::cout.flush();
  if (std::cout) return;
  std::string sentence = "the answer cannot be written to standard output";
  if (advice != nullptr) sentence += std::string("; ") + advice;
  throw Error(ErrorCode::Unavailable, sentence);
}

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0 && !dumb_terminal()) {}

void ProgressLine::show(const std::string& text) {
  if (!terminal_) return;
  std::cerr << "\r\x1b[K" << text << std::flush;
  shown_ = true;
}

void ProgressLine::clear() {
  if (!shown_) return;
  std::cerr << "\r\x1b[K" << std::flush;
  shown_ = false;
}

}  // namespace holdover::cli
