// SPDX-License-Identifier: MIT
// Stands before the core as a hard block does: completions with more data than Max_Payload_Size are malformed, and
// dropped whole (PCIe 5.0, 2.2.2). Nobody answers their reads any more: the core gives them up. Framing, header and
// data of those that go on pass by here as they are.
module ep_completion_filter
  import ep_config_pkg::*, ep_tlp_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [2:0]   max_payload_i,

  input  logic         rx_cpl_valid_i,
  output logic         rx_cpl_ready_o,
  input  logic         rx_cpl_sop_i,
  input  logic         rx_cpl_eop_i,
  input  logic [127:0] rx_cpl_header_i,

  output logic         core_valid_o,
  input  logic         core_ready_i,

  output logic         start_o,  // the core takes the first beat of one
  output error_t       error_o
);

  completion_t completion;
  logic [10:0] length;
  logic        is_too_long, begins, drops, dropping_q;

  assign completion = rx_cpl_header_i;
  assign length = {completion.length == '0, completion.length};
  assign is_too_long = completion.fmt_type[6] && length > 11'd32 << max_payload_i;
  assign begins = rx_cpl_valid_i && rx_cpl_sop_i;
  assign drops = rx_cpl_sop_i ? is_too_long : dropping_q;

  assign core_valid_o = rx_cpl_valid_i && !drops;
  assign rx_cpl_ready_o = drops || core_ready_i;
  assign start_o = begins && !drops && core_ready_i;
  assign error_o = '{valid: begins && drops, kind: ErrorMalformed, advisory: 1'b0, header: rx_cpl_header_i};

  always_ff @(posedge clk_i) begin
    if (rx_cpl_valid_i && rx_cpl_ready_o) dropping_q <= drops && !rx_cpl_eop_i;
    if (!rst_ni) dropping_q <= 1'b0;
  end

endmodule
