// SPDX-License-Identifier: MIT
// What a host::ConfigSpace must do, whatever stands behind it. A way to a function joins with one line:
//
//   INSTANTIATE_TEST_SUITE_P(Emulated, ConfigSpaceContract, testing::Values(Way{"device file", open_it}), name_of);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/device/config_space.h"
#include "sim/witness.h"

namespace holdover::host::contract {

// The first endpoint of a machine, opened; owns all that it takes.
class OpenFunction {
 public:
  virtual ~OpenFunction() = default;
  [[nodiscard]] virtual ConfigSpace& space() = 0;
  // Where it must be.
  [[nodiscard]] virtual pcie::Bdf bdf() const = 0;
  // Configuration writes that reached the function since the last call; nothing where nobody can see that.
  [[nodiscard]] virtual std::optional<std::vector<sim::ConfigWrite>> writes() { return std::nullopt; }
};

struct Way {
  std::string name;
  // Null where this machine does not offer it: `why` says what is missing, and the test is skipped with that.
  std::function<std::unique_ptr<OpenFunction>(std::string& why)> open;
};
[[nodiscard]] inline std::string name_of(const testing::TestParamInfo<Way>& info) { return info.param.name; }
inline void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class ConfigSpaceContract : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    std::string why;
    function_ = GetParam().open(why);
    if (function_ == nullptr) GTEST_SKIP() << why;
    (void)function_->writes();
  }

  [[nodiscard]] std::uint32_t read(unsigned offset, unsigned size) {
    return function_->space().config_read(Bytes{offset}, size);
  }
  void write(unsigned offset, unsigned size, std::uint32_t value) {
    function_->space().config_write(Bytes{offset}, size, value);
  }

  std::unique_ptr<OpenFunction> function_;
};

// Keeps the configuration writes of endpoint 0, also for another thread.
class WriteKeeper final : public sim::Witness {
 public:
  // The endpoint's function; before it is known nothing is kept.
  void watch(sim::FunctionIndex function) {
    const std::lock_guard lock(mutex_);
    function_ = function;
  }
  void on_config_write(const sim::ConfigWrite& write) override {
    const std::lock_guard lock(mutex_);
    if (write.function == function_) writes_.push_back(write);
  }
  [[nodiscard]] std::vector<sim::ConfigWrite> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(writes_, {});
  }

 private:
  std::mutex mutex_;
  std::optional<sim::FunctionIndex> function_;
  std::vector<sim::ConfigWrite> writes_;
};

}  // namespace holdover::host::contract
