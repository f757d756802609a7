// SPDX-License-Identifier: MIT
// A tag is in one place at a time: among the free ones, offered, or with a read that is not over. Four tags, two of
// which need no Extended Tag Field Enable; what each stream of completions, sweeps, time-outs and resets may do to them
// is free within what the parts around do.
module tags_proof (
  input logic                  clk_i,
  input logic                  rst_ni,
  input logic                  clear_i,
  input logic                  extended_tag_i,
  input logic [31:0]           timeout_i,
  input logic                  timeout_disable_i,
  input logic [31:0]           now_i,
  input logic                  take_i,
  input ep_pkg::read_context_t context_i,
  input logic [1:0]            lookup_tag_i,
  input logic                  update_i,
  input logic [12:0]           update_remaining_i,
  input logic                  update_poisoned_i,
  input logic                  update_last_i,
  input logic                  packet_end_i,
  input logic                  sweep_i
);

  ep_tlp_tags #(.TagBits(2), .LowBits(1)) u_tags (
    .clk_i, .rst_ni, .clear_i, .clear_done_o(), .extended_tag_i, .timeout_i, .timeout_disable_i, .now_i,
    .tag_valid_o(), .tag_o(), .take_i, .context_i, .lookup_tag_i, .lookup_context_o(), .lookup_busy_o(),
    .lookup_quarantine_o(), .lookup_remaining_o(), .lookup_poisoned_o(), .update_i, .update_remaining_i,
    .update_poisoned_i, .update_last_i, .packet_end_i, .sweep_i, .timeout_o(), .timeout_context_o(), .pending_o()
  );

endmodule

