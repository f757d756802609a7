// SPDX-License-Identifier: MIT
// A transfer of any length from any address, cut piece by piece: pieces cross neither the limit nor 4 KiB, and
// cover the transfer exactly once.
module splitter_proof (
  input logic        clk_i,
  input logic        rst_ni,
  input logic [11:0] address_i,
  input logic [24:0] length_i,
  input logic [2:0]  limit_i  // Max_Payload_Size or Max_Read_Request_Size, may change between two pieces
);

  logic        started = 1'b0;
  logic [24:0] length_q, moved_q, remaining_q;
  logic [11:0] first_q, address_q;
  logic [12:0] bytes, limit, span;

  ep_dma_splitter u_splitter (.address_i(address_q), .remaining_i(remaining_q), .limit_i, .bytes_o(bytes));

  always_ff @(posedge clk_i) begin
    started <= 1'b1;
    if (!rst_ni) begin
      length_q <= length_i;
      remaining_q <= length_i;
      moved_q <= '0;
      first_q <= address_i;
      address_q <= address_i;
    end else if (remaining_q != '0) begin
      moved_q <= moved_q + 25'(bytes);
      remaining_q <= remaining_q - 25'(bytes);
      address_q <= address_q + 12'(bytes);
    end
  end

  assign limit = limit_i > 3'd4 ? 13'd4096 : 13'd128 << limit_i;
  assign span = 13'(address_q[1:0]) + bytes;  // the request's length in bytes, from its first double word on

  always_comb begin
    assume (started || !rst_ni);
    if (started && remaining_q != '0) begin
      assert (bytes != '0);
      assert (25'(bytes) <= remaining_q);
      assert (span <= limit);
      assert (14'(address_q) + 14'(bytes) <= 14'd4096);
      // All but the last piece end at a multiple of the limit.
      assert (25'(bytes) == remaining_q || ((address_q + 12'(bytes)) & 12'(limit - 13'd1)) == '0);
    end
    if (started) begin
      assert (moved_q + remaining_q == length_q);
      assert (address_q == first_q + 12'(moved_q));
    end
  end

endmodule
