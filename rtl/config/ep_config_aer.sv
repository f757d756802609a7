// SPDX-License-Identifier: MIT
// Advanced Error Reporting (PCIe 5.0, 7.8.4), if there is one: no ECRC, one header at a time.
//
// All is sticky: kept over function and conventional resets, forgotten in the fundamental one. Errors of the link below
// the TLPs have the mask and severity bits that every function must have, and their status is never set.
module ep_config_aer
  import ep_config_pkg::*;
(
  input  logic          clk_i,
  input  logic          rst_ni,  // fundamental
  input  straps_t       straps_i,
  input  logic [11:0]   next_i,  // capability behind this one

  input  write_t        write_i,
  input  logic [11:2]   read_register_i,
  output logic [31:0]   read_data_o,  // 0 for registers of others
  input  logic [11:2]   peek_register_i,
  output logic [31:0]   peek_data_o,

  output error_policy_t policy_o,
  input  error_log_t    log_i
);

  // Poisoned, Completion Timeout, Completer Abort, Unexpected Completion, Malformed, Unsupported Request; and Data Link
  // Protocol.
  localparam logic [31:0] Uncorrectable = 32'h0015_D010;
  // Advisory Non-Fatal; and Bad TLP, Bad DLLP, REPLAY_NUM Rollover, Replay Timer Timeout.
  localparam logic [31:0] Correctable = 32'h0000_31C0;
  localparam logic [31:0] AdvisoryBit = 32'h0000_2000;

  localparam logic [11:0] StatusRegister = AerOffset + 12'h04;
  localparam logic [11:0] MaskRegister = AerOffset + 12'h08;
  localparam logic [11:0] SeverityRegister = AerOffset + 12'h0C;
  localparam logic [11:0] CorrectableStatusRegister = AerOffset + 12'h10;
  localparam logic [11:0] CorrectableMaskRegister = AerOffset + 12'h14;

  logic [31:0]  status_q, mask_q, severity_q, correctable_mask_q;
  logic         advisory_q, occupied_q;
  logic [4:0]   pointer_q;
  logic [127:0] header_q;

  function automatic logic [31:0] read(logic [11:2] register_number);
    if (!straps_i.aer) return 32'd0;
    unique case ({register_number, 2'b00})
      AerOffset: return {next_i, 4'd2, 16'h0001};
      StatusRegister: return status_q;
      MaskRegister: return mask_q;
      SeverityRegister: return severity_q;
      CorrectableStatusRegister: return advisory_q ? AdvisoryBit : 32'd0;
      CorrectableMaskRegister: return correctable_mask_q;
      AerOffset + 12'h18: return {27'd0, pointer_q};
      AerOffset + 12'h1C: return header_q[31:0];
      AerOffset + 12'h20: return header_q[63:32];
      AerOffset + 12'h24: return header_q[95:64];
      AerOffset + 12'h28: return header_q[127:96];
      default: return 32'd0;
    endcase
  endfunction

  assign read_data_o = read(read_register_i);
  assign peek_data_o = read(peek_register_i);

  function automatic logic hits(write_t write, logic [11:0] register_offset);
    return write.valid && {write.register_number, 2'b00} == register_offset;
  endfunction

  logic [31:0] status_cleared, correctable_cleared;
  assign status_cleared = hits(write_i, StatusRegister) ? cleared_bits(write_i) : '0;
  assign correctable_cleared = hits(write_i, CorrectableStatusRegister) ? cleared_bits(write_i) : '0;

  always_ff @(posedge clk_i) begin
    status_q <= (status_q & ~status_cleared) | log_i.uncorrectable;
    advisory_q <= (advisory_q && !correctable_cleared[13]) || log_i.advisory;
    if (hits(write_i, MaskRegister)) mask_q <= merge(mask_q, Uncorrectable, write_i);
    if (hits(write_i, SeverityRegister)) severity_q <= merge(severity_q, Uncorrectable, write_i);
    if (hits(write_i, CorrectableMaskRegister)) begin
      correctable_mask_q <= merge(correctable_mask_q, Correctable, write_i);
    end
    if (status_cleared[pointer_q]) occupied_q <= 1'b0;
    if (log_i.first) begin
      occupied_q <= 1'b1;
      pointer_q <= log_i.pointer;
      header_q <= log_i.header;
    end
    if (!rst_ni) begin
      status_q <= '0;
      mask_q <= '0;
      severity_q <= ErrorFatalByDefault;
      advisory_q <= 1'b0;
      occupied_q <= 1'b0;
      correctable_mask_q <= AdvisoryBit;
      pointer_q <= '0;
      header_q <= '0;
    end
  end

  // Without the capability no message tells of advisory errors (6.2.3.2.4); nothing else is masked, and severities are
  // the defaults, which no write can reach.
  always_comb begin
    policy_o.mask = mask_q;
    policy_o.severity = severity_q;
    policy_o.advisory_mask = correctable_mask_q[13];
    policy_o.occupied = occupied_q;
    if (!straps_i.aer) begin
      policy_o = '0;
      policy_o.severity = ErrorFatalByDefault;
      policy_o.advisory_mask = 1'b1;
    end
  end

endmodule
