// SPDX-License-Identifier: MIT
// Outstanding reads: hands out tags, keeps what each read is for, finds the ones that nobody answers.
//
// Two memories with one writer each: what a read is (written when it is sent), how far it got (written by completions
// and by the sweep). Their generation bits differ while nothing of a read has arrived. A read that timed out, or that a
// reset of the function forgot, keeps its tag in quarantine until its last completion has come or a second period has
// passed.
module ep_tlp_tags #(
  parameter int unsigned CompletionBufferBytes = 32768,
  parameter int unsigned MaxReadBytes = 512,
  parameter int unsigned TagBits = 8,
  parameter int unsigned LowBits = 5  // of the tags that need no Extended Tag Field Enable
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  // Level: forget all reads. done when every tag is free or in quarantine. A completion may still come in its first
  // clock, and counts.
  input  logic                  clear_i,
  output logic                  clear_done_o,

  input  logic                  extended_tag_i,
  input  logic [31:0]           timeout_i,  // clocks
  input  logic                  timeout_disable_i,  // no read is given up
  input  logic [31:0]           now_i,

  // The next tag; take writes the context of the read that was sent with it.
  output logic                  tag_valid_o,
  output logic [TagBits-1:0]    tag_o,
  input  logic                  take_i,
  input  ep_pkg::read_context_t context_i,

  // Look at a tag, and in the same clock say what a completion did to it.
  input  logic [TagBits-1:0]    lookup_tag_i,
  output ep_pkg::read_context_t lookup_context_o,
  output logic                  lookup_busy_o,
  output logic                  lookup_quarantine_o,
  output logic [12:0]           lookup_remaining_o,
  output logic                  lookup_poisoned_o,
  input  logic                  update_i,
  input  logic [12:0]           update_remaining_i,
  input  logic                  update_poisoned_i,
  input  logic                  update_last_i,
  input  logic                  packet_end_i,  // last beat of a completion: a tag that its first beat ended is free now

  // One tag per clock is looked at, in clocks in which this is set.
  input  logic                  sweep_i,
  output logic                  timeout_o,
  output ep_pkg::read_context_t timeout_context_o,

  output logic                  pending_o  // reads are in flight
);

  typedef enum logic [1:0] {StFree = 2'd0, StBusy = 2'd1, StQuarantine = 2'd2} state_e;

  typedef struct packed {
    logic                  generation;
    logic [31:0]           sent;
    ep_pkg::read_context_t read;
  } sent_t;

  typedef struct packed {
    logic        generation;
    state_e      state;
    logic        poisoned;
    logic [12:0] remaining;
  } progress_t;

  localparam int unsigned BufferUnits = CompletionBufferBytes / 16;
  localparam int unsigned UnitBits = $clog2(BufferUnits + 1);
  localparam int unsigned WorstUnits = MaxReadBytes / 16 + 2;

  // Room that a read's completions may take: unaligned ends cost a part of a 16-byte unit each.
  function automatic logic [UnitBits-1:0] units(input logic [12:0] bytes);
    return UnitBits'(bytes[12:4]) + UnitBits'(2);
  endfunction

  typedef logic [TagBits-1:0] tag_t;

  sent_t     sent_mem [2 ** TagBits];
  sent_t     sweep_mem [2 ** TagBits];
  progress_t progress_mem [2 ** TagBits];
  logic      generation_mem [2 ** TagBits];
  tag_t      low_mem [2 ** LowBits];
  tag_t      high_mem [2 ** TagBits];

  logic       fundamental_q, clear_begun_q, clear;
  logic [TagBits:0] clear_q;
  tag_t       sweep_tag_q;
  logic [LowBits:0] low_head_q, low_tail_q;
  logic [TagBits:0] high_head_q, high_tail_q;
  logic       tag_valid_q;
  tag_t       tag_q;
  logic [UnitBits-1:0] used_q;
  logic [TagBits:0] busy_q;
  logic       in_hand_q, release_q;  // beats of a completion of hand_tag_q are still to come; they were its read's last
  tag_t       hand_tag_q;

  // Present state of the tag that is looked up, and of the one that the sweep or the clearing looks at.
  sent_t     found, swept;
  progress_t found_progress, swept_progress;
  logic      found_fresh, swept_fresh;
  tag_t       sweep_tag;

  assign clear = clear_i && clear_begun_q;
  assign sweep_tag = clear ? clear_q[TagBits-1:0] : sweep_tag_q;
  assign found = sent_mem[lookup_tag_i];
  assign found_progress = progress_mem[lookup_tag_i];
  assign found_fresh = found.generation != found_progress.generation;
  assign swept = sweep_mem[sweep_tag];
  assign swept_progress = progress_mem[sweep_tag];
  assign swept_fresh = swept.generation != swept_progress.generation;

  assign lookup_context_o = found.read;
  assign lookup_busy_o = found_fresh || found_progress.state == StBusy;
  assign lookup_quarantine_o = !found_fresh && found_progress.state == StQuarantine;
  assign lookup_remaining_o = found_fresh ? found.read.bytes : found_progress.remaining;
  assign lookup_poisoned_o = !found_fresh && found_progress.poisoned;

  // The sweep.
  logic [31:0] age, limit;
  logic        sweep_active, swept_busy, swept_quarantine, swept_in_hand, quarantine_over;

  assign limit = |timeout_i[31:30] ? 32'h4000_0000 : timeout_i;
  assign age = now_i - swept.sent;
  assign sweep_active = sweep_i && !update_i && !clear_i && !(packet_end_i && release_q);
  // A read whose completion is coming in at this moment is not given up: its data is under way to where it belongs.
  assign swept_in_hand = in_hand_q && sweep_tag == hand_tag_q;
  assign swept_busy = swept_fresh || swept_progress.state == StBusy;
  assign swept_quarantine = !swept_fresh && swept_progress.state == StQuarantine;
  assign timeout_o = sweep_active && swept_busy && !swept_in_hand && !timeout_disable_i && age >= limit;
  assign timeout_context_o = swept.read;
  assign quarantine_over = sweep_active && swept_quarantine && age >= {limit[30:0], 1'b0};

  // One tag becomes free per clock. Room in the completion buffer is given back with the header of the last completion,
  // the tag itself when all of that completion is here.
  logic        free, finished, released, room, clear_step, clear_free;
  tag_t        free_tag;
  logic [12:0] free_bytes;

  assign clear_done_o = clear_q[TagBits];
  assign clear_step = clear && !clear_done_o;
  assign clear_free = fundamental_q || (!swept_fresh && swept_progress.state == StFree);
  assign finished = update_i && update_last_i;
  assign released = packet_end_i && (finished || release_q);
  assign free = released || quarantine_over;
  assign free_tag = finished ? lookup_tag_i : (released ? hand_tag_q : sweep_tag);
  assign room = finished || quarantine_over;
  assign free_bytes = finished ? found.read.bytes : swept.read.bytes;

  logic       push;
  tag_t       push_tag;
  logic       unusable, push_back;

  logic       clear_first;
  assign clear_first = clear && clear_q == '0;
  assign unusable = tag_valid_q && !extended_tag_i && |tag_q[TagBits-1:LowBits];
  assign push_back = unusable && !free && !clear_i;
  assign push = free || push_back || (clear_step && clear_free);
  assign push_tag = clear ? sweep_tag : (free ? free_tag : tag_q);

  // The next tag waits in a register.
  logic refill, low_any, high_any;
  assign low_any = low_head_q != low_tail_q;
  assign high_any = extended_tag_i && high_head_q != high_tail_q;
  assign refill = !clear_i && (!tag_valid_q || take_i) && (low_any || high_any);
  assign tag_valid_o = tag_valid_q && !unusable && !clear_i &&
                       used_q <= UnitBits'(BufferUnits - WorstUnits);
  assign tag_o = tag_q;
  assign pending_o = busy_q != '0;

  logic take_generation;
  assign take_generation = !generation_mem[tag_q];

  logic start, stop;
  assign start = take_i;
  assign stop = (update_i && update_last_i && lookup_busy_o) || timeout_o;

  always_ff @(posedge clk_i) begin
    if (take_i) begin
      sent_mem[tag_q] <= '{generation: take_generation, sent: now_i, read: context_i};
      sweep_mem[tag_q] <= '{generation: take_generation, sent: now_i, read: context_i};
      generation_mem[tag_q] <= take_generation;
    end
  end

  always_ff @(posedge clk_i) begin
    if (clear_step) begin
      progress_mem[sweep_tag] <= '{
        generation: swept.generation,
        state: clear_free ? StFree : StQuarantine,
        poisoned: 1'b0,
        remaining: swept_fresh ? swept.read.bytes : swept_progress.remaining
      };
    end else if (update_i) begin
      progress_mem[lookup_tag_i] <= '{
        generation: found.generation,
        state: update_last_i ? StFree : (lookup_quarantine_o ? StQuarantine : StBusy),
        poisoned: update_poisoned_i,
        remaining: update_remaining_i
      };
    end else if (timeout_o || quarantine_over) begin
      progress_mem[sweep_tag] <= '{
        generation: swept.generation,
        state: timeout_o ? StQuarantine : StFree,
        poisoned: 1'b0,
        remaining: swept_fresh ? swept.read.bytes : swept_progress.remaining
      };
    end
  end

  always_ff @(posedge clk_i) begin
    if (push && !(|push_tag[TagBits-1:LowBits])) low_mem[clear_first ? LowBits'(0) : low_tail_q[LowBits-1:0]] <= push_tag;
    if (push && |push_tag[TagBits-1:LowBits]) high_mem[high_tail_q[TagBits-1:0]] <= push_tag;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fundamental_q <= 1'b1;
      used_q <= '0;
    end else begin
      if (clear_done_o) fundamental_q <= 1'b0;
      used_q <= used_q + (take_i ? units(context_i.bytes) : '0) - (room ? units(free_bytes) : '0);
    end

    // The clearing gives free what waits here.
    if (!rst_ni || clear || packet_end_i) release_q <= 1'b0;
    else if (finished) release_q <= 1'b1;
    if (!rst_ni || clear || packet_end_i) in_hand_q <= 1'b0;
    else if (update_i) in_hand_q <= 1'b1;
    if (update_i) hand_tag_q <= lookup_tag_i;

    clear_begun_q <= rst_ni && clear_i;
    if (!rst_ni || !clear) clear_q <= '0;
    else if (!clear_done_o) clear_q <= clear_q + 1'b1;

    if (!rst_ni || clear_first) begin
      low_head_q <= '0;
      high_head_q <= '0;
      tag_valid_q <= 1'b0;
      busy_q <= '0;
      low_tail_q <= '0;
      high_tail_q <= '0;
      if (rst_ni && clear_free) low_tail_q <= (LowBits + 1)'(1);  // tag 0
    end else begin
      if (push && !(|push_tag[TagBits-1:LowBits])) low_tail_q <= low_tail_q + 1'b1;
      if (push && |push_tag[TagBits-1:LowBits]) high_tail_q <= high_tail_q + 1'b1;
      if (refill) begin
        tag_valid_q <= 1'b1;
        tag_q <= low_any ? low_mem[low_head_q[LowBits-1:0]] : high_mem[high_head_q[TagBits-1:0]];
        if (low_any) low_head_q <= low_head_q + 1'b1;
        else high_head_q <= high_head_q + 1'b1;
      end else if (take_i || push_back) begin
        tag_valid_q <= 1'b0;
      end
      busy_q <= busy_q + (TagBits + 1)'(start) - (TagBits + 1)'(stop);
    end
    if (!rst_ni) sweep_tag_q <= '0;
    else if (sweep_active) sweep_tag_q <= sweep_tag_q + 1'b1;
  end

endmodule
