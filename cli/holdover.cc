// SPDX-License-Identifier: MIT
// The command line: parses, hands over, and turns errors into one sentence and an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "cli/board_command.h"
#include "cli/command.h"
#include "cli/compare_trace_command.h"
#include "cli/completion.h"
#include "cli/devices_command.h"
#include "cli/list_command.h"
#include "cli/manual_page.h"
#include "cli/matrix_command.h"
#include "cli/measure_command.h"
#include "cli/mount_command.h"
#include "cli/question_command.h"
#include "cli/regress_command.h"
#include "cli/run_command.h"
#include "cli/serve_command.h"
#include "cli/trace_command.h"
#include "cli/version.h"
#include "pcie/error.h"

namespace holdover::cli {
namespace {

constexpr char kAbout[] =
    "Does DMA of a PCIe endpoint go on while the host kernel is replaced by a live update?\n"
    "Holdover runs an endpoint in RTL below an emulated kernel, replaces the kernel, and judges what the device saw.";

constexpr char kFooter[] =
    "Examples:\n"
    "  holdover run                                    the default: continuity on one endpoint, nine checks\n"
    "  holdover run --topology switch --seed 7         two endpoints below a switch, other random choices\n"
    "  holdover run --fault H014                       the old kernel clears Bus Master Enable: see it FAIL\n"
    "  holdover run --jump none                        the control: nothing is replaced\n"
    "  holdover run --config bench.toml --seed 3       options of a file, one of them replaced\n"
    "  holdover regress --seeds 1000                   as many runs, everything drawn from the seed\n"
    "  holdover matrix                                 an update from each kernel to each, and what becomes of it\n"
    "  holdover question Q9                            an open question of live update, answered by an experiment\n"
    "  holdover measure --sizes 64,4096                 throughput and latency beside their theory\n"
    "  holdover mount /tmp/pci                         the machine's PCI devices for lspci, setpci and others\n"
    "  holdover devices                                PCI functions of this machine that can be used, or why not\n"
    "  holdover board check 0000:01:00.0                what a board of this machine needs for a live update\n"
    "  holdover serve --socket ep.sock                 the endpoint as a PCIe device of a virtual machine\n"
    "  holdover list policies                          what a kernel decides, and can be told to decide otherwise\n"
    "  holdover list faults                            what can be made to go wrong\n"
    "  holdover trace run.tlp --from 380us --limit 20   what a run with --trace run.tlp put on the links\n"
    "  holdover compare-trace 7.2.log                   does the emulated kernel write what a recorded one wrote?\n"
    "\n"
    "Exit codes: 0 PASS, 1 FAIL, 2 usage, environment or interrupted, 3 INCONCLUSIVE";

// One line, whatever a name that it repeats may hold.
int complain(std::string sentence) {
  for (char& c : sentence) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  std::cerr << "holdover: " << sentence << '\n';
  return kExitUsage;
}

// The verbs, or all options and positionals of one, as a sentence lists them.
std::string names_of(const std::vector<Command>& commands) {
  std::vector<std::string> visible;
  for (const Command& each : commands) {
    if (!each.app->get_group().empty()) visible.push_back(each.app->get_name());
  }
  std::string names;
  for (std::size_t i = 0; i < visible.size(); ++i) {
    if (i > 0) names += i + 1 == visible.size() ? " and " : ", ";
    names += visible[i];
  }
  return names;
}

std::string names_of(const CLI::App& verb) {
  std::string names;
  for (const CLI::Option* option : verb.get_options()) {
    if (option == verb.get_help_ptr()) continue;
    names += names.empty() ? "" : ", ";
    names += option->get_positional() ? option->get_description() : option->get_name();
  }
  return names;
}

// The verb below which nothing more was given: «run» of «board run».
const CLI::App& deepest(const CLI::App& verb) {
  const std::vector<const CLI::App*> parsed = verb.get_subcommands([](const CLI::App* each) { return each->parsed(); });
  return parsed.empty() ? verb : deepest(*parsed.front());
}

std::string names_of_verbs(const CLI::App& verb) {
  std::string names;
  for (const CLI::App* each : verb.get_subcommands([](const CLI::App*) { return true; })) {
    names += (names.empty() ? "" : " and ") + each->get_name();
  }
  return names;
}

int complain_about_arguments(const CLI::App& app, const std::vector<Command>& commands) {
  const std::vector<std::string> rest = app.remaining(true);
  const std::string first = rest.empty() ? std::string() : rest.front();
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const CLI::App& verb = deepest(*command.app);
    return complain(verb.get_name() + ": «" + first + "» is none of its options; possible are " + names_of(verb));
  }
  return complain("«" + first + "» is no command; possible are " + names_of(commands));
}

int complain_about_values(const std::string& verb, const CLI::ArgumentMismatch& error) {
  const std::string text = error.what();
  const std::string option = text.substr(0, text.find(':'));
  if (text.find("required but received") != std::string::npos) {
    return complain(option + ": it is given twice; give it once");
  }
  return complain(option + ": its value is missing; `holdover " + verb + " --help` shows what it takes");
}

// Descriptors 0, 1 and 2 that the caller closed would be given to files of the run, which would then receive what is
// meant for people. What stands in for them refuses what they are used for.
void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    if (open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) {
      throw Error(ErrorCode::Unavailable, "/dev/null cannot be opened in place of a closed standard descriptor");
    }
  }
}

