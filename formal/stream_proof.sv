// SPDX-License-Identifier: MIT
// A beat that is marked as it goes in comes out once, whole, and behind exactly those that went in before it; whatever
// both sides do, the buffer takes beats while it has room and offers them while it has any.
module stream_proof #(
  parameter bit          Register = 1'b0,  // 1: ep_stream_register, 0: ep_stream_fifo
  parameter int unsigned DepthLog2 = 1
) (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       in_valid_i,
  input logic [1:0] in_beat_i,
  input logic       mark_i,
  input logic       out_ready_i
);

  logic       started = 1'b0;
  logic       in_ready, out_valid;
  logic [1:0] out_beat;

  if (Register) begin : gen_register
    ep_stream_register #(.beat_t(logic [1:0])) u_stream (
      .clk_i, .rst_ni, .in_valid_i, .in_ready_o(in_ready), .in_beat_i, .out_valid_o(out_valid), .out_ready_i,
      .out_beat_o(out_beat)
    );
  end else begin : gen_fifo
    ep_stream_fifo #(.beat_t(logic [1:0]), .DepthLog2(DepthLog2)) u_stream (
      .clk_i, .rst_ni, .in_valid_i, .in_ready_o(in_ready), .in_beat_i, .out_valid_o(out_valid), .out_ready_i,
      .out_beat_o(out_beat)
    );
  end

  logic [3:0] count_q, ahead_q;  // inside; of these before the marked one
  logic       tracking_q, done_q;
  logic [1:0] marked_q;
  logic       push, pop;
  assign push = in_valid_i && in_ready;
  assign pop = out_valid && out_ready_i;

  always_ff @(posedge clk_i) begin
    started <= 1'b1;
    if (!rst_ni) begin
      count_q <= '0;
      tracking_q <= 1'b0;
      done_q <= 1'b0;
    end else begin
      count_q <= count_q + 4'(push) - 4'(pop);
      if (push && mark_i && !tracking_q && !done_q) begin
        tracking_q <= 1'b1;
        marked_q <= in_beat_i;
        ahead_q <= count_q - 4'(pop);
      end else if (tracking_q && pop) begin
        ahead_q <= ahead_q - 1'b1;
        if (ahead_q == '0) begin
          tracking_q <= 1'b0;
          done_q <= 1'b1;
        end
      end
    end
  end

  always_comb begin
    assume (started || !rst_ni);
    if (started) begin
      assert (out_valid == (count_q != '0));
      assert (count_q <= (Register ? 4'd1 : 4'(2 ** DepthLog2)));
      if (Register) assert (in_ready == (count_q == '0 || out_ready_i));
      else assert (in_ready == (count_q != 4'(2 ** DepthLog2)));
      if (tracking_q) assert (ahead_q < count_q);
      if (tracking_q && ahead_q == '0) assert (out_beat == marked_q);
    end
  end

endmodule
