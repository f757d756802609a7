// SPDX-License-Identifier: MIT
// Puts our requests in order: messages and heartbeat first, then completion records, then reads and writes in turn. A
// packet is never interrupted; none starts while it may not (bus master off, not in D0, stop, no credit). Nothing
// queues behind the choice but one beat.
module ep_tlp_transmit #(
  parameter int unsigned DataWidth = 256
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,

  input  ep_pkg::function_config_t fn_i,
  input  logic                    stop_i,  // no new packet
  input  logic                    cut_off_i,  // forget the packet in hand: the block has dropped it
  input  logic                    abandon_i,  // nothing more comes for the packet in hand: zeros end it
  input  logic                    restart_counts_i,  // conventional reset: the block counts from 0 again
  output logic                    idle_o,  // at a packet boundary, and the last beat was taken

  input  logic                    message_valid_i,
  output logic                    message_ready_o,
  input  ep_pkg::message_t        message_i,

  input  logic                    heartbeat_valid_i,
  output logic                    heartbeat_ready_o,
  input  logic                    heartbeat_eop_i,
  input  ep_tlp_pkg::header_t     heartbeat_header_i,
  input  logic [DataWidth-1:0]    heartbeat_data_i,

  input  logic                    record_valid_i,
  output logic                    record_ready_o,
  input  logic                    record_eop_i,
  input  ep_tlp_pkg::header_t     record_header_i,
  input  logic [DataWidth-1:0]    record_data_i,

  input  logic                    read_valid_i,
  output logic                    read_ready_o,
  input  logic                    read_urgent_i,  // goes before records and writes
  input  ep_tlp_pkg::header_t     read_header_i,

  input  logic                    write_valid_i,
  output logic                    write_ready_o,
  input  logic                    write_eop_i,
  input  ep_tlp_pkg::header_t     write_header_i,
  input  logic [DataWidth-1:0]    write_data_i,

  output logic                    tx_req_valid_o,
  input  logic                    tx_req_ready_i,
  output logic                    tx_req_sop_o,
  output logic                    tx_req_eop_o,
  output ep_tlp_pkg::header_t     tx_req_header_o,
  output logic [DataWidth-1:0]    tx_req_data_o,

  input  logic [7:0]              np_limit_i,
  output logic [15:0]             posted_count_o,  // posted requests that passed this module since conventional reset
  output logic                    write_start_o,   // pulses: a write, a read began
  output logic                    read_start_o
);

  localparam int unsigned BeatDwords = DataWidth / 32;

  typedef enum logic [2:0] {
    SourceNone = 3'd0, SourceMessage = 3'd1, SourceHeartbeat = 3'd2, SourceRecord = 3'd3, SourceRead = 3'd4,
    SourceWrite = 3'd5, SourceZeros = 3'd6
  } source_e;

  source_e     source_q, source;
  logic        locked_q, write_next_q;
  logic [10:0] left_q;  // double words of the packet in hand that are still to come
  logic [7:0]  np_count_q;
  logic [15:0] posted_count_q;
  logic        out_valid_q, out_sop_q, out_eop_q;
  ep_tlp_pkg::header_t  out_header_q;
  logic [DataWidth-1:0] out_data_q;

  logic may_start, may_read, load;
  assign may_start = fn_i.bus_master && fn_i.d_state == 2'd0 && !stop_i;
  assign may_read = read_valid_i && np_count_q != np_limit_i;
  assign load = !out_valid_q || tx_req_ready_i;

  always_comb begin
    source = SourceNone;
    if (locked_q) begin
      source = source_q;
    end else if (may_start) begin
      if (message_valid_i) source = SourceMessage;
      else if (heartbeat_valid_i) source = SourceHeartbeat;
      else if (may_read && read_urgent_i) source = SourceRead;
      else if (record_valid_i) source = SourceRecord;
      else if (may_read && !(write_next_q && write_valid_i)) source = SourceRead;
      else if (write_valid_i) source = SourceWrite;
    end
  end

  logic                 valid, eop;
  ep_tlp_pkg::request_t header;
  logic [DataWidth-1:0] data;
  always_comb begin
    valid = 1'b1;
    eop = 1'b1;
    header = write_header_i;
    data = write_data_i;
    unique case (source)
      SourceMessage: begin
        header = ep_pkg::memory_request(1'b1, message_i.address, 10'd1, 4'b1111, 4'b0000, 8'd0);
        data = DataWidth'(message_i.data);
      end
      SourceHeartbeat: begin
        valid = heartbeat_valid_i;
        eop = heartbeat_eop_i;
        header = heartbeat_header_i;
        data = heartbeat_data_i;
      end
      SourceRecord: begin
        valid = record_valid_i;
        eop = record_eop_i;
        header = record_header_i;
        data = record_data_i;
      end
      SourceRead: header = read_header_i;
      SourceWrite: begin
        valid = write_valid_i;
        eop = write_eop_i;
      end
      SourceZeros: begin
        eop = left_q <= 11'(BeatDwords);
        data = '0;
      end
      default: valid = 1'b0;
    endcase
    header.requester_id = fn_i.bdf;
  end

  assign message_ready_o = load && source == SourceMessage;
  assign heartbeat_ready_o = load && source == SourceHeartbeat;
  assign record_ready_o = load && source == SourceRecord;
  assign read_ready_o = load && source == SourceRead;
  assign write_ready_o = load && source == SourceWrite;

  logic sop, start;
  assign sop = !locked_q;
  assign start = load && valid && sop;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_valid_q <= 1'b0;
      locked_q <= 1'b0;
      write_next_q <= 1'b0;
      source_q <= SourceNone;
      np_count_q <= '0;
      posted_count_q <= '0;
      write_start_o <= 1'b0;
      read_start_o <= 1'b0;
    end else begin
      write_start_o <= start && source != SourceRead;
      read_start_o <= start && source == SourceRead;
      if (cut_off_i) begin
        out_valid_q <= 1'b0;
        locked_q <= 1'b0;
      end else if (load) begin
        out_valid_q <= valid;
        if (valid) begin
          locked_q <= !eop;
          source_q <= source;
          left_q <= (sop ? {header.length == '0, header.length} : left_q) - 11'(BeatDwords);
        end
      end
      if (abandon_i) source_q <= SourceZeros;
      if (start) begin
        if (source == SourceRead) np_count_q <= np_count_q + 1'b1;
        else posted_count_q <= posted_count_q + 1'b1;
        if (source == SourceRead) write_next_q <= 1'b1;
        else if (source == SourceWrite) write_next_q <= 1'b0;
      end
    end
    if (restart_counts_i) begin
      np_count_q <= '0;
      posted_count_q <= '0;
    end
    if (load && valid) begin
      out_sop_q <= sop;
      out_eop_q <= eop;
      if (sop) out_header_q <= header;
      if (source != SourceRead) out_data_q <= data;
    end
  end

  assign idle_o = !out_valid_q && !locked_q;
  assign posted_count_o = posted_count_q;
  assign tx_req_valid_o = out_valid_q && !restart_counts_i;
  assign tx_req_sop_o = out_sop_q;
  assign tx_req_eop_o = out_eop_q;
  assign tx_req_header_o = out_header_q;
  assign tx_req_data_o = out_data_q;

endmodule
