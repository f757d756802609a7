// SPDX-License-Identifier: MIT
// Picks one of Count requests; the one after the last taken comes first. The choice is combinational.
module ep_round_robin #(
  parameter int unsigned Count = 4,
  localparam int unsigned IndexBits = (Count > 1) ? $clog2(Count) : 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic [Count-1:0]     request_i,
  output logic                 any_o,
  output logic [IndexBits-1:0] index_o,
  input  logic                 take_i
);

  logic [Count-1:0] later_q;  // requests that come before those that start anew at 0
  logic [Count-1:0] pool;

  assign any_o = |request_i;
  assign pool = |(request_i & later_q) ? (request_i & later_q) : request_i;

  always_comb begin
    index_o = '0;
    for (int unsigned i = Count; i > 0; i--) begin
      if (pool[i-1]) index_o = IndexBits'(i - 1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      later_q <= '1;
    end else if (take_i) begin
      later_q <= ({Count{1'b1}} << 1) << index_o;
    end
  end

endmodule
