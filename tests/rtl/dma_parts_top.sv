// SPDX-License-Identifier: MIT
// Parts of the DMA engine side by side, each behind flat ports of its own, at 64 bit.
module dma_parts_top (
  input  logic         clk_i,
  input  logic         rst_ni,

  // ep_dma_fetch
  input  logic         fetch_wide_i,
  input  logic         fetch_enable_i,
  input  logic         fetch_cyclic_i,
  input  logic [63:0]  fetch_base_i,
  input  logic [15:0]  fetch_entries_i,
  input  logic [31:0]  fetch_tail_i,
  input  logic         fetch_flush_i,
  input  logic [15:0]  fetch_restart_i,
  output logic         fetch_idle_o,
  output logic         fetch_valid_o,
  input  logic         fetch_take_i,
  output logic [63:0]  fetch_address_o,
  output logic [8:0]   fetch_bytes_o,
  output logic [8:0]   fetch_destination_o,
  input  logic         fetch_finish_i,
  input  logic [3:0]   fetch_status_i,
  input  logic         fetch_cancel_i,
  input  logic         fetch_place_i,
  input  logic [8:0]   fetch_place_address_i,
  input  logic [63:0]  fetch_place_data_i,
  output logic         descriptor_valid_o,
  output logic [255:0] descriptor_o,
  output logic [3:0]   descriptor_status_o,
  input  logic         descriptor_take_i,

  // ep_dma_channel, number 2
  input  logic         channel_run_i,
  input  logic         channel_c2h_i,
  input  logic         channel_reset_i,
  input  logic         channel_interrupt_i,
  input  logic [31:0]  channel_tail_i,
  input  logic [15:0]  channel_moderation_count_i,
  input  logic [15:0]  channel_moderation_us_i,
  input  logic         channel_microsecond_i,
  output logic         channel_idle_o,
  output logic         channel_stopped_o,
  output logic         channel_resetting_o,
  output logic [3:0]   channel_error_o,
  output logic [31:0]  channel_completed_o,
  output logic [31:0]  channel_bytes_o,
  output logic         channel_transfer_valid_o,
  output logic [63:0]  channel_transfer_address_o,
  output logic [24:0]  channel_transfer_remaining_o,
  output logic [1:0]   channel_transfer_slot_o,
  input  logic         channel_transfer_take_i,
  input  logic [12:0]  channel_transfer_bytes_i,
  input  logic         channel_finish_i,  // of a piece of data
  input  logic [1:0]   channel_finish_slot_i,
  input  logic [3:0]   channel_finish_status_i,
  input  logic         channel_fetched_i,  // the read of descriptors ended well
  output logic         channel_fetch_valid_o,
  input  logic         channel_fetch_take_i,
  output logic [8:0]   channel_fetch_bytes_o,
  output logic [8:0]   channel_fetch_destination_o,
  input  logic         channel_place_i,
  input  logic [8:0]   channel_place_address_i,
  input  logic [63:0]  channel_place_data_i,
  output logic         channel_record_valid_o,
  output logic [31:0]  channel_record_address_o,
  output logic [31:0]  channel_record_cookie_o,
  output logic [31:0]  channel_record_length_o,
  output logic [3:0]   channel_record_status_o,
  output logic         channel_record_phase_o,
  input  logic         channel_record_busy_i,
  input  logic         channel_record_done_i,
  input  logic [15:0]  channel_posted_i,
  input  logic [15:0]  channel_sent_i,
  output logic         channel_event_o,

  // ep_dma_report, four channels
  input  logic [3:0]   report_valid_i,
  input  logic [3:0]   report_abort_i,
  output logic [3:0]   report_busy_o,
  output logic [3:0]   report_done_o,
  output logic         report_out_valid_o,
  input  logic         report_out_ready_i,
  output logic         report_out_eop_o,
  output logic [127:0] report_out_header_o,
  output logic [63:0]  report_out_data_o,

  // ep_heartbeat_reader
  input  logic         beat_run_i,
  input  logic [15:0]  beat_entries_i,
  input  logic [31:0]  beat_period_i,
  output logic         beat_idle_o,
  output logic [31:0]  beat_count_o,
  output logic [31:0]  beat_missed_o,
  output logic [31:0]  beat_mismatches_o,
  output logic [31:0]  beat_failed_o,
  output logic         beat_valid_o,
  input  logic         beat_take_i,
  output logic [63:0]  beat_address_o,
  input  logic         beat_finish_i,
  input  logic [3:0]   beat_status_i,
  input  logic         beat_checked_i,
  input  logic         beat_checked_last_i,
  input  logic [3:0]   beat_wrong_i,

  // ep_pattern_checker
  input  logic         check_valid_i,
  input  logic [7:0]   check_owner_i,
  input  logic [31:0]  check_seed_i,
  input  logic [33:0]  check_offset_i,
  input  logic [7:0]   check_be_i,
  input  logic [63:0]  check_data_i,
  output logic         check_valid_o,
  output logic [7:0]   check_owner_o,
  output logic [3:0]   check_checked_o,
  output logic [3:0]   check_mismatches_o
);

  import ep_pkg::*;

  // ---- Fetch ------------------------------------------------------------------------------------------------------
  channel_config_t fetch_config;
  dma_status_e     descriptor_status;
  always_comb begin
    fetch_config = '0;
    fetch_config.cyclic = fetch_cyclic_i;
    fetch_config.ring_base = fetch_base_i;
    fetch_config.ring_entries = fetch_entries_i;
    fetch_config.tail = fetch_tail_i;
  end
  logic fetch_stale;
  ep_dma_fetch #(.DataWidth(64)) u_fetch (
    .clk_i, .rst_ni, .config_i(fetch_config), .wide_i(fetch_wide_i), .enable_i(fetch_enable_i),
    .flush_i(fetch_flush_i), .restart_index_i(fetch_restart_i), .restart_count_i(32'(fetch_restart_i)),
    .idle_o(fetch_idle_o), .stale_o(fetch_stale),
    .read_valid_o(fetch_valid_o), .read_take_i(fetch_take_i), .read_address_o(fetch_address_o),
    .read_bytes_o(fetch_bytes_o), .read_destination_o(fetch_destination_o),
    .finish_i(fetch_finish_i), .finish_status_i(dma_status_e'(fetch_status_i)), .cancel_i(fetch_cancel_i),
    .place_i(fetch_place_i), .place_address_i(fetch_place_address_i), .place_be_i(8'hff),
    .place_data_i(fetch_place_data_i),
    .descriptor_valid_o, .descriptor_o, .descriptor_status_o(descriptor_status), .descriptor_take_i
  );
  assign descriptor_status_o = descriptor_status;

  // ---- Channel ----------------------------------------------------------------------------------------------------
  channel_config_t channel_config;
  channel_status_t channel_status;
  transfer_t       transfer;
  record_t         record;
  read_finish_t    finish;
  piece_done_t     written;
  logic            channel_abort;
  logic [63:0]     channel_fetch_address;
  always_comb begin
    channel_config = '0;
    channel_config.run = channel_run_i;
    channel_config.c2h = channel_c2h_i;
    channel_config.reset = channel_reset_i;
    channel_config.interrupt_enable = channel_interrupt_i;
    channel_config.ring_base = 64'h1000;
    channel_config.ring_entries = 16'd8;
    channel_config.tail = channel_tail_i;
    channel_config.completion_base = 64'h2000;
    channel_config.moderation_count = channel_moderation_count_i;
    channel_config.moderation_us = channel_moderation_us_i;
    finish = '{valid: (channel_finish_i && !channel_c2h_i) || channel_fetched_i,
               kind: channel_fetched_i ? ReadDescriptor : ReadData, channel: 3'd2, slot: channel_finish_slot_i,
               status: channel_fetched_i ? DmaOk : dma_status_e'(channel_finish_status_i)};
    written = '{valid: channel_finish_i && channel_c2h_i, channel: 3'd2, slot: channel_finish_slot_i};
  end
  ep_dma_channel #(.DataWidth(64), .Index(2)) u_channel (
    .clk_i, .rst_ni, .config_i(channel_config), .status_o(channel_status), .microsecond_i(channel_microsecond_i),
    .wide_fetch_i(1'b1),
    .transfer_valid_o(channel_transfer_valid_o), .transfer_o(transfer), .transfer_take_i(channel_transfer_take_i),
    .transfer_bytes_i(channel_transfer_bytes_i), .abort_o(channel_abort),
    .finish_i(finish), .cancel_i('0), .extra_i('0), .written_i(written), .writing_i(1'b0),
    .fetch_valid_o(channel_fetch_valid_o), .fetch_take_i(channel_fetch_take_i),
    .fetch_address_o(channel_fetch_address), .fetch_bytes_o(channel_fetch_bytes_o),
    .fetch_destination_o(channel_fetch_destination_o),
    .place_i(channel_place_i), .place_address_i(channel_place_address_i), .place_be_i(8'hff),
    .place_data_i(channel_place_data_i),
    .record_valid_o(channel_record_valid_o), .record_o(record), .record_busy_i(channel_record_busy_i),
    .record_done_i(channel_record_done_i),
    .checked_i(1'b0), .checked_bytes_i('0), .checked_mismatches_i('0),
    .posted_count_i(channel_posted_i), .posted_sent_i(channel_sent_i), .event_valid_o(channel_event_o),
    .event_ready_i(1'b1)
  );
  assign channel_idle_o = channel_status.idle;
  assign channel_stopped_o = channel_status.stopped;
  assign channel_resetting_o = channel_status.resetting;
  assign channel_error_o = channel_status.error;
  assign channel_completed_o = channel_status.completed[31:0];
  assign channel_bytes_o = channel_status.bytes[31:0];
  assign channel_transfer_address_o = transfer.host_address;
  assign channel_transfer_remaining_o = transfer.remaining;
  assign channel_transfer_slot_o = transfer.slot;
  assign channel_record_address_o = record.address[31:0];
  assign channel_record_cookie_o = record.cookie;
  assign channel_record_length_o = record.length;
  assign channel_record_status_o = record.status;
  assign channel_record_phase_o = record.phase;

  // ---- Report -----------------------------------------------------------------------------------------------------
  record_t [3:0] records;
  always_comb begin
    for (int unsigned c = 0; c < 4; c++) begin
      records[c] = '{address: 64'h8000 + 64'(c) * 64'h100, cookie: 32'hC00C_1E00 + c, length: 32'd100 + c,
                     phase: c[0], status: 4'(c), sequence_number: 32'd7000 + c};
    end
  end
  ep_dma_report #(.DataWidth(64), .ChannelCount(4)) u_report (
    .clk_i, .rst_ni, .valid_i(report_valid_i), .record_i(records), .abort_i(report_abort_i), .busy_o(report_busy_o),
    .done_o(report_done_o), .out_valid_o(report_out_valid_o), .out_ready_i(report_out_ready_i),
    .out_eop_o(report_out_eop_o), .out_header_o(report_out_header_o), .out_data_o(report_out_data_o)
  );

  // ---- Heartbeat reader -------------------------------------------------------------------------------------------
  heartbeat_reader_config_t beat_config;
  heartbeat_reader_status_t beat_status;
  read_finish_t             beat_finish;
  logic [15:0]              beat_cell;
  assign beat_config = '{run: beat_run_i, ring_base: 64'h1_0000_0000, ring_entries: beat_entries_i,
                         period: beat_period_i, seed: 32'd0};
  assign beat_finish = '{valid: beat_finish_i, kind: ReadHeartbeat, channel: '0, slot: '0,
                         status: dma_status_e'(beat_status_i)};
  ep_heartbeat_reader #(.DataWidth(64)) u_beat (
    .clk_i, .rst_ni, .config_i(beat_config), .status_o(beat_status), .read_valid_o(beat_valid_o),
    .read_take_i(beat_take_i), .read_address_o(beat_address_o), .read_cell_o(beat_cell), .sent_i(beat_take_i),
    .finish_i(beat_finish), .checked_i(beat_checked_i), .checked_last_i(beat_checked_last_i),
    .checked_mismatches_i(beat_wrong_i)
  );
  assign beat_idle_o = beat_status.idle;
  assign beat_count_o = beat_status.count[31:0];
  assign beat_missed_o = beat_status.missed;
  assign beat_mismatches_o = beat_status.mismatches;
  assign beat_failed_o = beat_status.failed;

  // ---- Pattern checker --------------------------------------------------------------------------------------------
  ep_pattern_checker #(.DataWidth(64), .owner_t(logic [7:0])) u_check (
    .clk_i, .rst_ni, .valid_i(check_valid_i), .owner_i(check_owner_i), .seed_i(check_seed_i),
    .offset_i(check_offset_i), .be_i(check_be_i), .data_i(check_data_i), .valid_o(check_valid_o),
    .owner_o(check_owner_o), .checked_o(check_checked_o), .mismatches_o(check_mismatches_o)
  );

  logic unused;
  assign unused = ^{fetch_stale, channel_abort, channel_fetch_address, transfer, record, channel_status, beat_status,
                    beat_cell};

endmodule
