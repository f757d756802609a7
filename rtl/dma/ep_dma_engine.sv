// SPDX-License-Identifier: MIT
// The channels, the heartbeat and what they share: reads, writes, completion records, the pattern checker.
module ep_dma_engine #(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned ChannelCount = 4,
  parameter int unsigned MaxReadBytes = 512,
  localparam int unsigned DataBytes = DataWidth / 8
) (
  input  logic                                       clk_i,
  input  logic                                       rst_ni,

  input  ep_pkg::function_config_t                   fn_i,
  input  logic [63:0]                                time_i,
  input  logic                                       microsecond_i,

  input  ep_pkg::channel_config_t [ChannelCount-1:0] channel_config_i,
  output ep_pkg::channel_status_t [ChannelCount-1:0] channel_status_o,
  input  ep_pkg::heartbeat_writer_config_t           writer_config_i,
  output ep_pkg::heartbeat_writer_status_t           writer_status_o,
  input  ep_pkg::heartbeat_reader_config_t           reader_config_i,
  output ep_pkg::heartbeat_reader_status_t           reader_status_o,
  output logic                                       heartbeat_start_o,
  output logic                                       heartbeat_accepted_o,

  // What came back (ep_tlp_receive).
  input  logic                                       place_i,
  input  ep_pkg::read_context_t                      place_context_i,
  input  logic [ep_pkg::CardBits-1:0]                place_address_i,
  input  logic [DataBytes-1:0]                       place_be_i,
  input  logic [DataWidth-1:0]                       place_data_i,
  input  logic                                       place_last_i,
  input  ep_pkg::read_finish_t                       finish_i,
  output logic                                       memory_write_o,  // the beat belongs into card memory

  // Card memory, for writes to the host.
  output logic                                       memory_read_o,
  input  logic                                       memory_ready_i,
  output logic [31:0]                                memory_address_o,
  input  logic [DataWidth-1:0]                       memory_data_i,

  // Towards the link.
  input  logic                                       tag_valid_i,
  input  logic [7:0]                                 tag_i,
  output logic                                       tag_take_o,
  output ep_pkg::read_context_t                      tag_context_o,
  output logic                                       read_valid_o,
  input  logic                                       read_ready_i,
  output logic                                       read_urgent_o,
  output ep_tlp_pkg::header_t                        read_header_o,
  output logic                                       write_valid_o,
  input  logic                                       write_ready_i,
  output logic                                       write_eop_o,
  output ep_tlp_pkg::header_t                        write_header_o,
  output logic [DataWidth-1:0]                       write_data_o,
  output logic                                       record_valid_o,
  input  logic                                       record_ready_i,
  output logic                                       record_eop_o,
  output ep_tlp_pkg::header_t                        record_header_o,
  output logic [DataWidth-1:0]                       record_data_o,
  output logic                                       heartbeat_valid_o,
  input  logic                                       heartbeat_ready_i,
  output logic                                       heartbeat_eop_o,
  output ep_tlp_pkg::header_t                        heartbeat_header_o,
  output logic [DataWidth-1:0]                       heartbeat_data_o,

  // Events: one per channel, then the heartbeat writer's.
  input  logic [15:0]                                posted_count_i,
  input  logic [15:0]                                posted_sent_i,
  output logic [ChannelCount:0]                      event_valid_o,
  input  logic [ChannelCount:0]                      event_ready_i
);

  import ep_pkg::*;

  localparam int unsigned CountBits = $clog2(DataBytes + 1);
  localparam int unsigned IndexBits = (ChannelCount > 1) ? $clog2(ChannelCount) : 1;

  typedef struct packed {
    logic       heartbeat;
    logic       last;
    logic [2:0] channel;
  } owner_t;

  logic         [ChannelCount-1:0]       transfer_valid, transfer_take, read_valid, read_take, write_valid, write_take;
  transfer_t    [ChannelCount-1:0]       transfer;
  logic         [ChannelCount-1:0]       writing, abort, fetch_valid, fetch_take;
  logic         [ChannelCount-1:0][63:0] fetch_address;
  logic         [ChannelCount-1:0][8:0]  fetch_bytes, fetch_destination;
  logic         [ChannelCount-1:0]       record_valid, record_busy, record_done;
  record_t      [ChannelCount-1:0]       record;
  logic [12:0]                           read_bytes, write_bytes;
  read_finish_t                          cancel;
  piece_done_t                           extra, written;

  logic                 checked;
  owner_t               checked_owner;
  logic [CountBits-1:0] checked_bytes, checked_mismatches;

  for (genvar c = 0; c < int'(ChannelCount); c++) begin : gen_channel
    assign read_valid[c] = transfer_valid[c] && !channel_config_i[c].c2h;
    assign write_valid[c] = transfer_valid[c] && channel_config_i[c].c2h;
    assign transfer_take[c] = read_take[c] || write_take[c];

    ep_dma_channel #(.DataWidth(DataWidth), .Index(c)) u_channel (
      .clk_i, .rst_ni, .config_i(channel_config_i[c]), .status_o(channel_status_o[c]), .microsecond_i,
      .wide_fetch_i(fn_i.max_read_request != 3'd0 && MaxReadBytes >= 256),
      .transfer_valid_o(transfer_valid[c]), .transfer_o(transfer[c]), .transfer_take_i(transfer_take[c]),
      .transfer_bytes_i(channel_config_i[c].c2h ? write_bytes : read_bytes), .abort_o(abort[c]),
      .finish_i, .cancel_i(cancel), .extra_i(extra), .written_i(written), .writing_i(writing[c]),
      .fetch_valid_o(fetch_valid[c]), .fetch_take_i(fetch_take[c]), .fetch_address_o(fetch_address[c]),
      .fetch_bytes_o(fetch_bytes[c]), .fetch_destination_o(fetch_destination[c]),
      .place_i(place_i && place_context_i.kind == ReadDescriptor && place_context_i.channel == 3'(c)),
      .place_address_i(place_address_i[8:0]), .place_be_i, .place_data_i,
      .record_valid_o(record_valid[c]), .record_o(record[c]), .record_busy_i(record_busy[c]),
      .record_done_i(record_done[c]),
      .checked_i(checked && !checked_owner.heartbeat && checked_owner.channel == 3'(c)),
      .checked_bytes_i(checked_bytes), .checked_mismatches_i(checked_mismatches),
      .posted_count_i, .posted_sent_i, .event_valid_o(event_valid_o[c]), .event_ready_i(event_ready_i[c])
    );
  end

  // ---- Heartbeat --------------------------------------------------------------------------------------------------
  ep_heartbeat_writer #(.DataWidth(DataWidth)) u_heartbeat_writer (
    .clk_i, .rst_ni, .config_i(writer_config_i), .status_o(writer_status_o), .time_i,
    .out_valid_o(heartbeat_valid_o), .out_ready_i(heartbeat_ready_i), .out_eop_o(heartbeat_eop_o),
    .out_header_o(heartbeat_header_o), .out_data_o(heartbeat_data_o),
    .posted_count_i, .posted_sent_i, .event_valid_o(event_valid_o[ChannelCount]),
    .event_ready_i(event_ready_i[ChannelCount]), .start_o(heartbeat_start_o), .accepted_o(heartbeat_accepted_o)
  );

  logic        heartbeat_read_valid, heartbeat_read_take, heartbeat_read_sent;
  logic [63:0] heartbeat_read_address;
  logic [15:0] heartbeat_read_cell;
  ep_heartbeat_reader #(.DataWidth(DataWidth)) u_heartbeat_reader (
    .clk_i, .rst_ni, .config_i(reader_config_i), .status_o(reader_status_o),
    .read_valid_o(heartbeat_read_valid), .read_take_i(heartbeat_read_take), .read_address_o(heartbeat_read_address),
    .read_cell_o(heartbeat_read_cell), .sent_i(heartbeat_read_sent), .finish_i,
    .checked_i(checked && checked_owner.heartbeat), .checked_last_i(checked_owner.last),
    .checked_mismatches_i(checked_mismatches)
  );

  // ---- Shared engines ---------------------------------------------------------------------------------------------
  ep_dma_reader #(.ChannelCount(ChannelCount), .MaxReadBytes(MaxReadBytes)) u_reader (
    .clk_i, .rst_ni, .max_read_request_i(fn_i.max_read_request),
    .heartbeat_valid_i(heartbeat_read_valid), .heartbeat_take_o(heartbeat_read_take),
    .heartbeat_address_i(heartbeat_read_address), .heartbeat_cell_i(heartbeat_read_cell),
    .fetch_valid_i(fetch_valid), .fetch_take_o(fetch_take), .fetch_address_i(fetch_address),
    .fetch_bytes_i(fetch_bytes), .fetch_destination_i(fetch_destination),
    .data_valid_i(read_valid), .data_take_o(read_take), .data_bytes_o(read_bytes), .transfer_i(transfer),
    .abort_i(abort), .cancel_o(cancel), .extra_o(extra),
    .tag_valid_i, .tag_i, .tag_take_o, .context_o(tag_context_o),
    .out_valid_o(read_valid_o), .out_ready_i(read_ready_i), .out_urgent_o(read_urgent_o), .out_header_o(read_header_o),
    .heartbeat_sent_o(heartbeat_read_sent)
  );

  ep_dma_writer #(.DataWidth(DataWidth), .ChannelCount(ChannelCount)) u_writer (
    .clk_i, .rst_ni, .max_payload_i(fn_i.max_payload),
    .data_valid_i(write_valid), .data_take_o(write_take), .data_bytes_o(write_bytes), .transfer_i(transfer),
    .abort_i(abort), .done_o(written), .writing_o(writing),
    .memory_read_o, .memory_ready_i, .memory_address_o, .memory_data_i,
    .out_valid_o(write_valid_o), .out_ready_i(write_ready_i), .out_eop_o(write_eop_o), .out_header_o(write_header_o),
    .out_data_o(write_data_o)
  );

  ep_dma_report #(.DataWidth(DataWidth), .ChannelCount(ChannelCount)) u_report (
    .clk_i, .rst_ni, .valid_i(record_valid), .record_i(record), .abort_i(abort), .busy_o(record_busy),
    .done_o(record_done),
    .out_valid_o(record_valid_o), .out_ready_i(record_ready_i), .out_eop_o(record_eop_o),
    .out_header_o(record_header_o), .out_data_o(record_data_o)
  );

  // ---- Where read data goes ---------------------------------------------------------------------------------------
  logic from_heartbeat, from_channel, check;
  logic [31:0] seed;
  assign from_heartbeat = place_context_i.kind == ReadHeartbeat;
  assign from_channel = place_context_i.kind == ReadData && !abort[IndexBits'(place_context_i.channel)];
  assign memory_write_o = place_i && from_channel && !place_context_i.pattern;
  assign check = place_i && (from_heartbeat || (from_channel && place_context_i.pattern));
  assign seed = from_heartbeat ? reader_config_i.seed : channel_config_i[IndexBits'(place_context_i.channel)].seed;

  ep_pattern_checker #(.DataWidth(DataWidth), .owner_t(owner_t)) u_checker (
    .clk_i, .rst_ni, .valid_i(check),
    .owner_i('{heartbeat: from_heartbeat, last: place_last_i, channel: place_context_i.channel}),
    .seed_i(seed), .offset_i(place_address_i), .be_i(place_be_i), .data_i(place_data_i),
    .valid_o(checked), .owner_o(checked_owner), .checked_o(checked_bytes), .mismatches_o(checked_mismatches)
  );

endmodule
