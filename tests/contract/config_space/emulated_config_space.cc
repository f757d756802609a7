// SPDX-License-Identifier: MIT
// A VFIO device file of the emulated kernel, in this process.
#include "bench/booted_machine.h"
#include "tests/contract/config_space/config_space_contract.h"
#include "tests/support/bench_run.h"

namespace holdover::host::contract {
namespace {

class DeviceFile final : public OpenFunction {
 public:
  DeviceFile() : machine_(options(), sim::build_machine, &keeper_) {
    for (sim::FunctionIndex index = 0; index < machine_.machine().functions().size(); ++index) {
      if (machine_.machine().functions()[index].kind != sim::FunctionKind::Endpoint) continue;
      keeper_.watch(index);
      bdf_ = machine_.machine().bdf(index);
      break;
    }
    device_ = machine_.system().open_device(bdf_);
  }

  [[nodiscard]] ConfigSpace& space() override { return *device_; }
  [[nodiscard]] pcie::Bdf bdf() const override { return bdf_; }
  [[nodiscard]] std::optional<std::vector<sim::ConfigWrite>> writes() override { return keeper_.take(); }

 private:
  static bench::RunOptions options() {
    bench::RunOptions options = bench::testing::short_run();
    options.disturb = "none";
    return options;
  }

  WriteKeeper keeper_;
  bench::BootedMachine machine_;
  pcie::Bdf bdf_;
  std::unique_ptr<Device> device_;
};

INSTANTIATE_TEST_SUITE_P(Emulated, ConfigSpaceContract,
                         testing::Values(Way{"DeviceFile",
                                             [](std::string&) { return std::make_unique<DeviceFile>(); }}),
                         name_of);

}  // namespace
}  // namespace holdover::host::contract
