// SPDX-License-Identifier: MIT
// Registers of the GLOBAL block: identity, capabilities, time, and the register that raises an event.
module ep_global_registers
  import ep_pkg::*, ep_reg_pkg::*, ep_register_bus_pkg::*;
#(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned ChannelCount = 4,
  parameter int unsigned CardMemoryBytes = 65536,
  parameter int unsigned CompletionBufferBytes = 32768,
  parameter int unsigned ClockPeriodPs = 4000,
  parameter int unsigned MaxOutstanding = 256,
  // What the hard block around the core can tell.
  parameter bit          HasPostedSent = 1'b1,
  parameter bit          HasConfigEvents = 1'b1
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [63:0]       time_i,
  input  logic [5:0]        vectors_i,

  input  register_request_t register_i,
  output logic [31:0]       register_rdata_o,

  output logic [31:0]       completion_timeout_o,

  output logic              raise_valid_o,
  input  logic              raise_ready_i,
  output logic [4:0]        raise_vector_o
);

  logic        selected, reads, writes;
  logic [31:0] scratch_q, timeout_q, time_high_q, rdata_q;

  assign selected = register_i.valid && register_i.offset[15:8] == GlobalBase[15:8];
  assign reads = selected && !register_i.write;
  assign writes = selected && register_i.write;

  logic [31:0] capabilities;
  always_comb begin
    capabilities = '0;
    capabilities[GlobalCapabilitiesChannelsLsb+:GlobalCapabilitiesChannelsWidth] = 4'(ChannelCount);
    capabilities[GlobalCapabilitiesDataBytesLsb+:GlobalCapabilitiesDataBytesWidth] = 8'(DataWidth / 8);
    capabilities[GlobalCapabilitiesVectorsLsb+:GlobalCapabilitiesVectorsWidth] = vectors_i;
    capabilities[GlobalCapabilitiesPostedSentLsb] = HasPostedSent;
    capabilities[GlobalCapabilitiesConfigEventsLsb] = HasConfigEvents;
    capabilities[GlobalCapabilitiesMonitorLsb] = 1'b1;
  end

  always_ff @(posedge clk_i) begin
    rdata_q <= '0;
    if (reads) begin
      unique case (register_i.offset)
        GlobalId: rdata_q <= GlobalIdReset;
        GlobalVersion: rdata_q <= MapVersion;
        GlobalCapabilities: rdata_q <= capabilities;
        GlobalCardMemory: rdata_q <= 32'(CardMemoryBytes);
        GlobalScratch: rdata_q <= scratch_q;
        GlobalClockPeriod: rdata_q <= 32'(ClockPeriodPs);
        GlobalTimeLo: begin
          rdata_q <= time_i[31:0];
          time_high_q <= time_i[63:32];
        end
        GlobalTimeHi: rdata_q <= time_high_q;
        GlobalReads: rdata_q <= {16'(CompletionBufferBytes / 1024), 16'(MaxOutstanding)};
        GlobalCompletionTimeout: rdata_q <= timeout_q;
        default: ;
      endcase
    end
    if (writes) begin
      unique case (register_i.offset)
        GlobalScratch: scratch_q <= written(scratch_q, register_i);
        GlobalCompletionTimeout: timeout_q <= written(timeout_q, register_i);
        default: ;
      endcase
    end
    if (!rst_ni) begin
      rdata_q <= '0;
      scratch_q <= '0;
      timeout_q <= GlobalCompletionTimeoutReset;
      time_high_q <= '0;
    end
  end

  assign register_rdata_o = rdata_q;
  assign completion_timeout_o = timeout_q;

  // Writes to RAISE may come faster than events are taken. Beyond 16 of them an event is lost, and was never raised.
  logic unused_raise_room;
  ep_stream_fifo #(
    .beat_t(logic [4:0]),
    .DepthLog2(4)
  ) u_raised (
    .clk_i,
    .rst_ni,
    .in_valid_i(writes && register_i.offset == GlobalRaise && register_i.be[0]),
    .in_ready_o(unused_raise_room),
    .in_beat_i(register_i.wdata[4:0]),
    .out_valid_o(raise_valid_o),
    .out_ready_i(raise_ready_i),
    .out_beat_o(raise_vector_o)
  );

endmodule
