// SPDX-License-Identifier: MIT
// Holds interrupt events back until the posted writes they announce have left. Events wait in order; where more than
// four wait, the youngest ones become one event that waits for the youngest write.
module ep_announce (
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        trigger_i,       // announce what was written up to now
  input  logic [15:0] posted_count_i,  // posted requests issued, those to announce included
  input  logic [15:0] posted_sent_i,   // posted requests that left

  output logic        event_valid_o,
  input  logic        event_ready_i
);

  logic [15:0] target_q [4];
  logic [2:0]  count_q;
  logic        sent_q, sent, take;
  logic [15:0] distance;

  assign distance = posted_sent_i - target_q[0];
  assign sent = count_q != '0 && !distance[15];
  assign event_valid_o = count_q != '0 && sent_q;
  assign take = event_valid_o && event_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
      sent_q <= 1'b0;
    end else begin
      // Once seen, sent stays: the counters may wrap before the event is taken.
      sent_q <= take ? 1'b0 : (sent_q || sent);
      if (take) begin
        for (int unsigned i = 0; i < 3; i++) target_q[i] <= target_q[i+1];
      end
      if (trigger_i) begin
        if (count_q - 3'(take) == 3'd4) begin
          target_q[3] <= posted_count_i;
        end else begin
          target_q[2'(count_q - 3'(take))] <= posted_count_i;
        end
      end
      count_q <= count_q - 3'(take) + 3'(trigger_i && count_q - 3'(take) != 3'd4);
    end
  end

endmodule
