// SPDX-License-Identifier: MIT
// Decides which reset is in progress. Configuration registers are cleared when it begins; the function is held in reset
// until the core says that it has forgotten everything (PCIe 5.0, 6.6.1 and 6.6.2).
module ep_config_reset (
  input  logic clk_i,
  input  logic rst_ni,

  input  logic hot_reset_i,
  input  logic link_up_i,
  input  logic function_start_i,   // Initiate FLR, or D3hot to D0 without No_Soft_Reset
  input  logic function_is_flr_i,  // with function_start_i: which of them

  output logic conventional_clear_o,
  output logic clear_o,
  output logic flr_o,              // a function level reset is in progress

  output logic function_reset_o,   // level
  input  logic reset_done_i        // the core is clean; counts only while function_reset_o is 1
);

  typedef enum logic [1:0] {
    StRun,
    StFunction,     // FLR or soft reset
    StConventional  // hot reset, link down, or the end of the fundamental reset
  } state_e;

  state_e state_q, state_d;
  logic   is_flr_q;
  logic   conventional;

  assign conventional = hot_reset_i || !link_up_i;

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StRun: if (function_start_i) state_d = StFunction;
      StFunction: if (reset_done_i) state_d = StRun;
      StConventional: if (reset_done_i && !conventional) state_d = StRun;
      default: state_d = StRun;
    endcase
    if (conventional) state_d = StConventional;
  end

  always_ff @(posedge clk_i) begin
    state_q <= state_d;
    if (function_start_i) is_flr_q <= function_is_flr_i;
    if (!rst_ni) begin
      state_q <= StConventional;
      is_flr_q <= 1'b0;
    end
  end

  assign conventional_clear_o = state_q == StConventional || conventional || !rst_ni;
  assign clear_o = state_q != StRun || conventional_clear_o;
  assign function_reset_o = state_q != StRun;
  assign flr_o = state_q == StFunction && is_flr_q;

endmodule
