// SPDX-License-Identifier: MIT
#include "bench/booted_machine.h"

#include <utility>

#include "bench/fault_table.h"
#include "bench/firmware.h"
#include "bench/ledger/handover_ledger.h"
#include "host/backend/emulated/booted_kernel.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

RunOptions in_this_process(RunOptions options) {
  options.isolation = Isolation::InProcess;
  validate(options);
  return options;
}

}  // namespace

BootedMachine::BootedMachine(RunOptions options, const MachineFactory& factory, sim::Witness* witness)
    : options_(in_this_process(std::move(options))),
      config_(whole_machine_config(options_)),
      machine_(factory(config_, witness == nullptr ? nobody_ : *witness)) {
  HOLDOVER_CHECK(machine_ != nullptr);
  write_cold_boot(machine_->platform().dram(), kernel_command_line(options_, select_faults(options_.faults).hazards));
  set_up_links(machine_->platform(), config_.aspm);
  enter(kColdBootParameters);
}

BootedMachine::~BootedMachine() = default;

void BootedMachine::enter(PhysicalAddress parameters) {
  kernel_.reset();
  kernel_ = std::make_unique<host::BootedKernel>(machine_->platform(), parameters, options_.stop);
  (void)alive();
}

host::BootedKernel& BootedMachine::alive() {
  const std::optional<host::BootedKernel::End>& end = kernel_->end();
  if (end) throw Error(ErrorCode::Unavailable, "the emulated kernel panicked: " + end->panic);
  return *kernel_;
}

host::System& BootedMachine::system() { return alive().system(); }

host::kernel::Kernel& BootedMachine::kernel() { return alive().kernel(); }

void BootedMachine::run(const std::function<void(host::System&)>& program) {
  alive().run(program);
  if (kernel_->end() && kernel_->end()->next) {
    const PhysicalAddress next = *kernel_->end()->next;
    machine_->poison(decode_handover(machine_->platform().dram(), next).preserved);
    enter(next);
  }
  (void)alive();
}

pcie::Platform& BootedMachine::platform() { return machine_->platform(); }

void BootedMachine::close_files() { machine_->close_files(); }

}  // namespace holdover::bench
