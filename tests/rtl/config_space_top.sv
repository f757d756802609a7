// SPDX-License-Identifier: MIT
// ep_config_space with flat ports: what its test sees.
module config_space_top (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         hot_reset_i,
  input  logic         link_up_i,

  input  logic [5:0]   strap_bar2_size_log2_i,
  input  logic         strap_no_soft_reset_i,
  input  logic         strap_aer_i,
  input  logic         strap_ari_i,
  input  logic         strap_dsn_i,
  input  logic [3:0]   strap_link_speed_i,
  input  logic [5:0]   strap_link_width_i,
  input  logic [1:0]   strap_aspm_i,
  input  logic         strap_bar0_wide_i,
  input  logic         strap_bar2_wide_i,
  input  logic         strap_io_space_i,
  input  logic [2:0]   strap_interrupt_pin_i,
  input  logic         strap_pme_i,
  input  logic         strap_extended_tag_i,
  input  logic         strap_slot_clock_i,

  input  logic         rx_cfg_valid_i,
  output logic         rx_cfg_ready_o,
  input  logic [127:0] rx_cfg_header_i,
  input  logic [31:0]  rx_cfg_data_i,
  output logic         tx_cfg_valid_o,
  input  logic         tx_cfg_ready_i,
  output logic [127:0] tx_cfg_header_o,
  output logic [31:0]  tx_cfg_data_o,

  output logic         tx_msg_valid_o,
  input  logic         tx_msg_ready_i,
  output logic [127:0] tx_msg_header_o,

  input  logic         rx_req_valid_i,
  output logic         rx_req_ready_o,
  input  logic         rx_req_sop_i,
  input  logic         rx_req_eop_i,
  input  logic [127:0] rx_req_header_i,
  output logic         core_req_valid_o,
  input  logic         core_req_ready_i,
  output logic [2:0]   core_req_bar_o,
  output logic [31:0]  core_req_offset_o,

  input  logic         core_cpl_valid_i,
  output logic         core_cpl_ready_o,
  input  logic         core_cpl_sop_i,
  input  logic         core_cpl_eop_i,
  input  logic [127:0] core_cpl_header_i,
  output logic         tx_cpl_valid_o,
  input  logic         tx_cpl_ready_i,
  output logic         tx_cpl_sop_o,
  output logic         tx_cpl_eop_o,
  output logic [127:0] tx_cpl_header_o,

  input  logic         rx_cpl_valid_i,
  output logic         rx_cpl_ready_o,
  input  logic         rx_cpl_sop_i,
  input  logic         rx_cpl_eop_i,
  input  logic [127:0] rx_cpl_header_i,
  output logic         core_rx_cpl_valid_o,
  input  logic         core_rx_cpl_ready_i,
  input  logic         unexpected_completion_i,
  input  logic         poisoned_completion_i,
  input  logic [127:0] bad_completion_header_i,
  input  logic         read_timeout_i,
  input  logic         transactions_pending_i,

  output logic         function_reset_o,
  input  logic         reset_done_i,
  output logic [15:0]  fn_bdf_o,
  output logic         fn_bus_master_o,
  output logic [1:0]   fn_d_state_o,
  output logic [2:0]   fn_max_payload_o,
  output logic         fn_rcb_o,
  output logic [1:0]   fn_aspm_o,
  output logic         fn_msix_enable_o,
  output logic         fn_msix_mask_o,
  output logic         fn_intx_disable_o,
  output logic         fn_flr_o,

  output logic         write_valid_o,
  output logic [11:0]  write_offset_o,
  output logic [3:0]   write_be_o,
  output logic [31:0]  write_data_o,
  output logic [31:0]  write_before_o,
  output logic [31:0]  write_after_o,

  input  logic [11:0]  peek_offset_i,
  output logic [31:0]  peek_data_o
);

  ep_pkg::function_config_t fn;
  ep_pkg::config_write_t    config_write;

  ep_config_space #(
    .DataWidth(64)
  ) u_config_space (
    .strap_vendor_id_i(16'h1172),
    .strap_device_id_i(16'h0D17),
    .strap_subsystem_vendor_id_i(16'h1AF4),
    .strap_subsystem_id_i(16'h0042),
    .strap_class_code_i(24'h120000),
    .strap_revision_i(8'h07),
    .strap_serial_number_i(64'h0123_4567_89AB_CDEF),
    .strap_bar0_size_log2_i(6'd16),
    .strap_max_payload_supported_i(3'd2),
    .strap_msix_vectors_i(6'd32),
    .strap_pending_while_disabled_i(1'b1),
    .rx_cfg_sop_i(1'b1),
    .rx_cfg_eop_i(1'b1),
    .tx_cfg_sop_o(),
    .tx_cfg_eop_o(),
    .rx_req_data_i(64'd0),
    .core_req_sop_o(),
    .core_req_eop_o(),
    .core_req_header_o(),
    .core_req_data_o(),
    .core_cpl_data_i(64'd0),
    .tx_cpl_data_o(),
    .fn_o(fn),
    .config_write_o(config_write),
    .*
  );

  assign fn_bdf_o = fn.bdf;
  assign fn_bus_master_o = fn.bus_master;
  assign fn_d_state_o = fn.d_state;
  assign fn_max_payload_o = fn.max_payload;
  assign fn_rcb_o = fn.rcb;
  assign fn_msix_enable_o = fn.msix_enable;
  assign fn_msix_mask_o = fn.msix_mask;
  assign fn_intx_disable_o = fn.intx_disable;
  assign fn_flr_o = fn.flr;

  assign write_valid_o = config_write.valid;
  assign write_offset_o = config_write.offset;
  assign write_be_o = config_write.byte_enables;
  assign write_data_o = config_write.data;
  assign write_before_o = config_write.value_before;
  assign write_after_o = config_write.value_after;

endmodule
