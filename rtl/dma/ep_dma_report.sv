// SPDX-License-Identifier: MIT
// Writes the completion records of all channels, one at a time, in turn.
module ep_dma_report #(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned ChannelCount = 4
) (
  input  logic                                clk_i,
  input  logic                                rst_ni,

  input  logic            [ChannelCount-1:0]  valid_i,
  input  ep_pkg::record_t [ChannelCount-1:0]  record_i,
  input  logic            [ChannelCount-1:0]  abort_i,  // drop a record that has not begun to leave
  output logic            [ChannelCount-1:0]  busy_o,   // this channel's record is in hand
  output logic            [ChannelCount-1:0]  done_o,   // pulse: it left

  output logic                                out_valid_o,
  input  logic                                out_ready_i,
  output logic                                out_eop_o,
  output ep_tlp_pkg::header_t                 out_header_o,
  output logic [DataWidth-1:0]                out_data_o
);

  localparam int unsigned IndexBits = (ChannelCount > 1) ? $clog2(ChannelCount) : 1;
  localparam int unsigned Beats = DataWidth >= 128 ? 1 : 128 / DataWidth;

  logic                 any, pick, valid_q, drop, second_q;
  logic [IndexBits-1:0] index, channel_q;
  ep_pkg::record_t      record_q;
  logic [127:0]         bytes;

  ep_round_robin #(.Count(ChannelCount)) u_turn (
    .clk_i, .rst_ni, .request_i(valid_i), .any_o(any), .index_o(index), .take_i(pick)
  );

  assign pick = any && !valid_q;
  assign drop = valid_q && abort_i[channel_q] && !second_q;
  assign out_valid_o = valid_q && !drop;
  assign out_header_o = ep_pkg::memory_request(1'b1, record_q.address, 10'd4, 4'b1111, 4'b1111, 8'd0);
  assign bytes = {record_q.cookie, record_q.length,
                  record_q.phase, 19'd0, 4'(channel_q), 4'd0, record_q.status, record_q.sequence_number};
  if (Beats == 1) begin : gen_one_beat
    assign out_eop_o = 1'b1;
    assign out_data_o = DataWidth'(bytes);
  end else begin : gen_two_beats
    assign out_eop_o = second_q;
    assign out_data_o = second_q ? DataWidth'(bytes[127:64]) : DataWidth'(bytes[63:0]);
  end

  always_comb begin
    busy_o = '0;
    busy_o[channel_q] = valid_q;
    done_o = '0;
    done_o[channel_q] = out_valid_o && out_ready_i && out_eop_o;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      second_q <= 1'b0;
      channel_q <= '0;
    end else begin
      if (out_valid_o && out_ready_i) second_q <= !out_eop_o;
      if (pick) begin
        valid_q <= 1'b1;
        channel_q <= index;
      end else if (drop || (out_valid_o && out_ready_i && out_eop_o)) begin
        valid_q <= 1'b0;
      end
    end
    if (pick) record_q <= record_i[index];
  end

endmodule
