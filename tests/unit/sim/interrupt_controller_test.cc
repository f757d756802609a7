// SPDX-License-Identifier: MIT
#include "sim/interrupt_controller.h"

#include <gtest/gtest.h>

namespace holdover::sim {
namespace {

class InterruptControllerTest : public ::testing::Test {
 protected:
  InterruptControllerTest() { controller_.write_register(InterruptController::kControl, 4, 1); }

  InterruptController controller_;
};

TEST(InterruptController, IsOffAtResetAndDiscardsThen) {
  InterruptController controller;

  EXPECT_EQ(controller.read_register(InterruptController::kControl, 4), 0u);
  EXPECT_EQ(controller.accept(5), MessageOutcome::Discarded);
  controller.write_register(InterruptController::kControl, 4, 1);

  EXPECT_EQ(controller.take(), std::nullopt);
}

TEST_F(InterruptControllerTest, DeliversOnceAndCoalescesMeanwhile) {
  EXPECT_EQ(controller_.accept(200), MessageOutcome::Delivered);
  EXPECT_EQ(controller_.accept(200), MessageOutcome::Coalesced);

  EXPECT_EQ(controller_.take(), 200);
  EXPECT_EQ(controller_.take(), std::nullopt);
  EXPECT_EQ(controller_.accept(200), MessageOutcome::Delivered);
}

TEST_F(InterruptControllerTest, TakesTheHighestVectorFirst) {
  for (const int vector : {0, 63, 64, 255}) controller_.accept(static_cast<std::uint8_t>(vector));

  EXPECT_EQ(controller_.take(), 255);
  EXPECT_EQ(controller_.take(), 64);
  EXPECT_EQ(controller_.take(), 63);
  EXPECT_EQ(controller_.take(), 0);
}

TEST_F(InterruptControllerTest, KeepsPendingVectorsWhileItIsOff) {
  controller_.accept(9);
  controller_.write_register(InterruptController::kControl, 4, 0);

  EXPECT_FALSE(controller_.any_pending());
  EXPECT_EQ(controller_.take(), std::nullopt);
  controller_.write_register(InterruptController::kControl, 4, 1);

  EXPECT_EQ(controller_.take(), 9);
}

TEST_F(InterruptControllerTest, PendingBitsReadInEverySizeAndClearWhereOnesAreWritten) {
  controller_.accept(33);
  controller_.accept(34);

  EXPECT_EQ(controller_.read_register(0x104, 4), 6u);
  EXPECT_EQ(controller_.read_register(0x100, 8), std::uint64_t{6} << 32);
  EXPECT_EQ(controller_.read_register(0x104, 1), 6u);
  controller_.write_register(0x104, 1, 2);

  EXPECT_EQ(controller_.read_register(0x104, 2), 4u);
  EXPECT_EQ(controller_.take(), 34);
  EXPECT_FALSE(controller_.any_pending());
}

TEST_F(InterruptControllerTest, UnknownRegistersReadZeroAndKeepNothing) {
  controller_.write_register(0x120, 8, ~std::uint64_t{0});
  controller_.write_register(0x001, 1, 0);

  EXPECT_EQ(controller_.read_register(0x120, 8), 0u);
  EXPECT_EQ(controller_.read_register(InterruptController::kControl, 4), 1u);
}

}  // namespace
}  // namespace holdover::sim
