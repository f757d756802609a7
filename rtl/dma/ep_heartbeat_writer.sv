// SPDX-License-Identifier: MIT
// Writes a numbered, time-stamped record into a host ring every period. Deadlines are absolute: they never wait for a
// record. Records that have not begun to leave wait in order, up to ep_pkg::HeartbeatQueue of them behind the next;
// where there would be more the oldest of these is dropped, its number used up. With RUN = 0 a record that has not begun
// to leave never does, and its number is not used.
module ep_heartbeat_writer #(
  parameter int unsigned DataWidth = 256
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  input  ep_pkg::heartbeat_writer_config_t config_i,
  output ep_pkg::heartbeat_writer_status_t status_o,
  input  logic [63:0]                      time_i,

  output logic                             out_valid_o,
  input  logic                             out_ready_i,
  output logic                             out_eop_o,
  output ep_tlp_pkg::header_t              out_header_o,
  output logic [DataWidth-1:0]             out_data_o,

  input  logic [15:0]                      posted_count_i,
  input  logic [15:0]                      posted_sent_i,
  output logic                             event_valid_o,
  input  logic                             event_ready_i,

  output logic                             start_o,    // pulse: RUN went to 1
  output logic                             accepted_o  // pulse: a record began to leave
);

  localparam int unsigned Beats = DataWidth >= 256 ? 1 : 256 / DataWidth;
  localparam int unsigned QueueBits = $clog2(ep_pkg::HeartbeatQueue + 1);
  localparam int unsigned BeatBits = Beats > 1 ? $clog2(Beats) : 1;

  logic                 run_q;
  logic [31:0]          countdown_q;
  logic [63:0]          sequence_q;
  logic [31:0]          missed_q;
  logic [QueueBits-1:0] due_q;       // records that wait behind the next one to leave
  logic [63:0]          due_time_q;  // deadline and slot of the oldest of them
  logic [15:0]          due_slot_q;
  logic                 pending_q;
  logic [BeatBits-1:0]  beat_q;
  logic [255:0]         record_q;
  logic [63:0]          address_q;
  logic [31:0]          every_q;
  logic                 announce_q;

  logic start, deadline, accept, finish, open, load, drop;
  logic [31:0] period;

  assign period = config_i.period < 32'd16 ? 32'd16 : config_i.period;
  assign start = config_i.run && !run_q;
  assign deadline = countdown_q == 32'd1;
  assign open = pending_q && beat_q != '0;
  assign accept = out_valid_o && out_ready_i && beat_q == '0;
  assign finish = out_valid_o && out_ready_i && out_eop_o;

  assign load = due_q != '0 && (!pending_q || finish);
  assign drop = deadline && due_q == QueueBits'(ep_pkg::HeartbeatQueue) && !load;

  assign out_valid_o = pending_q && (open || config_i.run);
  assign out_eop_o = beat_q == BeatBits'(Beats - 1);
  assign out_header_o = ep_pkg::memory_request(1'b1, address_q, 10'd8, 4'b1111, 4'b1111, 8'd0);
  if (Beats == 1) begin : gen_one_beat
    assign out_data_o = DataWidth'(record_q);
  end else begin : gen_beats
    assign out_data_o = record_q[DataWidth*beat_q +: DataWidth];
  end

  logic [63:0] sequence_number;
  assign sequence_number = sequence_q - 64'(due_q);

  always_ff @(posedge clk_i) begin
    announce_q <= 1'b0;
    start_o <= start;
    accepted_o <= accept;
    if (!rst_ni) begin
      run_q <= 1'b0;
      countdown_q <= '0;
      sequence_q <= '0;
      missed_q <= '0;
      pending_q <= 1'b0;
      beat_q <= '0;
      due_q <= '0;
      every_q <= '0;
    end else begin
      run_q <= config_i.run;
      if (out_valid_o && out_ready_i) beat_q <= out_eop_o ? '0 : beat_q + 1'b1;
      if (finish) begin
        pending_q <= 1'b0;
        every_q <= every_q + 1'b1;
        if (every_q + 32'd1 >= config_i.interrupt_every) begin
          every_q <= '0;
          announce_q <= config_i.interrupt_enable;
        end
      end
      if (start) begin
        countdown_q <= period;
        sequence_q <= '0;
        missed_q <= '0;
        due_slot_q <= '0;
        every_q <= '0;
      end else if (!config_i.run) begin
        countdown_q <= '0;
        due_q <= '0;
        sequence_q <= sequence_number - 64'(pending_q && !open);
        if (!open) pending_q <= 1'b0;
      end else begin
        countdown_q <= deadline ? period : countdown_q - 1'b1;
        due_q <= due_q + QueueBits'(deadline && !drop) - QueueBits'(load);
        if (deadline) sequence_q <= sequence_q + 1'b1;
        if (drop) missed_q <= missed_q + 1'b1;
        if (load) pending_q <= 1'b1;
        if (load || drop) due_slot_q <= due_slot_q + 16'd1 >= config_i.ring_entries ? '0 : due_slot_q + 16'd1;
      end
    end
    if (deadline && due_q == '0) due_time_q <= time_i;
    else if (load || drop) due_time_q <= due_time_q + 64'(period);
    if (load) begin
      address_q <= config_i.ring_base + {43'd0, due_slot_q, 5'd0};
      record_q <= {~(sequence_number ^ due_time_q), period, missed_q, due_time_q, sequence_number};
    end
  end

  assign status_o = '{sequence_number: sequence_q, missed: missed_q};

  ep_announce u_announce (
    .clk_i, .rst_ni, .trigger_i(announce_q), .posted_count_i, .posted_sent_i, .event_valid_o, .event_ready_i
  );

endmodule
