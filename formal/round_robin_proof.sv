// SPDX-License-Identifier: MIT
// Whoever goes on asking is served before anybody else is served twice. Clocks in which nothing is taken change
// nothing, and are left out.
module round_robin_proof #(
  parameter int unsigned Count = 5
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic [Count-1:0] request_i,
  input logic [2:0]       who_i
);

  logic             started = 1'b0;
  logic             any;
  logic [2:0]       index, who_q;
  logic [Count-1:0] served_q;  // while the one that is watched waits

  ep_round_robin #(.Count(Count)) u_turn (.clk_i, .rst_ni, .request_i, .any_o(any), .index_o(index), .take_i(any));

  always_ff @(posedge clk_i) begin
    started <= 1'b1;
    if (!rst_ni) begin
      who_q <= who_i;
      served_q <= '0;
    end else if (any) begin
      served_q <= request_i[who_q] && index != who_q ? served_q | (Count'(1) << index) : '0;
    end else begin
      served_q <= '0;
    end
  end

  always_comb begin
    assume (started || !rst_ni);
    assume (who_i < 3'(Count));
    if (started) begin
      assert (any == |request_i);
      if (any) assert (index < 3'(Count) && request_i[index]);
      if (any && request_i[who_q] && index != who_q) assert (!served_q[index]);
    end
  end

endmodule
