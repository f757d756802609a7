// SPDX-License-Identifier: MIT
// Turns what happened into error bits of Status and Device Status (PCIe 5.0, 6.2.3.2.4, 7.5.1.1.4 and 7.5.3.5), with
// the default severities. Errors that a completion tells the requester of are advisory, and therefore correctable
// here.
module ep_config_errors
  import ep_tlp_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        parity_response_i,

  input  logic        unsupported_posted_i,
  input  logic        unsupported_nonposted_i,
  input  logic        poisoned_request_i,

  // Completions on their way to the core, and the core's word that one of them was bad. It is unexpected where
  // nothing in the completion itself was wrong.
  input  logic        completion_start_i,
  input  completion_t completion_i,
  input  logic        bad_completion_i,
  input  logic        read_timeout_i,

  output logic [15:0] status_set_o,
  output logic [3:0]  device_status_set_o
);

  logic       is_bad, is_poisoned, is_unsupported, is_aborted, unexpected;
  logic [5:0] bad_q;  // bad completions that the core has not spoken of yet

  assign is_poisoned = completion_start_i && completion_i.poisoned;
  assign is_unsupported = completion_start_i && completion_i.status == StatusUnsupportedRequest;
  assign is_aborted = completion_start_i && completion_i.status == StatusCompleterAbort;
  assign is_bad = completion_start_i && (completion_i.poisoned || completion_i.status != StatusSuccess);
  assign unexpected = bad_completion_i && !is_bad && bad_q == '0;

  always_ff @(posedge clk_i) begin
    if (is_bad && !bad_completion_i && bad_q != '1) bad_q <= bad_q + 6'd1;
    if (bad_completion_i && !is_bad && bad_q != '0) bad_q <= bad_q - 6'd1;
    if (!rst_ni) bad_q <= '0;
  end

  always_comb begin
    status_set_o = '0;
    status_set_o[8] = is_poisoned && parity_response_i;         // Master Data Parity Error
    status_set_o[12] = is_aborted;                              // Received Target Abort
    status_set_o[13] = is_unsupported;                          // Received Master Abort
    status_set_o[15] = is_poisoned || poisoned_request_i;       // Detected Parity Error
    device_status_set_o = '0;
    device_status_set_o[0] = unsupported_nonposted_i || unexpected;  // Correctable
    device_status_set_o[1] = unsupported_posted_i || poisoned_request_i || is_poisoned || read_timeout_i;  // Non-Fatal
    device_status_set_o[3] = unsupported_posted_i || unsupported_nonposted_i;  // Unsupported Request
  end

endmodule
