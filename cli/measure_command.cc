// SPDX-License-Identifier: MIT
#include "cli/measure_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/measure/measure.h"
#include "cli/interruption.h"
#include "cli/lost_device.h"
#include "cli/run_options.h"
#include "cli/run_request.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "host/backend/target.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

using namespace literals;

constexpr char kFooter[] =
    "The endpoint runs a ring of descriptors of one size round and round; bandwidth is what moved between two\n"
    "completion records, after a warm-up. Beside it stand the theory of the link (pcie-bench), the same with the "
    "bytes\n"
    "of descriptors and records and with the endpoint's own streams (\"with rings\"), and the bound that headers "
    "alone\n"
    "leave; a result above that, or a broken protocol rule, is an alarm. Data is held against its pattern.\n"
    "On a machine of ours all times are simulated: the same options give the same figures. With --backend they are "
    "the\n"
    "processor's, or a simulation's as its server tells them; the report says which.\n"
    "\n"
    "Examples:\n"
    "  holdover measure                                          64 bytes to 64 KiB, each direction, and register "
    "reads\n"
    "  holdover measure --tests BW_RD --sizes 4096 --depth 1     what one transfer at a time reaches\n"
    "  holdover measure --backend vfio:0000:01:00.0              a board of this machine\n"
    "  holdover measure --disturb all --read-latency-max 2us     the same under an unkind root complex\n"
    "\n"
    "Exit codes: 0 measured, 1 an alarm, 2 usage, environment or interrupted";

// Of the options of `holdover run`: what a machine is, and how kind.
constexpr std::array<std::string_view, 12> kMachine{"topology",
                                                    "link",
                                                    "profile",
                                                    "width",
                                                    "channels",
                                                    "max-payload",
                                                    "disturb",
                                                    "read-latency-min",
                                                    "read-latency-max",
                                                    "write-latency-max",
                                                    "completion-timeout",
                                                    "seed"};

struct Request {
  RunRequest machine;
  std::vector<std::pair<std::string, std::string>> asked;  // of the machine, on the command line
  bench::MeasureOptions measure;
  std::string backend;
  std::string duration = "200us";
  std::string json;
};

bench::MeasureOptions options_of(const Request& request) {
  bench::MeasureOptions options = request.measure;
  RunRequest machine = request.machine;
  machine.settings.insert(machine.settings.end(), request.asked.begin(), request.asked.end());
  options.machine = compose(machine);
  const std::optional<Time> duration = parse_time(request.duration);
  if (!duration) {
    throw Error(ErrorCode::InvalidArgument,
                "--duration: «" + request.duration + "» is not possible; it takes " + std::string(kTimeForms));
  }
  options.duration = *duration;
  options.json = request.json;
  options.machine.stop = [] { return SignalsAreRequests::requested().load(); };
  return options;
}

bench::MeasureReport measure_target(const Request& request, const bench::MeasureOptions& options,
                                    const bench::MeasureProgress& progress) {
  const host::Target target = host::Target::parse(request.backend);
  for (const auto& [name, text] : request.asked) {
    if (name == "completion-timeout") continue;
    throw Error(ErrorCode::InvalidArgument,
                "--" + name + ": it describes a machine of ours, and --backend names another one; leave one away");
  }
  const bool server = target.kind == host::Target::Kind::VfioUser;
  const LostDeviceEnds lost;
  const auto opened = host::open_target(target, {});
  bench::MeasuredSystem measured{target.to_string(), opened->system(),
                                 opened->device_time() ? bench::TimeBase::Device : bench::TimeBase::Wall};
  if (server) measured.completion_timeout = 200_us;
  measured.completion_timeout = options.machine.completion_timeout.value_or(measured.completion_timeout);
  return bench::measure(options, measured, progress);
}

int run(const Request& request) {
  const bench::MeasureOptions options = options_of(request);
  const SignalsAreRequests signals;
  ProgressLine line;
  const bench::MeasureProgress progress = [&line](const std::string& point) { line.show(point); };
  const bench::MeasureReport report = request.backend.empty() ? bench::measure(options, sim::build_machine, progress)
                                                              : measure_target(request, options, progress);
  line.clear();
  bench::print(std::cout, report);
  require_written("use --json FILE");
  return bench::exit_code(report);
}

}  // namespace

Command add_measure_command(CLI::App& app, const std::string& program) {
  CLI::App* verb = app.add_subcommand("measure", "Measure throughput and latency beside their theory");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  request->machine.program = program;
  // A kind machine with one latency, unless asked otherwise.
  request->machine.settings = {
      {"disturb", "none"}, {"read-latency-min", "600ns"}, {"read-latency-max", "600ns"}, {"max-payload", "256"}};
  bench::MeasureOptions& measure = request->measure;
  verb->add_option("--tests", measure.tests, "BW_WR, BW_RD, LAT_MMIO_RD (default: all of them)")
      ->delimiter(',')
      ->type_name("LIST");
  verb->add_option("--sizes", measure.sizes, "Bytes of a transfer (default 64 to 4096 in powers of two, 16384, 65536)")
      ->delimiter(',')
      ->type_name("LIST");
  verb->add_option("--depth", measure.depth, "Descriptors in the ring (default 64)")->type_name("N");
  verb->add_option("--duration", request->duration, "Of each bandwidth (default 200us)")->type_name("TIME");
  verb->add_option("--samples", measure.samples, "Register reads (default 1000)")->type_name("N");
  verb->add_option("--backend", request->backend,
                   "Measure a board (vfio:BDF) or a server's device (vfio-user:PATH) in place of a machine of ours")
      ->type_name("TARGET");
  verb->add_option("--json", request->json, "The record of the measurement")->type_name("FILE");
  for (const OptionEntry& entry : run_options()) {
    if (std::find(kMachine.begin(), kMachine.end(), entry.name) == kMachine.end()) continue;
    const std::string name(entry.name);
    std::string sentence(entry.sentence);
    if (name == "disturb") sentence = "How unkind the root complex is (default none); `holdover list disturbances`";
    if (name == "max-payload") sentence = "Largest payload that the endpoint supports: 128, 256 (default) or 512";
    if (name == "read-latency-min") sentence = "Memory answers a read no sooner (default 600ns)";
    if (name == "read-latency-max") sentence = "Nor later (default 600ns, at most 5us)";
    verb->add_option_function<std::string>(
            "--" + name, [request, name](const std::string& text) { request->asked.emplace_back(name, text); },
            sentence)
        ->type_name(std::string(entry.value))
        ->group("The machine");
  }
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
