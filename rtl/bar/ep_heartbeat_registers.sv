// SPDX-License-Identifier: MIT
// Registers of the heartbeat's writer and reader. While one runs, only its RUN (and INTERRUPT) can be written.
module ep_heartbeat_registers
  import ep_pkg::*, ep_reg_pkg::*, ep_register_bus_pkg::*;
(
  input  logic                     clk_i,
  input  logic                     rst_ni,

  input  register_request_t        register_i,
  output logic [31:0]              register_rdata_o,

  output heartbeat_writer_config_t writer_config_o,
  input  heartbeat_writer_status_t writer_status_i,
  output heartbeat_reader_config_t reader_config_o,
  input  heartbeat_reader_status_t reader_status_i
);

  heartbeat_writer_config_t writer_q;
  heartbeat_reader_config_t reader_q;
  logic [31:0]              rdata_q, sequence_high_q, count_high_q;

  logic        writer_selected, reader_selected;
  logic [15:0] offset;
  assign writer_selected = register_i.valid && register_i.offset[15:8] == HeartbeatWriterBase[15:8];
  assign reader_selected = register_i.valid && register_i.offset[15:8] == HeartbeatReaderBase[15:8];
  assign offset = register_i.offset;

  logic [31:0] writer_control, new_writer_control, reader_control, new_reader_control;
  always_comb begin
    writer_control = '0;
    writer_control[HeartbeatWriterControlRunLsb] = writer_q.run;
    writer_control[HeartbeatWriterControlInterruptLsb] = writer_q.interrupt_enable;
    reader_control = '0;
    reader_control[HeartbeatReaderControlRunLsb] = reader_q.run;
  end
  assign new_writer_control = written(writer_control, register_i);
  assign new_reader_control = written(reader_control, register_i);

  always_ff @(posedge clk_i) begin
    rdata_q <= '0;
    if (writer_selected && !register_i.write) begin
      unique case (offset)
        HeartbeatWriterControl: rdata_q <= writer_control;
        HeartbeatWriterRingBaseLo: rdata_q <= writer_q.ring_base[31:0];
        HeartbeatWriterRingBaseHi: rdata_q <= writer_q.ring_base[63:32];
        HeartbeatWriterRingEntries: rdata_q <= {16'd0, writer_q.ring_entries};
        HeartbeatWriterPeriod: rdata_q <= writer_q.period;
        HeartbeatWriterVector: rdata_q <= {27'd0, writer_q.vector};
        HeartbeatWriterInterruptEvery: rdata_q <= writer_q.interrupt_every;
        HeartbeatWriterSequenceLo: begin
          rdata_q <= writer_status_i.sequence_number[31:0];
          sequence_high_q <= writer_status_i.sequence_number[63:32];
        end
        HeartbeatWriterSequenceHi: rdata_q <= sequence_high_q;
        HeartbeatWriterMissed: rdata_q <= writer_status_i.missed;
        default: ;
      endcase
    end
    if (writer_selected && register_i.write) begin
      if (offset == HeartbeatWriterControl) begin
        writer_q.run <= new_writer_control[HeartbeatWriterControlRunLsb];
        writer_q.interrupt_enable <= new_writer_control[HeartbeatWriterControlInterruptLsb];
      end
      if (!writer_q.run) begin
        unique case (offset)
          HeartbeatWriterRingBaseLo: writer_q.ring_base[31:0] <= written(writer_q.ring_base[31:0], register_i);
          HeartbeatWriterRingBaseHi: writer_q.ring_base[63:32] <= written(writer_q.ring_base[63:32], register_i);
          HeartbeatWriterRingEntries: writer_q.ring_entries <= 16'(written({16'd0, writer_q.ring_entries}, register_i));
          HeartbeatWriterPeriod: writer_q.period <= written(writer_q.period, register_i);
          HeartbeatWriterVector: writer_q.vector <= 5'(written({27'd0, writer_q.vector}, register_i));
          HeartbeatWriterInterruptEvery: writer_q.interrupt_every <= written(writer_q.interrupt_every, register_i);
          default: ;
        endcase
      end
    end

    if (reader_selected && !register_i.write) begin
      unique case (offset)
        HeartbeatReaderControl: rdata_q <= reader_control;
        HeartbeatReaderStatus: rdata_q <= {31'd0, reader_status_i.idle};
        HeartbeatReaderRingBaseLo: rdata_q <= reader_q.ring_base[31:0];
        HeartbeatReaderRingBaseHi: rdata_q <= reader_q.ring_base[63:32];
        HeartbeatReaderRingEntries: rdata_q <= {16'd0, reader_q.ring_entries};
        HeartbeatReaderPeriod: rdata_q <= reader_q.period;
        HeartbeatReaderSeed: rdata_q <= reader_q.seed;
        HeartbeatReaderCountLo: begin
          rdata_q <= reader_status_i.count[31:0];
          count_high_q <= reader_status_i.count[63:32];
        end
        HeartbeatReaderCountHi: rdata_q <= count_high_q;
        HeartbeatReaderMissed: rdata_q <= reader_status_i.missed;
        HeartbeatReaderMismatches: rdata_q <= reader_status_i.mismatches;
        HeartbeatReaderFailed: rdata_q <= reader_status_i.failed;
        default: ;
      endcase
    end
    if (reader_selected && register_i.write) begin
      if (offset == HeartbeatReaderControl) reader_q.run <= new_reader_control[HeartbeatReaderControlRunLsb];
      if (!reader_q.run) begin
        unique case (offset)
          HeartbeatReaderRingBaseLo: reader_q.ring_base[31:0] <= written(reader_q.ring_base[31:0], register_i);
          HeartbeatReaderRingBaseHi: reader_q.ring_base[63:32] <= written(reader_q.ring_base[63:32], register_i);
          HeartbeatReaderRingEntries: reader_q.ring_entries <= 16'(written({16'd0, reader_q.ring_entries}, register_i));
          HeartbeatReaderPeriod: reader_q.period <= written(reader_q.period, register_i);
          HeartbeatReaderSeed: reader_q.seed <= written(reader_q.seed, register_i);
          default: ;
        endcase
      end
    end

    if (!rst_ni) begin
      rdata_q <= '0;
      sequence_high_q <= '0;
      count_high_q <= '0;
      writer_q <= '0;
      writer_q.period <= HeartbeatWriterPeriodReset;
      writer_q.interrupt_every <= HeartbeatWriterInterruptEveryReset;
      reader_q <= '0;
      reader_q.period <= HeartbeatReaderPeriodReset;
    end
  end

  assign register_rdata_o = rdata_q;
  assign writer_config_o = writer_q;
  assign reader_config_o = reader_q;

endmodule
