// SPDX-License-Identifier: MIT
// PCI Express capability, version 2, of an endpoint (PCIe 5.0, 7.5.3).
//
// A reset of the function keeps what PCIe 5.0, 6.6.2 lists: Max_Payload_Size and the link's controls. A conventional
// reset clears those too, but not the sticky Link Control 2.
module ep_config_express
  import ep_config_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        conventional_clear_i,
  input  logic        clear_i,  // any reset of the function
  input  straps_t     straps_i,

  input  write_t      write_i,
  input  logic [5:2]  read_register_i,  // double word of the capability
  output logic [31:0] read_data_o,
  input  logic [5:2]  peek_register_i,
  output logic [31:0] peek_data_o,

  input  logic [3:0]  status_set_i,  // Device Status bits 3:0 set by what happened in this clock
  input  logic        transactions_pending_i,

  output logic [3:0]  error_reporting_o,  // enables: correctable, non-fatal, fatal, unsupported request
  output logic [2:0]  max_payload_o,  // never more than supported, whatever was written
  output logic [2:0]  max_read_request_o,
  output logic        extended_tag_o,
  output logic        relaxed_ordering_o,
  output logic        no_snoop_o,
  output logic        timeout_disable_o,
  output logic        rcb_o,
  output logic [1:0]  aspm_o,  // never more than supported, whatever was written
  output logic        initiate_flr_o  // this write starts a function level reset
);

  // Bit 15 reads 0 and starts the reset; phantom functions and auxiliary power are hardwired to 0. So is, by strap,
  // Extended Tag Field Enable.
  localparam logic [15:0] DeviceControlWritable = 16'h79FF;
  localparam logic [15:0] DeviceControlTag = 16'h0100;
  localparam logic [15:0] DeviceControlReset = 16'h2810;  // relaxed ordering, no snoop, 512-byte read requests
  localparam logic [15:0] DeviceControlKept = 16'h00E0;   // Max_Payload_Size
  localparam logic [15:0] LinkControlWritable = 16'h02CB;  // ASPM, RCB, common clock, extended synch, autonomous width
  localparam logic [15:0] DeviceControl2Writable = 16'h0010;  // Completion Timeout Disable
  localparam logic [15:0] LinkControl2Writable = 16'hFFBF;
  // The time-out can be disabled. Its value is a register of the core, not one of the ranges.
  localparam logic [31:0] DeviceCapabilities2 = 32'h0000_0010;

  // What the link above takes to leave L0s, 128 ns to less than 256 ns, and L1, 2 us to less than 4 us (PCIe 5.0,
  // 7.5.3.6).
  localparam logic [2:0] L0sExitLatency = 3'd2;
  localparam logic [2:0] L1ExitLatency = 3'd2;

  localparam logic [7:0] ControlRegister = 8'h08;
  localparam logic [7:0] LinkControlRegister = 8'h10;
  localparam logic [7:0] Control2Register = 8'h28;
  localparam logic [7:0] LinkControl2Register = 8'h30;

  logic [15:0] device_control_q, link_control_q, device_control2_q, link_control2_q;
  logic [3:0]  device_status_q;

  logic [31:0] device_capabilities;
  logic [31:0] link_capabilities, link_capabilities2;
  logic [15:0] link_status, link_status2;
  logic [2:0]  l0s_exit, l1_exit;
  // Any latency of leaving L1 and L0s is acceptable.
  assign device_capabilities = {3'd0, 1'b1, 12'd0, 1'b1, 3'd0, 3'd7, 3'd7, straps_i.extended_tag, 2'b00,
                                straps_i.max_payload_supported};
  // ASPM optionality. The link always runs at what it can.
  assign l0s_exit = straps_i.aspm[0] ? L0sExitLatency : '0;
  assign l1_exit = straps_i.aspm[1] ? L1ExitLatency : '0;
  assign link_capabilities = {10'b0000_0000_01, 4'd0, l1_exit, l0s_exit, straps_i.aspm, straps_i.link_width,
                              straps_i.link_speed};
  assign link_capabilities2 = (32'd2 << straps_i.link_speed) - 32'd2;
  assign link_status = {3'b000, straps_i.slot_clock, 2'b00, straps_i.link_width, straps_i.link_speed};
  assign link_status2 = straps_i.link_speed >= 4'd3 ? 16'h001E : 16'h0000;  // equalization done

  function automatic logic [31:0] read(logic [5:2] register_number);
    unique case ({2'b00, register_number, 2'b00})
      8'h00: return {16'h0002, 8'h00, 8'h10};  // last of the list, version 2, endpoint
      8'h04: return device_capabilities;
      ControlRegister: return {10'd0, transactions_pending_i, 1'b0, device_status_q, device_control_q};
      8'h0C: return link_capabilities;
      LinkControlRegister: return {link_status, link_control_q};
      8'h24: return DeviceCapabilities2;
      Control2Register: return {16'd0, device_control2_q};
      8'h2C: return link_capabilities2;
      LinkControl2Register: return {link_status2, link_control2_q};
      default: return 32'd0;
    endcase
  endfunction

  assign read_data_o = read(read_register_i);
  assign peek_data_o = read(peek_register_i);

  function automatic logic hits(write_t write, logic [7:0] offset);
    return write.valid && write.register_number == {4'd0, 6'((ExpressOffset + offset) >> 2)};
  endfunction

  function automatic logic [15:0] merged(logic [15:0] value, logic [15:0] writable, write_t write);
    return 16'(merge({16'd0, value}, {16'd0, writable}, write));
  endfunction

  logic [15:0] device_control_writable;
  assign device_control_writable = DeviceControlWritable & ~(straps_i.extended_tag ? 16'd0 : DeviceControlTag);

  logic writes_control;
  assign writes_control = hits(write_i, ControlRegister);
  assign initiate_flr_o = writes_control && write_i.be[1] && write_i.data[15];

  logic [3:0] status_cleared;
  assign status_cleared = (writes_control && write_i.be[2]) ? write_i.data[19:16] : '0;

  always_ff @(posedge clk_i) begin
    device_status_q <= (device_status_q & ~status_cleared) | status_set_i;
    if (writes_control) device_control_q <= merged(device_control_q, device_control_writable, write_i);
    if (hits(write_i, LinkControlRegister)) link_control_q <= merged(link_control_q, LinkControlWritable, write_i);
    if (hits(write_i, Control2Register)) begin
      device_control2_q <= merged(device_control2_q, DeviceControl2Writable, write_i);
    end
    if (hits(write_i, LinkControl2Register)) link_control2_q <= merged(link_control2_q, LinkControl2Writable, write_i);
    if (clear_i) begin
      device_control_q <= (device_control_q & DeviceControlKept) | DeviceControlReset;
      device_control2_q <= '0;
      device_status_q <= '0;
    end
    if (conventional_clear_i) begin
      device_control_q <= DeviceControlReset;
      link_control_q <= '0;
    end
    if (!rst_ni) begin
      device_control_q <= DeviceControlReset;
      device_control2_q <= '0;
      device_status_q <= '0;
      link_control_q <= '0;
      link_control2_q <= {12'd0, straps_i.link_speed};
    end
  end

  assign error_reporting_o = device_control_q[3:0];
  assign relaxed_ordering_o = device_control_q[4];
  assign max_payload_o = device_control_q[7:5] < straps_i.max_payload_supported ? device_control_q[7:5]
                                                                                 : straps_i.max_payload_supported;
  assign extended_tag_o = device_control_q[8];
  assign no_snoop_o = device_control_q[11];
  assign timeout_disable_o = device_control2_q[4];
  assign max_read_request_o = device_control_q[14:12];
  assign rcb_o = link_control_q[3];
  assign aspm_o = link_control_q[1:0] & straps_i.aspm;

endmodule
