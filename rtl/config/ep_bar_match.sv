// SPDX-License-Identifier: MIT
// Which BAR a memory request hits, and where in it (PCIe 5.0, 7.5.1.2.1). Combinational.
//
// A BAR may claim more addresses than there is something behind.
module ep_bar_match
  import ep_tlp_pkg::*;
#(
  parameter int unsigned Bar0Bytes = 65536,  // what there is behind the BAR; multiples of 4096
  parameter int unsigned Bar2Bytes = 65536
) (
  input  logic        enable_i,  // memory decode on, D0
  input  logic [63:0] bar0_i,  // of a BAR of 32 bits: upper half 0, and all ones in the mask
  input  logic [63:0] bar0_mask_i,
  input  logic [63:0] bar2_i,
  input  logic [63:0] bar2_mask_i,

  input  request_t    request_i,
  output logic        hit_o,
  output logic        beyond_o,  // with hit_o: nothing is there
  output logic [2:0]  bar_o,
  output logic [31:0] offset_o
);

  logic [63:0] address;
  logic        hits_bar0, hits_bar2;

  assign address = request_i.fmt_type[5] ? {request_i.dw2, request_i.dw3[31:2], 2'b00}
                                         : {32'd0, request_i.dw2[31:2], 2'b00};
  assign hits_bar0 = (address & bar0_mask_i) == bar0_i;
  assign hits_bar2 = (address & bar2_mask_i) == bar2_i;

  assign hit_o = enable_i && (hits_bar0 || hits_bar2);
  assign bar_o = hits_bar0 ? 3'd0 : 3'd2;

  // A request does not cross a multiple of 4096, so its first address tells.
  logic [63:0] offset;
  assign offset = address & (hits_bar0 ? ~bar0_mask_i : ~bar2_mask_i);
  assign offset_o = offset[31:0];
  assign beyond_o = offset >= (hits_bar0 ? 64'(Bar0Bytes) : 64'(Bar2Bytes));

endmodule
