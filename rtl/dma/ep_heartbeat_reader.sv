// SPDX-License-Identifier: MIT
// Reads one cell of a host table every period and counts what comes back: arrived, wrong, failed. Reads that were not
// issued wait in order, up to ep_pkg::HeartbeatQueue of them; where there would be more the oldest is dropped, its cell
// skipped. With RUN = 0 a read that was not issued never is; a new run begins when every read of the last one has ended.
module ep_heartbeat_reader #(
  parameter int unsigned DataWidth = 256,
  localparam int unsigned CountBits = $clog2(DataWidth / 8 + 1)
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  input  ep_pkg::heartbeat_reader_config_t config_i,
  output ep_pkg::heartbeat_reader_status_t status_o,

  output logic                             read_valid_o,
  input  logic                             read_take_i,
  output logic [63:0]                      read_address_o,
  output logic [15:0]                      read_cell_o,
  input  logic                             sent_i,  // pulse: a taken read became a request that will finish

  input  ep_pkg::read_finish_t             finish_i,
  input  logic                             checked_i,  // a beat of ours was compared
  input  logic                             checked_last_i,
  input  logic [CountBits-1:0]             checked_mismatches_i
);

  localparam int unsigned QueueBits = $clog2(ep_pkg::HeartbeatQueue + 1);

  logic                 running_q;
  logic [31:0]          countdown_q;
  logic [QueueBits-1:0] due_q;   // reads that wait to be issued
  logic [15:0]          cell_q;  // of the oldest of them, or else of the next
  logic [9:0]           flying_q;
  logic [63:0]          count_q;
  logic [31:0]          missed_q, mismatches_q, failed_q;
  logic                 wrong_q;

  logic        start, deadline, drop, finished;
  logic [31:0] period;

  assign period = config_i.period < 32'd16 ? 32'd16 : config_i.period;
  assign start = config_i.run && !running_q && due_q == '0 && flying_q == '0;
  assign deadline = countdown_q == 32'd1;
  assign finished = finish_i.valid && finish_i.kind == ep_pkg::ReadHeartbeat;
  assign drop = deadline && due_q == QueueBits'(ep_pkg::HeartbeatQueue) && !read_take_i;
  assign read_valid_o = due_q != '0 && config_i.run && running_q;
  assign read_address_o = config_i.ring_base + {43'd0, cell_q, 5'd0};
  assign read_cell_o = cell_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      running_q <= 1'b0;
      countdown_q <= '0;
      cell_q <= '0;
      due_q <= '0;
      flying_q <= '0;
      count_q <= '0;
      missed_q <= '0;
      mismatches_q <= '0;
      failed_q <= '0;
      wrong_q <= 1'b0;
    end else begin
      running_q <= config_i.run && (running_q || start);
      flying_q <= flying_q + 10'(sent_i) - 10'(finished);
      if (finished && finish_i.status == ep_pkg::DmaOk) count_q <= count_q + 1'b1;
      if (finished && finish_i.status != ep_pkg::DmaOk) failed_q <= failed_q + 1'b1;
      if (checked_i) begin
        wrong_q <= checked_last_i ? 1'b0 : (wrong_q || checked_mismatches_i != '0);
        if (checked_last_i && (wrong_q || checked_mismatches_i != '0)) mismatches_q <= mismatches_q + 1'b1;
      end
      if (start) begin
        countdown_q <= period;
        cell_q <= '0;
        count_q <= '0;
        missed_q <= '0;
        mismatches_q <= '0;
        failed_q <= '0;
      end else if (!config_i.run || !running_q) begin
        countdown_q <= '0;
        due_q <= '0;
      end else begin
        countdown_q <= deadline ? period : countdown_q - 1'b1;
        due_q <= due_q + QueueBits'(deadline && !drop) - QueueBits'(read_take_i);
        if (drop) missed_q <= missed_q + 1'b1;
        if (read_take_i || drop) cell_q <= cell_q + 16'd1 >= config_i.ring_entries ? '0 : cell_q + 16'd1;
      end
    end
  end

  assign status_o = '{
    idle: !config_i.run && !running_q && due_q == '0 && flying_q == '0,
    count: count_q, missed: missed_q, mismatches: mismatches_q, failed: failed_q
  };

endmodule
