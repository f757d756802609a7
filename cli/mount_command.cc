// SPDX-License-Identifier: MIT
#include "cli/mount_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/booted_machine.h"
#include "cli/interruption.h"
#include "cli/run_options.h"
#include "cli/run_request.h"
#include "pcie/error.h"
#include "serve/sysfs/mount_point.h"
#include "serve/sysfs/server.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

constexpr char kFooter[] =
    "An emulated kernel boots on the machine; what it knows of its PCI devices is mounted at DIR as sysfs has it, "
    "while\n"
    "the endpoints' streams run. A read or write of `config` is a configuration request on the link. One line on\n"
    "standard output says that the tree is there; Ctrl-C, SIGTERM or `fusermount3 -u DIR` end it. What a killed "
    "server\n"
    "leaves, `fusermount3 -u DIR` cleans.\n"
    "\n"
    "Examples:\n"
    "  holdover mount /tmp/pci &                                     one endpoint below a root port\n"
    "  lspci -A linux-sysfs -O sysfs.path=/tmp/pci/bus/pci -vvv      what a real tool makes of it\n"
    "  setpci -A linux-sysfs -O sysfs.path=/tmp/pci/bus/pci -s 01:00.0 COMMAND\n"
    "  holdover mount /tmp/pci --topology wide --trace run.tlp       every TLP goes to a file\n"
    "  holdover mount /tmp/pci --traffic none -- sh -c 'ls /tmp/pci/bus/pci/devices'\n"
    "\n"
    "Exit codes: 0 somebody ended it, 2 usage or environment; with a COMMAND its exit code";

// Of the options of `holdover run`: what a machine and its traffic are, and what is recorded of it.
constexpr std::array<std::string_view, 20> kMachine{"topology",
                                                    "link",
                                                    "profile",
                                                    "policy",
                                                    "endpoint",
                                                    "aspm",
                                                    "width",
                                                    "channels",
                                                    "max-payload",
                                                    "bulk",
                                                    "transfer",
                                                    "heartbeat",
                                                    "disturb",
                                                    "seed",
                                                    "read-latency-min",
                                                    "read-latency-max",
                                                    "write-latency-max",
                                                    "completion-timeout",
                                                    "trace",
                                                    "trace-detail"};

struct Request {
  RunRequest machine;
  serve::SysfsOptions sysfs;
  std::string traffic = "streams";
  bool console = false;
};

// What the emulated kernel says, for people.
class Console final : public sim::Witness {
 public:
  void on_console(Time, std::string_view line) override { std::cerr << line << '\n'; }
};

int run(const Request& request) {
  serve::SysfsOptions options = request.sysfs;
  if (request.traffic != "streams" && request.traffic != "none") {
    throw Error(ErrorCode::InvalidArgument,
                "--traffic: «" + request.traffic + "» is not possible; it takes streams or none");
  }
  options.traffic = request.traffic == "streams";
  bench::RunOptions machine_options = compose(request.machine);
  machine_options.jump = bench::Jump::None;
  // Without the agent no endpoint needs interrupts for it.
  if (!options.traffic) machine_options.scenario = "plain-kexec";
  serve::require_mount_point(options.directory);
  if (options.command.empty()) {
    options.on_ready = [&options] {
      std::cout << "mounted " << options.directory.string()
                << ": lspci -A linux-sysfs -O sysfs.path=" << options.directory.string() << "/bus/pci; Ctrl-C ends it"
                << std::endl;
    };
  }
  const SignalsAreRequests signals;
  Console console;
  bench::BootedMachine machine(machine_options, sim::build_machine, request.console ? &console : nullptr);
  const int code = serve::serve_sysfs(machine, options, SignalsAreRequests::requested());
  machine.close_files();
  return code;
}

}  // namespace

Command add_mount_command(CLI::App& app, const std::string& program) {
  CLI::App* verb =
      app.add_subcommand("mount", "Mount the PCI devices of a simulated machine for lspci, setpci and others");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  request->machine.program = program;
  verb->add_option("DIR", request->sysfs.directory, "An empty directory")->required()->type_name("");
  verb->add_option("COMMAND", request->sysfs.command,
                   "What runs, behind --, while the tree is mounted; its end is the end of the mount")
      ->type_name("");
  verb->add_option("--traffic", request->traffic, "streams (default): the endpoints' DMA runs; none: they are idle")
      ->type_name("WHAT");
  verb->add_flag("--console", request->console, "What the emulated kernel says goes to standard error");
  for (const OptionEntry& entry : run_options()) {
    if (std::find(kMachine.begin(), kMachine.end(), entry.name) == kMachine.end()) continue;
    const std::string name(entry.name);
    verb->add_option_function<std::vector<std::string>>(
            "--" + name,
            [request, name](const std::vector<std::string>& texts) {
              for (const std::string& text : texts) request->machine.settings.emplace_back(name, text);
            },
            std::string(entry.sentence))
        ->type_name(std::string(entry.value))
        ->group("The machine")
        ->expected(1)
        ->allow_extra_args(false)  // else it takes the -- before COMMAND for its own end
        ->multi_option_policy(entry.repeats ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::Throw);
  }
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
