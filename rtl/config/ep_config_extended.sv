// SPDX-License-Identifier: MIT
// Extended capabilities (PCIe 5.0, 7.6.3) that are read-only: a vendor-specific one that tells where the monitor is,
// and by strap ARI and Device Serial Number. The list passes over what is not there.
//
// ARI (7.8.8) leads to no other function and has nothing to control.
module ep_config_extended
  import ep_config_pkg::*;
(
  input  straps_t     straps_i,
  output logic [11:0] after_aer_o,  // Next Capability Offset of Advanced Error Reporting
  input  logic [11:2] read_register_i,
  output logic [31:0] read_data_o,
  input  logic [11:2] peek_register_i,
  output logic [31:0] peek_data_o
);

  localparam logic [15:0] MonitorVsecId = 16'h0D17;
  localparam logic [3:0]  MonitorVsecRevision = 4'd1;
  localparam logic [11:0] MonitorVsecLength = 12'h010;

  logic [11:0] after_vendor, after_aer, after_ari;
  assign after_ari = straps_i.dsn ? SerialOffset : 12'd0;
  assign after_aer = straps_i.ari ? AriOffset : after_ari;
  assign after_vendor = straps_i.aer ? AerOffset : after_aer;
  assign after_aer_o = after_aer;

  function automatic logic [31:0] read(logic [11:2] register_number);
    unique case ({register_number, 2'b00})
      VendorOffset: return {after_vendor, 4'd1, 16'h000B};
      VendorOffset + 12'h4: return {MonitorVsecLength, MonitorVsecRevision, MonitorVsecId};
      VendorOffset + 12'h8: return {16'd0, ep_reg_pkg::MonitorBase};  // bits 2:0: BAR 0; 31:3: where in it
      VendorOffset + 12'hC: return ep_reg_pkg::MapVersion;
      AriOffset: return straps_i.ari ? {after_ari, 4'd1, 16'h000E} : 32'd0;
      SerialOffset: return straps_i.dsn ? {12'd0, 4'd1, 16'h0003} : 32'd0;
      SerialOffset + 12'h4: return straps_i.dsn ? straps_i.serial_number[31:0] : 32'd0;
      SerialOffset + 12'h8: return straps_i.dsn ? straps_i.serial_number[63:32] : 32'd0;
      default: return 32'd0;
    endcase
  endfunction

  assign read_data_o = read(read_register_i);
  assign peek_data_o = read(peek_register_i);

endmodule
