// SPDX-License-Identifier: MIT
#include "cli/lost_device.h"

#include <gtest/gtest.h>

namespace holdover::cli {
namespace {

TEST(LostDeviceDeathTest, EndsTheProgramWithASentenceAndNoVerdict) {
  EXPECT_EXIT(
      {
        const LostDeviceEnds lost;
        std::raise(SIGBUS);
      },
      ::testing::ExitedWithCode(3), "INCONCLUSIVE: the kernel took the registers of the device away");
}

}  // namespace
}  // namespace holdover::cli
