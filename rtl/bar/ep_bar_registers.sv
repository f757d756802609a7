// SPDX-License-Identifier: MIT
// The registers of BAR 0 that belong to the engine: GLOBAL, the channels, the heartbeat. Wiring only; MSI-X and the
// monitor sit on the same register bus beside it.
module ep_bar_registers
  import ep_pkg::*;
#(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned ChannelCount = 4,
  parameter int unsigned CardMemoryBytes = 65536,
  parameter int unsigned CompletionBufferBytes = 32768,
  parameter int unsigned ClockPeriodPs = 4000,
  parameter int unsigned MaxOutstanding = 256
) (
  input  logic                               clk_i,
  input  logic                               rst_ni,
  input  function_config_t                   fn_i,
  input  logic [63:0]                        time_i,

  input  register_request_t                  register_i,
  output logic [31:0]                        register_rdata_o,

  output channel_config_t [ChannelCount-1:0] channel_config_o,
  input  channel_status_t [ChannelCount-1:0] channel_status_i,
  output heartbeat_writer_config_t           writer_config_o,
  input  heartbeat_writer_status_t           writer_status_i,
  output heartbeat_reader_config_t           reader_config_o,
  input  heartbeat_reader_status_t           reader_status_i,

  output logic [31:0]                        completion_timeout_o,

  // An event that the host asks for.
  output logic                               raise_valid_o,
  input  logic                               raise_ready_i,
  output logic [4:0]                         raise_vector_o
);

  logic [31:0] global_rdata, heartbeat_rdata, channels_rdata;
  logic [ChannelCount-1:0][31:0] channel_rdata;

  ep_global_registers #(
    .DataWidth(DataWidth),
    .ChannelCount(ChannelCount),
    .CardMemoryBytes(CardMemoryBytes),
    .CompletionBufferBytes(CompletionBufferBytes),
    .ClockPeriodPs(ClockPeriodPs),
    .MaxOutstanding(MaxOutstanding)
  ) u_global (
    .clk_i,
    .rst_ni,
    .time_i,
    .vectors_i(fn_i.vectors),
    .register_i,
    .register_rdata_o(global_rdata),
    .completion_timeout_o,
    .raise_valid_o,
    .raise_ready_i,
    .raise_vector_o
  );

  for (genvar n = 0; n < ChannelCount; n++) begin : gen_channel
    ep_channel_registers #(
      .Channel(n)
    ) u_channel (
      .clk_i,
      .rst_ni,
      .register_i,
      .register_rdata_o(channel_rdata[n]),
      .config_o(channel_config_o[n]),
      .status_i(channel_status_i[n])
    );
  end

  ep_heartbeat_registers u_heartbeat (
    .clk_i,
    .rst_ni,
    .register_i,
    .register_rdata_o(heartbeat_rdata),
    .writer_config_o,
    .writer_status_i,
    .reader_config_o,
    .reader_status_i
  );

  // Who is not asked answers 0.
  always_comb begin
    channels_rdata = '0;
    for (int n = 0; n < ChannelCount; n++) channels_rdata |= channel_rdata[n];
  end
  assign register_rdata_o = global_rdata | channels_rdata | heartbeat_rdata;

endmodule
