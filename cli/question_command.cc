// SPDX-License-Identifier: MIT
#include "cli/question_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <vector>

#include "bench/output_file.h"
#include "bench/questions/question.h"
#include "cli/interruption.h"
#include "cli/marked_page.h"
#include "cli/question_report.h"
#include "cli/run_request.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

constexpr char kFooter[] =
    "An experiment is a few short runs, or calls on the emulated kernel's own parts. Its answer is chosen from what "
    "was\n"
    "observed; where that settles nothing, it says so.\n"
    "\n"
    "Examples:\n"
    "  holdover list questions              what can be asked\n"
    "  holdover question Q9                 one question: set-up, observations, answer, and the commands behind it\n"
    "  holdover question Q9 Q11 --seed 7    two of them, other random choices\n"
    "  holdover question all --json q.json  every question, and the record\n"
    "\n"
    "Exit codes: 0 every question has an answer, 2 usage, environment or interrupted, 3 one is undecided";

constexpr const char* kVerb = "question";
constexpr const char* kAll = "all";

// Long enough for every stream to move in each phase.
constexpr Time kBefore{40'000'000};
constexpr Time kBlackout{100'000'000};
constexpr Time kAfter{60'000'000};

struct Request {
  std::string program;
  std::vector<std::string> names;
  std::uint64_t seed = 1;
  std::string json;
  std::string markdown;
};

std::vector<const bench::Question*> chosen(const Request& request) {
  std::vector<const bench::Question*> all;
  const auto add = [&all](const bench::Question& question) {
    if (std::find(all.begin(), all.end(), &question) == all.end()) all.push_back(&question);
  };
  for (const std::string& name : request.names) {
    if (name == kAll) {
      for (const bench::Question& question : bench::questions()) add(question);
    } else {
      add(bench::find_question(name));
    }
  }
  return all;
}

bench::RunOptions base_of(const Request& request) {
  RunRequest run;
  // A page says the same wherever the program stands.
  run.program = request.markdown.empty() ? request.program : RunRequest{}.program;
  bench::RunOptions base = compose(run);
  base.seed = request.seed;
  base.isolation = bench::Isolation::InProcess;
  base.before = kBefore;
  base.blackout = kBlackout;
  base.after = kAfter;
  base.stop = [] { return SignalsAreRequests::requested().load(); };
  return base;
}

int run(const Request& request) {
  const std::vector<const bench::Question*> questions = chosen(request);
  for (const auto& [option, path] : {std::pair{"--json", request.json}, std::pair{"--markdown", request.markdown}}) {
    if (!path.empty()) bench::require_writable(option, path);
  }
  if (!request.markdown.empty()) (void)page_with(kVerb, request.markdown, {});

  const SignalsAreRequests signals;
  QuestionReport report(request.seed);
  ProgressLine line;
  for (const bench::Question* question : questions) {
    unsigned runs = 0;
    const std::string name(question->name);
    line.show(name);
    const bench::Laboratory laboratory(base_of(request), sim::build_machine, [&](const std::string&) {
      line.show(name + ": run " + std::to_string(++runs));
    });
    report.add(*question, question->ask(laboratory));
    line.clear();
    report.print_last(std::cout);
    std::cout.flush();
    if (SignalsAreRequests::requested()) {
      throw Error(ErrorCode::Interrupted, "question: after " + name + "; nothing was written");
    }
  }
  if (!request.json.empty()) bench::write_whole("--json", request.json, report.to_json());
  if (!request.markdown.empty()) {
    bench::write_whole("--markdown", request.markdown, page_with(kVerb, request.markdown, report.to_markdown()));
  }
  require_written("use --json FILE");
  return report.exit_code();
}

}  // namespace

Command add_question_command(CLI::App& app, const std::string& program) {
  CLI::App* verb = app.add_subcommand(kVerb, "Answer open questions of live update, each by an experiment");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  request->program = program;
  verb->add_option("names", request->names, "Which: Q1 and so on, or all; `holdover list questions`")
      ->required()
      ->type_name("NAME");
  verb->add_option("--seed", request->seed, "Of each run (default 1)")->type_name("N")->check(whole_number(0));
  verb->add_option("--json", request->json, "The record, question by question")->type_name("FILE");
  verb->add_option("--markdown", request->markdown,
                   "A page that takes the answers, between the two marks that it has for them")
      ->type_name("FILE");
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
