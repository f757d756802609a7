// SPDX-License-Identifier: MIT
// Takes the memory requests that hit a BAR, one at a time and in order: writes to registers double word by double word,
// writes to card memory beat by beat, reads through ep_bar_reader.
module ep_bar_target
  import ep_tlp_pkg::*, ep_pkg::*, ep_completion_pkg::*;
#(
  parameter int unsigned DataWidth = 256,
  localparam int unsigned DataBytes = DataWidth / 8
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  function_config_t     fn_i,

  // Before a reset: the completion in hand is finished, no new request is taken.
  input  logic                 stop_i,
  output logic                 idle_o,

  input  logic                 rx_req_valid_i,
  output logic                 rx_req_ready_o,
  input  logic                 rx_req_sop_i,
  input  logic                 rx_req_eop_i,
  input  logic [127:0]         rx_req_header_i,
  input  logic [DataWidth-1:0] rx_req_data_i,
  input  logic [2:0]           rx_req_bar_i,
  input  logic [31:0]          rx_req_offset_i,

  output logic                 tx_cpl_valid_o,
  input  logic                 tx_cpl_ready_i,
  output logic                 tx_cpl_sop_o,
  output logic                 tx_cpl_eop_o,
  output logic [127:0]         tx_cpl_header_o,
  output logic [DataWidth-1:0] tx_cpl_data_o,

  output register_request_t    register_o,
  input  logic [31:0]          register_rdata_i,

  // Card memory: byte address of the beat's first byte. Data comes two clocks after a read was taken.
  output logic                 write_valid_o,
  input  logic                 write_ready_i,
  output logic [31:0]          write_address_o,
  output logic [DataBytes-1:0] write_be_o,
  output logic [DataWidth-1:0] write_data_o,
  output logic                 read_valid_o,
  input  logic                 read_ready_i,
  output logic [31:0]          read_address_o,
  input  logic                 read_data_valid_i,
  input  logic [DataWidth-1:0] read_data_i,

  input  logic [15:0]          posted_count_i,
  input  logic [15:0]          posted_sent_i,

  output logic                 rx_write_o,
  output logic                 rx_read_o,
  output logic                 tx_completion_o
);

  localparam int unsigned DataDwords = DataWidth / 32;
  localparam int unsigned LaneBits = $clog2(DataDwords);
  localparam logic [2:0]  CardBar = 3'd2;

  typedef enum logic [1:0] {
    StIdle,      // the next beat begins a request
    StCard,      // inside a write to card memory
    StRegister,  // the beat at the input holds double words for registers
    StRead       // ep_bar_reader works
  } state_e;

  state_e state_q, state_d;

  request_t request;
  assign request = rx_req_header_i;

  logic starts, starts_card, starts_register, starts_read;
  assign starts = state_q == StIdle && rx_req_valid_i && rx_req_sop_i && !stop_i;
  assign starts_read = starts && !request.fmt_type[6];
  assign starts_card = starts && request.fmt_type[6] && rx_req_bar_i == CardBar;
  assign starts_register = starts && request.fmt_type[6] && rx_req_bar_i != CardBar;

  // ---- What is left of a write: offset and number of double words from the present beat (or double word) on --------

  logic [31:0] offset_q, offset;
  logic [10:0] left_q, left;
  logic [3:0]  first_be_q, first_be, last_be_q, last_be;
  logic        is_first_q, is_first;

  always_comb begin
    if (state_q == StIdle) begin
      offset = rx_req_offset_i;
      left = {request.length == '0, request.length};
      first_be = request.first_be;
      last_be = request.length == 10'd1 ? request.first_be : request.last_be;
      is_first = 1'b1;
    end else begin
      offset = offset_q;
      left = left_q;
      first_be = first_be_q;
      last_be = last_be_q;
      is_first = is_first_q;
    end
  end

  // ---- Card memory -------------------------------------------------------------------------------------------------

  logic in_card;
  assign in_card = starts_card || state_q == StCard;
  assign write_valid_o = in_card && rx_req_valid_i;
  assign write_address_o = offset;
  assign write_data_o = rx_req_data_i;

  always_comb begin
    write_be_o = '1;
    if (in_card) begin
      if (left <= 11'(DataDwords)) begin
        write_be_o = write_be_o >> (DataBytes - 4 * int'(left));
        write_be_o[4*(left - 1)+:4] = last_be;
      end
      if (is_first) write_be_o[3:0] = write_be_o[3:0] & first_be;
    end
  end

  // ---- Registers ---------------------------------------------------------------------------------------------------

  logic [LaneBits-1:0] lane_q;
  logic                in_register, register_last;
  logic [3:0]          register_be;
  register_request_t   register_write, register_read;

  assign in_register = state_q == StRegister && rx_req_valid_i;
  assign register_last = lane_q == '1 || left_q == 11'd1;

  always_comb begin
    register_be = 4'b1111;
    if (left_q == 11'd1) register_be = last_be_q;
    if (is_first_q) register_be = register_be & first_be_q;
    register_write = '0;
    if (in_register) begin
      register_write.valid = register_be != '0 && offset_q < 32'(ep_reg_pkg::BarBytes);
      register_write.write = 1'b1;
      register_write.offset = offset_q[15:0];
      register_write.wdata = rx_req_data_i[32*lane_q+:32];
      register_write.be = register_be;
    end
  end
  assign register_o = in_register ? register_write : register_read;

  // ---- Reads -------------------------------------------------------------------------------------------------------

  logic reader_idle;

  ep_bar_reader #(
    .DataWidth(DataWidth)
  ) u_reader (
    .clk_i,
    .rst_ni,
    .completer_id_i(fn_i.bdf),
    .max_payload_i(fn_i.max_payload),
    .stop_i,
    .idle_o(reader_idle),
    .start_i(starts_read),
    .request_i(request),
    .is_card_i(rx_req_bar_i == CardBar),
    .offset_i(rx_req_offset_i),
    .tx_cpl_valid_o,
    .tx_cpl_ready_i,
    .tx_cpl_sop_o,
    .tx_cpl_eop_o,
    .tx_cpl_header_o,
    .tx_cpl_data_o,
    .register_o(register_read),
    .register_rdata_i,
    .read_valid_o,
    .read_ready_i,
    .read_address_o,
    .read_data_valid_i,
    .read_data_i,
    .posted_count_i,
    .posted_sent_i
  );

  // ---- Flow --------------------------------------------------------------------------------------------------------

  always_comb begin
    rx_req_ready_o = 1'b0;
    state_d = state_q;
    unique case (state_q)
      StIdle: begin
        // The first beat of a register write waits until its double words have been taken out of it.
        // The rest of a write that a reset cut off is dropped.
        rx_req_ready_o = starts_read || (starts_card && write_ready_i) || (rx_req_valid_i && !rx_req_sop_i);
        if (starts_read) state_d = StRead;
        if (starts_register) state_d = StRegister;
        if (starts_card && write_ready_i && !rx_req_eop_i) state_d = StCard;
      end
      StCard: begin
        rx_req_ready_o = write_ready_i;
        if (rx_req_valid_i && write_ready_i && rx_req_eop_i) state_d = StIdle;
      end
      StRegister: begin
        rx_req_ready_o = register_last;
        if (rx_req_valid_i && register_last && rx_req_eop_i) state_d = StIdle;
      end
      StRead: if (reader_idle) state_d = StIdle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    state_q <= state_d;
    if (starts) begin
      offset_q <= offset;
      left_q <= left;
      first_be_q <= first_be;
      last_be_q <= last_be;
      is_first_q <= 1'b1;
      lane_q <= '0;
    end
    if (write_valid_o && write_ready_i) begin
      offset_q <= offset + 32'(DataBytes);
      left_q <= left - 11'(DataDwords);
      is_first_q <= 1'b0;
    end
    if (in_register) begin
      offset_q <= offset_q + 32'd4;
      left_q <= left_q - 11'd1;
      is_first_q <= 1'b0;
      lane_q <= lane_q + 1'b1;
    end
    if (!rst_ni) state_q <= StIdle;
  end

  assign idle_o = state_q == StIdle;
  assign rx_write_o = starts_register || (starts_card && write_ready_i);
  assign rx_read_o = starts_read;
  assign tx_completion_o = tx_cpl_valid_o && tx_cpl_ready_i && tx_cpl_eop_o;

endmodule
