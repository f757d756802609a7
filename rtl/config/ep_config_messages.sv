// SPDX-License-Identifier: MIT
// Sends error messages to the root complex: ERR_COR, ERR_NONFATAL, ERR_FATAL (PCIe 5.0, 2.2.8.3). Errors of one
// severity that come while its message waits share it.
//
// In D3hot what TLPs did is told at once; what happened by itself waits until the function is in D0 again (5.3.1.4.1),
// and is forgotten where the way there is a reset.
module ep_config_messages
  import ep_config_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,   // conventional reset: what was not taken is gone
  input  logic         clear_i,  // any reset of the function: what was not offered is not sent
  input  logic [15:0]  bdf_i,
  input  logic         in_d0_i,
  input  logic [2:0]   message_i,      // by severity, one clock: of TLPs that came
  input  logic [2:0]   own_message_i,  // the same, of what happened by itself

  output logic         tx_msg_valid_o,
  input  logic         tx_msg_ready_i,
  output logic [127:0] tx_msg_header_o
);

  localparam logic [31:0] MessageToRootComplex = {8'b001_10_000, 24'd0};  // four double words, no data
  localparam logic [7:0]  CodeCorrectable = 8'h30;
  localparam logic [7:0]  CodeNonFatal = 8'h31;
  localparam logic [7:0]  CodeFatal = 8'h33;

  logic [2:0]  waiting_q, own_q, own, may_go, chosen;
  logic        valid_q;
  logic [7:0]  code_q;
  logic [15:0] bdf_q;
  logic        free;

  assign free = !valid_q || tx_msg_ready_i;
  assign own = in_d0_i ? own_q : '0;
  assign may_go = waiting_q | own;
  always_comb begin
    chosen = '0;
    if (may_go[SeverityFatal]) chosen[SeverityFatal] = 1'b1;
    else if (may_go[SeverityNonFatal]) chosen[SeverityNonFatal] = 1'b1;
    else chosen[SeverityCorrectable] = may_go[SeverityCorrectable];
  end

  always_ff @(posedge clk_i) begin
    waiting_q <= (free ? waiting_q & ~chosen : waiting_q) | message_i;
    own_q <= (free ? own_q & ~(own & chosen) : own_q) | own_message_i;
    if (free) begin
      valid_q <= may_go != '0;
      bdf_q <= bdf_i;
      code_q <= chosen[SeverityFatal] ? CodeFatal : (chosen[SeverityNonFatal] ? CodeNonFatal : CodeCorrectable);
    end
    if (clear_i) begin
      waiting_q <= '0;
      own_q <= '0;
      if (free) valid_q <= 1'b0;
    end
    if (!rst_ni) begin
      waiting_q <= '0;
      own_q <= '0;
      valid_q <= 1'b0;
    end
  end

  assign tx_msg_valid_o = valid_q;
  assign tx_msg_header_o = {64'd0, bdf_q, 8'd0, code_q, MessageToRootComplex};

endmodule
