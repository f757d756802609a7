// SPDX-License-Identifier: MIT
// MSI-X capability (PCIe 5.0, 7.7.2). Table and pending bits stand in BAR 0, where the register map has them.
module ep_config_msix
  import ep_config_pkg::*;
(
  input  logic        clk_i,
  input  logic        clear_i,  // any reset of the function
  input  straps_t     straps_i,

  input  write_t      write_i,
  input  logic [3:2]  read_register_i,  // double word of the capability
  output logic [31:0] read_data_o,
  input  logic [3:2]  peek_register_i,
  output logic [31:0] peek_data_o,

  output logic        enable_o,
  output logic        mask_o
);

  localparam logic [31:0] TableLocation = {16'd0, ep_reg_pkg::MsixTableBase};  // bits 2:0: BAR 0
  localparam logic [31:0] PendingLocation = {16'd0, ep_reg_pkg::MsixPbaBase};

  logic enable_q, mask_q;

  function automatic logic [31:0] read(logic [3:2] register_number);
    unique case (register_number)
      2'd0: return {enable_q, mask_q, 3'd0, 11'(straps_i.msix_vectors) - 11'd1, ExpressOffset, 8'h11};
      2'd1: return TableLocation;
      2'd2: return PendingLocation;
      default: return 32'd0;
    endcase
  endfunction

  assign read_data_o = read(read_register_i);
  assign peek_data_o = read(peek_register_i);

  always_ff @(posedge clk_i) begin
    if (write_i.valid && write_i.register_number == {4'd0, MsixOffset[7:2]} && write_i.be[3]) begin
      {enable_q, mask_q} <= write_i.data[31:30];
    end
    if (clear_i) {enable_q, mask_q} <= 2'b00;
  end

  assign enable_o = enable_q;
  assign mask_o = mask_q;

endmodule
