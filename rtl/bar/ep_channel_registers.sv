// SPDX-License-Identifier: MIT
// Registers of one DMA channel. What a running descriptor depends on can be written only while the channel is idle.
module ep_channel_registers
  import ep_pkg::*, ep_reg_pkg::*, ep_register_bus_pkg::*;
#(
  parameter int unsigned Channel = 0
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  register_request_t register_i,
  output logic [31:0]       register_rdata_o,

  output channel_config_t   config_o,
  input  channel_status_t   status_i
);

  localparam logic [15:0] Base = ChannelBase + 16'(Channel * ChannelStride);

  channel_config_t config_q;
  logic [31:0]     rdata_q, completed_high_q, bytes_high_q, checked_high_q;
  logic [2:0]      reset_taken_q;  // until status_i.resetting answers

  logic        selected;
  logic [15:0] offset;  // as in channel 0
  assign selected = register_i.valid && register_i.offset[15:8] == Base[15:8];
  assign offset = {ChannelBase[15:8], register_i.offset[7:0]};

  logic [31:0] control, status;
  always_comb begin
    control = '0;
    control[ChannelControlRunLsb] = config_q.run;
    control[ChannelControlC2hLsb] = config_q.c2h;
    control[ChannelControlCyclicLsb] = config_q.cyclic;
    control[ChannelControlPatternLsb] = config_q.pattern;
    control[ChannelControlInterruptLsb] = config_q.interrupt_enable;
    control[ChannelControlResetLsb] = config_q.reset || reset_taken_q != '0 || status_i.resetting;
    status = '0;
    status[ChannelStatusIdleLsb] = status_i.idle;
    status[ChannelStatusStoppedLsb] = status_i.stopped;
    status[ChannelStatusErrorLsb+:ChannelStatusErrorWidth] = status_i.error;
  end

  logic [31:0] new_control;
  assign new_control = written(control, register_i);

  always_ff @(posedge clk_i) begin
    rdata_q <= '0;
    config_q.reset <= 1'b0;
    reset_taken_q <= {reset_taken_q[1:0], config_q.reset};
    if (selected && !register_i.write) begin
      unique case (offset)
        ChannelControl: rdata_q <= control;
        ChannelStatus: rdata_q <= status;
        ChannelRingBaseLo: rdata_q <= config_q.ring_base[31:0];
        ChannelRingBaseHi: rdata_q <= config_q.ring_base[63:32];
        ChannelRingEntries: rdata_q <= {16'd0, config_q.ring_entries};
        ChannelTail: rdata_q <= config_q.tail;
        ChannelCompletionBaseLo: rdata_q <= config_q.completion_base[31:0];
        ChannelCompletionBaseHi: rdata_q <= config_q.completion_base[63:32];
        ChannelSeed: rdata_q <= config_q.seed;
        ChannelVector: rdata_q <= {27'd0, config_q.vector};
        ChannelModeration: rdata_q <= {config_q.moderation_us, config_q.moderation_count};
        ChannelCompletedLo: begin
          rdata_q <= status_i.completed[31:0];
          completed_high_q <= status_i.completed[63:32];
        end
        ChannelCompletedHi: rdata_q <= completed_high_q;
        ChannelBytesLo: begin
          rdata_q <= status_i.bytes[31:0];
          bytes_high_q <= status_i.bytes[63:32];
        end
        ChannelBytesHi: rdata_q <= bytes_high_q;
        ChannelCheckedLo: begin
          rdata_q <= status_i.checked[31:0];
          checked_high_q <= status_i.checked[63:32];
        end
        ChannelCheckedHi: rdata_q <= checked_high_q;
        ChannelMismatches: rdata_q <= status_i.mismatches;
        default: ;
      endcase
    end
    if (selected && register_i.write) begin
      if (offset == ChannelControl) begin
        config_q.run <= new_control[ChannelControlRunLsb];
        config_q.interrupt_enable <= new_control[ChannelControlInterruptLsb];
        if (status_i.idle) begin
          config_q.c2h <= new_control[ChannelControlC2hLsb];
          config_q.cyclic <= new_control[ChannelControlCyclicLsb];
          config_q.pattern <= new_control[ChannelControlPatternLsb];
        end
        if (register_i.be[3] && register_i.wdata[ChannelControlResetLsb]) begin
          config_q.reset <= 1'b1;
          config_q.run <= 1'b0;
          config_q.tail <= '0;
        end
      end
      if (offset == ChannelTail) config_q.tail <= written(config_q.tail, register_i);
      if (status_i.idle) begin
        unique case (offset)
          ChannelRingBaseLo: config_q.ring_base[31:0] <= written(config_q.ring_base[31:0], register_i);
          ChannelRingBaseHi: config_q.ring_base[63:32] <= written(config_q.ring_base[63:32], register_i);
          ChannelRingEntries: config_q.ring_entries <= 16'(written({16'd0, config_q.ring_entries}, register_i));
          ChannelCompletionBaseLo:
          config_q.completion_base[31:0] <= written(config_q.completion_base[31:0], register_i);
          ChannelCompletionBaseHi:
          config_q.completion_base[63:32] <= written(config_q.completion_base[63:32], register_i);
          ChannelSeed: config_q.seed <= written(config_q.seed, register_i);
          ChannelVector: config_q.vector <= 5'(written({27'd0, config_q.vector}, register_i));
          ChannelModeration:
          {config_q.moderation_us, config_q.moderation_count} <=
              written({config_q.moderation_us, config_q.moderation_count}, register_i);
          default: ;
        endcase
      end
    end
    if (!rst_ni) begin
      rdata_q <= '0;
      config_q <= '0;
      config_q.moderation_count <= 16'(ChannelModerationReset);
      config_q.moderation_us <= 16'(ChannelModerationReset >> 16);
      reset_taken_q <= '0;
      completed_high_q <= '0;
      bytes_high_q <= '0;
      checked_high_q <= '0;
    end
  end

  assign register_rdata_o = rdata_q;
  assign config_o = config_q;

endmodule
