// SPDX-License-Identifier: MIT
// One DMA channel: takes descriptors in ring order, lets the engine move their pieces, reports them in order, stops at
// the first that failed. Up to four descriptors are in flight, each in a slot that counts its unfinished pieces.
module ep_dma_channel #(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned Index = 0,
  localparam int unsigned DataBytes = DataWidth / 8,
  localparam int unsigned CountBits = $clog2(DataBytes + 1)
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,

  input  ep_pkg::channel_config_t config_i,
  output ep_pkg::channel_status_t status_o,
  input  logic                    microsecond_i,  // pulse
  input  logic                    wide_fetch_i,

  // What is left to move of the present descriptor; the engine takes a piece of it.
  output logic                    transfer_valid_o,
  output ep_pkg::transfer_t       transfer_o,
  input  logic                    transfer_take_i,
  input  logic [12:0]             transfer_bytes_i,
  output logic                    abort_o,  // pieces that were taken but have not begun to leave are to be dropped

  input  ep_pkg::read_finish_t    finish_i,
  input  ep_pkg::read_finish_t    cancel_i,
  input  ep_pkg::piece_done_t     extra_i,    // a piece that was taken became two
  input  ep_pkg::piece_done_t     written_i,
  input  logic                    writing_i,  // pieces of ours have not left and have not been dropped

  output logic                    fetch_valid_o,
  input  logic                    fetch_take_i,
  output logic [63:0]             fetch_address_o,
  output logic [8:0]              fetch_bytes_o,
  output logic [8:0]              fetch_destination_o,
  input  logic                    place_i,  // a beat of descriptors
  input  logic [8:0]              place_address_i,
  input  logic [DataBytes-1:0]    place_be_i,
  input  logic [DataWidth-1:0]    place_data_i,

  output logic                    record_valid_o,
  output ep_pkg::record_t         record_o,
  input  logic                    record_busy_i,  // a record of ours was picked up and has not left
  input  logic                    record_done_i,  // pulse: it left

  input  logic                    checked_i,
  input  logic [CountBits-1:0]    checked_bytes_i,
  input  logic [CountBits-1:0]    checked_mismatches_i,

  input  logic [15:0]             posted_count_i,
  input  logic [15:0]             posted_sent_i,
  output logic                    event_valid_o,
  input  logic                    event_ready_i
);

  import ep_pkg::*;

  localparam int unsigned Slots = 2 ** SlotBits;
  localparam logic [31:0] LapStep = 32'h85EBCA77;  // pcie/pattern.h

  logic ours_finish, ours_cancel, ours_extra, ours_written;
  assign ours_finish = finish_i.valid && finish_i.kind == ReadData && finish_i.channel == 3'(Index);
  assign ours_cancel = cancel_i.valid && cancel_i.kind == ReadData && cancel_i.channel == 3'(Index);
  assign ours_extra = extra_i.valid && extra_i.channel == 3'(Index);
  assign ours_written = written_i.valid && written_i.channel == 3'(Index);

  // ---- Descriptors ------------------------------------------------------------------------------------------------
  logic        descriptor_valid, descriptor_take, fetch_idle, fetch_stale, flush;
  descriptor_t descriptor;
  dma_status_e descriptor_status;
  logic [15:0] index_q;
  logic [31:0] started_q, lap_key_q;
  logic        resetting_q, stopped_q, failed_q;

  ep_dma_fetch #(.DataWidth(DataWidth)) u_fetch (
    .clk_i, .rst_ni, .config_i, .wide_i(wide_fetch_i),
    .enable_i(config_i.run && !resetting_q && !failed_q), .flush_i(flush),
    .restart_index_i(resetting_q ? 16'd0 : index_q), .restart_count_i(resetting_q ? 32'd0 : started_q),
    .idle_o(fetch_idle), .stale_o(fetch_stale),
    .read_valid_o(fetch_valid_o), .read_take_i(fetch_take_i), .read_address_o(fetch_address_o),
    .read_bytes_o(fetch_bytes_o), .read_destination_o(fetch_destination_o),
    .finish_i(finish_i.valid && finish_i.kind == ReadDescriptor && finish_i.channel == 3'(Index)),
    .finish_status_i(finish_i.status),
    .cancel_i(cancel_i.valid && cancel_i.kind == ReadDescriptor && cancel_i.channel == 3'(Index)),
    .place_i, .place_address_i, .place_be_i, .place_data_i,
    .descriptor_valid_o(descriptor_valid), .descriptor_o(descriptor), .descriptor_status_o(descriptor_status),
    .descriptor_take_i(descriptor_take)
  );

  // ---- Descriptors in flight --------------------------------------------------------------------------------------
  logic [24:0]         length_q [Slots];
  logic [31:0]         cookie_q [Slots];
  logic                urgent_q [Slots];
  dma_status_e         status_q [Slots];
  logic [Slots-1:0]    issued_q;          // every piece was taken
  logic [9:0]          pieces_q [Slots];  // taken and not finished
  logic [SlotBits-1:0] head_q, tail_q;
  logic [SlotBits:0]   count_q;
  logic                current_q;
  transfer_t           transfer_q;

  logic bad_descriptor, start, whole, head_done, drop_head;
  assign bad_descriptor = descriptor.length == '0 || descriptor.length > 32'h0100_0000;
  assign start = descriptor_valid && config_i.run && !resetting_q && !failed_q && !current_q &&
                 count_q != (SlotBits + 1)'(Slots);
  assign descriptor_take = start;
  assign whole = transfer_take_i && 25'(transfer_bytes_i) == transfer_q.remaining;
  assign head_done = count_q != '0 && issued_q[head_q] && pieces_q[head_q] == '0;
  assign drop_head = head_done && stopped_q && !resetting_q;  // behind the one that failed

  assign transfer_valid_o = current_q && !failed_q && !resetting_q;
  assign transfer_o = transfer_q;
  assign abort_o = resetting_q;

  logic        failure;
  dma_status_e start_status;
  always_comb begin
    start_status = descriptor_status;
    if (start_status == DmaOk && bad_descriptor) start_status = DmaBadDescriptor;
  end
  assign failure = (start && start_status != DmaOk) || (ours_finish && finish_i.status != DmaOk);

  // ---- Records ----------------------------------------------------------------------------------------------------
  logic [15:0] record_slot_q;
  logic        phase_q;
  logic [63:0] completed_q, bytes_q, checked_q;
  logic [31:0] mismatches_q;
  logic [3:0]  error_q;
  logic        retire;
  logic        announce_q, announce_urgent_q;  // a record left one clock ago: the count of posted requests includes it

  assign record_valid_o = head_done && !stopped_q && !resetting_q && !record_busy_i && !record_done_i;
  assign record_o = '{
    address: config_i.completion_base + {44'd0, record_slot_q, 4'd0},
    cookie: cookie_q[head_q],
    length: status_q[head_q] == DmaOk ? 32'(length_q[head_q]) : 32'd0,
    phase: phase_q,
    status: status_q[head_q],
    sequence_number: completed_q[31:0]
  };
  assign retire = record_done_i || drop_head;

  // ---- Reset, stop, idle ------------------------------------------------------------------------------------------
  logic [3:0]  settle_q;  // clocks for what is still in the engine's pipelines
  logic        drained, reset_end, nothing_in_hand;
  logic [15:0] last_record_q, record_distance;
  logic        unsent_q;
  logic [Slots-1:0] busy_slots;

  always_comb begin
    for (int unsigned i = 0; i < Slots; i++) busy_slots[i] = pieces_q[i] != '0;
  end
  // Pieces that the writer dropped are not told one by one.
  assign drained = (config_i.c2h ? !writing_i : busy_slots == '0) && fetch_idle && !record_busy_i &&
                   !fetch_take_i && !transfer_take_i;
  assign reset_end = resetting_q && settle_q == 4'd15;
  assign record_distance = posted_sent_i - last_record_q;
  assign nothing_in_hand = !current_q && count_q == '0 && fetch_idle;
  // Descriptors fetched ahead are fetched again after a stop: the host may have changed them.
  assign flush = reset_end || (!config_i.run && !resetting_q && nothing_in_hand && fetch_stale);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || reset_end) begin
      index_q <= '0;
      started_q <= '0;
      lap_key_q <= '0;
      resetting_q <= 1'b0;
      stopped_q <= 1'b0;
      failed_q <= 1'b0;
      error_q <= '0;
      issued_q <= '0;
      head_q <= '0;
      tail_q <= '0;
      count_q <= '0;
      current_q <= 1'b0;
      record_slot_q <= '0;
      phase_q <= 1'b1;
      completed_q <= '0;
      bytes_q <= '0;
      checked_q <= '0;
      mismatches_q <= '0;
      settle_q <= '0;
      unsent_q <= 1'b0;
      for (int unsigned i = 0; i < Slots; i++) pieces_q[i] <= '0;
    end else begin
      if (config_i.reset) resetting_q <= 1'b1;
      settle_q <= resetting_q && drained ? settle_q + 1'b1 : '0;

      if (start) begin
        issued_q[tail_q] <= start_status != DmaOk;
        tail_q <= tail_q + 1'b1;
        current_q <= start_status == DmaOk;
        started_q <= started_q + 1'b1;
        if (index_q + 16'd1 >= config_i.ring_entries) begin
          index_q <= '0;
          lap_key_q <= lap_key_q + LapStep;
        end else begin
          index_q <= index_q + 1'b1;
        end
      end else if (whole || (current_q && (failed_q || resetting_q))) begin
        current_q <= 1'b0;
        issued_q[transfer_q.slot] <= 1'b1;
      end

      for (int unsigned i = 0; i < Slots; i++) begin
        if ((transfer_take_i && transfer_q.slot == SlotBits'(i)) || (ours_finish && finish_i.slot == SlotBits'(i)) ||
            (ours_cancel && cancel_i.slot == SlotBits'(i)) || (ours_written && written_i.slot == SlotBits'(i)) ||
            (ours_extra && extra_i.slot == SlotBits'(i))) begin
          pieces_q[i] <= pieces_q[i] + 10'(transfer_take_i && transfer_q.slot == SlotBits'(i)) +
                         10'(ours_extra && extra_i.slot == SlotBits'(i)) -
                         10'(ours_finish && finish_i.slot == SlotBits'(i)) -
                         10'(ours_cancel && cancel_i.slot == SlotBits'(i)) -
                         10'(ours_written && written_i.slot == SlotBits'(i));
        end
      end

      if (failure) failed_q <= 1'b1;
      if (retire) head_q <= head_q + 1'b1;
      count_q <= count_q + (SlotBits + 1)'(start) - (SlotBits + 1)'(retire);

      if (record_done_i) begin
        completed_q <= completed_q + 1'b1;
        if (record_slot_q + 16'd1 >= config_i.ring_entries) begin
          record_slot_q <= '0;
          phase_q <= !phase_q;
        end else begin
          record_slot_q <= record_slot_q + 1'b1;
        end
        if (status_q[head_q] == DmaOk) bytes_q <= bytes_q + 64'(length_q[head_q]);
        else stopped_q <= 1'b1;
        if (error_q == '0) error_q <= status_q[head_q];
      end
      if (announce_q) unsent_q <= 1'b1;
      else if (unsent_q && !record_distance[15]) unsent_q <= 1'b0;

      if (checked_i) begin
        checked_q <= checked_q + 64'(checked_bytes_i);
        if (mismatches_q > 32'hFFFF_FFFF - 32'(checked_mismatches_i)) mismatches_q <= '1;
        else mismatches_q <= mismatches_q + 32'(checked_mismatches_i);
      end
    end

    if (start) begin
      length_q[tail_q] <= descriptor.length[24:0];
      cookie_q[tail_q] <= descriptor_status == DmaOk ? descriptor.cookie : '0;
      urgent_q[tail_q] <= descriptor.flags[0] && descriptor_status == DmaOk;
      status_q[tail_q] <= start_status;
      transfer_q <= '{
        host_address: descriptor.host_address, card_address: descriptor.card_address[CardBits-1:0],
        remaining: descriptor.length[24:0], pattern: config_i.pattern, key: config_i.seed ^ lap_key_q, slot: tail_q
      };
    end else if (transfer_take_i) begin
      transfer_q.host_address <= transfer_q.host_address + 64'(transfer_bytes_i);
      transfer_q.card_address <= transfer_q.card_address + CardBits'(transfer_bytes_i);
      transfer_q.remaining <= transfer_q.remaining - 25'(transfer_bytes_i);
    end
    if (ours_finish && finish_i.status != DmaOk && status_q[finish_i.slot] == DmaOk) begin
      status_q[finish_i.slot] <= finish_i.status;
    end
    if (announce_q) last_record_q <= posted_count_i;
  end

  // ---- Events -----------------------------------------------------------------------------------------------------
  logic [15:0] unannounced_q, waited_q;
  logic        trigger, late;

  assign late = unannounced_q != '0 && config_i.moderation_us != '0 && waited_q >= config_i.moderation_us;
  assign trigger = config_i.interrupt_enable &&
                   (late || (announce_q && (announce_urgent_q || unannounced_q + 16'd1 >= config_i.moderation_count)));

  always_ff @(posedge clk_i) begin
    if (!rst_ni || reset_end) begin
      announce_q <= 1'b0;
      announce_urgent_q <= 1'b0;
      unannounced_q <= '0;
      waited_q <= '0;
    end else begin
      announce_q <= record_done_i;
      announce_urgent_q <= urgent_q[head_q];
      if (trigger || !config_i.interrupt_enable) unannounced_q <= '0;
      else if (announce_q) unannounced_q <= unannounced_q + 1'b1;
      if (unannounced_q == '0) waited_q <= '0;
      else if (microsecond_i && waited_q != '1) waited_q <= waited_q + 1'b1;
    end
  end

  ep_announce u_announce (
    .clk_i, .rst_ni(rst_ni && !reset_end), .trigger_i(trigger), .posted_count_i, .posted_sent_i, .event_valid_o,
    .event_ready_i
  );

  // ---- Status -----------------------------------------------------------------------------------------------------
  logic more;  // descriptors wait in the ring
  assign more = config_i.run && !failed_q && (config_i.cyclic || config_i.tail != started_q);
  assign status_o = '{
    idle: nothing_in_hand && !more && !flush && !resetting_q && !record_busy_i && !unsent_q && !announce_q,
    stopped: stopped_q, resetting: resetting_q || config_i.reset, error: error_q, completed: completed_q,
    bytes: bytes_q, checked: checked_q, mismatches: mismatches_q
  };

endmodule
