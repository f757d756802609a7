// SPDX-License-Identifier: MIT
// Everything that sits on the register bus of BAR 0, with the engine's side as flat ports: what the tests of registers,
// MSI-X and monitor see. Two channels; the status of channel 1 is at the ports.
module registers_top (
  input  logic         clk_i,
  input  logic         rst_ni,       // fundamental reset
  input  logic         core_rst_ni,  // any reset of the function
  input  logic [63:0]  time_i,

  input  logic [15:0]  fn_bdf_i,
  input  logic         fn_bus_master_i,
  input  logic         fn_memory_i,
  input  logic [1:0]   fn_d_state_i,
  input  logic         fn_msix_enable_i,
  input  logic         fn_msix_mask_i,
  input  logic         fn_flr_i,
  input  logic         fn_pending_while_disabled_i,
  input  logic [5:0]   fn_vectors_i,
  input  logic         hot_reset_i,
  input  logic         link_up_i,

  input  logic         register_valid_i,
  input  logic         register_write_i,
  input  logic [15:0]  register_offset_i,
  input  logic [31:0]  register_wdata_i,
  input  logic [3:0]   register_be_i,
  output logic [31:0]  register_rdata_o,

  output logic         channel_run_o,
  output logic         channel_c2h_o,
  output logic         channel_reset_o,
  output logic [63:0]  channel_ring_base_o,
  output logic [31:0]  channel_tail_o,
  input  logic         channel_idle_i,
  input  logic         channel_resetting_i,
  input  logic [63:0]  channel_completed_i,

  output logic         writer_run_o,
  output logic [31:0]  writer_period_o,
  input  logic [63:0]  writer_sequence_i,
  output logic [31:0]  completion_timeout_o,

  // Events beside those that RAISE makes.
  input  logic         event_valid_i,
  input  logic [4:0]   event_vector_i,
  output logic         message_valid_o,
  input  logic         message_ready_i,
  output logic [63:0]  message_address_o,
  output logic [31:0]  message_data_o,
  output logic         tap_valid_o,
  output logic [4:0]   tap_vector_o,
  output logic         tap_coalesced_o,

  input  logic         config_write_valid_i,
  input  logic [11:0]  config_write_offset_i,
  input  logic [3:0]   config_write_be_i,
  input  logic [31:0]  config_write_data_i,
  input  logic         pulse_tx_write_i,
  input  logic         pulse_heartbeat_start_i,
  input  logic         pulse_heartbeat_accepted_i
);
  import ep_pkg::*;

  function_config_t         fn;
  register_request_t        register_request;
  channel_config_t [1:0]    channel_config;
  channel_status_t [1:0]    channel_status;
  heartbeat_writer_config_t writer_config;
  heartbeat_writer_status_t writer_status;
  message_t                 message;
  config_write_t            config_write;
  monitor_pulses_t          pulses;

  always_comb begin
    fn = '0;
    fn.bdf = fn_bdf_i;
    fn.bus_master = fn_bus_master_i;
    fn.memory = fn_memory_i;
    fn.d_state = fn_d_state_i;
    fn.msix_enable = fn_msix_enable_i;
    fn.msix_mask = fn_msix_mask_i;
    fn.flr = fn_flr_i;
    fn.pending_while_disabled = fn_pending_while_disabled_i;
    fn.vectors = fn_vectors_i;
    register_request = '{
      valid: register_valid_i,
      write: register_write_i,
      offset: register_offset_i,
      wdata: register_wdata_i,
      be: register_be_i
    };
    channel_status = '0;
    channel_status[1].idle = channel_idle_i;
    channel_status[1].resetting = channel_resetting_i;
    channel_status[1].completed = channel_completed_i;
    writer_status = '0;
    writer_status.sequence_number = writer_sequence_i;
    config_write = '0;
    config_write.valid = config_write_valid_i;
    config_write.offset = config_write_offset_i;
    config_write.byte_enables = config_write_be_i;
    config_write.data = config_write_data_i;
    pulses = '0;
    pulses.tx_write = pulse_tx_write_i;
    pulses.heartbeat_start = pulse_heartbeat_start_i;
    pulses.heartbeat_accepted = pulse_heartbeat_accepted_i;
  end

  logic [31:0] registers_rdata, msix_rdata, monitor_rdata;
  logic        raise_valid, raise_ready, event_valid, event_ready;
  logic [4:0]  raise_vector, event_vector;

  ep_bar_registers #(
    .ChannelCount(2)
  ) u_registers (
    .clk_i,
    .rst_ni(core_rst_ni),
    .fn_i(fn),
    .time_i,
    .register_i(register_request),
    .register_rdata_o(registers_rdata),
    .channel_config_o(channel_config),
    .channel_status_i(channel_status),
    .writer_config_o(writer_config),
    .writer_status_i(writer_status),
    .reader_config_o(),
    .reader_status_i('0),
    .completion_timeout_o,
    .raise_valid_o(raise_valid),
    .raise_ready_i(raise_ready),
    .raise_vector_o(raise_vector)
  );

  assign event_valid = event_valid_i || raise_valid;
  assign event_vector = event_valid_i ? event_vector_i : raise_vector;
  assign raise_ready = event_ready && !event_valid_i;

  ep_msix u_msix (
    .clk_i,
    .rst_ni(core_rst_ni),
    .fn_i(fn),
    .register_i(register_request),
    .register_rdata_o(msix_rdata),
    .event_valid_i(event_valid),
    .event_ready_o(event_ready),
    .event_vector_i(event_vector),
    .message_valid_o,
    .message_ready_i,
    .message_o(message),
    .tap_valid_o,
    .tap_vector_o,
    .tap_coalesced_o
  );

  ep_monitor u_monitor (
    .clk_i,
    .rst_ni,
    .time_i,
    .fn_i(fn),
    .hot_reset_i,
    .link_up_i,
    .config_write_i(config_write),
    .pulses_i(pulses),
    .tap_valid_i(tap_valid_o),
    .tap_vector_i(tap_vector_o),
    .tap_coalesced_i(tap_coalesced_o),
    .message_sent_i(message_valid_o && message_ready_i),
    .message_vector_i(message.vector),
    .register_i(register_request),
    .register_rdata_o(monitor_rdata)
  );

  assign register_rdata_o = registers_rdata | msix_rdata | monitor_rdata;
  assign channel_run_o = channel_config[1].run;
  assign channel_c2h_o = channel_config[1].c2h;
  assign channel_reset_o = channel_config[1].reset;
  assign channel_ring_base_o = channel_config[1].ring_base;
  assign channel_tail_o = channel_config[1].tail;
  assign writer_run_o = writer_config.run;
  assign writer_period_o = writer_config.period;
  assign message_address_o = message.address;
  assign message_data_o = message.data;

endmodule
