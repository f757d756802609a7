// SPDX-License-Identifier: MIT
// The endpoint's small parts side by side, each behind ports of its own.
module parts_top (
  input  logic         clk_i,
  input  logic         rst_ni,

  input  logic         fifo_in_valid_i,
  output logic         fifo_in_ready_o,
  input  logic [31:0]  fifo_in_beat_i,
  output logic         fifo_out_valid_o,
  input  logic         fifo_out_ready_i,
  output logic [31:0]  fifo_out_beat_o,

  input  logic         register_in_valid_i,
  output logic         register_in_ready_o,
  input  logic [31:0]  register_in_beat_i,
  output logic         register_out_valid_o,
  input  logic         register_out_ready_i,
  output logic [31:0]  register_out_beat_o,

  input  logic [4:0]   turn_request_i,
  output logic         turn_any_o,
  output logic [2:0]   turn_index_o,
  input  logic         turn_take_i,

  input  logic [11:0]  split_address_i,
  input  logic [24:0]  split_remaining_i,
  input  logic [2:0]   split_limit_i,
  output logic [12:0]  split_bytes_o,

  input  logic         pattern_valid_i,
  input  logic [31:0]  pattern_key_i,
  input  logic [33:0]  pattern_offset_i,
  output logic [255:0] pattern_data_o,

  input  logic         memory_wipe_i,
  output logic         memory_wiped_o,
  input  logic         memory_write_i,
  input  logic [11:0]  memory_write_address_i,
  input  logic [31:0]  memory_write_be_i,
  input  logic [255:0] memory_write_data_i,
  input  logic         memory_read_i,
  input  logic [11:0]  memory_read_address_i,
  output logic [255:0] memory_read_data_o,

  input  logic         announce_trigger_i,
  input  logic [15:0]  announce_count_i,
  input  logic [15:0]  announce_sent_i,
  output logic         announce_valid_o,
  input  logic         announce_ready_i,

  input  logic         tags_clear_i,
  output logic         tags_clear_done_o,
  input  logic         tags_extended_i,
  input  logic [31:0]  tags_timeout_i,
  input  logic         tags_timeout_disable_i,
  input  logic [31:0]  tags_now_i,
  output logic         tags_valid_o,
  output logic [7:0]   tags_tag_o,
  input  logic         tags_take_i,
  input  logic [12:0]  tags_bytes_i,
  input  logic [7:0]   tags_lookup_i,
  output logic         tags_busy_o,
  output logic         tags_quarantine_o,
  output logic [12:0]  tags_remaining_o,
  input  logic         tags_update_i,
  input  logic [12:0]  tags_update_remaining_i,
  input  logic         tags_update_last_i,
  input  logic         tags_packet_goes_on_i,  // the completion has more beats
  output logic         tags_timeout_o,
  output logic         tags_pending_o,

  input  logic         beat_run_i,
  input  logic         beat_interrupt_i,
  input  logic [15:0]  beat_entries_i,
  input  logic [31:0]  beat_period_i,
  input  logic [31:0]  beat_every_i,
  input  logic [63:0]  beat_time_i,
  output logic         beat_valid_o,
  input  logic         beat_ready_i,
  output logic         beat_eop_o,
  output logic [31:0]  beat_address_o,
  output logic [63:0]  beat_data_o,
  output logic [63:0]  beat_sequence_o,
  output logic [31:0]  beat_missed_o,
  input  logic [15:0]  beat_posted_count_i,
  input  logic [15:0]  beat_posted_sent_i,
  output logic         beat_event_o
);

  ep_stream_fifo #(.beat_t(logic [31:0]), .DepthLog2(2)) u_fifo (
    .clk_i, .rst_ni, .in_valid_i(fifo_in_valid_i), .in_ready_o(fifo_in_ready_o), .in_beat_i(fifo_in_beat_i),
    .out_valid_o(fifo_out_valid_o), .out_ready_i(fifo_out_ready_i), .out_beat_o(fifo_out_beat_o)
  );

  ep_stream_register #(.beat_t(logic [31:0])) u_register (
    .clk_i, .rst_ni, .in_valid_i(register_in_valid_i), .in_ready_o(register_in_ready_o),
    .in_beat_i(register_in_beat_i), .out_valid_o(register_out_valid_o), .out_ready_i(register_out_ready_i),
    .out_beat_o(register_out_beat_o)
  );

  ep_round_robin #(.Count(5)) u_turn (
    .clk_i, .rst_ni, .request_i(turn_request_i), .any_o(turn_any_o), .index_o(turn_index_o), .take_i(turn_take_i)
  );

  ep_dma_splitter u_splitter (
    .address_i(split_address_i), .remaining_i(split_remaining_i), .limit_i(split_limit_i), .bytes_o(split_bytes_o)
  );

  ep_pattern #(.DataWidth(256)) u_pattern (
    .clk_i, .valid_i(pattern_valid_i), .key_i(pattern_key_i), .offset_i(pattern_offset_i), .data_o(pattern_data_o)
  );

  ep_card_memory #(.DataWidth(256), .Bytes(4096)) u_memory (
    .clk_i, .wipe_i(memory_wipe_i), .wiped_o(memory_wiped_o), .write_i(memory_write_i),
    .write_address_i(memory_write_address_i), .write_be_i(memory_write_be_i), .write_data_i(memory_write_data_i),
    .read_i(memory_read_i), .read_address_i(memory_read_address_i), .read_data_o(memory_read_data_o)
  );

  ep_announce u_announce (
    .clk_i, .rst_ni, .trigger_i(announce_trigger_i), .posted_count_i(announce_count_i),
    .posted_sent_i(announce_sent_i), .event_valid_o(announce_valid_o), .event_ready_i(announce_ready_i)
  );

  ep_pkg::read_context_t context_in, context_out, context_timeout;
  logic                  poisoned;
  always_comb begin
    context_in = '0;
    context_in.bytes = tags_bytes_i;
  end
  ep_tlp_tags u_tags (
    .clk_i, .rst_ni, .clear_i(tags_clear_i), .clear_done_o(tags_clear_done_o), .extended_tag_i(tags_extended_i),
    .timeout_i(tags_timeout_i), .timeout_disable_i(tags_timeout_disable_i), .now_i(tags_now_i), .tag_valid_o(tags_valid_o), .tag_o(tags_tag_o),
    .take_i(tags_take_i), .context_i(context_in), .lookup_tag_i(tags_lookup_i), .lookup_context_o(context_out),
    .lookup_busy_o(tags_busy_o), .lookup_quarantine_o(tags_quarantine_o), .lookup_remaining_o(tags_remaining_o),
    .lookup_poisoned_o(poisoned), .update_i(tags_update_i), .update_remaining_i(tags_update_remaining_i),
    .update_poisoned_i(1'b0), .update_last_i(tags_update_last_i), .packet_end_i(!tags_packet_goes_on_i), .sweep_i(1'b1), .timeout_o(tags_timeout_o),
    .timeout_context_o(context_timeout), .pending_o(tags_pending_o)
  );

  ep_pkg::heartbeat_writer_config_t beat_config;
  ep_pkg::heartbeat_writer_status_t beat_status;
  ep_tlp_pkg::request_t             beat_header;
  logic                             beat_start, beat_accepted;
  assign beat_config = '{
    run: beat_run_i, interrupt_enable: beat_interrupt_i, ring_base: 64'h1000_0000, ring_entries: beat_entries_i,
    period: beat_period_i, vector: 5'd0, interrupt_every: beat_every_i
  };
  // Four beats to a record: it can be under way when its period ends.
  ep_heartbeat_writer #(.DataWidth(64)) u_heartbeat_writer (
    .clk_i, .rst_ni, .config_i(beat_config), .status_o(beat_status), .time_i(beat_time_i),
    .out_valid_o(beat_valid_o), .out_ready_i(beat_ready_i), .out_eop_o(beat_eop_o), .out_header_o(beat_header),
    .out_data_o(beat_data_o), .posted_count_i(beat_posted_count_i), .posted_sent_i(beat_posted_sent_i),
    .event_valid_o(beat_event_o), .event_ready_i(1'b1), .start_o(beat_start), .accepted_o(beat_accepted)
  );
  assign beat_address_o = beat_header.dw2;
  assign beat_sequence_o = beat_status.sequence_number;
  assign beat_missed_o = beat_status.missed;

  logic unused;
  assign unused = ^{context_out, context_timeout, poisoned, beat_header, beat_start, beat_accepted};

endmodule
