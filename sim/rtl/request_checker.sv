// SPDX-License-Identifier: MIT
// Rules of the requests that the endpoint makes (PCIe 5.0, 2.2.5 and 2.2.7): 4 KiB, maximum payload, maximum read
// request, byte enables, address form, length of the payload.
`include "ep_assert.svh"
module request_checker #(
  parameter int unsigned DataWidth = 256
) (
  input logic         clk_i,
  input logic         rst_ni,
  input logic         restart_i,
  input logic         valid_i,
  input logic         ready_i,
  input logic         sop_i,
  input logic         eop_i,
  input logic [127:0] header_i,
  input logic [2:0]   max_payload_i,
  input logic [2:0]   max_read_request_i,
  input logic         extended_tag_i,
  input logic         bus_master_i
);

  localparam int unsigned BeatDwords = DataWidth / 32;

  ep_tlp_pkg::request_t request;
  logic                 start, write, wide;
  logic [10:0]          dwords;
  logic [11:0]          first_byte;
  logic [12:0]          stop_byte;

  assign request = header_i;
  assign start = valid_i && sop_i && !restart_i;
  assign write = request.fmt_type == ep_tlp_pkg::MemWrite32 || request.fmt_type == ep_tlp_pkg::MemWrite64;
  assign wide = request.fmt_type[5];
  assign dwords = {request.length == '0, request.length};
  assign first_byte = wide ? request.dw3[11:0] : request.dw2[11:0];
  assign stop_byte = 13'(first_byte) + {dwords, 2'b00};

  // Beats of the packet, counted down; a request without data has one.
  logic [10:0] left_q;
  logic [10:0] left;
  assign left = sop_i ? (write ? 11'((32'(dwords) + BeatDwords - 1) / BeatDwords) : 11'd1) : left_q;

  // A packet that was on offer when bus mastering fell, or when a limit became smaller, may still go.
  logic       offered_q, bus_master_q, extended_tag_q;
  logic [2:0] max_payload_q, max_read_request_q;
  always_ff @(posedge clk_i) begin
    offered_q <= rst_ni && start && !ready_i;
    bus_master_q <= bus_master_i;
    extended_tag_q <= extended_tag_i;
    max_payload_q <= max_payload_i;
    max_read_request_q <= max_read_request_i;
    if (valid_i && ready_i) left_q <= left - 1'b1;
  end

  `EP_ASSERT(KnownKind, !start || write || request.fmt_type == ep_tlp_pkg::MemRead32 ||
                        request.fmt_type == ep_tlp_pkg::MemRead64)
  `EP_ASSERT(StaysInsideFourKiB, !start || stop_byte <= 13'd4096)
  `EP_ASSERT(PayloadFits, !start || !write || offered_q || {dwords, 2'b00} <= (13'd128 << max_payload_i) ||
                          {dwords, 2'b00} <= (13'd128 << max_payload_q))
  `EP_ASSERT(ReadFits, !start || write || offered_q || {dwords, 2'b00} <= (13'd128 << max_read_request_i) ||
                       {dwords, 2'b00} <= (13'd128 << max_read_request_q))
  `EP_ASSERT(WideOnlyAboveFourGiB, !start || !wide || request.dw2 != '0)
  `EP_ASSERT(FirstEnables, !start || request.first_be != '0)
  `EP_ASSERT(LastEnables, !start || (dwords == 11'd1) == (request.last_be == '0))
  `EP_ASSERT(ShortTags, !start || write || offered_q || extended_tag_i || extended_tag_q || request.tag < 8'd32)
  `EP_ASSERT(PayloadIsWhole, !valid_i || restart_i || eop_i == (left == 11'd1))
  `EP_ASSERT(BusMasterIsOn, !start || offered_q || bus_master_i || bus_master_q)

endmodule
