// SPDX-License-Identifier: MIT
// Rules of a TLP stream: a beat that was refused stays as it is; packets begin with sop, end with eop and do not nest.
`include "ep_assert.svh"
module stream_checker #(
  parameter int unsigned DataWidth = 256
) (
  input logic                 clk_i,
  input logic                 rst_ni,
  input logic                 restart_i,  // a conventional reset drops what is half sent
  input logic                 valid_i,
  input logic                 ready_i,
  input logic                 sop_i,
  input logic                 eop_i,
  input logic [127:0]         header_i,
  input logic [DataWidth-1:0] data_i
);

  logic                 refused_q, inside_q, sop_q, eop_q;
  logic [127:0]         header_q;
  logic [DataWidth-1:0] data_q;

  always_ff @(posedge clk_i) begin
    refused_q <= rst_ni && !restart_i && valid_i && !ready_i;
    sop_q <= sop_i;
    eop_q <= eop_i;
    header_q <= header_i;
    data_q <= data_i;
    if (!rst_ni || restart_i) inside_q <= 1'b0;
    else if (valid_i && ready_i) inside_q <= !eop_i;
  end

  `EP_ASSERT(RefusedBeatStays, !refused_q || restart_i || valid_i)
  `EP_ASSERT(RefusedBeatIsTheSame,
             !refused_q || restart_i || (sop_i == sop_q && eop_i == eop_q && data_i == data_q &&
                                         (!sop_i || header_i == header_q)))
  `EP_ASSERT(PacketsBeginAndEnd, !valid_i || restart_i || sop_i == !inside_q)

endmodule
