// SPDX-License-Identifier: MIT
// The endpoint with its configuration space, behind flat ports (docs/architecture.md, 8.1): what a board's hard block
// and fabric are together.
module sim_top #(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned ChannelCount = 4,
  parameter int unsigned CardMemoryBytes = 65536
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 hot_reset_i,
  input  logic                 link_up_i,

  input  logic [15:0]          strap_vendor_id_i,
  input  logic [15:0]          strap_device_id_i,
  input  logic [15:0]          strap_subsystem_vendor_id_i,
  input  logic [15:0]          strap_subsystem_id_i,
  input  logic [23:0]          strap_class_code_i,
  input  logic [7:0]           strap_revision_i,
  input  logic [63:0]          strap_serial_number_i,
  input  logic [5:0]           strap_bar0_size_log2_i,
  input  logic [5:0]           strap_bar2_size_log2_i,
  input  logic [2:0]           strap_max_payload_supported_i,
  input  logic [5:0]           strap_msix_vectors_i,
  input  logic                 strap_no_soft_reset_i,
  input  logic                 strap_pending_while_disabled_i,
  input  logic                 strap_aer_i,
  input  logic                 strap_ari_i,
  input  logic                 strap_dsn_i,
  input  logic [3:0]           strap_link_speed_i,
  input  logic [5:0]           strap_link_width_i,
  input  logic [1:0]           strap_aspm_i,
  input  logic                 strap_bar0_wide_i,
  input  logic                 strap_bar2_wide_i,
  input  logic                 strap_io_space_i,
  input  logic [2:0]           strap_interrupt_pin_i,
  input  logic                 strap_pme_i,
  input  logic                 strap_extended_tag_i,
  input  logic                 strap_slot_clock_i,

  input  logic                 rx_req_valid_i,
  output logic                 rx_req_ready_o,
  input  logic                 rx_req_sop_i,
  input  logic                 rx_req_eop_i,
  input  logic [127:0]         rx_req_header_i,
  input  logic [DataWidth-1:0] rx_req_data_i,

  input  logic                 rx_cpl_valid_i,
  output logic                 rx_cpl_ready_o,
  input  logic                 rx_cpl_sop_i,
  input  logic                 rx_cpl_eop_i,
  input  logic [127:0]         rx_cpl_header_i,
  input  logic [DataWidth-1:0] rx_cpl_data_i,

  input  logic                 rx_cfg_valid_i,
  output logic                 rx_cfg_ready_o,
  input  logic                 rx_cfg_sop_i,
  input  logic                 rx_cfg_eop_i,
  input  logic [127:0]         rx_cfg_header_i,
  input  logic [31:0]          rx_cfg_data_i,

  output logic                 tx_req_valid_o,
  input  logic                 tx_req_ready_i,
  output logic                 tx_req_sop_o,
  output logic                 tx_req_eop_o,
  output logic [127:0]         tx_req_header_o,
  output logic [DataWidth-1:0] tx_req_data_o,

  output logic                 tx_cpl_valid_o,
  input  logic                 tx_cpl_ready_i,
  output logic                 tx_cpl_sop_o,
  output logic                 tx_cpl_eop_o,
  output logic [127:0]         tx_cpl_header_o,
  output logic [DataWidth-1:0] tx_cpl_data_o,

  output logic                 tx_cfg_valid_o,
  input  logic                 tx_cfg_ready_i,
  output logic                 tx_cfg_sop_o,
  output logic                 tx_cfg_eop_o,
  output logic [127:0]         tx_cfg_header_o,
  output logic [31:0]          tx_cfg_data_o,

  output logic                 tx_msg_valid_o,
  input  logic                 tx_msg_ready_i,
  output logic [127:0]         tx_msg_header_o,

  input  logic [7:0]           tx_np_limit_i,
  input  logic [15:0]          posted_sent_i,

  output logic [15:0]          fn_bdf_o,
  output logic                 fn_bus_master_o,
  output logic                 fn_memory_o,
  output logic [1:0]           fn_d_state_o,
  output logic [2:0]           fn_max_payload_o,
  output logic [2:0]           fn_max_read_request_o,
  output logic                 fn_extended_tag_o,
  output logic                 fn_relaxed_ordering_o,
  output logic                 fn_no_snoop_o,
  output logic                 fn_rcb_o,
  output logic [1:0]           fn_aspm_o,
  output logic                 fn_msix_enable_o,
  output logic                 fn_msix_mask_o,
  output logic                 fn_intx_disable_o,
  output logic                 fn_flr_o,

  output logic                 cfg_write_valid_o,
  output logic [11:0]          cfg_write_offset_o,
  output logic [3:0]           cfg_write_be_o,
  output logic [31:0]          cfg_write_data_o,
  output logic [31:0]          cfg_write_before_o,
  output logic [31:0]          cfg_write_after_o,

  output logic                 event_valid_o,
  output logic [4:0]           event_vector_o,
  output logic                 event_coalesced_o,

  input  logic [11:0]          peek_offset_i,
  output logic [31:0]          peek_data_o
);

  ep_pkg::function_config_t fn;
  ep_pkg::config_write_t    config_write;
  logic                     function_reset, reset_done, transactions_pending, unexpected_completion;
  logic                     poisoned_completion, read_timeout;
  logic [127:0]             bad_completion_header;

  logic                 core_req_valid, core_req_ready, core_req_sop, core_req_eop;
  logic [127:0]         core_req_header;
  logic [DataWidth-1:0] core_req_data;
  logic [2:0]           core_req_bar;
  logic [31:0]          core_req_offset;
  logic                 core_cpl_valid, core_cpl_ready, core_cpl_sop, core_cpl_eop;
  logic [127:0]         core_cpl_header;
  logic [DataWidth-1:0] core_cpl_data;
  logic                 core_rx_cpl_valid, core_rx_cpl_ready;

  ep_config_space #(.DataWidth(DataWidth), .CardMemoryBytes(CardMemoryBytes)) u_config_space (
    .clk_i, .rst_ni, .hot_reset_i, .link_up_i,
    .strap_vendor_id_i, .strap_device_id_i, .strap_subsystem_vendor_id_i, .strap_subsystem_id_i, .strap_class_code_i,
    .strap_revision_i, .strap_serial_number_i, .strap_bar0_size_log2_i, .strap_bar2_size_log2_i,
    .strap_max_payload_supported_i, .strap_msix_vectors_i, .strap_no_soft_reset_i, .strap_pending_while_disabled_i,
    .strap_aer_i, .strap_ari_i, .strap_dsn_i, .strap_link_speed_i, .strap_link_width_i, .strap_aspm_i,
    .strap_bar0_wide_i, .strap_bar2_wide_i, .strap_io_space_i, .strap_interrupt_pin_i, .strap_pme_i,
    .strap_extended_tag_i, .strap_slot_clock_i,
    .tx_msg_valid_o, .tx_msg_ready_i, .tx_msg_header_o,
    .rx_cfg_valid_i, .rx_cfg_ready_o, .rx_cfg_sop_i, .rx_cfg_eop_i, .rx_cfg_header_i, .rx_cfg_data_i,
    .tx_cfg_valid_o, .tx_cfg_ready_i, .tx_cfg_sop_o, .tx_cfg_eop_o, .tx_cfg_header_o, .tx_cfg_data_o,
    .rx_req_valid_i, .rx_req_ready_o, .rx_req_sop_i, .rx_req_eop_i, .rx_req_header_i, .rx_req_data_i,
    .core_req_valid_o(core_req_valid), .core_req_ready_i(core_req_ready), .core_req_sop_o(core_req_sop),
    .core_req_eop_o(core_req_eop), .core_req_header_o(core_req_header), .core_req_data_o(core_req_data),
    .core_req_bar_o(core_req_bar), .core_req_offset_o(core_req_offset),
    .core_cpl_valid_i(core_cpl_valid), .core_cpl_ready_o(core_cpl_ready), .core_cpl_sop_i(core_cpl_sop),
    .core_cpl_eop_i(core_cpl_eop), .core_cpl_header_i(core_cpl_header), .core_cpl_data_i(core_cpl_data),
    .tx_cpl_valid_o, .tx_cpl_ready_i, .tx_cpl_sop_o, .tx_cpl_eop_o, .tx_cpl_header_o, .tx_cpl_data_o,
    .rx_cpl_valid_i, .rx_cpl_ready_o, .rx_cpl_sop_i, .rx_cpl_eop_i, .rx_cpl_header_i,
    .core_rx_cpl_valid_o(core_rx_cpl_valid), .core_rx_cpl_ready_i(core_rx_cpl_ready),
    .function_reset_o(function_reset), .reset_done_i(reset_done), .fn_o(fn), .fn_aspm_o,
    .config_write_o(config_write),
    .transactions_pending_i(transactions_pending), .unexpected_completion_i(unexpected_completion),
    .poisoned_completion_i(poisoned_completion), .bad_completion_header_i(bad_completion_header),
    .read_timeout_i(read_timeout), .peek_offset_i, .peek_data_o
  );

  ep_core #(.DataWidth(DataWidth), .ChannelCount(ChannelCount), .CardMemoryBytes(CardMemoryBytes)) u_core (
    .clk_i, .rst_ni, .function_reset_i(function_reset), .reset_done_o(reset_done), .hot_reset_i, .link_up_i, .fn_i(fn),
    .config_write_i(config_write),
    .rx_req_valid_i(core_req_valid), .rx_req_ready_o(core_req_ready), .rx_req_sop_i(core_req_sop),
    .rx_req_eop_i(core_req_eop), .rx_req_header_i(core_req_header), .rx_req_data_i(core_req_data),
    .rx_req_bar_i(core_req_bar), .rx_req_offset_i(core_req_offset),
    .rx_cpl_valid_i(core_rx_cpl_valid), .rx_cpl_ready_o(core_rx_cpl_ready), .rx_cpl_sop_i, .rx_cpl_eop_i,
    .rx_cpl_header_i, .rx_cpl_data_i,
    .tx_req_valid_o, .tx_req_ready_i, .tx_req_sop_o, .tx_req_eop_o, .tx_req_header_o, .tx_req_data_o,
    .tx_cpl_valid_o(core_cpl_valid), .tx_cpl_ready_i(core_cpl_ready), .tx_cpl_sop_o(core_cpl_sop),
    .tx_cpl_eop_o(core_cpl_eop), .tx_cpl_header_o(core_cpl_header), .tx_cpl_data_o(core_cpl_data),
    .tx_np_limit_i, .posted_sent_i, .transactions_pending_o(transactions_pending),
    .unexpected_completion_o(unexpected_completion), .poisoned_completion_o(poisoned_completion),
    .bad_completion_header_o(bad_completion_header), .read_timeout_o(read_timeout),
    .event_valid_o, .event_vector_o, .event_coalesced_o
  );

  assign fn_bdf_o = fn.bdf;
  assign fn_bus_master_o = fn.bus_master;
  assign fn_memory_o = fn.memory;
  assign fn_d_state_o = fn.d_state;
  assign fn_max_payload_o = fn.max_payload;
  assign fn_max_read_request_o = fn.max_read_request;
  assign fn_extended_tag_o = fn.extended_tag;
  assign fn_relaxed_ordering_o = fn.relaxed_ordering;
  assign fn_no_snoop_o = fn.no_snoop;
  assign fn_rcb_o = fn.rcb;
  assign fn_msix_enable_o = fn.msix_enable;
  assign fn_msix_mask_o = fn.msix_mask;
  assign fn_intx_disable_o = fn.intx_disable;
  assign fn_flr_o = fn.flr;

  assign cfg_write_valid_o = config_write.valid;
  assign cfg_write_offset_o = config_write.offset;
  assign cfg_write_be_o = config_write.byte_enables;
  assign cfg_write_data_o = config_write.data;
  assign cfg_write_before_o = config_write.value_before;
  assign cfg_write_after_o = config_write.value_after;

endmodule
