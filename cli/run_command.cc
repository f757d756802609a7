// SPDX-License-Identifier: MIT
#include "cli/run_command.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "cli/config_file.h"
#include "cli/run_options.h"
#include "cli/version.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

// A signal handler can reach nothing else.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_signal(int) { interrupted.store(true); }

// Ctrl-C and the polite kill end the run from inside, so that everything is taken down; both work at once a second
// time.
class SignalsAreRequests {
 public:
  SignalsAreRequests() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &old_interrupt_);
    sigaction(SIGTERM, &action, &old_terminate_);
  }
  SignalsAreRequests(const SignalsAreRequests&) = delete;
  SignalsAreRequests& operator=(const SignalsAreRequests&) = delete;
  ~SignalsAreRequests() {
    sigaction(SIGINT, &old_interrupt_, nullptr);
    sigaction(SIGTERM, &old_terminate_, nullptr);
  }

 private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
};

bool colours() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

// One line on the terminal, written over and over, and gone at the end.
class ProgressLine {
 public:
  ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void show(const bench::ProgressNote& note) {
    if (!terminal_) {
      return;
    }
    std::cerr << "\r\x1b[K" << bench::format_time(note.now) << "  " << pcie::to_string(note.phase) << "  "
              << note.clocks.count() << " clocks" << std::flush;
    shown_ = true;
  }
  void clear() {
    if (shown_) {
      std::cerr << "\r\x1b[K" << std::flush;
      shown_ = false;
    }
  }

 private:
  bool terminal_;
  bool shown_ = false;
};

std::filesystem::path image_beside_this_program() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path("holdover-kernel-image") : self.parent_path() / "holdover-kernel-image";
}

void apply(bench::RunOptions& options, const std::string& name, const std::string& text, const std::string& where) {
  const OptionEntry* entry = find_run_option(name);
  HOLDOVER_CHECK(entry != nullptr);
  try {
    entry->apply(options, text);
  } catch (const Error& error) {
    throw Error(error.code(), where + error.what());
  }
}

}  // namespace

bench::RunOptions compose(const RunRequest& request) {
  bench::RunOptions options;
  options.kernel_image = image_beside_this_program();
  options.version = kVersion;
  options.commit = kCommit;
  if (!request.config.empty()) {
    for (const Setting& setting : read_config_file(request.config)) {
      apply(options, setting.name, setting.value, setting.where + ": " + setting.name + ": ");
    }
  }
  // A repeatable option on the command line replaces the file's list, as every other option replaces its value.
  bool first_fault = true;
  for (const auto& [name, text] : request.settings) {
    if (name == "fault" && std::exchange(first_fault, false)) {
      options.faults.clear();
    }
    apply(options, name, text, "--" + name + ": ");
  }
  return options;
}

int run(const RunRequest& request) {
  bench::RunOptions options = compose(request);
  options.stop = &interrupted;
  const SignalsAreRequests signals;
  ProgressLine line;
  const bench::Report report =
      bench::run(options, sim::build_machine, [&line](const bench::ProgressNote& note) { line.show(note); });
  line.clear();
  bench::print(std::cout, report, colours());
  std::cout.flush();
  if (!std::cout) {
    throw Error(ErrorCode::Unavailable, "the report cannot be written to standard output; use --json FILE");
  }
  return bench::exit_code(report);
}

}  // namespace holdover::cli
