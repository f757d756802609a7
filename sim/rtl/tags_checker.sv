// SPDX-License-Identifier: MIT
// A tag is handed out only while no read has it and no late completion can come; reads never ask for more than the
// completion buffer holds.
`include "ep_assert.svh"
module tags_checker (
  input logic clk_i,
  input logic rst_ni,
  input logic take_i,
  input logic valid_i,
  input logic fresh_i,  // the read that has the tag waits for its first completion
  input logic free_i,   // the last thing noted about the tag: free
  input logic fits_i
);

  `EP_ASSERT(TakenTagIsOffered, !take_i || valid_i)
  `EP_ASSERT(TakenTagIsFree, !take_i || (!fresh_i && free_i))
  `EP_ASSERT(CompletionBufferHolds, fits_i)

endmodule
