// SPDX-License-Identifier: MIT
// Bytes of the pattern stream from any byte offset on; the function of pcie/pattern.h. Two clocks from offset to data.
module ep_pattern #(
  parameter int unsigned DataWidth = 256
) (
  input  logic                        clk_i,

  input  logic                        valid_i,
  input  logic [31:0]                 key_i,  // seed ^ (lap * 0x85EBCA77)
  input  logic [ep_pkg::CardBits-1:0] offset_i,
  output logic [DataWidth-1:0]        data_o
);

  localparam logic [31:0] Step = 32'h9E3779B1;
  localparam int unsigned Words = DataWidth / 32;

  logic        valid_q;
  logic [31:0] first_q;
  logic [1:0]  byte_q;

  // One multiplication by a constant; the neighbours differ by multiples of Step.
  always_ff @(posedge clk_i) begin
    valid_q <= valid_i;
    if (valid_i) begin
      first_q <= offset_i[33:2] * Step + key_i;
      byte_q <= offset_i[1:0];
    end
  end

  logic [DataWidth+31:0] words;
  logic [31:0]           word;
  always_comb begin
    for (int unsigned i = 0; i <= Words; i++) begin
      word = first_q + 32'(i) * Step;
      word = word ^ (word >> 16);
      words[32*i +: 32] = word ^ (word << 5);
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_q) data_o <= DataWidth'(words >> {byte_q, 3'b000});
  end

endmodule
