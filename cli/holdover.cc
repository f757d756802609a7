// SPDX-License-Identifier: MIT
// The command line: parses, hands over, and turns errors into one sentence and an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "cli/list_command.h"
#include "cli/run_command.h"
#include "cli/run_options.h"
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
    "  holdover list faults                            what can be made to go wrong\n"
    "\n"
    "Exit codes: 0 PASS, 1 FAIL, 2 usage, environment or interrupted, 3 INCONCLUSIVE";

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

// One line, whatever a name that it repeats may hold.
int complain(std::string sentence) {
  for (char& c : sentence) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  std::cerr << "holdover: " << sentence << '\n';
  return kExitUsage;
}

int complain_about_arguments(const CLI::App& app, const CLI::App& run_app, const CLI::App& list_app) {
  const std::vector<std::string> rest = app.remaining(true);
  const std::string first = rest.empty() ? std::string() : rest.front();
  if (list_app.parsed()) {
    return complain("list: «" + first + "» is too much; it takes one of scenarios, profiles, topologies and faults");
  }
  if (!run_app.parsed()) return complain("«" + first + "» is no command; possible are run and list");
  std::string names = "--config";
  for (const OptionEntry& entry : run_options()) {
    names += ", --" + std::string(entry.name);
  }
  return complain("run: «" + first + "» is no option; possible are " + names);
}

int complain_about_values(const CLI::ArgumentMismatch& error) {
  const std::string text = error.what();
  const std::string option = text.substr(0, text.find(':'));
  if (text.find("required but received") != std::string::npos) {
    return complain(option + ": it is given twice; give it once");
  }
  return complain(option + ": its value is missing; `holdover run --help` shows what it takes");
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

void require_written() {
  std::cout.flush();
  if (!std::cout) throw Error(ErrorCode::Unavailable, "the answer cannot be written to standard output");
}

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

int parse_and_run(int argc, char** argv) {
  CLI::App app(kAbout, "holdover");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("holdover ") + kVersion + " (" + kCommit + ")");

  RunRequest request;
  if (argc > 0) request.program = argv[0];
  CLI::App* run_app = app.add_subcommand("run", "Run a scenario and judge it");
  run_app->footer(kRunFooter);
  add_run_options(*run_app, request);

  std::string what;
  CLI::App* list_app = app.add_subcommand("list", "Names that can be asked for, each with a sentence");
  list_app->add_option("what", what, "scenarios, profiles, topologies or faults; all of them where it is left out");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& answer) {
    // --help and --version.
    const int code = app.exit(answer, std::cout, std::cerr);
    require_written();
    return code;
  } catch (const CLI::RequiredError&) {
    const std::vector<std::string> rest = app.remaining();
    return complain((rest.empty() ? "a command is missing" : "«" + rest.front() + "» is no command") +
                    std::string("; possible are run and list; `holdover --help` explains them"));
  } catch (const CLI::ExtrasError&) {
    return complain_about_arguments(app, *run_app, *list_app);
  } catch (const CLI::ArgumentMismatch& error) {
    return complain_about_values(error);
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + "; `holdover --help` explains what is possible");
  }

  if (list_app->parsed()) {
    list(std::cout, what);
    require_written();
    return 0;
  }
  return run(request);
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
