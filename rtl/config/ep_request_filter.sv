// SPDX-License-Identifier: MIT
// Stands before the core as a hard block does: lets through the memory requests that hit a BAR, answers other
// non-posted requests with UR, drops other posted ones, and merges its completions with the core's. Requests for places
// of a BAR where nothing is are aborted: CA for reads, drop for writes.
//
// Malformed requests are dropped, whatever they ask for (PCIe 5.0, 2.3): formats and types that do not exist, more data
// than Max_Payload_Size, byte enables that break 2.2.5, and addresses that run over a multiple of 4 KiB.
//
// What a request is, is decided when it comes and stays: a configuration request that overtakes it while it waits does
// not change it, but a reset of the function does.
//
// Poisoned writes are dropped (PCIe 5.0, 2.7.2.2). Messages that an endpoint must accept have no effect here.
module ep_request_filter
  import ep_config_pkg::*, ep_tlp_pkg::*, ep_completion_pkg::*;
#(
  parameter int unsigned DataWidth = 256
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic [15:0]          bdf_i,
  input  logic [2:0]           max_payload_i,

  // Answer of ep_bar_match to rx_req_header_i, in the same clock.
  input  logic                 redecide_i,  // the function is reset: nothing that waits is for it
  input  logic                 hit_i,
  input  logic                 beyond_i,
  input  logic [2:0]           bar_i,
  input  logic [31:0]          offset_i,

  input  logic                 rx_req_valid_i,
  output logic                 rx_req_ready_o,
  input  logic                 rx_req_sop_i,
  input  logic                 rx_req_eop_i,
  input  logic [127:0]         rx_req_header_i,
  input  logic [DataWidth-1:0] rx_req_data_i,

  output logic                 core_req_valid_o,
  input  logic                 core_req_ready_i,
  output logic                 core_req_sop_o,
  output logic                 core_req_eop_o,
  output logic [127:0]         core_req_header_o,
  output logic [DataWidth-1:0] core_req_data_o,
  output logic [2:0]           core_req_bar_o,
  output logic [31:0]          core_req_offset_o,

  input  logic                 core_cpl_valid_i,
  output logic                 core_cpl_ready_o,
  input  logic                 core_cpl_sop_i,
  input  logic                 core_cpl_eop_i,
  input  logic [127:0]         core_cpl_header_i,
  input  logic [DataWidth-1:0] core_cpl_data_i,

  output logic                 tx_cpl_valid_o,
  input  logic                 tx_cpl_ready_i,
  output logic                 tx_cpl_sop_o,
  output logic                 tx_cpl_eop_o,
  output logic [127:0]         tx_cpl_header_o,
  output logic [DataWidth-1:0] tx_cpl_data_o,

  output error_t               error_o
);

  localparam logic [4:0] TypeMemory = 5'b00000;
  localparam logic [4:0] TypeMemoryLocked = 5'b00001;
  localparam logic [4:0] TypeIo = 5'b00010, TypeConfig0 = 5'b00100, TypeConfig1 = 5'b00101;
  localparam logic [4:0] TypeFetchAdd = 5'b01100, TypeSwap = 5'b01101, TypeCompareSwap = 5'b01110;
  localparam logic [7:0] CompletionLocked = 8'b000_01011;
  localparam logic [7:0] MessageUnlock = 8'h00, MessageTurnOff = 8'h19, MessagePowerLimit = 8'h50;
  localparam logic [7:0] MessageVendor1 = 8'h7F;
  localparam logic [3:0] MessageIgnored = 4'h4;  // 40h to 4Fh

  // ---- Classification of the request whose first beat stands at the input ------------------------------------------

  request_t request;
  logic     is_memory, is_message, is_posted, is_known_message, passes;

  assign request = rx_req_header_i;
  assign is_memory = request.fmt_type[4:0] == TypeMemory;
  assign is_message = request.fmt_type[4:3] == 2'b10;
  assign is_posted = is_message || (is_memory && request.fmt_type[6]);
  // Double word 1, bits 7:0 of a message are its code.
  assign is_known_message = is_message && ({request.last_be, request.first_be} inside
                                           {MessageUnlock, MessageTurnOff, MessagePowerLimit, MessageVendor1} ||
                                           request.last_be == MessageIgnored);
  logic has_data, is_poisoned;
  assign has_data = request.fmt_type[6];
  assign is_poisoned = has_data && request.poisoned;  // without data EP says nothing

  // What makes a request malformed.
  logic        is_type_known, has_bad_enables, runs_over, is_too_long, is_malformed;
  logic [10:0] length;
  logic [31:2] first_dword;
  assign first_dword = low_address(request);
  assign length = {request.length == '0, request.length};
  always_comb begin
    unique case (request.fmt_type[4:0])
      TypeMemory: is_type_known = 1'b1;
      TypeMemoryLocked: is_type_known = !has_data;
      TypeIo, TypeConfig0, TypeConfig1: is_type_known = !request.fmt_type[5];
      TypeFetchAdd, TypeSwap, TypeCompareSwap: is_type_known = has_data;
      default: is_type_known = is_message && request.fmt_type[5];
    endcase
    if (request.fmt_type[7]) is_type_known = 1'b0;  // prefixes do not come here
  end
  always_comb begin
    has_bad_enables = 1'b0;
    runs_over = 1'b0;
    if (is_memory || request.fmt_type[4:0] == TypeMemoryLocked) begin
      runs_over = 12'(first_dword[11:2]) + 12'(length) > 12'd1024;
      if (length == 11'd1) begin
        has_bad_enables = request.last_be != '0;
      end else begin
        has_bad_enables = request.first_be == '0 || request.last_be == '0;
        // Gaps are for one double word, and for two of one aligned quad word.
        if (length > 11'd2 || first_dword[2]) begin
          if (!(request.first_be inside {4'b1111, 4'b1110, 4'b1100, 4'b1000})) has_bad_enables = 1'b1;
          if (!(request.last_be inside {4'b1111, 4'b0111, 4'b0011, 4'b0001})) has_bad_enables = 1'b1;
        end
      end
    end
  end
  assign is_too_long = has_data && length > 11'd32 << max_payload_i;
  assign is_malformed = !is_type_known || has_bad_enables || runs_over || is_too_long;

  logic is_aborted;
  assign is_aborted = is_memory && hit_i && beyond_i;
  assign passes = is_memory && hit_i && !beyond_i && !is_poisoned && !is_malformed;

  // ---- Requests ----------------------------------------------------------------------------------------------------

  typedef enum logic [1:0] {
    StStart,  // the next beat begins a request
    StPass,
    StDrop
  } state_e;

  state_e      state_q, state_d;
  logic        begun_q;  // in StPass: the first beat was taken
  logic [2:0]  bar_q;
  logic [31:0] offset_q;
  logic        answer_pending_q, answer_aborted_q, takes_answer;
  logic        drops, passing;
  request_t    answer_q;

  always_comb begin
    passing = state_q == StPass;
    drops = state_q == StDrop;
    takes_answer = 1'b0;
    if (state_q == StStart && rx_req_valid_i) begin
      passing = passes;
      drops = !passes && (is_posted || is_malformed || !answer_pending_q);
      takes_answer = drops && !is_posted && !is_malformed;
    end
  end

  // Apart from the choice above, which does not depend on the core's ready.
  always_comb begin
    rx_req_ready_o = passing ? core_req_ready_i : drops;
    state_d = state_q;
    if (rx_req_valid_i && rx_req_ready_o) begin
      if (rx_req_eop_i) state_d = StStart;
      else state_d = passing ? StPass : StDrop;
    end else if (passing && rx_req_valid_i) begin
      state_d = redecide_i && (state_q == StStart || !begun_q) ? StStart : StPass;
    end
  end

  assign core_req_valid_o = rx_req_valid_i && passing;
  assign core_req_sop_o = rx_req_sop_i;
  assign core_req_eop_o = rx_req_eop_i;
  assign core_req_header_o = rx_req_header_i;
  assign core_req_data_o = rx_req_data_i;
  assign core_req_bar_o = state_q == StStart ? bar_i : bar_q;
  assign core_req_offset_o = state_q == StStart ? offset_i : offset_q;

  logic begins_drop;
  assign begins_drop = state_q == StStart && rx_req_valid_i && drops;

  // One error for a request, the gravest (6.2.3.2.3). What is answered is advisory (6.2.3.2.4.1).
  always_comb begin
    error_o = '{valid: begins_drop, kind: ErrorUnsupported, advisory: takes_answer, header: request};
    if (is_malformed) error_o.kind = ErrorMalformed;
    else if (is_aborted) error_o.kind = ErrorCompleterAbort;
    else if ((is_memory && hit_i || is_known_message) && is_poisoned) error_o.kind = ErrorPoisoned;
    else if (is_known_message) error_o.valid = 1'b0;
  end

  // ---- Completions -------------------------------------------------------------------------------------------------

  logic        core_packet_q, sends_own, own_taken;
  completion_t answer;

  assign sends_own = answer_pending_q && !core_packet_q;
  assign own_taken = sends_own && tx_cpl_ready_i;

  always_comb begin
    answer = '0;
    if (answer_pending_q) begin
      answer = completion_for(answer_q, bdf_i);
      answer.status = answer_aborted_q ? StatusCompleterAbort : StatusUnsupportedRequest;
      answer.byte_count = 12'd4;
      if (answer_q.fmt_type[4:0] == TypeMemoryLocked) answer.fmt_type = CompletionLocked;
      if (answer_q.fmt_type[4:1] == TypeMemory[4:1]) begin
        answer.byte_count = 12'(byte_count(answer_q));
        answer.lower_address = {5'(low_address(answer_q)), leading_bytes(answer_q.first_be)};
      end
      // Of an AtomicOp: the size of its operand (2.2.9); CAS brings two.
      if (answer_q.fmt_type[4:0] inside {TypeFetchAdd, TypeSwap}) answer.byte_count = {answer_q.length, 2'b00};
      if (answer_q.fmt_type[4:0] == TypeCompareSwap) answer.byte_count = {1'b0, answer_q.length, 1'b0};
    end
  end

  assign tx_cpl_valid_o = sends_own || core_cpl_valid_i;
  assign tx_cpl_sop_o = sends_own || core_cpl_sop_i;
  assign tx_cpl_eop_o = sends_own || core_cpl_eop_i;
  assign tx_cpl_header_o = sends_own ? answer : core_cpl_header_i;
  assign tx_cpl_data_o = core_cpl_data_i;
  assign core_cpl_ready_o = tx_cpl_ready_i && !sends_own;

  // A completion that was offered stays, whatever comes after it.
  logic core_offered;
  assign core_offered = core_cpl_valid_i && !sends_own && !(tx_cpl_ready_i && core_cpl_eop_i);

  always_ff @(posedge clk_i) begin
    state_q <= state_d;
    if (state_q == StStart) begin
      begun_q <= rx_req_ready_o;
      bar_q <= bar_i;
      offset_q <= offset_i;
    end else if (rx_req_valid_i && rx_req_ready_o) begin
      begun_q <= 1'b1;
    end
    core_packet_q <= core_offered || (core_packet_q && !(core_cpl_valid_i && tx_cpl_ready_i && core_cpl_eop_i));
    if (takes_answer) begin
      answer_q <= request;
      answer_aborted_q <= is_aborted;
      answer_pending_q <= 1'b1;
    end else if (own_taken) begin
      answer_pending_q <= 1'b0;
    end
    if (!rst_ni) begin
      state_q <= StStart;
      core_packet_q <= 1'b0;
      answer_pending_q <= 1'b0;
    end
  end

endmodule
