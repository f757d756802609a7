// SPDX-License-Identifier: MIT
// Ready/valid buffer of a power of two entries in distributed memory. An entry can be read one clock after it was
// written.
module ep_stream_fifo #(
  parameter type beat_t = logic,
  parameter int unsigned DepthLog2 = 3
) (
  input  logic  clk_i,
  input  logic  rst_ni,

  input  logic  in_valid_i,
  output logic  in_ready_o,
  input  beat_t in_beat_i,

  output logic  out_valid_o,
  input  logic  out_ready_i,
  output beat_t out_beat_o
);

  beat_t mem [2**DepthLog2];
  logic [DepthLog2:0] head_q, tail_q;

  assign in_ready_o = (tail_q - head_q) != (DepthLog2 + 1)'(2 ** DepthLog2);
  assign out_valid_o = tail_q != head_q;
  assign out_beat_o = mem[head_q[DepthLog2-1:0]];

  always_ff @(posedge clk_i) begin
    if (in_valid_i && in_ready_o) mem[tail_q[DepthLog2-1:0]] <= in_beat_i;
    if (!rst_ni) begin
      head_q <= '0;
      tail_q <= '0;
    end else begin
      if (in_valid_i && in_ready_o) tail_q <= tail_q + 1'b1;
      if (out_valid_o && out_ready_i) head_q <= head_q + 1'b1;
    end
  end

endmodule
