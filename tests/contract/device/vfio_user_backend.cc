// SPDX-License-Identifier: MIT
// A vfio-user server with the endpoint in RTL, in a thread of this process, and the client's system over its socket.
#include <optional>

#include "host/backend/vfio_user/vfio_user_system.h"
#include "tests/contract/device/device_contract.h"
#include "tests/integration/vfio_user/served_endpoint.h"

namespace holdover::host::contract {
namespace {

class VfioUserHost final : public Host {
 public:
  explicit VfioUserHost(bool pass_descriptors) { options_.pass_descriptors = pass_descriptors; }

  bool live(const std::function<void(System&)>& program) override {
    std::unique_ptr<VfioUserSystem> system;
    if (state_) {
      system = std::make_unique<VfioUserSystem>(*std::exchange(state_, std::nullopt), options_);
    } else {
      system = std::make_unique<VfioUserSystem>(endpoint_.socket(), options_);
    }
    try {
      program(*system);
    } catch (const KernelGone& gone) {
      state_ = static_cast<int>(gone.boot_parameters.raw());
    }
    return state_.has_value();
  }

 private:
  test::ServedEndpoint endpoint_;
  VfioUserOptions options_;
  std::optional<int> state_;
};

INSTANTIATE_TEST_SUITE_P(
    VfioUser, DeviceContract,
    testing::Values(Backend{"Files", [](std::string&) { return std::make_unique<VfioUserHost>(true); }},
                    Backend{"Messages", [](std::string&) { return std::make_unique<VfioUserHost>(false); }}),
    name_of);

}  // namespace
}  // namespace holdover::host::contract
