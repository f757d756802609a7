// SPDX-License-Identifier: MIT
// MSI-X table, pending bits and messages (PCIe 5.0, 6.1.4 and 7.7.2).
//
// Every event sets its vector's pending bit; a bit that may fire is turned into a message, and cleared, in the clock
// in which the message is taken. So a message carries what the entry says at that moment, a vector that was just
// masked sends nothing any more, and an event beside the firing sets the bit anew.
module ep_msix
  import ep_pkg::*, ep_reg_pkg::*, ep_register_bus_pkg::*;
(
  input  logic              clk_i,
  input  logic              rst_ni,
  input  function_config_t  fn_i,

  input  register_request_t register_i,
  output logic [31:0]       register_rdata_o,

  input  logic              event_valid_i,
  output logic              event_ready_o,
  input  logic [4:0]        event_vector_i,

  // May be withdrawn before it is taken.
  output logic              message_valid_o,
  input  logic              message_ready_i,
  output message_t          message_o,

  // Each event, and whether it found the bit set.
  output logic              tap_valid_o,
  output logic [4:0]        tap_vector_o,
  output logic              tap_coalesced_o
);

  localparam int unsigned Vectors = MsixTableAddressLoCount;

  // ---- Table -------------------------------------------------------------------------------------------------------

  // Three memories without reset. A word that was not written since reset reads 0.
  logic [31:0]        address_low_q [Vectors];
  logic [31:0]        address_high_q [Vectors];
  logic [31:0]        data_q [Vectors];
  logic [Vectors-1:0] has_address_low_q, has_address_high_q, has_data_q;
  logic [Vectors-1:0] mask_q, pending_q;

  logic        in_table, in_pending;
  logic [4:0]  entry;
  logic [31:0] entry_address_low, entry_address_high, entry_data, rdata_q;
  assign entry = register_i.offset[8:4];
  assign in_table = register_i.valid && register_i.offset[15:9] == MsixTableBase[15:9] && {1'b0, entry} < fn_i.vectors;
  assign in_pending = register_i.valid && register_i.offset == MsixPbaPending;
  assign entry_address_low = has_address_low_q[entry] ? address_low_q[entry] : '0;
  assign entry_address_high = has_address_high_q[entry] ? address_high_q[entry] : '0;
  assign entry_data = has_data_q[entry] ? data_q[entry] : '0;

  always_ff @(posedge clk_i) begin
    rdata_q <= '0;
    if (in_table && !register_i.write) begin
      unique case (register_i.offset[3:2])
        MsixTableAddressLo[3:2]: rdata_q <= entry_address_low;
        MsixTableAddressHi[3:2]: rdata_q <= entry_address_high;
        MsixTableData[3:2]: rdata_q <= entry_data;
        MsixTableVectorControl[3:2]: rdata_q <= {31'd0, mask_q[entry]};
      endcase
    end
    if (in_pending && !register_i.write) rdata_q <= pending_q;
    if (in_table && register_i.write) begin
      unique case (register_i.offset[3:2])
        MsixTableAddressLo[3:2]: begin
          address_low_q[entry] <= written(entry_address_low, register_i) & 32'hFFFF_FFFC;
          has_address_low_q[entry] <= 1'b1;
        end
        MsixTableAddressHi[3:2]: begin
          address_high_q[entry] <= written(entry_address_high, register_i);
          has_address_high_q[entry] <= 1'b1;
        end
        MsixTableData[3:2]: begin
          data_q[entry] <= written(entry_data, register_i);
          has_data_q[entry] <= 1'b1;
        end
        MsixTableVectorControl[3:2]: if (register_i.be[0]) mask_q[entry] <= register_i.wdata[0];
      endcase
    end
    if (!rst_ni) begin
      rdata_q <= '0;
      has_address_low_q <= '0;
      has_address_high_q <= '0;
      has_data_q <= '0;
      mask_q <= '1;
    end
  end
  assign register_rdata_o = rdata_q;

  // ---- Choice of the next message: round robin over the bits that may fire -----------------------------------------

  logic               may_send, chosen_q, fires;
  logic [4:0]         vector_q, next;
  logic [Vectors-1:0] ready_bits, behind, candidates;

  assign may_send = fn_i.msix_enable && !fn_i.msix_mask && fn_i.bus_master && fn_i.d_state == 2'd0;
  assign ready_bits = may_send ? pending_q & ~mask_q : '0;

  always_comb begin
    behind = '0;
    candidates = '0;
    next = '0;
    if (ready_bits != '0) begin
      behind = ready_bits & ~((32'd2 << vector_q) - 32'd1);
      candidates = behind != '0 ? behind : ready_bits;
      for (int n = Vectors - 1; n >= 0; n--) if (candidates[n]) next = 5'(n);
    end
  end

  assign message_valid_o = chosen_q && ready_bits[vector_q];
  assign fires = message_valid_o && message_ready_i;
  assign message_o = '{
    address: {has_address_high_q[vector_q] ? address_high_q[vector_q] : 32'd0,
              has_address_low_q[vector_q] ? address_low_q[vector_q] : 32'd0},
    data: has_data_q[vector_q] ? data_q[vector_q] : 32'd0,
    vector: vector_q
  };

  // ---- Events ------------------------------------------------------------------------------------------------------

  logic               is_event, sets, finds_set;
  logic [Vectors-1:0] set_bit, fired_bit;

  assign event_ready_o = 1'b1;
  assign is_event = event_valid_i && {1'b0, event_vector_i} < fn_i.vectors;
  assign sets = is_event && (fn_i.msix_enable || fn_i.pending_while_disabled);
  assign set_bit = sets ? 32'd1 << event_vector_i : '0;
  assign fired_bit = fires ? 32'd1 << vector_q : '0;
  assign finds_set = (pending_q & ~fired_bit & set_bit) != '0;

  always_ff @(posedge clk_i) begin
    pending_q <= (pending_q & ~fired_bit) | set_bit;
    // A choice stays until it has fired or may not fire any more.
    if (!message_valid_o || message_ready_i) begin
      chosen_q <= (ready_bits & ~fired_bit) != '0;
      if (ready_bits != '0) vector_q <= next;
    end
    tap_valid_o <= is_event;
    tap_vector_o <= event_vector_i;
    tap_coalesced_o <= finds_set;
    if (!rst_ni) begin
      pending_q <= '0;
      chosen_q <= 1'b0;
      vector_q <= '0;
      tap_valid_o <= 1'b0;
    end
  end

endmodule
