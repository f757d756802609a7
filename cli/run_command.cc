// SPDX-License-Identifier: MIT
#include "cli/run_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/output_file.h"
#include "bench/run.h"
#include "cli/interruption.h"
#include "cli/run_options.h"
#include "cli/run_request.h"
#include "cli/terminal.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

constexpr char kRunFooter[] =
    "A configuration file is TOML with the option names as keys:\n"
    "  topology = \"switch\"\n"
    "  seed = 7\n"
    "  blackout = \"500us\"\n"
    "  fault = [\"H014\"]\n"
    "\n"
    "TIME is a number and a unit (ps, ns, us, ms or s): 750ns, 250us, 1.5ms. --blackout takes 1us to 1s; --before and\n"
    "--after take whole microseconds up to 1s. A simulated millisecond takes about a second.\n"
    "FILE is written whole or not at all, over a regular file or a new one.\n"
    "Runs with the same options do the same, TLP by TLP. A FAIL ends with the command that repeats it with a "
    "waveform.\n"
    "\n"
    "Examples:\n"
    "  holdover run --json r.json --junit r.xml                        records for programs\n"
    "  holdover run --wave w.fst --wave-from 380us --wave-to 400us     every signal around the jump\n"
    "  holdover run --scenario neighbour --topology switch             one endpoint stays, the other must be quiet\n"
    "  holdover run --isolation in-process --blackout 50us             no second process, a short blackout\n"
    "\n"
    "Exit codes: 0 PASS, 1 FAIL, 2 usage, environment or interrupted, 3 INCONCLUSIVE";

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

void add_run_options(CLI::App& app, RunRequest& request) {
  app.add_option_function<std::string>(
         "--config", [&request](const std::string& text) { request.config = std::filesystem::path(text); },
         "Options from a TOML file; the command line replaces them")
      ->type_name("FILE.toml")
      ->group("What runs");
  for (const OptionEntry& entry : run_options()) {
    const std::string name(entry.name);
    CLI::Option* option = app.add_option_function<std::vector<std::string>>(
                                 "--" + name,
                                 [&request, name](const std::vector<std::string>& texts) {
                                   for (const std::string& text : texts) {
                                     request.settings.emplace_back(name, text);
                                   }
                                 },
                                 std::string(entry.sentence))
                              ->type_name(std::string(entry.value))
                              ->group(std::string(entry.group))
                              ->expected(1);
    option->multi_option_policy(entry.repeats ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::Throw);
  }
}

int run(const RunRequest& request) {
  bench::RunOptions options = compose(request);
  options.stop = [] { return SignalsAreRequests::requested().load(); };
  const SignalsAreRequests signals;
  const FullDiskEndsTheRun full_disk{options};
  ProgressLine line;
  const bench::Report report = bench::run(options, sim::build_machine, [&line](const bench::ProgressNote& note) {
    if (!line.is_seen()) return;
    constexpr Time kMicrosecond{1'000'000};
    line.show(bench::format_time(note.now - note.now % kMicrosecond) + "  " + std::string(pcie::to_string(note.phase)) +
              "  " + std::to_string(note.clocks.count()) + " clocks");
  });
  line.clear();
  bench::print(std::cout, report, colours());
  require_written("use --json FILE");
  return bench::exit_code(report);
}

}  // namespace

Command add_run_command(CLI::App& app, const std::string& program) {
  CLI::App* verb = app.add_subcommand("run", "Run a scenario and judge it");
  verb->footer(kRunFooter);
  const auto request = std::make_shared<RunRequest>();
  request->program = program;
  add_run_options(*verb, *request);
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
