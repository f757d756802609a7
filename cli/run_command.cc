// SPDX-License-Identifier: MIT
#include "cli/run_command.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "bench/output_file.h"
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

// What a run that ends at once has to take away; a signal handler can reach nothing else.
std::vector<std::string> unfinished;

extern "C" void on_lost_file(int) {
  constexpr std::string_view kSentence = "holdover: a file of this run cannot be written; is its disk full?\n";
  [[maybe_unused]] const ssize_t told = write(STDERR_FILENO, kSentence.data(), kSentence.size());
  for (const std::string& name : unfinished) unlink(name.c_str());
  _exit(kExitUsage);
}

// The library that writes waveforms maps its files. Where the disk had no room for what is mapped, the system answers
// with a signal, and nothing can be done but to leave.
class FullDiskEndsTheRun {
 public:
  explicit FullDiskEndsTheRun(const bench::RunOptions& options) {
    for (const std::filesystem::path& file : {options.trace, options.wave}) {
      if (file.empty()) continue;
      const std::string partial = bench::place_of(file).string() + ".partial";
      unfinished.push_back(partial);
      unfinished.push_back(partial + ".hier");
    }
    struct sigaction action {};
    action.sa_handler = on_lost_file;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGBUS, &action, &old_);
  }
  FullDiskEndsTheRun(const FullDiskEndsTheRun&) = delete;
  FullDiskEndsTheRun& operator=(const FullDiskEndsTheRun&) = delete;
  ~FullDiskEndsTheRun() {
    sigaction(SIGBUS, &old_, nullptr);
    unfinished.clear();
  }

 private:
  struct sigaction old_ {};
};

// What a terminal or a polite kill sends ends the run from inside, so that everything is taken down; each works at once
// a second time. A file that may not grow is a failed write like any other.
constexpr std::array<int, 4> kRequests = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

class SignalsAreRequests {
 public:
  SignalsAreRequests() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < kRequests.size(); ++i) {
      sigaction(kRequests[i], nullptr, &old_[i]);
      // nohup stays in force.
      if (old_[i].sa_handler != SIG_IGN) sigaction(kRequests[i], &action, nullptr);
    }
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &ignore, &old_file_size_);
  }
  SignalsAreRequests(const SignalsAreRequests&) = delete;
  SignalsAreRequests& operator=(const SignalsAreRequests&) = delete;
  ~SignalsAreRequests() {
    for (std::size_t i = 0; i < kRequests.size(); ++i) sigaction(kRequests[i], &old_[i], nullptr);
    sigaction(SIGXFSZ, &old_file_size_, nullptr);
  }

 private:
  std::array<struct sigaction, kRequests.size()> old_{};
  struct sigaction old_file_size_ {};
};

bool dumb_terminal() {
  const char* term = std::getenv("TERM");
  return term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
}

bool colours() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && !dumb_terminal() && (no_color == nullptr || *no_color == '\0');
}

bool is_wave_window(std::string_view option) { return option == "wave-from" || option == "wave-to"; }

// One line on the terminal, written over and over, and gone at the end.
class ProgressLine {
 public:
  ProgressLine() : terminal_(isatty(STDERR_FILENO) != 0 && !dumb_terminal()) {}
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
  options.own_image = image_beside_this_program();
  options.program = request.program;
  options.version = kVersion;
  options.commit = kCommit;
  bool wave_window = false;
  if (request.config) {
    if (request.config->empty()) {
      throw Error(ErrorCode::InvalidArgument, "--config: «» is not possible; it takes the path of a TOML file");
    }
    options.config = *request.config;
    for (const Setting& setting : read_config_file(*request.config)) {
      wave_window = wave_window || is_wave_window(setting.name);
      apply(options, setting.name, setting.value, setting.where + ": " + setting.name + ": ");
    }
  }
  // A repeatable option on the command line replaces the file's list, as every other option replaces its value.
  bool first_fault = true;
  for (const auto& [name, text] : request.settings) {
    if (name == "fault" && std::exchange(first_fault, false)) {
      options.faults.clear();
    }
    wave_window = wave_window || is_wave_window(name);
    apply(options, name, text, "--" + name + ": ");
  }
  if (wave_window && options.wave.empty()) {
    throw Error(ErrorCode::InvalidArgument, "--wave-from and --wave-to need --wave FILE.fst");
  }
  return options;
}

int run(const RunRequest& request) {
  bench::RunOptions options = compose(request);
  options.stop = &interrupted;
  const SignalsAreRequests signals;
  const FullDiskEndsTheRun full_disk{options};
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
