// SPDX-License-Identifier: MIT
// Flags of what should never have happened, each with the time of its first occurrence.
module ep_monitor_sticky
  import ep_pkg::*, ep_reg_pkg::*;
(
  input  logic             clk_i,
  input  logic             rst_ni,  // fundamental
  input  logic [63:0]      time_i,

  input  function_config_t fn_i,
  input  logic             hot_reset_i,
  input  logic             link_up_i,

  output logic [7:0]       sticky_o,
  input  logic [2:0]       select_i,
  output logic [63:0]      time_o
);

  localparam logic [1:0] StateD3Hot = 2'd3;

  typedef struct packed {
    logic       bus_master;
    logic       memory;
    logic       flr;
    logic       d3hot;
    logic       msix_enable;
    logic       hot_reset;
    logic       link_up;
  } state_t;

  state_t      state, state_q;
  logic [15:0] bdf_q;
  logic [7:0]  happens, sticky_q;
  logic [63:0] times_q [8];

  assign state = '{
    bus_master: fn_i.bus_master,
    memory: fn_i.memory,
    flr: fn_i.flr,
    d3hot: fn_i.d_state == StateD3Hot,
    msix_enable: fn_i.msix_enable,
    hot_reset: hot_reset_i,
    link_up: link_up_i
  };

  // A conventional reset makes the function forget its number; a change is only another number.
  always_comb begin
    happens = '0;
    happens[MonitorStickyBusMasterFellLsb] = state_q.bus_master && !state.bus_master;
    happens[MonitorStickyMemoryFellLsb] = state_q.memory && !state.memory;
    happens[MonitorStickyFlrLsb] = !state_q.flr && state.flr;
    happens[MonitorStickyD3hotLsb] = !state_q.d3hot && state.d3hot;
    happens[MonitorStickyBdfChangedLsb] = bdf_q != '0 && fn_i.bdf != '0 && fn_i.bdf != bdf_q;
    happens[MonitorStickyMsixDisabledLsb] = state_q.msix_enable && !state.msix_enable;
    happens[MonitorStickyHotResetLsb] = !state_q.hot_reset && state.hot_reset;
    happens[MonitorStickyLinkDownLsb] = state_q.link_up && !state.link_up;
  end

  always_ff @(posedge clk_i) begin
    state_q <= state;
    if (fn_i.bdf != '0) bdf_q <= fn_i.bdf;
    if (happens != '0) begin
      sticky_q <= sticky_q | happens;
      for (int n = 0; n < 8; n++) if (happens[n] && !sticky_q[n]) times_q[n] <= time_i;
    end
    if (!rst_ni) begin
      state_q <= '0;
      bdf_q <= '0;
      sticky_q <= '0;
      for (int n = 0; n < 8; n++) times_q[n] <= '0;
    end
  end

  assign sticky_o = sticky_q;
  assign time_o = times_q[select_i];

endmodule
