// SPDX-License-Identifier: MIT
// Per MSI-X vector: events raised, events that found the pending bit set, messages sent.
module ep_monitor_vectors
  import ep_reg_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,  // fundamental

  input  logic        tap_valid_i,
  input  logic [4:0]  tap_vector_i,
  input  logic        tap_coalesced_i,
  input  logic        message_sent_i,
  input  logic [4:0]  message_vector_i,

  input  logic        read_i,
  input  logic [8:2]  read_offset_i,  // from the first vector's EVENTS on
  output logic [31:0] register_rdata_o
);

  localparam int unsigned Vectors = MonitorEventsCount;
  localparam int unsigned IndexBits = $clog2(Vectors);

  // Memories without reset: cleared one vector per clock after it, before the function can do anything.
  logic [31:0]        events_q [Vectors];
  logic [31:0]        coalesced_q [Vectors];
  logic [31:0]        messages_q [Vectors];
  logic [IndexBits:0] cleared_q;
  logic               clears;
  logic [31:0]        rdata_q;

  logic [IndexBits-1:0] clear_index, read_index;
  assign clears = !cleared_q[IndexBits];
  assign clear_index = cleared_q[IndexBits-1:0];
  assign read_index = read_offset_i[8:4];

  always_ff @(posedge clk_i) begin
    if (clears) begin
      cleared_q <= cleared_q + 1'b1;
      events_q[clear_index] <= '0;
      coalesced_q[clear_index] <= '0;
      messages_q[clear_index] <= '0;
    end else begin
      if (tap_valid_i) events_q[tap_vector_i] <= events_q[tap_vector_i] + 32'd1;
      if (tap_valid_i && tap_coalesced_i) coalesced_q[tap_vector_i] <= coalesced_q[tap_vector_i] + 32'd1;
      if (message_sent_i) messages_q[message_vector_i] <= messages_q[message_vector_i] + 32'd1;
    end
    rdata_q <= '0;
    if (read_i) begin
      unique case (read_offset_i[3:2])
        MonitorEvents[3:2]: rdata_q <= events_q[read_index];
        MonitorCoalesced[3:2]: rdata_q <= coalesced_q[read_index];
        MonitorMessages[3:2]: rdata_q <= messages_q[read_index];
        default: ;
      endcase
    end
    if (!rst_ni) begin
      cleared_q <= '0;
      rdata_q <= '0;
    end
  end

  assign register_rdata_o = rdata_q;

endmodule
