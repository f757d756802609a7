// SPDX-License-Identifier: MIT
// A host program whose live update is an execve of itself: `host_program SOCKET COMMAND-LINE`. Prints what the agent
// prints, and a line for each mark.
#include <unistd.h>

#include <iostream>
#include <string>

#include "host/agent/scenario_stages.h"
#include "host/backend/vfio_user/vfio_user_system.h"
#include "pcie/error.h"

namespace {

holdover::host::VfioUserOptions options_of(const std::string& program) {
  holdover::host::VfioUserOptions options;
  options.print = [](std::string_view line) { std::cout << line << std::endl; };
  options.mark = [](holdover::pcie::Phase phase, holdover::pcie::Step step, std::uint64_t value) {
    std::cout << "mark " << static_cast<int>(phase) << ' ' << static_cast<int>(step) << ' ' << value << std::endl;
  };
  options.jump = holdover::host::exec_again({program, "--state", "{}"});
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace holdover;
  if (argc != 3) return 2;
  const std::string first = argv[1];
  const host::ScenarioStages& stages = *host::find_scenario_stages("continuity");
  try {
    std::cout << "process " << ::getpid() << std::endl;
    if (first == "--state") {
      host::VfioUserSystem system(std::stoi(argv[2]), options_of(argv[0]));
      stages.stage_2(system);
      std::cout << "finished" << std::endl;
      return 0;
    }
    host::VfioUserOptions options = options_of(argv[0]);
    options.command_line = argv[2];
    host::VfioUserSystem system(first, options);
    stages.stage_1(system);
  } catch (const Error& error) {
    std::cout << "error: " << error.what() << std::endl;
  }
  return 1;
}
