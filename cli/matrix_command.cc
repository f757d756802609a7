// SPDX-License-Identifier: MIT
#include "cli/matrix_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "bench/kernels.h"
#include "bench/output_file.h"
#include "cli/child_pool.h"
#include "cli/interruption.h"
#include "cli/marked_page.h"
#include "cli/matrix_report.h"
#include "cli/profile_file.h"
#include "cli/run_request.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "host/kernel/profile.h"
#include "pcie/error.h"

namespace holdover::cli {
namespace {

constexpr char kFooter[] =
    "Each pair is a run of the scenario «continuity» with short times; `holdover run --from A --to B` is the same with "
    "the\n"
    "usual ones. Kernels are written as --from and --to take them: a profile or its file, or one with policies of its "
    "own.\n"
    "\n"
    "Exit codes: 0 every pair has a verdict (PASS or FAIL), 2 usage, environment or interrupted, 3 one INCONCLUSIVE";

// Long enough for every stream to move in each phase, so that a verdict does not change with longer times.
constexpr Time kBefore{50'000'000};
constexpr Time kBlackout{100'000'000};
constexpr Time kAfter{60'000'000};
constexpr unsigned kMostJobs = 1024;

constexpr const char* kVerb = "matrix";

struct Request {
  std::string program;
  std::string kernels;
  std::string topology = bench::RunOptions{}.topology;
  std::uint64_t seed = 1;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::string json;
  std::string markdown;
};

std::vector<std::string> chosen(const Request& request) {
  std::vector<std::string> all;
  if (request.kernels.empty()) {
    for (const host::kernel::Profile& profile : host::kernel::profiles()) all.emplace_back(profile.name);
    return all;
  }
  std::vector<std::filesystem::path> sources;
  std::istringstream words(request.kernels + ",");
  for (std::string word; std::getline(words, word, ',');) {
    try {
      all.push_back(bench::to_string(bench::parse_kernel(with_profile_files(word, sources))));
    } catch (const Error& error) {
      throw Error(error.code(), std::string("--kernels: ") + error.what());
    }
    if (std::count(all.begin(), all.end(), all.back()) > 1) {
      throw Error(ErrorCode::InvalidArgument, "--kernels: " + word + " is named twice; name each kernel once");
    }
  }
  return all;
}

bench::RunOptions base_of(const Request& request) {
  RunRequest run;
  run.program = request.program;
  bench::RunOptions base = compose(run);
  base.topology = request.topology;
  base.seed = request.seed;
  base.isolation = bench::Isolation::InProcess;
  base.before = kBefore;
  base.blackout = kBlackout;
  base.after = kAfter;
  base.stop = [] { return SignalsAreRequests::requested().load(); };
  return base;
}

int run(const Request& request) {
  if (request.jobs < 1 || request.jobs > kMostJobs) {
    throw Error(ErrorCode::InvalidArgument, "--jobs: " + std::to_string(request.jobs) +
                                                " is not possible; it takes 1 to " + std::to_string(kMostJobs));
  }
  const std::vector<std::string> kernels = chosen(request);
  for (const auto& [option, path] : {std::pair{"--json", request.json}, std::pair{"--markdown", request.markdown}}) {
    if (!path.empty()) bench::require_writable(option, path);
  }
  if (!request.markdown.empty()) (void)page_with(kVerb, request.markdown, {});
  const bench::RunOptions base = base_of(request);
  bench::validate(base);

  const SignalsAreRequests signals;
  MatrixReport report(kernels);
  ProgressLine line;
  std::size_t next = 0;
  ChildPool pool(
      request.jobs,
      [&]() -> std::optional<bench::RunOptions> {
        if (next == report.pairs()) return std::nullopt;
        bench::RunOptions options = base;
        options.from = kernels[next / kernels.size()];
        options.to = kernels[next % kernels.size()];
        ++next;
        return options;
      },
      [&](const bench::RunOptions& options, const RunResult& result) {
        report.add(options, result);
        line.show(std::to_string(report.done()) + " of " + std::to_string(report.pairs()) + " pairs");
      });
  pool.run();
  line.clear();
  if (SignalsAreRequests::requested()) {
    throw Error(ErrorCode::Interrupted, "matrix: " + std::to_string(report.done()) + " of " +
                                            std::to_string(report.pairs()) + " pairs were run; nothing was written");
  }
  report.print(std::cout);
  if (!request.json.empty()) bench::write_whole("--json", request.json, report.to_json());
  if (!request.markdown.empty()) {
    bench::write_whole("--markdown", request.markdown, page_with(kVerb, request.markdown, report.to_markdown()));
  }
  require_written("use --json FILE");
  return report.exit_code();
}

}  // namespace

Command add_matrix_command(CLI::App& app, const std::string& program) {
  CLI::App* verb = app.add_subcommand(kVerb, "An update from each kernel to each, and what becomes of it");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  request->program = program;
  verb->add_option("--kernels", request->kernels, "Which, separated by commas (default: every profile)")
      ->type_name("LIST");
  verb->add_option("--topology", request->topology, "As `holdover run` takes it (default direct)")->type_name("NAME");
  verb->add_option("--seed", request->seed, "Of each run (default 1)")->type_name("N")->check(whole_number(0));
  verb->add_option("--jobs", request->jobs, "Runs side by side (default: one per processor)")
      ->type_name("N")
      ->check(whole_number(1));
  verb->add_option("--json", request->json, "The record, pair by pair")->type_name("FILE");
  verb->add_option("--markdown", request->markdown,
                   "A page that takes both tables, between the two marks that it has for them")
      ->type_name("FILE");
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
