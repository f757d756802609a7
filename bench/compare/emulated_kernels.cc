// SPDX-License-Identifier: MIT
#include "bench/compare/emulated_kernels.h"

#include <bit>
#include <optional>
#include <vector>

#include "bench/compare/register_names.h"
#include "bench/firmware.h"
#include "bench/kernels.h"
#include "host/image.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

class WriteWitness final : public sim::Witness {
 public:
  struct Seen {
    ComparedPhase phase;
    sim::ConfigWrite write;
  };

  // Until then firmware is at work.
  void start() { phase_ = ComparedPhase::Boot; }
  [[nodiscard]] const std::vector<Seen>& seen() const { return seen_; }

  void on_config_write(const sim::ConfigWrite& write) override {
    if (phase_) seen_.push_back({*phase_, write});
  }
  void on_phase(Time, pcie::Phase phase, pcie::Step, std::uint64_t) override {
    // User space's own writes are nobody's.
    if (phase == pcie::Phase::Setup || phase == pcie::Phase::Retrieve) phase_.reset();
    if (phase == pcie::Phase::Steady) phase_ = ComparedPhase::Shutdown;
  }
  void on_jump(Time, PhysicalAddress) override { phase_ = ComparedPhase::Enumeration; }

 private:
  std::optional<ComparedPhase> phase_;
  std::vector<Seen> seen_;
};

// Byte enables of a processor's write are contiguous.
RegisterWrite register_write(const sim::ConfigWrite& write, const RegisterNames& names) {
  const auto first = static_cast<unsigned>(std::countr_zero(unsigned{write.byte_enables}));
  const auto size = static_cast<unsigned>(std::popcount(unsigned{write.byte_enables}));
  const std::uint32_t mask = ~std::uint32_t{0} >> (32 - 8 * size);
  return {names.name(write.offset + first), size, (write.written >> 8 * first) & mask,
          (write.before >> 8 * first) & mask};
}

sim::FunctionIndex find(const sim::ObservedMachine& machine, sim::FunctionKind kind) {
  for (sim::FunctionIndex function = 0; function < machine.functions().size(); ++function) {
    if (machine.functions()[function].kind == kind) return function;
  }
  throw Error(ErrorCode::InvalidArgument, "the machine has no endpoint below a root port");
}

PhasedWrites writes_to(sim::FunctionIndex function, const sim::ObservedMachine& machine, const WriteWitness& witness) {
  const RegisterNames names = RegisterNames::of_function(machine.config_space(function));
  PhasedWrites phases;
  for (const WriteWitness::Seen& seen : witness.seen()) {
    if (seen.write.function != function || seen.write.byte_enables == 0) continue;
    phases[static_cast<std::size_t>(seen.phase)].push_back(register_write(seen.write, names));
  }
  return phases;
}

}  // namespace

EmulatedWrites run_kernels(const EmulatedKernels& kernels, const MachineFactory& factory) {
  try {
    (void)parse_kernel(kernels.profile);
  } catch (const Error& error) {
    throw Error(error.code(), std::string("--profile: ") + error.what());
  }
  RunOptions options;
  options.scenario = "plain-kexec";
  options.profile = kernels.profile;
  options.isolation = Isolation::InProcess;
  if (kernels.crash) options.jump = Jump::Crash;
  options.disturb = "none";  // a damaged packet is an error that a kernel would find, and clear
  if (!kernels.driver_bound) options.policies.emplace_back("endpoint-driver=none");
  // A driver that lets its function be while nobody uses it, unless the log shows otherwise.
  if (!kernels.idle_sleep) options.policies.emplace_back("idle-d3hot=off");
  const std::string line = kernel_command_line(options, {}) + " command=" + std::to_string(kernels.user_command);

  sim::MachineConfig config = machine_config(options);
  const unsigned data_width = config.endpoint.data_width;
  const unsigned channels = config.endpoint.channels;
  const Time timeout = config.endpoint.completion_timeout;
  config.endpoint = kernels.endpoint;
  config.endpoint.data_width = data_width;
  config.endpoint.channels = channels;
  config.endpoint.completion_timeout = timeout;

  WriteWitness witness;  // outlives the machine
  const std::unique_ptr<sim::ObservedMachine> machine = factory(config, witness);
  HOLDOVER_CHECK(machine != nullptr);
  write_cold_boot(machine->platform().dram(), line);
  const sim::FunctionIndex port = find(*machine, sim::FunctionKind::RootPort);
  const sim::FunctionIndex endpoint = find(*machine, sim::FunctionKind::Endpoint);
  configure_platform(machine->platform(), machine->bdf(port), kernels.firmware);

  witness.start();
  PhysicalAddress parameters = kColdBootParameters;
  for (;;) {
    const host::ImageExit exit = host::run_image(machine->platform(), parameters);
    if (exit.kind == host::ImageExit::Kind::Panicked) {
      throw Error(ErrorCode::Unavailable, "the emulated kernel did not come to its end: " + exit.reason);
    }
    if (exit.kind == host::ImageExit::Kind::Halted) break;
    parameters = exit.next_parameters;
  }
  return {writes_to(endpoint, *machine, witness), writes_to(port, *machine, witness)};
}

}  // namespace holdover::bench
