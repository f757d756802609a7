// SPDX-License-Identifier: MIT
// What makes, orders and answers requests, each part behind flat ports of its own, at 64 bit with four channels.
module request_parts_top (
  input  logic         clk_i,
  input  logic         rst_ni,

  // ep_dma_reader
  input  logic [2:0]   reader_max_read_request_i,
  input  logic         reader_heartbeat_i,
  output logic         reader_heartbeat_take_o,
  input  logic [3:0]   reader_fetch_i,
  output logic [3:0]   reader_fetch_take_o,
  input  logic [3:0]   reader_data_i,
  output logic [3:0]   reader_data_take_o,
  output logic [12:0]  reader_data_bytes_o,
  input  logic [63:0]  reader_address_i,   // of every channel's transfer
  input  logic [24:0]  reader_remaining_i,
  input  logic [3:0]   reader_abort_i,
  output logic         reader_cancel_o,
  output logic         reader_extra_o,
  input  logic         reader_tag_valid_i,
  input  logic [7:0]   reader_tag_i,
  output logic         reader_tag_take_o,
  output logic [12:0]  reader_context_bytes_o,
  output logic [1:0]   reader_context_kind_o,
  output logic [2:0]   reader_context_channel_o,
  output logic         reader_valid_o,
  input  logic         reader_ready_i,
  output logic         reader_urgent_o,
  output logic [127:0] reader_header_o,

  // ep_dma_writer; card memory answers with its address
  input  logic [2:0]   writer_max_payload_i,
  input  logic [3:0]   writer_data_i,
  output logic [3:0]   writer_data_take_o,
  output logic [12:0]  writer_data_bytes_o,
  input  logic [63:0]  writer_address_i,
  input  logic [33:0]  writer_card_address_i,
  input  logic [24:0]  writer_remaining_i,
  input  logic [3:0]   writer_abort_i,
  output logic         writer_done_o,
  output logic [2:0]   writer_done_channel_o,
  output logic [3:0]   writer_writing_o,
  input  logic         writer_memory_ready_i,
  output logic         writer_valid_o,
  input  logic         writer_ready_i,
  output logic         writer_eop_o,
  output logic [127:0] writer_header_o,
  output logic [63:0]  writer_payload_o,

  // ep_tlp_transmit; each source's data says who it is
  input  logic         transmit_bus_master_i,
  input  logic [1:0]   transmit_d_state_i,
  input  logic         transmit_stop_i,
  input  logic         transmit_cut_off_i,
  input  logic         transmit_abandon_i,
  input  logic         transmit_restart_i,
  output logic         transmit_idle_o,
  input  logic [4:0]   transmit_valid_i,  // message, heartbeat, record, read, write
  output logic [4:0]   transmit_ready_o,
  input  logic [4:0]   transmit_eop_i,
  input  logic         transmit_urgent_i,
  input  logic [9:0]   transmit_dwords_i,
  output logic         transmit_valid_o,
  input  logic         transmit_ready_i,
  output logic         transmit_sop_o,
  output logic         transmit_eop_o,
  output logic [127:0] transmit_header_o,
  output logic [63:0]  transmit_data_o,
  input  logic [7:0]   transmit_np_limit_i,
  output logic [15:0]  transmit_posted_o,

  // ep_tlp_receive; the tag in the lookup is answered from these
  input  logic         receive_pause_i,
  input  logic         receive_valid_i,
  output logic         receive_ready_o,
  input  logic         receive_sop_i,
  input  logic         receive_eop_i,
  input  logic [127:0] receive_header_i,
  input  logic [63:0]  receive_data_i,
  output logic [7:0]   receive_tag_o,
  input  logic         receive_busy_i,
  input  logic         receive_quarantine_i,
  input  logic [12:0]  receive_bytes_i,
  input  logic [12:0]  receive_remaining_i,
  input  logic [33:0]  receive_destination_i,
  input  logic [6:0]   receive_end_address_i,
  output logic         receive_update_o,
  output logic [12:0]  receive_update_remaining_o,
  output logic         receive_update_last_o,
  input  logic         receive_timeout_i,
  output logic         receive_place_o,
  output logic [33:0]  receive_place_address_o,
  output logic [7:0]   receive_place_be_o,
  output logic [63:0]  receive_place_data_o,
  output logic         receive_finish_o,
  output logic [3:0]   receive_finish_status_o,
  output logic         receive_bad_o,
  output logic         receive_unexpected_o
);

  import ep_pkg::*;

  // ---- Reader -----------------------------------------------------------------------------------------------------
  transfer_t [3:0] reader_transfer, writer_transfer;
  read_finish_t    cancel;
  piece_done_t     extra, written;
  read_context_t   reader_context;
  always_comb begin
    for (int unsigned c = 0; c < 4; c++) begin
      reader_transfer[c] = '{host_address: reader_address_i, card_address: '0, remaining: reader_remaining_i,
                             pattern: 1'b0, key: '0, slot: 2'(c)};
      writer_transfer[c] = '{host_address: writer_address_i, card_address: writer_card_address_i,
                             remaining: writer_remaining_i, pattern: 1'b0, key: '0, slot: 2'(c)};
    end
  end
  logic heartbeat_sent;
  ep_dma_reader #(.ChannelCount(4), .MaxReadBytes(512)) u_reader (
    .clk_i, .rst_ni, .max_read_request_i(reader_max_read_request_i),
    .heartbeat_valid_i(reader_heartbeat_i), .heartbeat_take_o(reader_heartbeat_take_o),
    .heartbeat_address_i(64'hBEA0), .heartbeat_cell_i(16'd5),
    .fetch_valid_i(reader_fetch_i), .fetch_take_o(reader_fetch_take_o), .fetch_address_i({4{64'h4000}}),
    .fetch_bytes_i({4{9'd256}}), .fetch_destination_i('0),
    .data_valid_i(reader_data_i), .data_take_o(reader_data_take_o), .data_bytes_o(reader_data_bytes_o),
    .transfer_i(reader_transfer), .abort_i(reader_abort_i), .cancel_o(cancel), .extra_o(extra),
    .tag_valid_i(reader_tag_valid_i), .tag_i(reader_tag_i), .tag_take_o(reader_tag_take_o),
    .context_o(reader_context), .out_valid_o(reader_valid_o), .out_ready_i(reader_ready_i),
    .out_urgent_o(reader_urgent_o), .out_header_o(reader_header_o), .heartbeat_sent_o(heartbeat_sent)
  );
  assign reader_cancel_o = cancel.valid;
  assign reader_extra_o = extra.valid;
  assign reader_context_bytes_o = reader_context.bytes;
  assign reader_context_kind_o = reader_context.kind;
  assign reader_context_channel_o = reader_context.channel;

  // ---- Writer -----------------------------------------------------------------------------------------------------
  logic        memory_read;
  logic [31:0] memory_address;
  logic [63:0] memory_q, memory_q2;
  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < 8; i++) memory_q[8*i +: 8] <= 8'(memory_address + i);
    memory_q2 <= memory_q;
  end
  ep_dma_writer #(.DataWidth(64), .ChannelCount(4)) u_writer (
    .clk_i, .rst_ni, .max_payload_i(writer_max_payload_i), .data_valid_i(writer_data_i),
    .data_take_o(writer_data_take_o), .data_bytes_o(writer_data_bytes_o), .transfer_i(writer_transfer),
    .abort_i(writer_abort_i), .done_o(written), .writing_o(writer_writing_o), .memory_read_o(memory_read),
    .memory_ready_i(writer_memory_ready_i), .memory_address_o(memory_address), .memory_data_i(memory_q2),
    .out_valid_o(writer_valid_o), .out_ready_i(writer_ready_i), .out_eop_o(writer_eop_o),
    .out_header_o(writer_header_o), .out_data_o(writer_payload_o)
  );
  assign writer_done_o = written.valid;
  assign writer_done_channel_o = written.channel;

  // ---- Transmit ---------------------------------------------------------------------------------------------------
  function_config_t    fn;
  message_t            message;
  ep_tlp_pkg::header_t posted, non_posted;
  logic                write_start, read_start;
  always_comb begin
    fn = '0;
    fn.bdf = 16'h0A0B;
    fn.bus_master = transmit_bus_master_i;
    fn.d_state = transmit_d_state_i;
    message = '{address: 64'hFEE0_0000, data: 32'h1, vector: '0};
    posted = memory_request(1'b1, 64'h5000, transmit_dwords_i, 4'hF, transmit_dwords_i == 10'd1 ? 4'h0 : 4'hF, 8'd0);
    non_posted = memory_request(1'b0, 64'h6000, 10'd16, 4'hF, 4'hF, 8'd9);
  end
  ep_tlp_transmit #(.DataWidth(64)) u_transmit (
    .clk_i, .rst_ni, .fn_i(fn), .stop_i(transmit_stop_i), .cut_off_i(transmit_cut_off_i),
    .abandon_i(transmit_abandon_i), .restart_counts_i(transmit_restart_i), .idle_o(transmit_idle_o),
    .message_valid_i(transmit_valid_i[0]), .message_ready_o(transmit_ready_o[0]), .message_i(message),
    .heartbeat_valid_i(transmit_valid_i[1]), .heartbeat_ready_o(transmit_ready_o[1]),
    .heartbeat_eop_i(transmit_eop_i[1]), .heartbeat_header_i(posted), .heartbeat_data_i(64'd2),
    .record_valid_i(transmit_valid_i[2]), .record_ready_o(transmit_ready_o[2]), .record_eop_i(transmit_eop_i[2]),
    .record_header_i(posted), .record_data_i(64'd3),
    .read_valid_i(transmit_valid_i[3]), .read_ready_o(transmit_ready_o[3]), .read_urgent_i(transmit_urgent_i),
    .read_header_i(non_posted),
    .write_valid_i(transmit_valid_i[4]), .write_ready_o(transmit_ready_o[4]), .write_eop_i(transmit_eop_i[4]),
    .write_header_i(posted), .write_data_i(64'd5),
    .tx_req_valid_o(transmit_valid_o), .tx_req_ready_i(transmit_ready_i), .tx_req_sop_o(transmit_sop_o),
    .tx_req_eop_o(transmit_eop_o), .tx_req_header_o(transmit_header_o), .tx_req_data_o(transmit_data_o),
    .np_limit_i(transmit_np_limit_i), .posted_count_o(transmit_posted_o), .write_start_o(write_start),
    .read_start_o(read_start)
  );

  // ---- Receive ----------------------------------------------------------------------------------------------------
  read_context_t context_in, timeout_context, place_context;
  read_finish_t  finish;
  logic          update_poisoned, packet_end, sweep, place_last, completion;
  always_comb begin
    context_in = '{kind: ReadData, channel: 3'd1, slot: 2'd3, pattern: 1'b0, destination: receive_destination_i,
                   bytes: receive_bytes_i, end_address: receive_end_address_i};
    timeout_context = context_in;
  end
  ep_tlp_receive #(.DataWidth(64)) u_receive (
    .clk_i, .rst_ni, .requester_id_i(fn.bdf), .pause_i(receive_pause_i), .rx_cpl_valid_i(receive_valid_i), .rx_cpl_ready_o(receive_ready_o),
    .rx_cpl_sop_i(receive_sop_i), .rx_cpl_eop_i(receive_eop_i), .rx_cpl_header_i(receive_header_i),
    .rx_cpl_data_i(receive_data_i), .lookup_tag_o(receive_tag_o), .lookup_context_i(context_in),
    .lookup_busy_i(receive_busy_i), .lookup_quarantine_i(receive_quarantine_i),
    .lookup_remaining_i(receive_remaining_i), .lookup_poisoned_i(1'b0), .update_o(receive_update_o),
    .update_remaining_o(receive_update_remaining_o), .update_poisoned_o(update_poisoned),
    .update_last_o(receive_update_last_o), .packet_end_o(packet_end), .sweep_o(sweep), .timeout_i(receive_timeout_i),
    .timeout_context_i(timeout_context), .place_o(receive_place_o), .place_context_o(place_context),
    .place_address_o(receive_place_address_o), .place_be_o(receive_place_be_o),
    .place_data_o(receive_place_data_o), .place_last_o(place_last), .finish_o(finish), .completion_o(completion),
    .bad_completion_o(receive_bad_o), .unexpected_o(receive_unexpected_o), .poisoned_o(), .error_header_o()
  );
  assign receive_finish_o = finish.valid;
  assign receive_finish_status_o = finish.status;

  logic unused;
  assign unused = ^{cancel, extra, written, reader_context, heartbeat_sent, memory_read, transmit_eop_i[3],
                    transmit_eop_i[0], write_start, read_start, place_context, finish, update_poisoned, packet_end,
                    sweep, place_last, completion};

endmodule
