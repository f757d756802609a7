// SPDX-License-Identifier: MIT
// Parts of the DMA engine alone.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "Vdma_parts_top.h"
#include "host/driver/dma_abi.h"
#include "tests/rtl/clocked_model.h"

namespace holdover::rtl_test {

using host::DmaStatus;

constexpr std::uint8_t raw(DmaStatus status) { return static_cast<std::uint8_t>(status); }

class DmaParts : public ::testing::Test {
 protected:
  DmaParts() {
    parts->rst_ni = 0;
    parts.edges(3);
    parts->rst_ni = 1;
    parts.settle();
  }
  void clocks(unsigned count) {
    parts.edges(count);
    parts.settle();
  }
  ClockedModel<Vdma_parts_top> parts;
  Draw draw{3};
};

}  // namespace holdover::rtl_test