int parse_and_run(int argc, char** argv) {
  CLI::App app(kAbout, "holdover");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("holdover ") + kVersion + " (" + kCommit + ")");

  const std::string program = argc > 0 ? argv[0] : "holdover";
  const std::vector<Command> commands{add_run_command(app, program),
                                      add_regress_command(app, program),
                                      add_matrix_command(app, program),
                                      add_question_command(app, program),
                                      add_measure_command(app, program),
                                      add_mount_command(app, program),
                                      add_devices_command(app),
                                      add_board_command(app, program),
                                      add_serve_command(app, program),
                                      add_list_command(app),
                                      add_trace_command(app),
                                      add_compare_trace_command(app),
                                      add_complete_command(app),
                                      add_manual_command(app)};
  const auto given = [&commands] {
    return std::find_if(commands.begin(), commands.end(), [](const Command& each) { return each.app->parsed(); });
  };

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& answer) {
    // --help and --version.
    const int code = app.exit(answer, std::cout, std::cerr);
    require_written();
    return code;
  } catch (const CLI::RequiredError& error) {
    if (given() != commands.end()) {
      const CLI::App& verb = deepest(*given()->app);
      std::string name = given()->app->get_name();
      if (const std::string verbs = names_of_verbs(verb); !verbs.empty()) {
        return complain(name + ": it takes one of its commands, " + verbs + "; `holdover " + name +
                        " --help` explains them");
      }
      if (&verb != given()->app) name += " " + verb.get_name();
      return complain(name + ": " + error.what() + "; `holdover " + name + " --help` explains it");
    }
    const std::vector<std::string> rest = app.remaining();
    return complain((rest.empty() ? "a command is missing" : "«" + rest.front() + "» is no command") +
                    std::string("; possible are ") + names_of(commands) + "; `holdover --help` explains them");
  } catch (const CLI::ExtrasError&) {
    return complain_about_arguments(app, commands);
  } catch (const CLI::ArgumentMismatch& error) {
    return complain_about_values(given() == commands.end() ? std::string{} : given()->app->get_name(), error);
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + "; `holdover --help` explains what is possible");
  }
  return given()->run();
}

int guarded(int argc, char** argv) {
  try {
    occupy_standard_descriptors();
    return parse_and_run(argc, argv);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Interrupted) {
      return complain(std::string("interrupted; ") + error.what());
    }
    return complain(error.what());
  } catch (const std::bad_alloc&) {
    return complain("memory is exhausted");
  } catch (const std::exception& error) {
    return complain(std::string("this should not happen, please report it: ") + error.what());
  }
}

}  // namespace
}  // namespace holdover::cli

int main(int argc, char** argv) { return holdover::cli::guarded(argc, argv); }
