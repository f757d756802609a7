// SPDX-License-Identifier: MIT
// Issues reads: heartbeat first, then descriptors, then data of the channels in turn. One read waits for a tag, for
// room in the completion buffer and for its turn on the link.
module ep_dma_reader #(
  parameter int unsigned ChannelCount = 4,
  parameter int unsigned MaxReadBytes = 512
) (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,

  input  logic [2:0]                            max_read_request_i,  // 128 << n bytes

  input  logic                                  heartbeat_valid_i,
  output logic                                  heartbeat_take_o,
  input  logic [63:0]                           heartbeat_address_i,
  input  logic [15:0]                           heartbeat_cell_i,

  input  logic              [ChannelCount-1:0]  fetch_valid_i,
  output logic              [ChannelCount-1:0]  fetch_take_o,
  input  logic [ChannelCount-1:0][63:0]         fetch_address_i,
  input  logic [ChannelCount-1:0][8:0]          fetch_bytes_i,
  input  logic [ChannelCount-1:0][8:0]          fetch_destination_i,

  input  logic              [ChannelCount-1:0]  data_valid_i,
  output logic              [ChannelCount-1:0]  data_take_o,
  output logic [12:0]                           data_bytes_o,
  input  ep_pkg::transfer_t [ChannelCount-1:0]  transfer_i,

  input  logic              [ChannelCount-1:0]  abort_i,
  output ep_pkg::read_finish_t                  cancel_o,  // a taken read was dropped
  output ep_pkg::piece_done_t                   extra_o,   // a taken piece leaves as one read more

  input  logic                                  tag_valid_i,
  input  logic [7:0]                            tag_i,
  output logic                                  tag_take_o,
  output ep_pkg::read_context_t                 context_o,

  output logic                                  out_valid_o,
  input  logic                                  out_ready_i,
  output logic                                  out_urgent_o,
  output ep_tlp_pkg::header_t                   out_header_o,
  output logic                                  heartbeat_sent_o  // pulse
);

  import ep_pkg::*;

  localparam int unsigned IndexBits = (ChannelCount > 1) ? $clog2(ChannelCount) : 1;
  localparam logic [2:0] LargestRead = 3'($clog2(MaxReadBytes / 128));

  logic                 fetch_any, data_any, free;
  logic [IndexBits-1:0] fetch_index, data_index;
  logic                 take_heartbeat, take_fetch, take_data;
  transfer_t            transfer;
  logic [2:0]           limit;

  ep_round_robin #(.Count(ChannelCount)) u_fetch_turn (
    .clk_i, .rst_ni, .request_i(fetch_valid_i), .any_o(fetch_any), .index_o(fetch_index), .take_i(take_fetch)
  );
  ep_round_robin #(.Count(ChannelCount)) u_data_turn (
    .clk_i, .rst_ni, .request_i(data_valid_i), .any_o(data_any), .index_o(data_index), .take_i(take_data)
  );

  assign transfer = transfer_i[data_index];
  assign limit = max_read_request_i < LargestRead ? max_read_request_i : LargestRead;
  ep_dma_splitter u_splitter (
    .address_i(transfer.host_address[11:0]), .remaining_i(transfer.remaining), .limit_i(limit), .bytes_o(data_bytes_o)
  );

  logic          valid_q;
  logic [63:0]   address_q;
  read_context_t context_q;
  logic          drop, sent, long, more;
  logic [12:0]   limit_bytes, part_bytes;

  // Max_Read_Request_Size may have become smaller since a read was taken: data leaves in parts then, a read of
  // descriptors is asked for anew.
  assign limit_bytes = 13'd128 << limit;
  assign long = context_q.bytes + 13'(address_q[1:0]) > limit_bytes;
  assign part_bytes = long ? limit_bytes - 13'(address_q[1:0]) : context_q.bytes;
  assign drop = valid_q && context_q.kind != ReadHeartbeat &&
                (abort_i[IndexBits'(context_q.channel)] || (long && context_q.kind == ReadDescriptor));
  assign out_valid_o = valid_q && tag_valid_i && !drop;
  assign out_urgent_o = context_q.kind == ReadHeartbeat;
  assign out_header_o = memory_request(1'b0, address_q, dword_length(address_q[1:0], part_bytes),
                                       first_enables(address_q[1:0], part_bytes),
                                       last_enables(address_q[1:0], part_bytes), tag_i);
  assign sent = out_valid_o && out_ready_i;
  assign more = sent && long;
  assign tag_take_o = sent;
  assign extra_o = '{valid: more, channel: context_q.channel, slot: context_q.slot};
  always_comb begin
    context_o = context_q;
    context_o.bytes = part_bytes;
    context_o.end_address = address_q[6:0] + part_bytes[6:0];
  end
  assign heartbeat_sent_o = take_heartbeat;

  assign free = !valid_q || (sent && !long) || drop;
  assign take_heartbeat = free && heartbeat_valid_i;
  assign take_fetch = free && !heartbeat_valid_i && fetch_any;
  assign take_data = free && !heartbeat_valid_i && !fetch_any && data_any;
  assign heartbeat_take_o = take_heartbeat;
  always_comb begin
    fetch_take_o = '0;
    fetch_take_o[fetch_index] = take_fetch;
    data_take_o = '0;
    data_take_o[data_index] = take_data;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      cancel_o <= '0;
    end else begin
      if (free) valid_q <= take_heartbeat || take_fetch || take_data;
      cancel_o <= '0;
      if (drop) begin
        cancel_o <= '{valid: 1'b1, kind: context_q.kind, channel: context_q.channel, slot: context_q.slot,
                      status: DmaReset};
      end
    end
    if (take_heartbeat) begin
      address_q <= heartbeat_address_i;
      context_q <= '{
        kind: ReadHeartbeat, channel: '0, slot: '0, pattern: 1'b1,
        destination: CardBits'({heartbeat_cell_i, 5'd0}), bytes: 13'd32,
        end_address: '0
      };
    end else if (take_fetch) begin
      address_q <= fetch_address_i[fetch_index];
      context_q <= '{
        kind: ReadDescriptor, channel: 3'(fetch_index), slot: '0, pattern: 1'b0,
        destination: CardBits'(fetch_destination_i[fetch_index]), bytes: 13'(fetch_bytes_i[fetch_index]),
        end_address: '0
      };
    end else if (take_data) begin
      address_q <= transfer.host_address;
      context_q <= '{
        kind: ReadData, channel: 3'(data_index), slot: transfer.slot, pattern: transfer.pattern,
        destination: transfer.card_address, bytes: data_bytes_o, end_address: '0
      };
    end else if (more) begin
      address_q <= {address_q[63:2], 2'b00} + 64'(limit_bytes);
      context_q.destination <= context_q.destination + CardBits'(part_bytes);
      context_q.bytes <= context_q.bytes - part_bytes;
    end
  end

endmodule
