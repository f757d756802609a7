// SPDX-License-Identifier: MIT
// Makes the write requests of all channels in turn, one beat per clock: cuts a piece, reads its beats from card memory
// or from the generator, and keeps up to eight beats ready for the link.
module ep_dma_writer #(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned ChannelCount = 4
) (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,

  input  logic [2:0]                            max_payload_i,  // 128 << n bytes

  input  logic              [ChannelCount-1:0]  data_valid_i,
  output logic              [ChannelCount-1:0]  data_take_o,
  output logic [12:0]                           data_bytes_o,
  input  ep_pkg::transfer_t [ChannelCount-1:0]  transfer_i,
  input  logic              [ChannelCount-1:0]  abort_i,
  output ep_pkg::piece_done_t                   done_o,    // not for what abort_i dropped
  output logic              [ChannelCount-1:0]  writing_o,  // pieces of this channel are still to leave

  // Card memory; data two clocks after a read that was taken.
  output logic                                  memory_read_o,
  input  logic                                  memory_ready_i,
  output logic [31:0]                           memory_address_o,
  input  logic [DataWidth-1:0]                  memory_data_i,

  output logic                                  out_valid_o,
  input  logic                                  out_ready_i,
  output logic                                  out_eop_o,
  output ep_tlp_pkg::header_t                   out_header_o,
  output logic [DataWidth-1:0]                  out_data_o
);

  import ep_pkg::*;

  localparam int unsigned DataBytes = DataWidth / 8;
  localparam int unsigned ByteBits = $clog2(DataBytes);
  localparam int unsigned IndexBits = (ChannelCount > 1) ? $clog2(ChannelCount) : 1;
  localparam int unsigned DepthLog2 = 3;

  typedef struct packed {
    logic [63:0]         host_address;
    logic [12:0]         bytes;
    logic [2:0]          channel;
    logic [SlotBits-1:0] slot;
  } packet_t;

  typedef struct packed {
    logic                 eop;
    logic [DataWidth-1:0] data;
  } beat_t;

  // ---- The next piece ---------------------------------------------------------------------------------------------
  logic                 any, take, next_free;
  logic [IndexBits-1:0] index;
  transfer_t            transfer, next_q;
  logic                 next_valid_q;
  logic [12:0]          next_bytes_q;
  logic [2:0]           next_channel_q;

  ep_round_robin #(.Count(ChannelCount)) u_turn (
    .clk_i, .rst_ni, .request_i(data_valid_i), .any_o(any), .index_o(index), .take_i(take)
  );
  assign transfer = transfer_i[index];
  ep_dma_splitter u_splitter (
    .address_i(transfer.host_address[11:0]), .remaining_i(transfer.remaining), .limit_i(max_payload_i),
    .bytes_o(data_bytes_o)
  );
  assign take = any && next_free;
  always_comb begin
    data_take_o = '0;
    data_take_o[index] = take;
  end

  // ---- Its beats --------------------------------------------------------------------------------------------------
  logic                active_q, active_pattern_q;
  logic [CardBits-1:0] active_address_q;
  logic [31:0]         active_key_q;
  logic [9:0]          active_beats_q;  // left
  logic [DepthLog2:0]  room_q;          // beats that the buffer can take beyond those under way
  logic                issue, last, load, packet_ready, next_aborted;
  logic [1:0]          lead;

  assign last = active_beats_q == 10'd1;
  assign issue = active_q && room_q != '0 && (active_pattern_q || memory_ready_i);
  assign memory_read_o = active_q && room_q != '0 && !active_pattern_q;
  assign memory_address_o = active_address_q[31:0];
  assign load = next_valid_q && packet_ready && (!active_q || (issue && last));
  assign next_aborted = abort_i[IndexBits'(next_channel_q)];
  assign next_free = !next_valid_q || load || next_aborted;
  assign lead = next_q.host_address[1:0];

  logic [12:0] next_stop;
  assign next_stop = next_bytes_q + 13'(lead) + 13'(DataBytes - 1);

  // ---- Source data, two clocks later ------------------------------------------------------------------------------
  logic [DataWidth-1:0] pattern_data;
  ep_pattern #(.DataWidth(DataWidth)) u_pattern (
    .clk_i, .valid_i(issue && active_pattern_q), .key_i(active_key_q), .offset_i(active_address_q),
    .data_o(pattern_data)
  );

  logic [1:0] issue_q, last_q, pattern_q;

  beat_t   beat_in, beat;
  packet_t packet_in, packet;
  logic    beat_valid, packet_valid, pop;

  assign beat_in = '{eop: last_q[1], data: pattern_q[1] ? pattern_data : memory_data_i};
  assign packet_in = '{
    host_address: next_q.host_address, bytes: next_bytes_q, channel: next_channel_q, slot: next_q.slot
  };

  // Room is reserved before a beat is issued, so the buffer never refuses.
  logic unused_beat_ready;
  ep_stream_fifo #(.beat_t(beat_t), .DepthLog2(DepthLog2)) u_beats (
    .clk_i, .rst_ni, .in_valid_i(issue_q[1]), .in_ready_o(unused_beat_ready), .in_beat_i(beat_in),
    .out_valid_o(beat_valid), .out_ready_i(pop), .out_beat_o(beat)
  );
  ep_stream_fifo #(.beat_t(packet_t), .DepthLog2(DepthLog2)) u_packets (
    .clk_i, .rst_ni, .in_valid_i(load), .in_ready_o(packet_ready), .in_beat_i(packet_in),
    .out_valid_o(packet_valid), .out_ready_i(pop && beat.eop), .out_beat_o(packet)
  );

  logic started_q, dropping_q, drop;

  // A channel in reset loses its packets wherever they wait, also behind one of another channel that cannot leave.
  logic [2**DepthLog2-1:0] live_q;  // packets that are to leave
  logic [IndexBits-1:0]    owner_q [2**DepthLog2];
  logic [DepthLog2-1:0]    packet_head_q, packet_tail_q;
  always_comb begin
    writing_o = '0;
    for (int unsigned i = 0; i < 2 ** DepthLog2; i++) begin
      if (live_q[i]) writing_o[owner_q[i]] = 1'b1;
    end
    if (next_valid_q) writing_o[IndexBits'(next_channel_q)] = 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      live_q <= '0;
      packet_head_q <= '0;
      packet_tail_q <= '0;
    end else begin
      for (int unsigned i = 0; i < 2 ** DepthLog2; i++) begin
        if (abort_i[owner_q[i]] && !(started_q && packet_head_q == DepthLog2'(i))) live_q[i] <= 1'b0;
      end
      if (pop && beat.eop) begin
        live_q[packet_head_q] <= 1'b0;
        packet_head_q <= packet_head_q + 1'b1;
      end
      if (load) begin
        live_q[packet_tail_q] <= !next_aborted;
        packet_tail_q <= packet_tail_q + 1'b1;
      end
    end
    if (load) owner_q[packet_tail_q] <= IndexBits'(next_channel_q);
  end

  // ---- Out --------------------------------------------------------------------------------------------------------
  // Max_Payload_Size may have become smaller since a packet was cut: it leaves in parts then, each of whole beats.
  logic [12:0] sent_q;       // bytes of the packet that left in earlier parts, from its first double word on
  logic [9:0]  part_left_q;  // beats after this one until the part ends
  logic [12:0] limit, span, part_stop;
  logic [63:0] part_address;
  logic [1:0]  part_lead;
  logic [9:0]  part_left;
  logic        part_end;
  assign limit = max_payload_i < 3'd5 ? 13'd128 << max_payload_i : 13'd4096;
  assign span = packet.bytes + 13'(packet.host_address[1:0]) - sent_q;
  assign part_stop = span < limit ? span : limit;
  assign part_lead = sent_q == '0 ? packet.host_address[1:0] : 2'd0;
  assign part_address = sent_q == '0 ? packet.host_address : {packet.host_address[63:2], 2'b00} + 64'(sent_q);
  assign part_left = started_q ? part_left_q : 10'((limit >> ByteBits) - 13'd1);
  assign part_end = beat.eop || part_left == '0;

  assign drop = dropping_q || (packet_valid && !started_q &&
                               (!live_q[packet_head_q] || abort_i[IndexBits'(packet.channel)]));
  assign out_valid_o = beat_valid && packet_valid && !drop;
  assign pop = beat_valid && packet_valid && (drop || out_ready_i);
  assign out_eop_o = part_end;
  assign out_data_o = beat.data;
  assign out_header_o = memory_request(1'b1, part_address, dword_length(part_lead, part_stop - 13'(part_lead)),
                                       first_enables(part_lead, part_stop - 13'(part_lead)),
                                       last_enables(part_lead, part_stop - 13'(part_lead)), 8'd0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      next_valid_q <= 1'b0;
      active_q <= 1'b0;
      active_beats_q <= '0;
      room_q <= (DepthLog2 + 1)'(2 ** DepthLog2);
      issue_q <= '0;
      last_q <= '0;
      pattern_q <= '0;
      started_q <= 1'b0;
      dropping_q <= 1'b0;
      sent_q <= '0;
      part_left_q <= '0;
      done_o <= '0;
    end else begin
      if (next_free) next_valid_q <= take;
      if (load) begin
        active_q <= 1'b1;
        active_beats_q <= 10'(next_stop[12:ByteBits]);
      end else if (issue) begin
        active_q <= !last;
        active_beats_q <= active_beats_q - 1'b1;
      end
      room_q <= room_q - (DepthLog2 + 1)'(issue) + (DepthLog2 + 1)'(pop);
      issue_q <= {issue_q[0], issue};
      last_q <= {last_q[0], last};
      pattern_q <= {pattern_q[0], active_pattern_q};
      if (pop) begin
        started_q <= !part_end && !drop;
        dropping_q <= !beat.eop && drop;
        part_left_q <= part_left - 1'b1;
        if (beat.eop) sent_q <= '0;
        else if (!started_q) sent_q <= sent_q + limit;
      end
      done_o <= '{valid: pop && beat.eop && !drop, channel: packet.channel, slot: packet.slot};
    end
    if (take) begin
      next_q <= transfer;
      next_bytes_q <= data_bytes_o;
      next_channel_q <= 3'(index);
    end
    if (load) begin
      active_pattern_q <= next_q.pattern;
      active_key_q <= next_q.key;
      active_address_q <= next_q.card_address - CardBits'(lead);
    end else if (issue) begin
      active_address_q <= active_address_q + CardBits'(DataBytes);
    end
  end

endmodule
