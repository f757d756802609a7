// SPDX-License-Identifier: MIT
// Turns errors into bits of Status, Device Status and Advanced Error Reporting, and into messages (PCIe 5.0, 6.2.5 and
// figure 6-2, 7.5.1.1.4, 7.5.3.5). Errors while the function is reset leave no trace (6.6.2).
module ep_config_errors
  import ep_config_pkg::*, ep_tlp_pkg::*;
(
  input  logic          clk_i,
  input  logic          rst_ni,  // any reset of the function
  input  settings_t     settings_i,
  input  error_policy_t policy_i,

  input  error_t        request_error_i,  // a memory request or message
  input  error_t        config_error_i,   // a configuration request
  input  error_t        completion_error_i,

  // Completions on their way to the core, the core's word that one of them was unexpected or brought poisoned data, and
  // that a read was given up.
  input  logic          completion_start_i,
  input  completion_t   completion_i,
  input  logic          unexpected_completion_i,
  input  logic          poisoned_completion_i,
  input  header_t       bad_completion_header_i,
  input  logic          read_timeout_i,

  output logic [15:0]   status_set_o,
  output logic [3:0]    device_status_set_o,
  output error_log_t    log_o,
  // To be sent, by severity: of TLPs that came, and of what happened by itself.
  output logic [2:0]    message_o,
  output logic [2:0]    own_message_o
);

  localparam int unsigned Sources = 5;
  localparam int unsigned OwnSource = 4;  // the one whose errors no TLP brought

  error_t [Sources-1:0] errors_q;
  logic                 master_abort_q, target_abort_q, poisoned_q;
  logic                 brings_poison;

  assign brings_poison = completion_start_i && completion_i.poisoned && completion_i.fmt_type == CplData;

  always_ff @(posedge clk_i) begin
    errors_q[0] <= request_error_i;
    errors_q[1] <= config_error_i;
    // The core deals with poisoned data by the status of a descriptor, so it goes on (6.2.3.2.4.3).
    errors_q[2] <= '{
      valid: unexpected_completion_i || poisoned_completion_i,
      kind: unexpected_completion_i ? ErrorUnexpectedCompletion : ErrorPoisoned,
      advisory: 1'b1,
      header: bad_completion_header_i
    };
    errors_q[3] <= completion_error_i;
    // Nobody asks a second time by himself, so it is not advisory (6.2.3.2.4.4).
    errors_q[OwnSource] <= '{valid: read_timeout_i, kind: ErrorCompletionTimeout, advisory: 1'b0, header: '0};
    master_abort_q <= completion_start_i && completion_i.status == StatusUnsupportedRequest;
    target_abort_q <= completion_start_i && completion_i.status == StatusCompleterAbort;
    poisoned_q <= brings_poison;
    if (!rst_ni) begin
      for (int unsigned i = 0; i < Sources; i++) errors_q[i].valid <= 1'b0;
      master_abort_q <= 1'b0;
      target_abort_q <= 1'b0;
      poisoned_q <= 1'b0;
    end
  end

  logic [31:0] kind_bit;
  logic        masked, fatal, unsupported, reported, logs;
  logic [2:0]  told;

  always_comb begin
    status_set_o = '0;
    device_status_set_o = '0;
    log_o = '0;
    message_o = '0;
    own_message_o = '0;
    told = '0;
    kind_bit = '0;
    masked = 1'b0;
    fatal = 1'b0;
    unsupported = 1'b0;
    reported = 1'b0;
    logs = 1'b0;
    status_set_o[8] = poisoned_q && settings_i.parity_response;  // Master Data Parity Error
    status_set_o[12] = target_abort_q;                           // Received Target Abort
    status_set_o[13] = master_abort_q;                           // Received Master Abort
    status_set_o[15] = poisoned_q;                               // Detected Parity Error
    for (int unsigned i = 0; i < Sources; i++) begin
      if (errors_q[i].valid) begin
        kind_bit = 32'd1 << errors_q[i].kind;
        masked = (kind_bit & policy_i.mask) != '0;
        fatal = (kind_bit & policy_i.severity) != '0;
        unsupported = errors_q[i].kind == ErrorUnsupported;
        reported = !unsupported || settings_i.error_reporting[3];
        told = '0;
        if (errors_q[i].kind == ErrorPoisoned) status_set_o[15] = 1'b1;
        if (errors_q[i].kind == ErrorCompleterAbort) status_set_o[11] = 1'b1;  // Signaled Target Abort
        if (unsupported) device_status_set_o[3] = 1'b1;
        if (errors_q[i].advisory && !fatal) begin
          device_status_set_o[SeverityCorrectable] = 1'b1;
          log_o.advisory = 1'b1;
          logs = !policy_i.advisory_mask;
          if (logs && reported && settings_i.error_reporting[SeverityCorrectable]) begin
            told[SeverityCorrectable] = 1'b1;
          end
        end else begin
          device_status_set_o[fatal ? SeverityFatal : SeverityNonFatal] = 1'b1;
          logs = 1'b1;
          if (!masked && (settings_i.serr_enable ||
                          (reported && settings_i.error_reporting[fatal ? SeverityFatal : SeverityNonFatal]))) begin
            told[fatal ? SeverityFatal : SeverityNonFatal] = 1'b1;
            if (settings_i.serr_enable) status_set_o[14] = 1'b1;  // Signaled System Error
          end
        end
        if (i == OwnSource) own_message_o = own_message_o | told;
        else message_o = message_o | told;
        if (logs) log_o.uncorrectable = log_o.uncorrectable | kind_bit;
        if (logs && !masked && !policy_i.occupied && !log_o.first) begin
          log_o.first = 1'b1;
          log_o.pointer = errors_q[i].kind;
          log_o.header = errors_q[i].header;
        end
      end
    end
  end

endmodule
