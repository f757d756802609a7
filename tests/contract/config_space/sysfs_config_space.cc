// SPDX-License-Identifier: MIT
// libpci over the tree that a thread of this process serves through FUSE, with and without traffic.
#include <atomic>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "bench/booted_machine.h"
#include "host/backend/sysfs/sysfs_tree.h"
#include "pcie/error.h"
#include "serve/sysfs/mount_point.h"
#include "serve/sysfs/server.h"
#include "tests/contract/config_space/config_space_contract.h"
#include "tests/support/bench_run.h"
#include "tests/support/fuse_missing.h"

namespace holdover::host::contract {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdover-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Error(ErrorCode::Unavailable, "no temporary directory can be made");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Mounted final : public OpenFunction {
 public:
  explicit Mounted(bool traffic) : machine_(options(), sim::build_machine, &keeper_) {
    const std::vector<sim::FunctionInfo>& functions = machine_.machine().functions();
    sim::FunctionIndex index = 0;
    while (functions[index].kind != sim::FunctionKind::Endpoint) ++index;
    bdf_ = machine_.machine().bdf(index);
    serve::SysfsOptions serving;
    serving.directory = folder_.path();
    serving.traffic = traffic;
    std::promise<void> ready;
    serving.on_ready = [&] {
      keeper_.watch(index);
      ready.set_value();
    };
    std::future<void> mounted = ready.get_future();
    server_ = std::thread([this, serving, &ready] {
      try {
        (void)serve::serve_sysfs(machine_, serving, stop_);
      } catch (...) {
        if (!running_) ready.set_exception(std::current_exception());
      }
    });
    try {
      mounted.get();
      running_ = true;
      tree_ = std::make_unique<SysfsTree>(folder_.path());
      function_ = tree_->open(bdf_);
    } catch (...) {
      end();
      throw;
    }
  }
  ~Mounted() override {
    function_.reset();
    tree_.reset();
    end();
  }

  [[nodiscard]] ConfigSpace& space() override { return *function_; }
  [[nodiscard]] pcie::Bdf bdf() const override { return bdf_; }
  [[nodiscard]] std::optional<std::vector<sim::ConfigWrite>> writes() override { return keeper_.take(); }

 private:
  static bench::RunOptions options() {
    bench::RunOptions options = bench::testing::short_run();
    options.disturb = "none";
    return options;
  }
  void end() {
    stop_ = true;
    server_.join();
  }

  TemporaryFolder folder_;
  WriteKeeper keeper_;
  bench::BootedMachine machine_;
  pcie::Bdf bdf_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> running_{false};
  std::thread server_;
  std::unique_ptr<SysfsTree> tree_;
  std::unique_ptr<SysfsFunction> function_;
};

std::unique_ptr<OpenFunction> open_mounted(bool traffic, std::string& why) {
  why = fuse_missing();
  return why.empty() ? std::make_unique<Mounted>(traffic) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Sysfs, ConfigSpaceContract,
                         testing::Values(Way{"Quiet", [](std::string& why) { return open_mounted(false, why); }},
                                         Way{"UnderTraffic", [](std::string& why) { return open_mounted(true, why); }}),
                         name_of);

}  // namespace
}  // namespace holdover::host::contract
