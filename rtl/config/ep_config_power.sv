// SPDX-License-Identifier: MIT
// Power management capability (PCIe 5.0, 7.5.2): D0 and D3hot. With its strap it offers PME from both, which can be
// enabled, and never sends one: PME_Status reads 0.
module ep_config_power
  import ep_config_pkg::*;
(
  input  logic        clk_i,
  input  logic        clear_i,  // any reset of the function
  input  straps_t     straps_i,

  input  write_t      write_i,
  input  logic        read_second_i,  // the capability's second double word
  output logic [31:0] read_data_o,
  input  logic        peek_second_i,
  output logic [31:0] peek_data_o,

  output logic [1:0]  d_state_o,
  output logic        soft_reset_o  // this write leaves D3hot, and No_Soft_Reset is 0
);

  localparam logic [11:2] ControlRegister = 10'({2'b00, PowerOffset} + 10'd4 >> 2);

  logic [1:0] d_state_q;
  logic       pme_enable_q;
  logic       writes_state;
  logic       leaving_q;  // towards a reset that has not begun: until then the function does nothing more than in D3hot

  // A write of a state that is not there is discarded.
  assign writes_state = write_i.valid && write_i.register_number == ControlRegister && write_i.be[0] &&
                        (write_i.data[1:0] == StateD0 || write_i.data[1:0] == StateD3Hot);
  assign soft_reset_o = writes_state && d_state_q == StateD3Hot && write_i.data[1:0] == StateD0 &&
                        !straps_i.no_soft_reset;

  logic [31:0] capabilities, control;
  // Version 3, neither D1 nor D2.
  assign capabilities = {1'b0, straps_i.pme, 2'b00, straps_i.pme, 11'h003, MsixOffset, 8'h01};
  assign control = {23'd0, pme_enable_q, 4'd0, straps_i.no_soft_reset, 1'b0, d_state_q};
  assign read_data_o = read_second_i ? control : capabilities;
  assign peek_data_o = peek_second_i ? control : capabilities;

  always_ff @(posedge clk_i) begin
    if (writes_state) d_state_q <= write_i.data[1:0];
    if (write_i.valid && write_i.register_number == ControlRegister && write_i.be[1]) begin
      pme_enable_q <= write_i.data[8] && straps_i.pme;
    end
    if (soft_reset_o) leaving_q <= 1'b1;
    if (clear_i) begin
      pme_enable_q <= 1'b0;
      d_state_q <= StateD0;
      leaving_q <= 1'b0;
    end
  end

  assign d_state_o = leaving_q ? StateD3Hot : d_state_q;

endmodule
