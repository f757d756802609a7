// SPDX-License-Identifier: MIT
#include "host/agent/plain_kexec.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "host/agent/next_kernel.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

namespace config = pcie::config;
using pcie::Phase;
using pcie::Step;

std::uint32_t number(System& system, const std::string& name, std::uint32_t otherwise, std::uint32_t most) {
  const std::string text = system.parameter(name);
  if (text.empty()) return otherwise;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) {
    throw Error(
        ErrorCode::InvalidArgument,
        "parameter " + name + "=" + text + " of the command line is not a number from 0 to " + std::to_string(most));
  }
  return value;
}

void jump(System& system) {
  const std::string next = next_command_line(system.command_line()).value_or(system.command_line());
  if (system.parameter("jump") == "crash") {
    system.load_crash_kernel(next);
    system.crash();
  } else {
    system.load_kernel(next);
    system.kexec();
  }
}

// User space of one kernel until the kexec.
void let_go(System& system) {
  system.mark(Phase::Setup, Step::Begin, 0);
  const auto command =
      static_cast<std::uint16_t>(number(system, "command", config::kCommandMemory | config::kCommandBusMaster, 0xffff));
  const std::uint32_t before = number(system, "before_us", 200, 1'000'000'000);
  std::vector<std::unique_ptr<Device>> bound;
  const std::vector<pcie::Bdf> openable = system.devices();
  for (const pcie::Bdf function : system.functions()) {
    const bool has_driver = std::find(openable.begin(), openable.end(), function) != openable.end();
    if (has_driver && system.parameter("driver") != "none") bound.push_back(system.open_device(function));
    system.write_config(function, Bytes{config::kCommand}, 2, command);
  }
  system.mark(Phase::Steady, Step::Begin, 0);
  system.wait(std::chrono::microseconds(before));
  if (system.parameter("jump") == "none") {
    system.mark(Phase::Halt, Step::Begin, 0);
    return;
  }
  try {
    jump(system);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Refused) throw;
    system.mark(Phase::Freeze, Step::KexecRefused, static_cast<std::uint64_t>(error.errno_value()));
    system.print(std::string("the kernel refused the kexec: ") + error.what());
    system.mark(Phase::Halt, Step::Begin, 0);
  }
}

}  // namespace

void run_plain_kexec_stage_1(System& system) { let_go(system); }

void run_plain_kexec_stage_2(System& system) {
  system.mark(Phase::Retrieve, Step::Begin, 0);
  system.mark(Phase::Retrieve, Step::NoHandover, ENOENT);
  system.print("nothing was handed over, as asked");
  if (next_command_line(system.command_line())) {
    let_go(system);
  } else {
    system.mark(Phase::Halt, Step::Begin, 0);
  }
}

}  // namespace holdover::host
