// SPDX-License-Identifier: MIT
// What a board can tell about its own past. Only the fundamental reset clears it. Wiring and counters; see the parts.
module ep_monitor
  import ep_pkg::*, ep_reg_pkg::*;
(
  input  logic              clk_i,
  input  logic              rst_ni,  // fundamental
  input  logic [63:0]       time_i,

  input  function_config_t  fn_i,
  input  logic              hot_reset_i,
  input  logic              link_up_i,
  input  config_write_t     config_write_i,
  input  monitor_pulses_t   pulses_i,

  // Interrupt events inside the endpoint, and messages that left ep_msix.
  input  logic              tap_valid_i,
  input  logic [4:0]        tap_vector_i,
  input  logic              tap_coalesced_i,
  input  logic              message_sent_i,
  input  logic [4:0]        message_vector_i,

  input  register_request_t register_i,
  output logic [31:0]       register_rdata_o
);

  localparam logic [15:0] StickyTimesEnd =
      MonitorStickyTimeLo + 16'(MonitorStickyTimeLoCount * MonitorStickyTimeLoStride);
  localparam logic [15:0] VectorsEnd = MonitorEvents + 16'(MonitorEventsCount * MonitorEventsStride);

  logic selected, reads;
  assign selected = register_i.valid && register_i.offset[15:12] == MonitorBase[15:12];
  assign reads = selected && !register_i.write;

  // ---- Counters of TLPs --------------------------------------------------------------------------------------------

  logic [31:0] tx_writes_q, tx_reads_q, tx_completions_q, rx_writes_q, rx_reads_q, rx_completions_q, rx_bad_q;
  logic [31:0] timeouts_q, config_writes_q;

  always_ff @(posedge clk_i) begin
    if (pulses_i.tx_write) tx_writes_q <= tx_writes_q + 32'd1;
    if (pulses_i.tx_read) tx_reads_q <= tx_reads_q + 32'd1;
    if (pulses_i.tx_completion) tx_completions_q <= tx_completions_q + 32'd1;
    if (pulses_i.rx_write) rx_writes_q <= rx_writes_q + 32'd1;
    if (pulses_i.rx_read) rx_reads_q <= rx_reads_q + 32'd1;
    if (pulses_i.rx_completion) rx_completions_q <= rx_completions_q + 32'd1;
    if (pulses_i.rx_bad_completion) rx_bad_q <= rx_bad_q + 32'd1;
    if (pulses_i.read_timeout) timeouts_q <= timeouts_q + 32'd1;
    if (config_write_i.valid) config_writes_q <= config_writes_q + 32'd1;
    if (!rst_ni) begin
      tx_writes_q <= '0;
      tx_reads_q <= '0;
      tx_completions_q <= '0;
      rx_writes_q <= '0;
      rx_reads_q <= '0;
      rx_completions_q <= '0;
      rx_bad_q <= '0;
      timeouts_q <= '0;
      config_writes_q <= '0;
    end
  end

  // ---- Longest silence between two heartbeat records ---------------------------------------------------------------

  logic [31:0] longest_q, silence_q;
  logic        has_record_q;

  always_ff @(posedge clk_i) begin
    if (silence_q != '1) silence_q <= silence_q + 32'd1;
    if (pulses_i.heartbeat_accepted) begin
      if (has_record_q && silence_q > longest_q) longest_q <= silence_q;
      has_record_q <= 1'b1;
      silence_q <= 32'd1;
    end
    if (pulses_i.heartbeat_start) begin
      longest_q <= '0;
      has_record_q <= 1'b0;
    end
    if (!rst_ni) begin
      longest_q <= '0;
      silence_q <= '0;
      has_record_q <= 1'b0;
    end
  end

  // ---- Parts with memory -------------------------------------------------------------------------------------------

  logic [7:0]  sticky;
  logic [63:0] sticky_time;
  logic [31:0] log_rdata, vector_rdata;

  ep_monitor_sticky u_sticky (
    .clk_i,
    .rst_ni,
    .time_i,
    .fn_i,
    .hot_reset_i,
    .link_up_i,
    .sticky_o(sticky),
    .select_i(register_i.offset[5:3] - MonitorStickyTimeLo[5:3]),
    .time_o(sticky_time)
  );

  ep_monitor_log u_log (
    .clk_i,
    .rst_ni,
    .time_i,
    .config_write_i,
    .selected_i(selected),
    .register_i,
    .register_rdata_o(log_rdata)
  );

  ep_monitor_vectors u_vectors (
    .clk_i,
    .rst_ni,
    .tap_valid_i,
    .tap_vector_i,
    .tap_coalesced_i,
    .message_sent_i,
    .message_vector_i,
    .read_i(reads && register_i.offset >= MonitorEvents && register_i.offset < VectorsEnd),
    .read_offset_i(register_i.offset[8:2]),
    .register_rdata_o(vector_rdata)
  );

  // ---- Registers ---------------------------------------------------------------------------------------------------

  logic        is_sticky_time;
  logic [31:0] rdata_q;
  assign is_sticky_time = register_i.offset >= MonitorStickyTimeLo && register_i.offset < StickyTimesEnd;

  always_ff @(posedge clk_i) begin
    rdata_q <= '0;
    if (reads) begin
      if (is_sticky_time) begin
        rdata_q <= register_i.offset[2] == MonitorStickyTimeLo[2] ? sticky_time[31:0] : sticky_time[63:32];
      end else begin
        unique case (register_i.offset)
          MonitorSticky: rdata_q <= {24'd0, sticky};
          MonitorTxWrites: rdata_q <= tx_writes_q;
          MonitorTxReads: rdata_q <= tx_reads_q;
          MonitorTxCompletions: rdata_q <= tx_completions_q;
          MonitorRxWrites: rdata_q <= rx_writes_q;
          MonitorRxReads: rdata_q <= rx_reads_q;
          MonitorRxCompletions: rdata_q <= rx_completions_q;
          MonitorRxBadCompletions: rdata_q <= rx_bad_q;
          MonitorTimeouts: rdata_q <= timeouts_q;
          MonitorConfigWrites: rdata_q <= config_writes_q;
          MonitorLongestSilence: rdata_q <= longest_q;
          default: ;
        endcase
      end
    end
    if (!rst_ni) rdata_q <= '0;
  end

  assign register_rdata_o = rdata_q | log_rdata | vector_rdata;

endmodule
