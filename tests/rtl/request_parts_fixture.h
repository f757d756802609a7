// SPDX-License-Identifier: MIT
// Reader, writer, transmit and receive of the endpoint alone.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "Vrequest_parts_top.h"
#include "host/driver/dma_abi.h"
#include "pcie/bdf.h"
#include "tests/rtl/clocked_model.h"

namespace holdover::rtl_test {

using host::DmaStatus;

class RequestParts : public ::testing::Test {
 protected:
  static constexpr pcie::RequesterId kFunction = 0x0A0B;

  RequestParts() {
    parts->rst_ni = 0;
    parts.edges(3);
    parts->rst_ni = 1;
    parts.settle();
  }
  void clocks(unsigned count) {
    parts.edges(count);
    parts.settle();
  }
  ClockedModel<Vrequest_parts_top> parts;
  Draw draw{5};
};

}  // namespace holdover::rtl_test
