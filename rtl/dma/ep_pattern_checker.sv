// SPDX-License-Identifier: MIT
// Compares data with the pattern stream (lap 0), one beat per clock, and says three clocks later how many bytes
// differed.
module ep_pattern_checker #(
  parameter int unsigned DataWidth = 256,
  parameter type owner_t = logic,
  localparam int unsigned DataBytes = DataWidth / 8,
  localparam int unsigned CountBits = $clog2(DataBytes + 1)
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  input  logic                        valid_i,
  input  owner_t                      owner_i,
  input  logic [31:0]                 seed_i,
  input  logic [ep_pkg::CardBits-1:0] offset_i,
  input  logic [DataBytes-1:0]        be_i,
  input  logic [DataWidth-1:0]        data_i,

  output logic                        valid_o,
  output owner_t                      owner_o,
  output logic [CountBits-1:0]        checked_o,
  output logic [CountBits-1:0]        mismatches_o
);

  logic [DataWidth-1:0] expected;

  ep_pattern #(.DataWidth(DataWidth)) u_pattern (
    .clk_i, .valid_i, .key_i(seed_i), .offset_i, .data_o(expected)
  );

  logic                 valid_q, valid_q2;
  owner_t               owner_q, owner_q2;
  logic [DataBytes-1:0] be_q, be_q2;
  logic [DataWidth-1:0] data_q, data_q2;
  logic [DataWidth-1:0] difference;
  logic [DataBytes-1:0] wrong;

  always_comb begin
    difference = data_q2 ^ expected;
    for (int unsigned i = 0; i < DataBytes; i++) wrong[i] = be_q2[i] && |difference[8*i +: 8];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      valid_q2 <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      valid_q <= valid_i;
      valid_q2 <= valid_q;
      valid_o <= valid_q2;
    end
    if (valid_i) begin
      owner_q <= owner_i;
      be_q <= be_i;
      data_q <= data_i;
    end
    if (valid_q) begin
      owner_q2 <= owner_q;
      be_q2 <= be_q;
      data_q2 <= data_q;
    end
    if (valid_q2) begin
      owner_o <= owner_q2;
      checked_o <= CountBits'($countones(be_q2));
      mismatches_o <= |difference ? CountBits'($countones(wrong)) : '0;
    end
  end

endmodule
