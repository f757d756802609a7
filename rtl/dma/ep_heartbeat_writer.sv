// SPDX-License-Identifier: MIT
// Writes a numbered, time-stamped record into a host ring every period. Deadlines are absolute: they never wait for a
// record. A record that was not accepted within one period is dropped, its number used up. With RUN = 0 a record that
// has not begun to leave never does, and its number is not used.
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
  localparam int unsigned BeatBits = Beats > 1 ? $clog2(Beats) : 1;

  logic                run_q;
  logic [31:0]         countdown_q;
  logic [63:0]         sequence_q;
  logic [31:0]         missed_q;
  logic [15:0]         slot_q;
  logic                pending_q;
  logic [BeatBits-1:0] beat_q;
  logic [255:0]        record_q;
  logic [63:0]         address_q;
  logic [31:0]         every_q;
  logic                announce_q;

  logic start, deadline, accept, finish, open;
  logic [31:0] period;

  assign period = config_i.period < 32'd16 ? 32'd16 : config_i.period;
  assign start = config_i.run && !run_q;
  assign deadline = countdown_q == 32'd1;
  assign open = pending_q && beat_q != '0;
  assign accept = out_valid_o && out_ready_i && beat_q == '0;
  assign finish = out_valid_o && out_ready_i && out_eop_o;

  // A record whose period is over is withdrawn in the clock of the next deadline.
  assign out_valid_o = pending_q && (open || (config_i.run && !deadline));
  assign out_eop_o = beat_q == BeatBits'(Beats - 1);
  assign out_header_o = ep_pkg::memory_request(1'b1, address_q, 10'd8, 4'b1111, 4'b1111, 8'd0);
  if (Beats == 1) begin : gen_one_beat
    assign out_data_o = DataWidth'(record_q);
  end else begin : gen_beats
    assign out_data_o = record_q[DataWidth*beat_q +: DataWidth];
  end

  logic [31:0] missed;
  assign missed = missed_q + 32'(deadline && pending_q && !finish);

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
      slot_q <= '0;
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
        slot_q <= '0;
        every_q <= '0;
      end else if (!config_i.run) begin
        countdown_q <= '0;
        if (pending_q && !open) begin
          pending_q <= 1'b0;
          sequence_q <= sequence_q - 1'b1;
        end
      end else if (deadline) begin
        countdown_q <= period;
        missed_q <= missed;
        if (!open || finish) pending_q <= 1'b1;
        sequence_q <= sequence_q + 1'b1;
        slot_q <= slot_q + 16'd1 >= config_i.ring_entries ? '0 : slot_q + 16'd1;
      end else begin
        countdown_q <= countdown_q - 1'b1;
      end
    end
    if (deadline && !(open && !finish)) begin
      address_q <= config_i.ring_base + {43'd0, slot_q, 5'd0};
      record_q <= {~(sequence_q ^ time_i), period, missed, time_i, sequence_q};
    end
  end

  assign status_o = '{sequence_number: sequence_q, missed: missed_q};

  ep_announce u_announce (
    .clk_i, .rst_ni, .trigger_i(announce_q), .posted_count_i, .posted_sent_i, .event_valid_o, .event_ready_i
  );

endmodule
