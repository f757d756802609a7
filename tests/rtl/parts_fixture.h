// SPDX-License-Identifier: MIT
// The small parts of the endpoint, out of reset.
#pragma once

#include <gtest/gtest.h>

#include "Vparts_top.h"
#include "tests/rtl/clocked_model.h"

namespace holdover::rtl_test {

class Parts : public ::testing::Test {
 protected:
  Parts() {
    parts->rst_ni = 0;
    parts->memory_wipe_i = 1;
    parts->tags_clear_i = 1;
    parts->tags_timeout_i = 1'000'000;
    parts.edges(3);
    parts->rst_ni = 1;
    while (!parts->tags_clear_done_o || !parts->memory_wiped_o) parts.edge();
    parts->memory_wipe_i = 0;
    parts->tags_clear_i = 0;
    parts.edges(3);
  }

  ClockedModel<Vparts_top> parts;
  Draw draw{7};
};

}  // namespace holdover::rtl_test
