// SPDX-License-Identifier: MIT
#include "cli/serve_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <iostream>
#include <memory>
#include <string_view>

#include "bench/output_file.h"
#include "cli/interruption.h"
#include "cli/run_options.h"
#include "cli/run_request.h"
#include "pcie/error.h"
#include "serve/vfio_user/server.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

constexpr char kFooter[] =
    "Serves one client after the other; the machine stays the same, and the function is reset between them. Simulated\n"
    "time passes while a client is there, and stands still while none is. What a client maps is what DMA reaches:\n"
    "directly where it passes a file, by DMA_READ and DMA_WRITE messages where it does not. docs/vfio-user.md has the\n"
    "rest.\n"
    "\n"
    "A client with QEMU (10.1 or newer), whose guest has its memory in a file:\n"
    "  qemu-system-x86_64 -machine q35,memory-backend=mem -object memory-backend-memfd,id=mem,size=1G,share=on \\\n"
    "    -device pcie-root-port,id=rp1,chassis=1 \\\n"
    "    -device '{\"driver\":\"vfio-user-pci\",\"bus\":\"rp1\",\"socket\":{\"type\":\"unix\",\"path\":\"ep.sock\"}}' "
    "...\n"
    "\n"
    "Examples:\n"
    "  holdover serve --socket ep.sock                               until Ctrl-C\n"
    "  holdover serve --socket ep.sock --once --trace run.tlp        one client, and every TLP of it\n"
    "  holdover serve --socket ep.sock --topology wide --function 2  the third endpoint of three\n"
    "\n"
    "Exit codes: 0 ended as asked, 1 a protocol rule was broken on the links, 2 usage or environment";

// Of the options of `holdover run`: what a machine is, and how kind.
constexpr std::array<std::string_view, 14> kMachine{"topology",
                                                    "link",
                                                    "endpoint",
                                                    "aspm",
                                                    "width",
                                                    "channels",
                                                    "max-payload",
                                                    "disturb",
                                                    "read-latency-min",
                                                    "read-latency-max",
                                                    "write-latency-max",
                                                    "completion-timeout",
                                                    "seed",
                                                    "trace"};

struct Request {
  RunRequest machine;
  std::string socket;
  unsigned function = 0;
  bool once = false;
};

int run(const Request& request) {
  const bench::RunOptions options = compose(request.machine);
  const SignalsAreRequests signals;
  // Clients and whoever reads our lines may go at any time.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  serve::ServerOptions server_options;
  server_options.socket = request.socket;
  server_options.machine = bench::machine_config(options);
  if (!options.trace.empty()) {
    bench::require_writable("--trace", options.trace);
    server_options.machine.trace = bench::place_of(options.trace);
  }
  server_options.function = request.function;
  server_options.once = request.once;
  server_options.stop = &SignalsAreRequests::requested();
  server_options.say = [](const std::string& line) { std::cout << line << std::endl; };
  serve::Server server{server_options, sim::build_machine_over};
  std::cout << "ready: " << request.socket << std::endl;
  server.run();
  server.close_files();
  if (const std::string& violation = server.machine().violation(); !violation.empty()) {
    std::cerr << "holdover: a protocol rule was broken on the links: " << violation << '\n';
    return 1;
  }
  return 0;
}

}  // namespace

Command add_serve_command(CLI::App& app, const std::string& program) {
  CLI::App* verb = app.add_subcommand("serve", "Serve the endpoint to a virtual machine as a vfio-user device");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  request->machine.program = program;
  // A kind machine, unless asked otherwise: clients measure with clocks of their own.
  request->machine.settings = {{"disturb", "none"}};
  verb->add_option("--socket", request->socket, "The socket that clients connect to; a stale one is replaced")
      ->type_name("PATH")
      ->required();
  verb->add_option("--function", request->function, "Which endpoint of the topology, counted from 0 (default 0)")
      ->type_name("N");
  verb->add_flag("--once", request->once, "End when the first client has left");
  for (const OptionEntry& entry : run_options()) {
    if (std::find(kMachine.begin(), kMachine.end(), entry.name) == kMachine.end()) continue;
    const std::string name(entry.name);
    std::string sentence(entry.sentence);
    if (name == "disturb") sentence = "How unkind the root complex is (default none); `holdover list disturbances`";
    verb->add_option_function<std::string>(
            "--" + name,
            [request, name](const std::string& text) { request->machine.settings.emplace_back(name, text); }, sentence)
        ->type_name(std::string(entry.value))
        ->group("The machine");
  }
  return {verb, [request] { return run(*request); }};
}

}  // namespace holdover::cli
