// SPDX-License-Identifier: MIT
// What a host::System with its device must do, whatever stands behind it. A backend joins with one line:
//
//   INSTANTIATE_TEST_SUITE_P(VfioUser, DeviceContract, testing::Values(Backend{"Files", make}), name_of);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "host/system.h"

namespace holdover::host::contract {

// A machine with the endpoint, and the lives of user space on it.
class Host {
 public:
  virtual ~Host() = default;
  // Runs `program` in user space. True where it ended in a kexec: the next call runs in the next life.
  virtual bool live(const std::function<void(System&)>& program) = 0;
};

struct Backend {
  std::string name;
  // Null where this machine does not offer it: `why` says what is missing, and the test is skipped with that.
  std::function<std::unique_ptr<Host>(std::string& why)> make;
};
[[nodiscard]] inline std::string name_of(const testing::TestParamInfo<Backend>& info) { return info.param.name; }
inline void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }

class DeviceContract : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    std::string why;
    host_ = GetParam().make(why);
    if (host_ == nullptr) GTEST_SKIP() << why;
  }
  bool live(const std::function<void(System&)>& program) { return host_->live(program); }

  std::unique_ptr<Host> host_;
};

}  // namespace holdover::host::contract
