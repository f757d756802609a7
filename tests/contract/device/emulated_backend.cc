// SPDX-License-Identifier: MIT
// The emulated kernel on a machine with the endpoint in RTL, in this process.
#include "bench/firmware.h"
#include "bench/run.h"
#include "host/image.h"
#include "sim/witness.h"
#include "tests/contract/device/device_contract.h"
#include "tests/support/bench_run.h"

namespace holdover::host::contract {
namespace {

class EmulatedHost final : public Host {
 public:
  EmulatedHost() : machine_(sim::build_machine(config(), nobody_)) {
    bench::write_cold_boot(machine_->platform().dram(), bench::kernel_command_line(options(), {}));
    bench::set_up_links(machine_->platform(), 0);
  }

  bool live(const std::function<void(System&)>& program) override {
    const ImageExit exit = run_program(machine_->platform(), parameters_, program);
    EXPECT_NE(exit.kind, ImageExit::Kind::Panicked) << exit.reason;
    parameters_ = exit.next_parameters;
    return exit.kind == ImageExit::Kind::Jumped;
  }

 private:
  static bench::RunOptions options() {
    bench::RunOptions options = bench::testing::short_run();
    options.disturb = "none";
    return options;
  }
  static sim::MachineConfig config() { return bench::machine_config(options()); }

  sim::Witness nobody_;
  std::unique_ptr<sim::ObservedMachine> machine_;
  PhysicalAddress parameters_ = bench::kColdBootParameters;
};

INSTANTIATE_TEST_SUITE_P(Emulated, DeviceContract,
                         testing::Values(Backend{"Kernel",
                                                 [](std::string&) { return std::make_unique<EmulatedHost>(); }}),
                         name_of);

}  // namespace
}  // namespace holdover::host::contract
