// SPDX-License-Identifier: MIT
// Answers one memory read of a BAR in as many completions as it needs.
//
// A completion ends at a multiple of the read completion boundary, which is 128 bytes for an endpoint (PCIe 5.0,
// 2.3.1.1): at 128 bytes for registers, at Max_Payload_Size for card memory. No completion leaves before the posted
// requests that the core had issued when its registers had been read, or when it was begun: on a hard block the two
// streams are not ordered.
module ep_bar_reader
  import ep_tlp_pkg::*, ep_pkg::*, ep_completion_pkg::*;
#(
  parameter int unsigned DataWidth = 256
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic [15:0]          completer_id_i,
  input  logic [2:0]           max_payload_i,
  input  logic                 stop_i,
  output logic                 idle_o,

  // One read, taken in this clock. Only when idle.
  input  logic                 start_i,
  input  request_t             request_i,
  input  logic                 is_card_i,
  input  logic [31:0]          offset_i,

  output logic                 tx_cpl_valid_o,
  input  logic                 tx_cpl_ready_i,
  output logic                 tx_cpl_sop_o,
  output logic                 tx_cpl_eop_o,
  output logic [127:0]         tx_cpl_header_o,
  output logic [DataWidth-1:0] tx_cpl_data_o,

  output register_request_t    register_o,
  input  logic [31:0]          register_rdata_i,

  output logic                 read_valid_o,
  input  logic                 read_ready_i,
  output logic [31:0]          read_address_o,
  input  logic                 read_data_valid_i,
  input  logic [DataWidth-1:0] read_data_i,

  input  logic [15:0]          posted_count_i,
  input  logic [15:0]          posted_sent_i
);

  localparam int unsigned DataDwords = DataWidth / 32;
  localparam int unsigned DataBytes = DataWidth / 8;
  localparam int unsigned LaneBits = $clog2(DataDwords);
  // Holds a completion of 128 bytes, and what card memory answers within its latency.
  localparam int unsigned BufferBeats = DataWidth <= 256 ? 1024 / DataWidth : 4;
  localparam int unsigned BufferBits = $clog2(BufferBeats);

  typedef enum logic [2:0] {
    StIdle,
    StPlan,     // chooses where the next completion ends
    StCollect,  // reads registers into the buffer
    StWait,     // waits for posted requests to leave
    StSend
  } state_e;

  state_e      state_q, state_d;
  request_t    request_q;
  logic        is_card_q, is_first_q;
  logic [31:0] offset_q;              // of the next completion's first double word
  logic [10:0] left_q;                // double words not yet planned
  logic [12:0] bytes_left_q;          // byte count of the next completion
  logic [10:0] part_q;                // double words of the present completion
  logic [10:0] to_read_q, to_send_q;  // double words of it not yet read, not yet sent
  logic [31:0] read_offset_q;
  logic [15:0] snapshot_q;

  // ---- Plan: to the next boundary, or to the end -------------------------------------------------------------------

  logic [10:0] boundary, room, part;
  logic [12:0] part_bytes;
  always_comb begin
    boundary = '0;
    room = '0;
    part = '0;
    part_bytes = '0;
    if (state_q == StPlan) begin
      boundary = is_card_q ? 11'd32 << max_payload_i : 11'd32;  // double words
      room = boundary - (11'(offset_q >> 2) & (boundary - 11'd1));
      part = left_q < room ? left_q : room;
      part_bytes = {part, 2'b00} - (is_first_q ? 13'(leading_bytes(request_q.first_be)) : 13'd0);
    end
  end

  // ---- Registers into the buffer: one double word per clock, each arrives a clock later ----------------------------

  logic                 collects, arrives_q, arrives_last_q, is_void;
  logic [LaneBits-1:0]  lane_q, arrive_lane_q;
  logic [DataWidth-1:0] gather_q;
  logic [3:0]           read_be;

  assign collects = state_q == StCollect && to_read_q != '0;
  always_comb begin
    read_be = 4'b1111;
    if (is_first_q && to_read_q == part_q) read_be = request_q.first_be;
    else if (left_q == '0 && to_read_q == 11'd1) read_be = request_q.last_be;
    is_void = read_be == '0 || read_offset_q >= 32'(ep_reg_pkg::BarBytes);
    register_o = '0;
    if (collects) begin
      register_o.valid = !is_void;
      register_o.offset = read_offset_q[15:0];
      register_o.be = read_be;
    end
  end

  // ---- Buffer ------------------------------------------------------------------------------------------------------

  logic [DataWidth-1:0]  buffer_q [BufferBeats];
  logic [BufferBits-1:0] head_q, tail_q;
  logic [BufferBits:0]   filled_q, promised_q;  // beats in it; beats in it or under way
  logic                  push, pop, asks;

  assign push = read_data_valid_i || arrives_last_q;
  assign pop = tx_cpl_valid_o && tx_cpl_ready_i;
  assign asks = read_valid_o && read_ready_i;

  assign read_valid_o = state_q == StSend && is_card_q && to_read_q != '0 &&
                        promised_q != (BufferBits + 1)'(BufferBeats);
  assign read_address_o = read_offset_q;

  // ---- Completion --------------------------------------------------------------------------------------------------

  completion_t completion_q, completion;
  logic        sop_q;
  always_comb begin
    completion = '0;
    if (state_q == StPlan) begin
      completion = completion_for(request_q, completer_id_i);
      completion.fmt_type = CplData;
      completion.length = part[9:0];
      completion.status = StatusSuccess;
      completion.byte_count = bytes_left_q[11:0];
      completion.lower_address = {offset_q[6:2], is_first_q ? leading_bytes(request_q.first_be) : 2'd0};
    end
  end

  assign tx_cpl_valid_o = state_q == StSend && filled_q != '0;
  assign tx_cpl_sop_o = sop_q;
  assign tx_cpl_eop_o = to_send_q <= 11'(DataDwords);
  assign tx_cpl_header_o = completion_q;
  assign tx_cpl_data_o = buffer_q[head_q];

  // ---- Flow --------------------------------------------------------------------------------------------------------

  logic posted_left, collected, sent;
  logic [15:0] posted_ahead;
  assign posted_ahead = posted_sent_i - snapshot_q;
  assign posted_left = posted_ahead[15];
  assign collected = to_read_q == '0 && !arrives_q;
  assign sent = pop && tx_cpl_eop_o;

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StIdle: if (start_i) state_d = StPlan;
      StPlan: state_d = stop_i ? StIdle : is_card_q ? StWait : StCollect;
      StCollect: if (collected) state_d = StWait;
      StWait: if (!posted_left) state_d = StSend;
      StSend: if (sent) state_d = left_q == '0 || stop_i ? StIdle : StPlan;
      default: state_d = StIdle;
    endcase
    if (stop_i && state_q == StWait) state_d = StIdle;
  end

  always_ff @(posedge clk_i) begin
    state_q <= state_d;
    if (start_i) begin
      request_q <= request_i;
      is_card_q <= is_card_i;
      is_first_q <= 1'b1;
      offset_q <= offset_i;
      left_q <= {request_i.length == '0, request_i.length};
      bytes_left_q <= byte_count(request_i);
      head_q <= '0;
      tail_q <= '0;
      filled_q <= '0;
      promised_q <= '0;
    end
    if (state_q == StPlan) begin
      completion_q <= completion;
      part_q <= part;
      to_read_q <= part;
      to_send_q <= part;
      read_offset_q <= offset_q;
      left_q <= left_q - part;
      offset_q <= offset_q + {19'd0, part, 2'b00};
      bytes_left_q <= bytes_left_q - part_bytes;
      sop_q <= 1'b1;
      lane_q <= '0;
    end
    if (state_q == StPlan || (state_q == StCollect && collected)) snapshot_q <= posted_count_i;
    if (state_q == StSend && sent) is_first_q <= 1'b0;

    arrives_q <= collects;
    arrive_lane_q <= lane_q;
    arrives_last_q <= arrives_q && (arrive_lane_q == '1 || (to_read_q == '0));
    if (arrives_q) gather_q[32*arrive_lane_q+:32] <= register_rdata_i;
    if (collects) begin
      to_read_q <= to_read_q - 11'd1;
      read_offset_q <= read_offset_q + 32'd4;
      lane_q <= lane_q + 1'b1;
    end
    if (asks) begin
      to_read_q <= to_read_q <= 11'(DataDwords) ? '0 : to_read_q - 11'(DataDwords);
      read_offset_q <= read_offset_q + 32'(DataBytes);
    end
    if (push) begin
      buffer_q[tail_q] <= is_card_q ? read_data_i : gather_q;
      tail_q <= tail_q + 1'b1;
    end
    if (pop) begin
      head_q <= head_q + 1'b1;
      sop_q <= 1'b0;
      to_send_q <= to_send_q - 11'(DataDwords);
    end
    if (state_q != StIdle) begin
      filled_q <= filled_q + (BufferBits + 1)'(push) - (BufferBits + 1)'(pop);
      promised_q <= promised_q + (BufferBits + 1)'(asks) - (BufferBits + 1)'(pop && is_card_q);
    end
    if (!rst_ni) begin
      state_q <= StIdle;
      arrives_q <= 1'b0;
      arrives_last_q <= 1'b0;
      filled_q <= '0;
    end
  end

  assign idle_o = state_q == StIdle;

endmodule
