// SPDX-License-Identifier: MIT
#include "cli/regress_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

#include "bench/output_file.h"
#include "cli/campaign.h"
#include "cli/child_pool.h"
#include "cli/interruption.h"
#include "cli/regress_report.h"
#include "cli/run_request.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "pcie/error.h"
#include "sim/model_library.h"

namespace holdover::cli {
namespace {

constexpr char kFooter[] =
    "Topology, width, channels, directions, sizes, latencies, disturbances, blackout, isolation and scenario of a run "
    "follow from its seed\n"
    "and from the models that are built (`make models`). A run that does not pass prints the command that repeats it.\n"
    "\n"
    "Exit codes: 0 all PASS, 1 one FAIL, 2 usage, environment or interrupted, 3 one INCONCLUSIVE";

constexpr std::uint64_t kMostSeeds = 1'000'000'000;
constexpr unsigned kMostJobs = 1024;
// Where nobody watches a line of progress, one is printed each time so many runs are done.
constexpr std::uint64_t kRunsPerLine = 50;

struct Request {
  std::string program;
  std::uint64_t seeds = 200;
  std::uint64_t first = 1;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::string json;
  bool keep_going = false;
  bool require_all_models = false;
};

// Of those that `make models` builds.
std::vector<std::string> missing_models(const std::vector<sim::ModelSize>& built) {
  std::vector<std::string> missing;
  std::istringstream names(HOLDOVER_MODELS);
  for (std::string name; names >> name;) {
    const bool there = std::any_of(built.begin(), built.end(),
                                   [&name](const sim::ModelSize& size) { return to_string(size) == name; });
    if (!there) missing.push_back(name);
  }
  return missing;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void check(const Request& request) {
  const auto refuse = [](const char* option, std::uint64_t value, const std::string& possible) {
    throw Error(ErrorCode::InvalidArgument,
                std::string(option) + ": " + std::to_string(value) + " is not possible; it takes " + possible);
  };
  if (request.seeds < 1 || request.seeds > kMostSeeds) {
    refuse("--seeds", request.seeds, "1 to " + std::to_string(kMostSeeds));
  }
  if (request.first > UINT64_MAX - kMostSeeds) refuse("--first", request.first, "a smaller number");
  if (request.jobs < 1 || request.jobs > kMostJobs) {
    refuse("--jobs", request.jobs, "1 to " + std::to_string(kMostJobs));
  }
  if (!request.json.empty()) bench::require_writable("--json", request.json);
}

class Campaign {
 public:
  Campaign(const Request& request, std::vector<sim::ModelSize> models)
      : request_(request), models_(std::move(models)), next_(request.first) {
    RunRequest run;
    run.program = request.program;
    base_ = compose(run);
    base_.stop = [] { return SignalsAreRequests::requested().load(); };
  }

  // Ends early at a signal, and at the first run that does not pass where that is not wanted otherwise.
  void run() {
    ChildPool{request_.jobs, [this] { return next(); },
              [this](const bench::RunOptions& options, const RunResult& result) { finish(options, result); }}
        .run();
    line_.clear();
  }
  [[nodiscard]] const RegressReport& report() const { return report_; }

 private:
  std::optional<bench::RunOptions> next() {
    if (halted_ || next_ == request_.first + request_.seeds) return std::nullopt;
    return draw(next_++, models_, base_);
  }

  void finish(const bench::RunOptions& options, const RunResult& result) {
    report_.add(options, result);
    if (result.outcome != RunResult::Outcome::Pass) {
      line_.clear();
      std::cout << "seed " << options.seed << ": " << name_of(result.outcome) << ": " << result.sentence << "\n  "
                << bench::command_line(options) << std::endl;
      halted_ = halted_ || !request_.keep_going;
    }
    const std::string state = std::to_string(report_.done()) + " of " + std::to_string(request_.seeds) + " runs, " +
                              std::to_string(report_.passed()) + " passed";
    if (line_.is_seen()) {
      line_.show(state);
    } else if (report_.done() % kRunsPerLine == 0) {
      std::cout << state << std::endl;
    }
  }

  const Request& request_;
  std::vector<sim::ModelSize> models_;
  bench::RunOptions base_;
  std::uint64_t next_;
  RegressReport report_;
  ProgressLine line_;
  bool halted_ = false;
};

int run(const Request& request) {
  check(request);
  const std::vector<sim::ModelSize> models = sim::built_models();
  const std::vector<std::string> missing = missing_models(models);
  if (!missing.empty()) {
    const std::string sentence = "endpoints that are not built and cannot be drawn: " + joined(missing);
    if (request.require_all_models) {
      throw Error(ErrorCode::Unavailable, "--require-all-models: " + sentence + "; `make models` builds them");
    }
    std::cout << sentence << " (`make models`)" << std::endl;
  }
  const SignalsAreRequests signals;
  Campaign campaign{request, models};
  campaign.run();
  const RegressReport& report = campaign.report();
  report.print(std::cout);
  if (!request.json.empty()) {
    bench::write_whole("--json", request.json, report.to_json(request.first, request.seeds, missing));
  }
  require_written("use --json FILE");
  if (SignalsAreRequests::requested()) {
    throw Error(ErrorCode::Interrupted, "regress: " + std::to_string(report.done()) + " of " +
                                            std::to_string(request.seeds) + " runs were done, " +
                                            std::to_string(report.passed()) + " passed");
  }
  return report.exit_code();
}

}  // namespace

Command add_regress_command(CLI::App& app, const std::string& program) {
  CLI::App* verb = app.add_subcommand("regress", "Run many seeds, everything drawn, and demand PASS of each");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  request->program = program;
  verb->add_option("--seeds", request->seeds, "How many runs (default 200)")->type_name("N")->check(whole_number(1));
  verb->add_option("--first", request->first, "The first seed (default 1)")->type_name("N")->check(whole_number(0));
  verb->add_option("--jobs", request->jobs, "Runs side by side (default: one per processor)")
      ->type_name("N")
      ->check(whole_number(1));
  verb->add_option("--json", request->json, "The record of the campaign")->type_name("FILE");
  verb->add_flag("--keep-going", request->keep_going, "Go on after a run that did not pass");
  verb->add_flag("--require-all-models", request->require_all_models,
                 "Refuse to start where a model that `make models` builds is missing");
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