module tags_places (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       clear_i,
  input logic       clear_begun_i,
  input logic       fundamental_i,
  input logic [2:0] clear_count_i,
  input logic       take_i,
  input logic       update_i,
  input logic       update_last_i,
  input logic       packet_end_i,
  input logic       lookup_known_i,
  input logic [1:0] lookup_tag_i,
  input logic       quarantine_over_i,
  input logic [1:0] sweep_tag_i,
  input logic       offered_i,     // a tag waits in the register
  input logic       available_i,   // and may be taken
  input logic [1:0] tag_i,
  input logic       in_hand_i,
  input logic       release_i,
  input logic [1:0] hand_tag_i,
  input logic [3:0] fresh_i,       // by tag: its read waits for its first completion
  input logic [3:0] kept_i,        // its read, or its quarantine, is not over
  input logic [3:0] alike_i,       // the copies of its generation bit and of what was sent agree
  input logic [1:0] low_head_i,
  input logic [1:0] low_tail_i,
  input logic [3:0] low_i,         // two entries of two bits
  input logic [2:0] high_head_i,
  input logic [2:0] high_tail_i,
  input logic [7:0] high_i         // four entries of two bits
);

  logic       started = 1'b0;
  logic       done_q, take_q;
  logic [3:0] kept_q, over_q;
  logic       clear;
  logic [1:0] low_count;
  logic [2:0] high_count;
  logic [3:0] used;
  logic [3:0] in_low [2], in_high [4];  // by entry: the tag that it holds
  logic [2:0] lists [4];                // by tag: how often it is free or offered
  logic [3:0] released;

  assign clear = clear_i && clear_begun_i;
  assign low_count = low_tail_i - low_head_i;
  assign high_count = high_tail_i - high_head_i;
  assign used = fresh_i | kept_i;

  always_comb begin
    for (int unsigned i = 0; i < 2; i++) begin
      // Entries count from the head on.
      in_low[i] = '0;
      if (low_count > 2'(i)) in_low[i] = 4'd1 << low_i[2*(1'(low_head_i[0] + 1'(i))) +: 2];
    end
    for (int unsigned i = 0; i < 4; i++) begin
      in_high[i] = '0;
      if (high_count > 3'(i)) in_high[i] = 4'd1 << high_i[2*(2'(high_head_i[1:0] + 2'(i))) +: 2];
    end
    for (int unsigned t = 0; t < 4; t++) begin
      lists[t] = 3'(offered_i && tag_i == 2'(t)) + 3'(in_low[0][t]) + 3'(in_low[1][t]) + 3'(in_high[0][t]) +
                 3'(in_high[1][t]) + 3'(in_high[2][t]) + 3'(in_high[3][t]);
      released[t] = release_i && hand_tag_i == 2'(t);
    end
  end

  always_ff @(posedge clk_i) begin
    started <= 1'b1;
    done_q <= rst_ni && clear_count_i[2];
    kept_q <= used;
    take_q <= take_i;
    over_q <= (update_i && update_last_i ? 4'd1 << lookup_tag_i : '0) |
              (quarantine_over_i ? 4'd1 << sweep_tag_i : '0) | {4{fundamental_i || !rst_ni}};
  end

  always_comb begin
    // What the parts around do.
    assume (started || !rst_ni);
    if (!started) assume (&alike_i);  // memories come up with zeroes
    assume (!take_i || available_i);
    assume (!update_i || (lookup_known_i && !in_hand_i && !clear && !fundamental_i));
    assume (!packet_end_i || !clear);
    assume (rst_ni || (!take_i && !update_i && !packet_end_i));
    if (fundamental_i && !done_q) assume (clear_i || !rst_ni);
    if (clear_begun_i && !done_q) assume (clear_i || !rst_ni);

    if (started && rst_ni) begin
      // The claim.
      if (take_i) assert (!used[tag_i] && !released[tag_i]);
      // A read, or its quarantine, is over by its last completion, by the end of the quarantine, or by a fundamental reset.
      assert ((kept_q & ~used & ~over_q) == '0);
    end

    if (started) begin
      // Where every tag is, which makes the claim hold from clock to clock.
      assert (&alike_i);
      assert (low_count <= 2'd2 && high_count <= 3'd4);
      assert ((in_low[0] | in_low[1]) <= 4'b0011);
      for (int unsigned i = 0; i < 4; i++) assert ((in_high[i] & 4'b0011) == '0);
      assert (!release_i || in_hand_i);
      assert (clear_count_i <= 3'd4 && (clear_count_i == '0 || clear_begun_i));
      if (done_q) assert (!fundamental_i && (clear_count_i == '0 || clear_count_i[2]));
      if (fundamental_i && clear_count_i == '0) assert (low_count == '0 && high_count == '0 && !offered_i && !release_i);
      for (int unsigned t = 0; t < 4; t++) begin
        if (clear_count_i != '0) assert (!released[t] && !offered_i);
        if (clear_count_i != '0 && clear_count_i <= 3'(t)) assert (lists[t] == '0);
        else if (!fundamental_i || clear_count_i != '0) assert (lists[t] + 3'(released[t]) + 3'(used[t]) == 3'd1);
      end
    end
  end

endmodule

bind ep_tlp_tags tags_places u_places (
  .clk_i, .rst_ni, .clear_i, .clear_begun_i(clear_begun_q), .fundamental_i(fundamental_q), .clear_count_i(clear_q),
  .take_i, .update_i, .update_last_i, .packet_end_i, .lookup_known_i(lookup_busy_o || lookup_quarantine_o),
  .lookup_tag_i, .quarantine_over_i(quarantine_over), .sweep_tag_i(sweep_tag), .offered_i(tag_valid_q),
  .available_i(tag_valid_o), .tag_i(tag_q), .in_hand_i(in_hand_q), .release_i(release_q), .hand_tag_i(hand_tag_q),
  .fresh_i({sent_mem[3].generation != progress_mem[3].generation, sent_mem[2].generation != progress_mem[2].generation,
            sent_mem[1].generation != progress_mem[1].generation, sent_mem[0].generation != progress_mem[0].generation}),
  .kept_i({progress_mem[3].state != StFree, progress_mem[2].state != StFree, progress_mem[1].state != StFree,
           progress_mem[0].state != StFree}),
  .alike_i({sent_mem[3].generation == generation_mem[3] && sweep_mem[3].generation == generation_mem[3],
            sent_mem[2].generation == generation_mem[2] && sweep_mem[2].generation == generation_mem[2],
            sent_mem[1].generation == generation_mem[1] && sweep_mem[1].generation == generation_mem[1],
            sent_mem[0].generation == generation_mem[0] && sweep_mem[0].generation == generation_mem[0]}),
  .low_head_i(low_head_q), .low_tail_i(low_tail_q), .low_i({low_mem[1], low_mem[0]}), .high_head_i(high_head_q),
  .high_tail_i(high_tail_q), .high_i({high_mem[3], high_mem[2], high_mem[1], high_mem[0]})
);
