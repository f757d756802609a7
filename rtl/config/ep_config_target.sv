// SPDX-License-Identifier: MIT
// Takes configuration requests one at a time, reads or writes the register, and completes them (PCIe 5.0, 2.2.7 and
// 2.2.9).
//
// A request that breaks the rules for its fields (2.2.7) is malformed and not answered. A write that asks for a reset
// of the function is completed first; the reset begins when the completion has been taken.
module ep_config_target
  import ep_config_pkg::*, ep_tlp_pkg::*, ep_completion_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         hold_i,          // take no request: a reset is in progress
  input  logic         forget_bdf_i,    // conventional reset
  input  logic         ari_i,           // no device number: function numbers have 8 bits (6.13)

  input  logic         rx_cfg_valid_i,
  output logic         rx_cfg_ready_o,
  input  logic [127:0] rx_cfg_header_i,
  input  logic [31:0]  rx_cfg_data_i,

  output logic         tx_cfg_valid_o,
  input  logic         tx_cfg_ready_i,
  output logic [127:0] tx_cfg_header_o,
  output logic [31:0]  tx_cfg_data_o,

  // To the registers: what is written in this clock, and what stands at the register of the request.
  output write_t       write_o,
  output logic [11:2]  read_register_o,
  input  logic [31:0]  read_data_i,
  input  logic         reset_asked_i,   // the write of this clock asks for a reset of the function
  output logic         reset_start_o,

  output logic [15:0]  bdf_o,
  output error_t       error_o,

  output logic         cfg_write_valid_o,
  output logic [11:0]  cfg_write_offset_o,
  output logic [3:0]   cfg_write_be_o,
  output logic [31:0]  cfg_write_data_o,
  output logic [31:0]  cfg_write_before_o,
  output logic [31:0]  cfg_write_after_o
);

  typedef enum logic [1:0] {
    StIdle,    // waits for a request
    StAccess,  // reads the register, and writes it
    StNotice,  // reads it again and tells of the write
    StAnswer   // waits until the completion is taken
  } state_e;

  state_e      state_q, state_d;
  request_t    request_q;
  logic [31:0] data_q, value_q;
  logic [15:0] bdf_q;
  logic        reset_asked_q;

  logic is_write, is_supported, is_malformed, is_here;
  assign is_write = request_q.fmt_type == CfgWrite0;
  assign is_malformed = request_q.length != 10'd1 || request_q.last_be != '0 || request_q.traffic_class != '0 ||
                        request_q.attr_ido || request_q.attr_relaxed || request_q.attr_no_snoop;
  // Only function 0 exists. A poisoned write must not take effect (PCIe 5.0, 2.7.2.2).
  assign is_here = (request_q.fmt_type == CfgRead0 || is_write) && request_q.dw2[18:16] == 3'd0 &&
                   (!ari_i || request_q.dw2[23:19] == 5'd0);
  assign is_supported = is_here && !(is_write && request_q.poisoned);

  logic access;
  assign access = state_q == StAccess;
  assign write_o = '{
    valid: access && is_write && is_supported && !is_malformed,
    register_number: request_q.dw2[11:2],
    be: request_q.first_be,
    data: data_q
  };
  assign read_register_o = request_q.dw2[11:2];

  // The completion tells the requester, so both of the last are advisory (6.2.3.2.4.1).
  always_comb begin
    error_o = '{valid: access && (is_malformed || !is_supported), kind: ErrorUnsupported, advisory: 1'b1,
                header: request_q};
    if (is_here) error_o.kind = ErrorPoisoned;
    if (is_malformed) begin
      error_o.kind = ErrorMalformed;
      error_o.advisory = 1'b0;
    end
  end

  assign rx_cfg_ready_o = state_q == StIdle && !hold_i;
  assign tx_cfg_valid_o = state_q == StAnswer;
  assign reset_start_o = state_q == StAnswer && tx_cfg_ready_i && reset_asked_q;

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StIdle: if (rx_cfg_valid_i && !hold_i) state_d = StAccess;
      StAccess: state_d = is_malformed ? StIdle : StNotice;
      StNotice: state_d = StAnswer;
      StAnswer: if (tx_cfg_ready_i) state_d = StIdle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    state_q <= state_d;
    if (state_q == StIdle) begin
      request_q <= rx_cfg_header_i;
      data_q <= rx_cfg_data_i;
      reset_asked_q <= 1'b0;
    end
    if (access) begin
      value_q <= read_data_i;
      reset_asked_q <= reset_asked_i;
      // Every write that the function completes carries its number (PCIe 5.0, 2.2.6.2).
      if (write_o.valid) bdf_q <= {request_q.dw2[31:24], ari_i ? 5'd0 : request_q.dw2[23:19], 3'd0};
    end
    if (forget_bdf_i) bdf_q <= '0;
    if (!rst_ni) begin
      state_q <= StIdle;
      bdf_q <= '0;
    end
  end

  assign bdf_o = bdf_q;

  assign cfg_write_valid_o = state_q == StNotice && is_write && is_supported;
  assign cfg_write_offset_o = {request_q.dw2[11:2], 2'b00};
  assign cfg_write_be_o = request_q.first_be;
  assign cfg_write_data_o = data_q;
  assign cfg_write_before_o = value_q;
  assign cfg_write_after_o = read_data_i;

  logic has_data;
  assign has_data = is_supported && !is_write;

  completion_t completion;
  always_comb begin
    completion = completion_for(request_q, bdf_q);
    completion.fmt_type = has_data ? CplData : Cpl;
    completion.length = {9'd0, has_data};
    completion.status = is_supported ? StatusSuccess : StatusUnsupportedRequest;
    completion.byte_count = 12'd4;
  end
  assign tx_cfg_header_o = completion;
  assign tx_cfg_data_o = has_data ? value_q : '0;

endmodule
