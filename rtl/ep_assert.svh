// SPDX-License-Identifier: MIT
// Assertions with the clock and the reset that every module has.
`ifndef EP_ASSERT_SVH
`define EP_ASSERT_SVH

// The condition holds at every clock edge outside reset.
`define EP_ASSERT(Name, Condition) \
  Name: assert property (@(posedge clk_i) disable iff (!rst_ni) (Condition)) \
    else $error("%m does not hold");

`endif
