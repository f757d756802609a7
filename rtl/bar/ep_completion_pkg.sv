// SPDX-License-Identifier: MIT
// How a completer describes its completions (PCIe 5.0, 2.2.9 and tables 2-38, 2-39).
package ep_completion_pkg;
  import ep_tlp_pkg::*;

  // Bytes before the first enabled one in the first double word of a request.
  function automatic logic [1:0] leading_bytes(input logic [3:0] first_be);
    unique casez (first_be)
      4'b??10: return 2'd1;
      4'b?100: return 2'd2;
      4'b1000: return 2'd3;
      default: return 2'd0;  // also a read of length 0
    endcase
  endfunction

  // Bytes behind the last enabled one in the last double word.
  function automatic logic [1:0] trailing_bytes(input logic [3:0] last_be);
    unique casez (last_be)
      4'b01??: return 2'd1;
      4'b001?: return 2'd2;
      4'b0001: return 2'd3;
      default: return 2'd0;
    endcase
  endfunction

  // Bytes from the first to the last enabled one: 1 to 4096. A read of length 0 counts as 1.
  function automatic logic [12:0] byte_count(input request_t request);
    logic [3:0]  final_be;
    logic [12:0] bytes;
    bytes = {request.length == 10'd0, request.length, 2'b00};
    if (request.length == 10'd1 && request.first_be == 4'd0) return 13'd1;
    final_be = request.length == 10'd1 ? request.first_be : request.last_be;
    return bytes - 13'(leading_bytes(request.first_be)) - 13'(trailing_bytes(final_be));
  endfunction

  // Address bits 31:2 of a memory request.
  function automatic logic [31:2] low_address(input request_t request);
    return request.fmt_type[5] ? request.dw3[31:2] : request.dw2[31:2];
  endfunction

  // A completion without data for a request: status and counts are the caller's.
  function automatic completion_t completion_for(input request_t request, input logic [15:0] completer_id);
    completion_t completion;
    completion = '0;
    completion.fmt_type = Cpl;
    completion.tag9 = request.tag9;
    completion.tag8 = request.tag8;
    completion.tag = request.tag;
    completion.requester_id = request.requester_id;
    completion.traffic_class = request.traffic_class;
    completion.attr_ido = request.attr_ido;
    completion.attr_relaxed = request.attr_relaxed;
    completion.attr_no_snoop = request.attr_no_snoop;
    completion.completer_id = completer_id;
    return completion;
  endfunction

endpackage
