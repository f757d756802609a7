// SPDX-License-Identifier: MIT
// One-entry pipeline stage for a ready/valid stream. Cuts valid and data; ready stays combinational.
module ep_stream_register #(
  parameter type beat_t = logic
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

  logic  valid_q;
  beat_t beat_q;

  assign in_ready_o = !valid_q || out_ready_i;
  assign out_valid_o = valid_q;
  assign out_beat_o = beat_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else if (in_ready_o) begin
      valid_q <= in_valid_i;
    end
    if (in_valid_i && in_ready_o) beat_q <= in_beat_i;
  end

endmodule
