// SPDX-License-Identifier: MIT
// The kernels to come, as a kernel's command line names them.
#include "host/agent/next_kernel.h"

#include <gtest/gtest.h>

namespace holdover::host {
namespace {

TEST(NextKernel, TakesProfileAndPoliciesOfTheFirstToCome) {
  EXPECT_EQ(next_command_line("profile=a policy=x=1 next=b:y=2:z=3 scenario=s hazard=H1"),
            "profile=b policy=y=2 policy=z=3 scenario=s hazard=H1");
}

TEST(NextKernel, LeavesTheOthersToCome) {
  const auto second = next_command_line("profile=a next=b next=c seed=1");
  ASSERT_EQ(second, "profile=b next=c seed=1");
  const auto third = next_command_line(*second);
  ASSERT_EQ(third, "profile=c seed=1");
  EXPECT_FALSE(next_command_line(*third));
}

TEST(NextKernel, IsNoneWhereNothingIsNamed) {
  EXPECT_FALSE(next_command_line(""));
  EXPECT_FALSE(next_command_line("profile=next=b nextb=c"));
}

}  // namespace
}  // namespace holdover::host
