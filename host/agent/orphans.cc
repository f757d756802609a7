// SPDX-License-Identifier: MIT
#include "host/agent/orphans.h"

#include <string>
#include <vector>

#include "host/device/register_block.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

// Ten heartbeat periods of the scenarios.
constexpr std::chrono::nanoseconds kPulse{20'000};

std::vector<pcie::Bdf> named_functions(System& system) {
  const std::string names = system.parameter("function");
  if (names.empty()) {
    return system.devices();
  }
  std::vector<pcie::Bdf> functions;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    functions.push_back(pcie::Bdf::parse(std::string_view(names).substr(begin, end - begin)));
    begin = end + 1;
  }
  return functions;
}

void look_after(System& system, pcie::Bdf bdf, StageWatch* watch) {
  const std::string who = "function " + bdf.to_string();
  const std::unique_ptr<Device> device = system.open_device(bdf);
  if (watch != nullptr) watch->on_function(*device);
  RegisterBlock registers(*device, 0);
  const std::uint32_t id = registers.read(regs::global::kId);
  if (id != regs::global::kIdReset) {
    system.print(who + (id == ~std::uint32_t{0} ? " does not answer" : " is no Holdover endpoint"));
    return;
  }
  const std::uint64_t before = registers.read_pair(regs::heartbeat_writer::kSequenceLo);
  const bool running = registers.read(regs::heartbeat_writer::kControl, regs::heartbeat_writer::kControlRun) != 0;
  system.wait(kPulse);
  const std::uint64_t after = registers.read_pair(regs::heartbeat_writer::kSequenceLo);
  const std::uint32_t missed = registers.read(regs::heartbeat_writer::kMissed);
  system.print(who + " answers; its heartbeat " + (running ? "is on" : "is off") + ", went from " +
               std::to_string(before) + " to " + std::to_string(after) + ", " + std::to_string(missed) + " missed");

  // As an owner that takes the function up again: interrupts first, then what it still does.
  device->enable_interrupts(1);

  const unsigned channels = registers.read(regs::global::kCapabilities, regs::global::kCapabilitiesChannels);
  for (unsigned channel = 0; channel < channels; ++channel) {
    const std::uint32_t control = registers.read(regs::channel::control(channel));
    if (regs::channel::kControlRun.extract(control) != 0) {
      registers.write(regs::channel::control(channel), control & ~regs::channel::kControlRun.mask());
    }
  }
  registers.write(regs::heartbeat_reader::kControl, 0);
  registers.write(regs::heartbeat_writer::kControl, 0);
  system.print(who + " was told to stop its streams");
}

}  // namespace

bool look_after_orphans(System& system, StageWatch* watch) {
  bool all = true;
  for (const pcie::Bdf bdf : named_functions(system)) {
    try {
      look_after(system, bdf, watch);
    } catch (const Error& error) {
      system.print("function " + bdf.to_string() + " cannot be looked after: " + error.what());
      all = false;
    }
  }
  return all;
}

}  // namespace holdover::host
