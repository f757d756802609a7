// SPDX-License-Identifier: MIT
// The latest configuration writes, each with its time: entry n of the memory is write number n modulo 64.
module ep_monitor_log
  import ep_pkg::*, ep_reg_pkg::*, ep_register_bus_pkg::*;
(
  input  logic              clk_i,
  input  logic              rst_ni,  // fundamental
  input  logic [63:0]       time_i,
  input  config_write_t     config_write_i,

  input  logic              selected_i,  // register_i is an access to the MONITOR block
  input  register_request_t register_i,
  output logic [31:0]       register_rdata_o
);

  localparam int unsigned Entries = 2 ** MonitorLogSelectEntryWidth;
  localparam int unsigned IndexBits = MonitorLogSelectEntryWidth;

  typedef struct packed {
    logic [63:0] at;
    logic [11:0] offset;
    logic [3:0]  byte_enables;
    logic [31:0] data;
  } entry_t;

  entry_t               log_q [Entries];
  entry_t               selected, wdata;
  logic [IndexBits-1:0] next_q, select_q, windex;
  logic [IndexBits:0]   cleared_q;  // entries cleared since fundamental reset
  logic                 clears, write;
  logic [31:0]          rdata_q, time_high_q;

  // The memory has no reset: entries are cleared one by one after it, long before the first configuration write can
  // come.
  assign clears = !cleared_q[IndexBits];
  assign write = clears || config_write_i.valid;
  assign windex = clears ? cleared_q[IndexBits-1:0] : next_q;
  assign wdata = clears ? '0 : '{
    at: time_i,
    offset: config_write_i.offset,
    byte_enables: config_write_i.byte_enables,
    data: config_write_i.data
  };
  assign selected = log_q[select_q];

  always_ff @(posedge clk_i) begin
    if (write) log_q[windex] <= wdata;
    if (clears) cleared_q <= cleared_q + 1'b1;
    else if (config_write_i.valid) next_q <= next_q + 1'b1;

    rdata_q <= '0;
    if (selected_i && register_i.write && register_i.offset == MonitorLogSelect) begin
      select_q <= IndexBits'(written({26'd0, select_q}, register_i));
    end
    if (selected_i && !register_i.write) begin
      unique case (register_i.offset)
        MonitorLogSelect: rdata_q <= {26'd0, select_q};
        MonitorLogTimeLo: begin
          rdata_q <= selected.at[31:0];
          time_high_q <= selected.at[63:32];
        end
        MonitorLogTimeHi: rdata_q <= time_high_q;
        MonitorLogWhere: begin
          rdata_q[MonitorLogWhereOffsetLsb+:MonitorLogWhereOffsetWidth] <= selected.offset;
          rdata_q[MonitorLogWhereByteEnablesLsb+:MonitorLogWhereByteEnablesWidth] <= selected.byte_enables;
        end
        MonitorLogData: rdata_q <= selected.data;
        default: ;
      endcase
    end
    if (!rst_ni) begin
      cleared_q <= '0;
      next_q <= '0;
      select_q <= '0;
      rdata_q <= '0;
      time_high_q <= '0;
    end
  end

  assign register_rdata_o = rdata_q;

endmodule
