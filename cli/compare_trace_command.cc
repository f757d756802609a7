// SPDX-License-Identifier: MIT
#include "cli/compare_trace_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/compare/compare_trace.h"
#include "bench/output_file.h"
#include "cli/profile_file.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

constexpr char kFooter[] =
    "The log has a line for every configuration write that a function received,\n"
    "  [TIME] CFG_WRITE off=0x004 size=2 val=0x0406 old=0x0006 new=0x0406 COMMAND\n"
    "and marks «#### PHASE 3 before kexec -e», «#### PHASE 6 driver bound»; other lines are passed over. The endpoint "
    "is\n"
    "strapped like the device, as far as the log tells what that was, and two emulated kernels run with a kexec "
    "between\n"
    "them. Compared are, in their order, the writes of the first kernel's enumeration (boot), those from the mark of\n"
    "phase 3 until the next kernel begins (shutdown), and the next kernel's until its last write of Link Control\n"
    "(enumeration); what firmware and user space write is not. Registers go by name, since capabilities stand "
    "elsewhere.\n"
    "Addresses and bus numbers are another on every machine: of a BAR it counts whether all ones were written, and\n"
    "whether it then got the value that it had before.\n"
    "\n"
    "Examples:\n"
    "  holdover compare-trace 7.2.log                              which kernel it is, the log tells\n"
    "  holdover compare-trace 7.3.log --profile stock-7.3          or it is told\n"
    "  holdover compare-trace crash.log --jump crash               nothing was shut down\n"
    "  holdover compare-trace 7.2.log --port-trace qemu.txt        the root port's writes too\n"
    "\n"
    "Exit codes: 0 the same, or accepted differences only; 1 differences; 2 usage, or a log that cannot be understood";

struct Request {
  std::string log;
  std::string port_trace;
  std::string profile;
  std::string jump;
  std::string phases;
  std::string accept = "known";
  std::string json;
};

[[noreturn]] void refuse(const std::string& option, const std::string& text, const std::string& possible) {
  throw Error(ErrorCode::InvalidArgument, option + ": «" + text + "» is not possible; it takes " + possible);
}

std::vector<bench::ComparedPhase> phases_of(const std::string& text) {
  std::vector<bench::ComparedPhase> phases;
  std::istringstream words(text + ",");
  for (std::string word; std::getline(words, word, ',');) {
    const auto found = std::find_if(bench::kComparedPhases.begin(), bench::kComparedPhases.end(),
                                    [&word](bench::ComparedPhase phase) { return bench::to_string(phase) == word; });
    if (found == bench::kComparedPhases.end()) {
      refuse("--phase", text, "boot, shutdown and enumeration, separated by commas");
    }
    phases.push_back(*found);
  }
  return phases;
}

bench::CompareOptions options_of(const Request& request) {
  bench::CompareOptions options;
  options.log = request.log;
  options.port_trace = request.port_trace;
  std::vector<std::filesystem::path> sources;
  try {
    if (!request.profile.empty()) options.profile = with_profile_files(request.profile, sources);
  } catch (const Error& error) {
    throw Error(error.code(), std::string("--profile: ") + error.what());
  }
  if (!request.jump.empty()) {
    if (request.jump != "kexec" && request.jump != "crash") refuse("--jump", request.jump, "kexec or crash");
    options.crash = request.jump == "crash";
  }
  if (!request.phases.empty()) options.phases = phases_of(request.phases);
  if (request.accept != "known" && request.accept != "none") refuse("--accept", request.accept, "known or none");
  options.accept = request.accept == "known";
  return options;
}

int run(const Request& request) {
  const bench::CompareOptions options = options_of(request);
  if (!request.json.empty()) bench::require_writable("--json", request.json);
  const bench::Comparison comparison = bench::compare_trace(options, sim::build_machine);
  if (!request.json.empty()) bench::write_whole("--json", request.json, bench::to_json(comparison));
  bench::print(std::cout, comparison);
  require_written();
  return bench::exit_code(comparison);
}

}  // namespace

Command add_compare_trace_command(CLI::App& app) {
  CLI::App* verb =
      app.add_subcommand("compare-trace", "The emulated kernel's configuration writes beside a recorded one's");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  verb->add_option("LOG", request->log, "the recorded log")->required();
  verb->add_option(
          "--profile", request->profile,
          "Which kernel it is (default: as the log tells); `holdover list profiles`, or as `holdover run --from` "
          "takes it")
      ->type_name("KERNEL");
  verb->add_option("--port-trace", request->port_trace,
                   "QEMU's trace pci_cfg_write of the same run: compares its root port too")
      ->type_name("FILE");
  verb->add_option("--jump", request->jump,
                   "kexec, or crash: nothing is shut down (default: kexec, unless the log says crash)")
      ->type_name("HOW");
  verb->add_option("--phase", request->phases, "boot, shutdown, enumeration, separated by commas (default all three)")
      ->type_name("LIST");
  verb->add_option("--accept", request->accept,
                   "known (default): differences that are known and explained do not count; none")
      ->type_name("WHICH");
  verb->add_option("--json", request->json, "The comparison as JSON")->type_name("FILE");
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
