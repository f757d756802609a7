// SPDX-License-Identifier: MIT
// The endpoint behind four TLP streams and the configuration signals of a hard block: what a board carries.
module ep_core #(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned ChannelCount = 4,
  parameter int unsigned CardMemoryBytes = 65536,
  parameter int unsigned CompletionBufferBytes = 32768,
  parameter int unsigned MaxReadBytes = 512,
  parameter int unsigned ClockPeriodPs = 4000
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,  // fundamental

  // Conventional or function reset, level: the core ends its packets, forgets everything, wipes the card memory, and
  // says done until the level falls.
  input  logic                     function_reset_i,
  output logic                     reset_done_o,
  input  logic                     hot_reset_i,
  input  logic                     link_up_i,
  input  ep_pkg::function_config_t fn_i,
  input  ep_pkg::config_write_t    config_write_i,

  // Requests that hit a BAR.
  input  logic                     rx_req_valid_i,
  output logic                     rx_req_ready_o,
  input  logic                     rx_req_sop_i,
  input  logic                     rx_req_eop_i,
  input  ep_tlp_pkg::header_t      rx_req_header_i,
  input  logic [DataWidth-1:0]     rx_req_data_i,
  input  logic [2:0]               rx_req_bar_i,
  input  logic [31:0]              rx_req_offset_i,

  input  logic                     rx_cpl_valid_i,
  output logic                     rx_cpl_ready_o,
  input  logic                     rx_cpl_sop_i,
  input  logic                     rx_cpl_eop_i,
  input  ep_tlp_pkg::header_t      rx_cpl_header_i,
  input  logic [DataWidth-1:0]     rx_cpl_data_i,

  output logic                     tx_req_valid_o,
  input  logic                     tx_req_ready_i,
  output logic                     tx_req_sop_o,
  output logic                     tx_req_eop_o,
  output ep_tlp_pkg::header_t      tx_req_header_o,
  output logic [DataWidth-1:0]     tx_req_data_o,

  output logic                     tx_cpl_valid_o,
  input  logic                     tx_cpl_ready_i,
  output logic                     tx_cpl_sop_o,
  output logic                     tx_cpl_eop_o,
  output ep_tlp_pkg::header_t      tx_cpl_header_o,
  output logic [DataWidth-1:0]     tx_cpl_data_o,

  input  logic [7:0]               tx_np_limit_i,  // cumulative non-posted requests that the block has made room for
  input  logic [15:0]              posted_sent_i,  // cumulative posted requests that left the block

  // For the block's status registers.
  output logic                     transactions_pending_o,
  output logic                     unexpected_completion_o,
  output logic                     poisoned_completion_o,
  output ep_tlp_pkg::header_t      bad_completion_header_o,  // of either
  output logic                     read_timeout_o,

  // Interrupt events, as they are raised.
  output logic                     event_valid_o,
  output logic [4:0]               event_vector_o,
  output logic                     event_coalesced_o
);

  import ep_pkg::*;

  localparam int unsigned DataBytes = DataWidth / 8;
  localparam int unsigned MemoryBits = $clog2(CardMemoryBytes);
  localparam int unsigned EventCount = ChannelCount + 2;
  localparam int unsigned EventBits = $clog2(EventCount);
  // Parameters that nothing here was made for stop the elaboration.
  if (DataWidth != 64 && DataWidth != 128 && DataWidth != 256 && DataWidth != 512) begin : gen_bad_width
    $fatal(1, "ep_core: DataWidth is %0d; it can be 64, 128, 256 or 512", DataWidth);
  end
  if (ChannelCount < 1 || ChannelCount > 8) begin : gen_bad_channels
    $fatal(1, "ep_core: ChannelCount is %0d; it can be 1 to 8", ChannelCount);
  end
  if (CardMemoryBytes < 4096 || (CardMemoryBytes & (CardMemoryBytes - 1)) != 0) begin : gen_bad_memory
    $fatal(1, "ep_core: CardMemoryBytes is %0d; it can be a power of two from 4096 on", CardMemoryBytes);
  end

  // Clocks that a packet in hand gets to leave before a reset cuts it off.
  localparam int unsigned PatienceClocks = 4096;

  // ---- Reset ------------------------------------------------------------------------------------------------------
  typedef enum logic [1:0] {StWipe = 2'd0, StDone = 2'd1, StRun = 2'd2, StQuiesce = 2'd3} state_e;
  state_e      state_q, state_d;
  logic [12:0] patience_q;
  logic        core_rst_n, stopping, wiping, wiped, tags_cleared, transmit_idle, target_idle, quiet, cut_off;
  logic        conventional, conventional_q, target_offers;

  // In a conventional reset, however short, the block has dropped what was half sent.
  assign conventional = hot_reset_i || !link_up_i || conventional_q;
  assign quiet = transmit_idle && target_idle;
  assign cut_off = patience_q == 13'(PatienceClocks);
  assign tx_cpl_valid_o = target_offers && !conventional;
  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StRun: if (function_reset_i) state_d = StQuiesce;
      StQuiesce: if (quiet || (cut_off && !target_offers) || conventional) state_d = StWipe;
      StWipe: if (wiped && tags_cleared) state_d = StDone;
      StDone: if (!function_reset_i) state_d = StRun;
      default: state_d = StWipe;
    endcase
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StWipe;
      patience_q <= '0;
      conventional_q <= 1'b0;
    end else begin
      state_q <= state_d;
      conventional_q <= conventional && state_q != StWipe && state_q != StDone;
      patience_q <= state_q == StQuiesce ? patience_q + 13'(!cut_off) : '0;
    end
  end
  assign stopping = state_q != StRun || conventional;
  assign wiping = state_q == StWipe;
  assign reset_done_o = state_q == StDone;
  assign core_rst_n = rst_ni && (state_q == StRun || state_q == StQuiesce);

  // ---- Time -------------------------------------------------------------------------------------------------------
  localparam int unsigned MicrosecondClocks = 1_000_000 / ClockPeriodPs;
  logic [63:0] time_q;
  logic [15:0] microsecond_count_q;
  logic        microsecond_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      time_q <= '0;
      microsecond_count_q <= '0;
      microsecond_q <= 1'b0;
    end else begin
      time_q <= time_q + 1'b1;
      microsecond_q <= microsecond_count_q == 16'(MicrosecondClocks - 1);
      microsecond_count_q <= microsecond_count_q == 16'(MicrosecondClocks - 1) ? '0 : microsecond_count_q + 1'b1;
    end
  end

  // ---- Registers --------------------------------------------------------------------------------------------------
  register_request_t                  register_request;
  logic [31:0]                        bar_rdata, msix_rdata, monitor_rdata;
  channel_config_t [ChannelCount-1:0] channel_config;
  channel_status_t [ChannelCount-1:0] channel_status;
  heartbeat_writer_config_t           writer_config;
  heartbeat_writer_status_t           writer_status;
  heartbeat_reader_config_t           reader_config;
  heartbeat_reader_status_t           reader_status;
  logic [31:0]                        completion_timeout;
  logic [15:0]                        posted_count;
  logic [EventCount-1:0]              event_valid, event_ready;
  logic [4:0]                         raise_vector;
  monitor_pulses_t                    pulses;

  logic                 target_write, target_write_ready, target_read, target_read_valid;
  logic [31:0]          target_write_address, target_read_address;
  logic [DataBytes-1:0] target_write_be;
  logic [DataWidth-1:0] target_write_data;
  logic [DataWidth-1:0] memory_data;

  ep_bar_target #(.DataWidth(DataWidth)) u_bar_target (
    .clk_i, .rst_ni(core_rst_n), .fn_i, .stop_i(stopping), .idle_o(target_idle),
    .rx_req_valid_i, .rx_req_ready_o, .rx_req_sop_i, .rx_req_eop_i, .rx_req_header_i, .rx_req_data_i, .rx_req_bar_i,
    .rx_req_offset_i,
    .tx_cpl_valid_o(target_offers), .tx_cpl_ready_i, .tx_cpl_sop_o, .tx_cpl_eop_o, .tx_cpl_header_o, .tx_cpl_data_o,
    .register_o(register_request), .register_rdata_i(bar_rdata | msix_rdata | monitor_rdata),
    .write_valid_o(target_write), .write_ready_i(target_write_ready), .write_address_o(target_write_address),
    .write_be_o(target_write_be), .write_data_o(target_write_data),
    .read_valid_o(target_read), .read_ready_i(1'b1), .read_address_o(target_read_address),
    .read_data_valid_i(target_read_valid), .read_data_i(memory_data),
    .posted_count_i(posted_count), .posted_sent_i,
    .rx_write_o(pulses.rx_write), .rx_read_o(pulses.rx_read), .tx_completion_o(pulses.tx_completion)
  );

  ep_bar_registers #(
    .DataWidth(DataWidth), .ChannelCount(ChannelCount), .CardMemoryBytes(CardMemoryBytes),
    .CompletionBufferBytes(CompletionBufferBytes), .ClockPeriodPs(ClockPeriodPs), .MaxOutstanding(256)
  ) u_bar_registers (
    .clk_i, .rst_ni(core_rst_n), .fn_i, .time_i(time_q),
    .register_i(register_request), .register_rdata_o(bar_rdata),
    .channel_config_o(channel_config), .channel_status_i(channel_status),
    .writer_config_o(writer_config), .writer_status_i(writer_status),
    .reader_config_o(reader_config), .reader_status_i(reader_status),
    .completion_timeout_o(completion_timeout),
    .raise_valid_o(event_valid[ChannelCount+1]), .raise_ready_i(event_ready[ChannelCount+1]),
    .raise_vector_o(raise_vector)
  );

  // ---- Interrupts -------------------------------------------------------------------------------------------------
  logic                 event_any, event_taken, message_valid, message_ready;
  logic [EventBits-1:0] event_index;
  logic [4:0]           vectors [EventCount];
  message_t             message;

  ep_round_robin #(.Count(EventCount)) u_events (
    .clk_i, .rst_ni(core_rst_n), .request_i(event_valid), .any_o(event_any), .index_o(event_index),
    .take_i(event_any && event_taken)
  );
  always_comb begin
    for (int unsigned i = 0; i < ChannelCount; i++) vectors[i] = channel_config[i].vector;
    vectors[ChannelCount] = writer_config.vector;
    vectors[ChannelCount+1] = raise_vector;
    event_ready = '0;
    event_ready[event_index] = event_any && event_taken;
  end

  ep_msix u_msix (
    .clk_i, .rst_ni(core_rst_n), .fn_i, .register_i(register_request), .register_rdata_o(msix_rdata),
    .event_valid_i(event_any), .event_ready_o(event_taken), .event_vector_i(vectors[event_index]),
    .message_valid_o(message_valid), .message_ready_i(message_ready), .message_o(message),
    .tap_valid_o(event_valid_o), .tap_vector_o(event_vector_o), .tap_coalesced_o(event_coalesced_o)
  );

  // ---- Reads in flight --------------------------------------------------------------------------------------------
  logic          tag_valid, tag_take, lookup_busy, lookup_quarantine, lookup_poisoned;
  logic [7:0]    tag, lookup_tag;
  logic [12:0]   lookup_remaining, update_remaining;
  read_context_t tag_context, lookup_context, timeout_context;
  logic          update, update_poisoned, update_last, packet_end, sweep, timeout;

  ep_tlp_tags #(.CompletionBufferBytes(CompletionBufferBytes), .MaxReadBytes(MaxReadBytes)) u_tags (
    .clk_i, .rst_ni, .clear_i(wiping), .clear_done_o(tags_cleared), .extended_tag_i(fn_i.extended_tag),
    .timeout_i(completion_timeout), .timeout_disable_i(fn_i.timeout_disable), .now_i(time_q[31:0]),
    .tag_valid_o(tag_valid), .tag_o(tag), .take_i(tag_take), .context_i(tag_context),
    .lookup_tag_i(lookup_tag), .lookup_context_o(lookup_context), .lookup_busy_o(lookup_busy),
    .lookup_quarantine_o(lookup_quarantine), .lookup_remaining_o(lookup_remaining),
    .lookup_poisoned_o(lookup_poisoned), .update_i(update), .update_remaining_i(update_remaining),
    .update_poisoned_i(update_poisoned), .update_last_i(update_last), .packet_end_i(packet_end),
    .sweep_i(sweep && core_rst_n), .timeout_o(timeout), .timeout_context_o(timeout_context),
    .pending_o(transactions_pending_o)
  );

  logic                 place, place_last, memory_write, pause;
  read_context_t        place_context;
  logic [CardBits-1:0]  place_address;
  logic [DataBytes-1:0] place_be;
  logic [DataWidth-1:0] place_data;
  read_finish_t         finish;

  ep_tlp_receive #(.DataWidth(DataWidth)) u_receive (
    .clk_i, .rst_ni(core_rst_n), .requester_id_i(fn_i.bdf), .pause_i(pause),
    .rx_cpl_valid_i, .rx_cpl_ready_o, .rx_cpl_sop_i, .rx_cpl_eop_i, .rx_cpl_header_i, .rx_cpl_data_i,
    .lookup_tag_o(lookup_tag), .lookup_context_i(lookup_context), .lookup_busy_i(lookup_busy),
    .lookup_quarantine_i(lookup_quarantine), .lookup_remaining_i(lookup_remaining),
    .lookup_poisoned_i(lookup_poisoned), .update_o(update), .update_remaining_o(update_remaining),
    .update_poisoned_o(update_poisoned), .update_last_o(update_last), .packet_end_o(packet_end), .sweep_o(sweep),
    .timeout_i(timeout),
    .timeout_context_i(timeout_context),
    .place_o(place), .place_context_o(place_context), .place_address_o(place_address), .place_be_o(place_be),
    .place_data_o(place_data), .place_last_o(place_last), .finish_o(finish),
    .completion_o(pulses.rx_completion), .bad_completion_o(pulses.rx_bad_completion),
    .unexpected_o(unexpected_completion_o), .poisoned_o(poisoned_completion_o),
    .error_header_o(bad_completion_header_o)
  );
  assign read_timeout_o = timeout;
  assign pulses.read_timeout = timeout;

  // ---- Card memory ------------------------------------------------------------------------------------------------
  // What reads bring in goes first, then BAR 2; a write of BAR 2 that waits too long stops completions.
  logic        engine_read, engine_read_ready;
  logic [31:0] engine_read_address;
  logic [3:0]  write_waits_q;
  logic [1:0]  target_read_q;

  assign target_write_ready = !memory_write;
  assign engine_read_ready = !target_read;
  assign target_read_valid = target_read_q[1];
  assign pause = &write_waits_q;

  always_ff @(posedge clk_i) begin
    if (!core_rst_n) begin
      write_waits_q <= '0;
      target_read_q <= '0;
    end else begin
      if (!target_write || target_write_ready) write_waits_q <= '0;
      else if (!pause) write_waits_q <= write_waits_q + 1'b1;
      target_read_q <= {target_read_q[0], target_read};
    end
  end

  ep_card_memory #(.DataWidth(DataWidth), .Bytes(CardMemoryBytes)) u_card_memory (
    .clk_i, .wipe_i(wiping), .wiped_o(wiped),
    .write_i(memory_write || target_write),
    .write_address_i(memory_write ? place_address[MemoryBits-1:0] : target_write_address[MemoryBits-1:0]),
    .write_be_i(memory_write ? place_be : target_write_be),
    .write_data_i(memory_write ? place_data : target_write_data),
    .read_i(engine_read || target_read),
    .read_address_i(target_read ? target_read_address[MemoryBits-1:0] : engine_read_address[MemoryBits-1:0]),
    .read_data_o(memory_data)
  );

  // ---- DMA --------------------------------------------------------------------------------------------------------
  logic                 read_valid, read_ready, read_urgent, write_valid, write_ready, write_eop;
  logic                 record_valid, record_ready, record_eop, heartbeat_valid, heartbeat_ready, heartbeat_eop;
  ep_tlp_pkg::header_t  read_header, write_header, record_header, heartbeat_header;
  logic [DataWidth-1:0] write_data, record_data, heartbeat_data;

  ep_dma_engine #(.DataWidth(DataWidth), .ChannelCount(ChannelCount), .MaxReadBytes(MaxReadBytes)) u_engine (
    .clk_i, .rst_ni(core_rst_n), .fn_i, .time_i(time_q), .microsecond_i(microsecond_q),
    .channel_config_i(channel_config), .channel_status_o(channel_status),
    .writer_config_i(writer_config), .writer_status_o(writer_status),
    .reader_config_i(reader_config), .reader_status_o(reader_status),
    .heartbeat_start_o(pulses.heartbeat_start), .heartbeat_accepted_o(pulses.heartbeat_accepted),
    .place_i(place), .place_context_i(place_context), .place_address_i(place_address), .place_be_i(place_be),
    .place_data_i(place_data), .place_last_i(place_last), .finish_i(finish), .memory_write_o(memory_write),
    .memory_read_o(engine_read), .memory_ready_i(engine_read_ready), .memory_address_o(engine_read_address),
    .memory_data_i(memory_data),
    .tag_valid_i(tag_valid), .tag_i(tag), .tag_take_o(tag_take), .tag_context_o(tag_context),
    .read_valid_o(read_valid), .read_ready_i(read_ready), .read_urgent_o(read_urgent), .read_header_o(read_header),
    .write_valid_o(write_valid), .write_ready_i(write_ready), .write_eop_o(write_eop), .write_header_o(write_header),
    .write_data_o(write_data),
    .record_valid_o(record_valid), .record_ready_i(record_ready), .record_eop_o(record_eop),
    .record_header_o(record_header), .record_data_o(record_data),
    .heartbeat_valid_o(heartbeat_valid), .heartbeat_ready_i(heartbeat_ready), .heartbeat_eop_o(heartbeat_eop),
    .heartbeat_header_o(heartbeat_header), .heartbeat_data_o(heartbeat_data),
    .posted_count_i(posted_count), .posted_sent_i,
    .event_valid_o(event_valid[ChannelCount:0]), .event_ready_i(event_ready[ChannelCount:0])
  );

  ep_tlp_transmit #(.DataWidth(DataWidth)) u_transmit (
    .clk_i, .rst_ni, .fn_i, .stop_i(stopping), .cut_off_i(conventional), .abandon_i(wiping),
    .restart_counts_i(hot_reset_i || !link_up_i),
    .idle_o(transmit_idle),
    .message_valid_i(message_valid), .message_ready_o(message_ready), .message_i(message),
    .heartbeat_valid_i(heartbeat_valid), .heartbeat_ready_o(heartbeat_ready), .heartbeat_eop_i(heartbeat_eop),
    .heartbeat_header_i(heartbeat_header), .heartbeat_data_i(heartbeat_data),
    .record_valid_i(record_valid), .record_ready_o(record_ready), .record_eop_i(record_eop),
    .record_header_i(record_header), .record_data_i(record_data),
    .read_valid_i(read_valid), .read_ready_o(read_ready), .read_urgent_i(read_urgent), .read_header_i(read_header),
    .write_valid_i(write_valid), .write_ready_o(write_ready), .write_eop_i(write_eop), .write_header_i(write_header),
    .write_data_i(write_data),
    .tx_req_valid_o, .tx_req_ready_i, .tx_req_sop_o, .tx_req_eop_o, .tx_req_header_o, .tx_req_data_o,
    .np_limit_i(tx_np_limit_i), .posted_count_o(posted_count), .write_start_o(pulses.tx_write),
    .read_start_o(pulses.tx_read)
  );

  // ---- Monitor ----------------------------------------------------------------------------------------------------
  ep_monitor u_monitor (
    .clk_i, .rst_ni, .time_i(time_q), .fn_i, .hot_reset_i, .link_up_i, .config_write_i, .pulses_i(pulses),
    .tap_valid_i(event_valid_o), .tap_vector_i(event_vector_o), .tap_coalesced_i(event_coalesced_o),
    .message_sent_i(message_valid && message_ready), .message_vector_i(message.vector),
    .register_i(register_request), .register_rdata_o(monitor_rdata)
  );

endmodule
