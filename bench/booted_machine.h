// SPDX-License-Identifier: MIT
// A machine with a kernel that booted on it and stays, for whoever wants to work on it instead of having a scenario
// run. All of it is synchronous: simulated time passes inside calls, and nowhere else.
#pragma once

#include <functional>
#include <memory>

#include "bench/run.h"
#include "host/system.h"
#include "pcie/platform.h"
#include "sim/witness.h"

namespace holdover::host {
class BootedKernel;
namespace kernel {
class Kernel;
}
}  // namespace holdover::host

namespace holdover::bench {

class BootedMachine {
 public:
  // Builds the machine of these options, with their faults and their trace, waveform and DRAM files; lets firmware set
  // up its links; boots the kernel of their profile. Of the scenario, of reports, and of how kernels are isolated
  // nothing counts. Throws what validate() and the factory throw, and Error{Unavailable} with its sentence where the
  // kernel panics. `witness` hears of the machine from the beginning and outlives this; null: nobody does.
  BootedMachine(RunOptions options, const MachineFactory& factory, sim::Witness* witness = nullptr);
  ~BootedMachine();
  BootedMachine(const BootedMachine&) = delete;
  BootedMachine& operator=(const BootedMachine&) = delete;

  // User space of the running kernel; another object after each kexec. Waits throw Error{Interrupted} once the `stop`
  // of the options says so. A panic inside a call is an exception of its own: where one is possible, use run().
  [[nodiscard]] host::System& system();
  // The kernel itself, for what is no system call. Includes host/kernel.
  [[nodiscard]] host::kernel::Kernel& kernel();
  // Runs `program` in user space. Throws what the program throws, and Error{Unavailable} with its sentence where the
  // kernel panics; then nothing is left but the machine, and every further call throws the same. Where the program ends
  // the kernel by a kexec or a crash, pages that were not handed over are poisoned, and the next kernel has booted when
  // this returns. What was opened through the old system() must be gone by then.
  void run(const std::function<void(host::System&)>& program);

  // The machine, past the kernel.
  [[nodiscard]] pcie::Platform& platform();
  [[nodiscard]] sim::ObservedMachine& machine() { return *machine_; }
  [[nodiscard]] const sim::MachineConfig& config() const { return config_; }
  [[nodiscard]] const RunOptions& options() const { return options_; }

  // Completes the files of the options: none of them is there without this. Time must not pass afterwards.
  void close_files();

 private:
  void enter(PhysicalAddress parameters);
  [[nodiscard]] host::BootedKernel& alive();

  RunOptions options_;
  sim::MachineConfig config_;
  sim::Witness nobody_;  // outlives the machine
  std::unique_ptr<sim::ObservedMachine> machine_;
  std::unique_ptr<host::BootedKernel> kernel_;
};

}  // namespace holdover::bench
