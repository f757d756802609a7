// SPDX-License-Identifier: MIT
// Extended capabilities (PCIe 5.0, 7.6.3): Device Serial Number, and a vendor-specific one that tells where the
// monitor is. All read-only.
module ep_config_extended
  import ep_config_pkg::*;
(
  input  straps_t     straps_i,
  input  logic [11:2] read_register_i,
  output logic [31:0] read_data_o,
  input  logic [11:2] peek_register_i,
  output logic [31:0] peek_data_o
);

  localparam logic [15:0] MonitorVsecId = 16'h0D17;
  localparam logic [3:0]  MonitorVsecRevision = 4'd1;
  localparam logic [11:0] MonitorVsecLength = 12'h010;

  function automatic logic [31:0] read(logic [11:2] register_number);
    unique case ({register_number, 2'b00})
      SerialOffset: return {VendorOffset, 4'd1, 16'h0003};
      SerialOffset + 12'h4: return straps_i.serial_number[31:0];
      SerialOffset + 12'h8: return straps_i.serial_number[63:32];
      VendorOffset: return {12'd0, 4'd1, 16'h000B};
      VendorOffset + 12'h4: return {MonitorVsecLength, MonitorVsecRevision, MonitorVsecId};
      VendorOffset + 12'h8: return {16'd0, ep_reg_pkg::MonitorBase};  // bits 2:0: BAR 0; 31:3: where in it
      VendorOffset + 12'hC: return ep_reg_pkg::MapVersion;
      default: return 32'd0;
    endcase
  endfunction

  assign read_data_o = read(read_register_i);
  assign peek_data_o = read(peek_register_i);

endmodule
