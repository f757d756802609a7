// SPDX-License-Identifier: MIT
// Takes completions for our reads in any legal order and says where each beat of data belongs. Refuses a beat only for
// pause_i and in reset; what nobody asked for is dropped and counted.
module ep_tlp_receive #(
  parameter int unsigned DataWidth = 256,
  localparam int unsigned DataBytes = DataWidth / 8
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  // The function's own, as it is now. Reads that are in flight when the function is renumbered asked under another one:
  // what answers them then is unexpected, and told as such, and they are given up.
  input  logic [15:0]                 requester_id_i,

  input  logic                        pause_i,  // no beat is taken: others need the card memory's write port
  input  logic                        rx_cpl_valid_i,
  output logic                        rx_cpl_ready_o,
  input  logic                        rx_cpl_sop_i,
  input  logic                        rx_cpl_eop_i,
  input  ep_tlp_pkg::header_t         rx_cpl_header_i,
  input  logic [DataWidth-1:0]        rx_cpl_data_i,

  // ep_tlp_tags.
  output logic [7:0]                  lookup_tag_o,
  input  ep_pkg::read_context_t       lookup_context_i,
  input  logic                        lookup_busy_i,
  input  logic                        lookup_quarantine_i,
  input  logic [12:0]                 lookup_remaining_i,
  input  logic                        lookup_poisoned_i,
  output logic                        update_o,
  output logic [12:0]                 update_remaining_o,
  output logic                        update_poisoned_o,
  output logic                        update_last_o,
  output logic                        packet_end_o,
  output logic                        sweep_o,
  input  logic                        timeout_i,
  input  ep_pkg::read_context_t       timeout_context_i,

  // A beat of data: byte 0 belongs to address, byte enables say what counts.
  output logic                        place_o,
  output ep_pkg::read_context_t       place_context_o,
  output logic [ep_pkg::CardBits-1:0] place_address_o,
  output logic [DataBytes-1:0]        place_be_o,
  output logic [DataWidth-1:0]        place_data_o,
  output logic                        place_last_o,  // last beat of a read's last completion

  output ep_pkg::read_finish_t        finish_o,  // in the clock of the last beat, or later
  output logic                        completion_o,
  output logic                        bad_completion_o,  // not what the read was to get

  // Errors to be reported, with the completion's header.
  output logic                        unexpected_o,  // no read in flight asked for it
  output logic                        poisoned_o,
  output ep_tlp_pkg::header_t         error_header_o
);

  import ep_pkg::*;

  typedef struct packed {
    logic                sop;
    logic                eop;
    ep_tlp_pkg::header_t header;
    logic [DataWidth-1:0] data;
  } beat_t;

  logic       in_valid_q;
  beat_t      in_q;
  logic       is_ours_q;
  logic [6:0] end_address_q;  // low bits of the address behind the last byte of the read that the completion answers

  ep_tlp_pkg::completion_t arriving;
  assign arriving = rx_cpl_header_i;

  // During a reset completions wait: they are late then, and give back the tags of reads that the reset forgot.
  assign rx_cpl_ready_o = rst_ni && !pause_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) in_valid_q <= 1'b0;
    else in_valid_q <= rx_cpl_valid_i && rx_cpl_ready_o;
    if (rx_cpl_valid_i && rx_cpl_ready_o) begin
      in_q <= '{sop: rx_cpl_sop_i, eop: rx_cpl_eop_i, header: rx_cpl_header_i, data: rx_cpl_data_i};
      is_ours_q <= arriving.requester_id == requester_id_i;
      end_address_q <= arriving.lower_address + 7'(arriving.byte_count);
    end
  end

  // What the header says.
  ep_tlp_pkg::completion_t header;
  logic                    first, success, expected;
  logic [12:0]             byte_count, payload, moved, already;
  logic [1:0]              lead;

  assign header = in_q.header;
  assign first = in_valid_q && in_q.sop;
  assign byte_count = {header.byte_count == '0, header.byte_count};
  assign already = lookup_context_i.bytes - byte_count;
  assign lead = header.lower_address[1:0];
  assign payload = {header.length == '0, header.length, 2'b00} - 13'(lead);
  assign moved = payload < byte_count ? payload : byte_count;
  assign lookup_tag_o = header.tag;
  assign success = header.fmt_type == ep_tlp_pkg::CplData && header.status == ep_tlp_pkg::StatusSuccess;

  // The completion fits the read with this tag (PCIe 5.0, 2.3.2): it goes on where the last one ended, or ends it
  // without data. With the right byte count, its data begins at the right address where the read ends at the right one.
  logic continues;
  assign continues = byte_count == lookup_remaining_i && end_address_q == lookup_context_i.end_address;
  assign expected = (header.fmt_type == ep_tlp_pkg::CplData || header.fmt_type == ep_tlp_pkg::Cpl) && !header.tag8 &&
                    !header.tag9 && is_ours_q &&
                    (success ? continues : header.status != ep_tlp_pkg::StatusSuccess);

  assign update_o = first && expected && (lookup_busy_i || lookup_quarantine_i);
  assign update_last_o = !success || payload >= byte_count;
  assign update_remaining_o = byte_count - moved;
  assign update_poisoned_o = lookup_poisoned_i || header.poisoned;
  assign packet_end_o = in_valid_q && in_q.eop;

  dma_status_e status;
  always_comb begin
    if (!success) begin
      status = header.status == ep_tlp_pkg::StatusCompleterAbort ? DmaCompleterAbort : DmaUnsupportedRequest;
    end else begin
      status = update_poisoned_o ? DmaPoisoned : DmaOk;
    end
  end

  // Packet in hand, for the beats after the first.
  logic                active_q, place_q, last_q;
  read_context_t       context_q;
  dma_status_e         status_q;
  logic [CardBits-1:0] address_q;
  logic [12:0]         stop_q;

  logic                active, place, last;
  read_context_t       packet;
  dma_status_e         packet_status;
  logic [CardBits-1:0] address;
  logic [12:0]         stop;  // first byte after the packet's data, counted from byte 0 of this beat
  logic [DataBytes-1:0] be;

  always_comb begin
    if (first) begin
      active = update_o && lookup_busy_i;
      place = success && !header.poisoned;
      last = update_last_o;
      packet = lookup_context_i;
      packet_status = status;
      address = lookup_context_i.destination + CardBits'(already) - CardBits'(lead);
      stop = moved + 13'(lead);
    end else begin
      active = in_valid_q && active_q;
      place = place_q;
      last = last_q;
      packet = context_q;
      packet_status = status_q;
      address = address_q;
      stop = stop_q;
    end
    be = {DataBytes{1'b1}};
    if (stop < 13'(DataBytes)) be = ~({DataBytes{1'b1}} << stop[$clog2(DataBytes)-1:0]);
    if (first) be = be & ({DataBytes{1'b1}} << lead);
  end

  read_finish_t finish_q;
  logic         ends;
  assign ends = active && in_q.eop && last;
  assign sweep_o = !first && !ends;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      place_o <= 1'b0;
      finish_q <= '0;
      completion_o <= 1'b0;
      bad_completion_o <= 1'b0;
      unexpected_o <= 1'b0;
      poisoned_o <= 1'b0;
    end else begin
      if (in_valid_q) active_q <= active && !in_q.eop;
      place_o <= active && place;
      finish_q <= '0;
      if (ends) begin
        finish_q <= '{valid: 1'b1, kind: packet.kind, channel: packet.channel, slot: packet.slot,
                      status: packet_status};
      end else if (timeout_i) begin
        finish_q <= '{valid: 1'b1, kind: timeout_context_i.kind, channel: timeout_context_i.channel,
                      slot: timeout_context_i.slot, status: DmaTimeout};
      end
      completion_o <= first;
      bad_completion_o <= first && !(update_o && lookup_busy_i && success && !header.poisoned);
      unexpected_o <= first && !(update_o && lookup_busy_i);
      poisoned_o <= first && update_o && lookup_busy_i && success && header.poisoned;
    end
    error_header_o <= in_q.header;
    if (in_valid_q && active) begin
      place_q <= place;
      last_q <= last;
      context_q <= packet;
      status_q <= packet_status;
      address_q <= address + CardBits'(DataBytes);
      stop_q <= stop < 13'(DataBytes) ? '0 : stop - 13'(DataBytes);
      place_context_o <= packet;
      place_address_o <= address;
      place_be_o <= be;
      place_data_o <= in_q.data;
      place_last_o <= in_q.eop && last;
    end
  end

  assign finish_o = finish_q;

endmodule
