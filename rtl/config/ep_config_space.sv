// SPDX-License-Identifier: MIT
// What a hard block does on a board: configuration space of one function (PCIe 5.0, chapter 7), BAR decoding, resets.
module ep_config_space
  import ep_config_pkg::*;
#(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned CardMemoryBytes = 65536
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       hot_reset_i,
  input  logic                       link_up_i,

  input  logic [15:0]                strap_vendor_id_i,
  input  logic [15:0]                strap_device_id_i,
  input  logic [15:0]                strap_subsystem_vendor_id_i,
  input  logic [15:0]                strap_subsystem_id_i,
  input  logic [23:0]                strap_class_code_i,
  input  logic [7:0]                 strap_revision_i,
  input  logic [63:0]                strap_serial_number_i,
  input  logic [5:0]                 strap_bar0_size_log2_i,
  input  logic [5:0]                 strap_bar2_size_log2_i,
  input  logic [2:0]                 strap_max_payload_supported_i,
  input  logic [5:0]                 strap_msix_vectors_i,
  input  logic                       strap_no_soft_reset_i,
  input  logic                       strap_pending_while_disabled_i,
  input  logic                       strap_aer_i,
  input  logic                       strap_ari_i,
  input  logic                       strap_dsn_i,
  input  logic [3:0]                 strap_link_speed_i,
  input  logic [5:0]                 strap_link_width_i,
  input  logic [1:0]                 strap_aspm_i,
  input  logic                       strap_bar0_wide_i,
  input  logic                       strap_bar2_wide_i,
  input  logic                       strap_io_space_i,
  input  logic [2:0]                 strap_interrupt_pin_i,
  input  logic                       strap_pme_i,
  input  logic                       strap_extended_tag_i,
  input  logic                       strap_slot_clock_i,

  // Configuration requests, one beat each, and their completions.
  input  logic                       rx_cfg_valid_i,
  output logic                       rx_cfg_ready_o,
  input  logic                       rx_cfg_sop_i,
  input  logic                       rx_cfg_eop_i,
  input  logic [127:0]               rx_cfg_header_i,
  input  logic [31:0]                rx_cfg_data_i,
  output logic                       tx_cfg_valid_o,
  input  logic                       tx_cfg_ready_i,
  output logic                       tx_cfg_sop_o,
  output logic                       tx_cfg_eop_o,
  output logic [127:0]               tx_cfg_header_o,
  output logic [31:0]                tx_cfg_data_o,

  // Error messages, header only.
  output logic                       tx_msg_valid_o,
  input  logic                       tx_msg_ready_i,
  output logic [127:0]               tx_msg_header_o,

  // Memory and message requests from the link, and those of them that the core gets.
  input  logic                       rx_req_valid_i,
  output logic                       rx_req_ready_o,
  input  logic                       rx_req_sop_i,
  input  logic                       rx_req_eop_i,
  input  logic [127:0]               rx_req_header_i,
  input  logic [DataWidth-1:0]       rx_req_data_i,
  output logic                       core_req_valid_o,
  input  logic                       core_req_ready_i,
  output logic                       core_req_sop_o,
  output logic                       core_req_eop_o,
  output logic [127:0]               core_req_header_o,
  output logic [DataWidth-1:0]       core_req_data_o,
  output logic [2:0]                 core_req_bar_o,
  output logic [31:0]                core_req_offset_o,

  // Completions from the core, and all completions for memory requests to the link.
  input  logic                       core_cpl_valid_i,
  output logic                       core_cpl_ready_o,
  input  logic                       core_cpl_sop_i,
  input  logic                       core_cpl_eop_i,
  input  logic [127:0]               core_cpl_header_i,
  input  logic [DataWidth-1:0]       core_cpl_data_i,
  output logic                       tx_cpl_valid_o,
  input  logic                       tx_cpl_ready_i,
  output logic                       tx_cpl_sop_o,
  output logic                       tx_cpl_eop_o,
  output logic [127:0]               tx_cpl_header_o,
  output logic [DataWidth-1:0]       tx_cpl_data_o,

  // Completions from the link, and which of their beats the core gets; what else they consist of is not changed.
  input  logic                       rx_cpl_valid_i,
  output logic                       rx_cpl_ready_o,
  input  logic                       rx_cpl_sop_i,
  input  logic                       rx_cpl_eop_i,
  input  logic [127:0]               rx_cpl_header_i,
  output logic                       core_rx_cpl_valid_o,
  input  logic                       core_rx_cpl_ready_i,

  // State of the function, and what happened in the core.
  output logic                       function_reset_o,
  input  logic                       reset_done_i,
  output ep_pkg::function_config_t   fn_o,
  output logic [1:0]                 fn_aspm_o,  // for the link's end, which the core knows nothing of
  output ep_pkg::config_write_t      config_write_o,
  input  logic                       transactions_pending_i,
  input  logic                       unexpected_completion_i,
  input  logic                       poisoned_completion_i,
  input  logic [127:0]               bad_completion_header_i,  // of either
  input  logic                       read_timeout_i,

  // A look at a register, without effect.
  input  logic [11:0]                peek_offset_i,
  output logic [31:0]                peek_data_o
);

  straps_t straps_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      straps_q <= '{
        vendor_id: strap_vendor_id_i,
        device_id: strap_device_id_i,
        subsystem_vendor_id: strap_subsystem_vendor_id_i,
        subsystem_id: strap_subsystem_id_i,
        class_code: strap_class_code_i,
        revision: strap_revision_i,
        serial_number: strap_serial_number_i,
        bar0_size_log2: strap_bar0_size_log2_i,
        bar2_size_log2: strap_bar2_size_log2_i,
        max_payload_supported: strap_max_payload_supported_i,
        msix_vectors: strap_msix_vectors_i,
        no_soft_reset: strap_no_soft_reset_i,
        pending_while_disabled: strap_pending_while_disabled_i,
        aer: strap_aer_i,
        ari: strap_ari_i,
        dsn: strap_dsn_i,
        link_speed: strap_link_speed_i,
        link_width: strap_link_width_i,
        aspm: strap_aspm_i,
        bar0_wide: strap_bar0_wide_i,
        bar2_wide: strap_bar2_wide_i,
        io_space: strap_io_space_i,
        interrupt_pin: strap_interrupt_pin_i,
        pme: strap_pme_i,
        extended_tag: strap_extended_tag_i,
        slot_clock: strap_slot_clock_i
      };
    end
  end

  // ---- Resets ------------------------------------------------------------------------------------------------------

  logic conventional_clear, clear, flr, reset_start, initiate_flr, soft_reset, asked_flr_q;

  ep_config_reset u_reset (
    .clk_i,
    .rst_ni,
    .hot_reset_i,
    .link_up_i,
    .function_start_i(reset_start),
    .function_is_flr_i(asked_flr_q),
    .conventional_clear_o(conventional_clear),
    .clear_o(clear),
    .flr_o(flr),
    .function_reset_o,
    .reset_done_i
  );

  // The access asks, the reset starts when it has been completed.
  always_ff @(posedge clk_i) begin
    if (initiate_flr || soft_reset) asked_flr_q <= initiate_flr;
  end

  // ---- Requests ----------------------------------------------------------------------------------------------------

  write_t      write;
  logic [11:2] read_register;
  logic [31:0] read_data;
  logic [15:0] bdf;
  error_t      request_error, config_error, completion_error;

  ep_config_target u_target (
    .clk_i,
    .rst_ni(rst_ni && !hot_reset_i && link_up_i),  // requests in hand are gone
    .hold_i(function_reset_o),
    .forget_bdf_i(conventional_clear),
    .ari_i(straps_q.ari),
    .rx_cfg_valid_i,
    .rx_cfg_ready_o,
    .rx_cfg_header_i,
    .rx_cfg_data_i,
    .tx_cfg_valid_o,
    .tx_cfg_ready_i,
    .tx_cfg_header_o,
    .tx_cfg_data_o,
    .write_o(write),
    .read_register_o(read_register),
    .read_data_i(read_data),
    .reset_asked_i(initiate_flr || soft_reset),
    .reset_start_o(reset_start),
    .bdf_o(bdf),
    .error_o(config_error),
    .cfg_write_valid_o(config_write_o.valid),
    .cfg_write_offset_o(config_write_o.offset),
    .cfg_write_be_o(config_write_o.byte_enables),
    .cfg_write_data_o(config_write_o.data),
    .cfg_write_before_o(config_write_o.value_before),
    .cfg_write_after_o(config_write_o.value_after)
  );
  assign tx_cfg_sop_o = 1'b1;
  assign tx_cfg_eop_o = 1'b1;

  // ---- Registers ---------------------------------------------------------------------------------------------------

  logic [15:0]   status_set;
  logic [3:0]    device_status_set;
  settings_t     settings;
  error_policy_t policy;
  error_log_t    log;

  ep_config_registers u_registers (
    .clk_i,
    .rst_ni,
    .conventional_clear_i(conventional_clear),
    .clear_i(clear),
    .straps_i(straps_q),
    .write_i(write),
    .read_register_i(read_register),
    .read_data_o(read_data),
    .peek_register_i(peek_offset_i[11:2]),
    .peek_data_o,
    .status_set_i(status_set),
    .device_status_set_i(device_status_set),
    .log_i(log),
    .policy_o(policy),
    .transactions_pending_i,
    .settings_o(settings),
    .soft_reset_o(soft_reset),
    .initiate_flr_o(initiate_flr)
  );

  assign fn_o = '{
    bdf: bdf,
    bus_master: settings.bus_master,
    memory: settings.memory,
    d_state: settings.d_state,
    max_payload: settings.max_payload,
    max_read_request: settings.max_read_request,
    extended_tag: settings.extended_tag,
    relaxed_ordering: settings.relaxed_ordering,
    no_snoop: settings.no_snoop,
    timeout_disable: settings.timeout_disable,
    rcb: settings.rcb,
    msix_enable: settings.msix_enable,
    msix_mask: settings.msix_mask,
    intx_disable: settings.intx_disable,
    flr: flr,
    pending_while_disabled: straps_q.pending_while_disabled,
    vectors: straps_q.msix_vectors
  };
  assign fn_aspm_o = settings.aspm;

  // ---- BAR decoding ------------------------------------------------------------------------------------------------

  logic        hit, beyond;
  logic [2:0]  bar;
  logic [31:0] offset;

  ep_bar_match #(
    .Bar0Bytes(ep_reg_pkg::BarBytes),
    .Bar2Bytes(CardMemoryBytes)
  ) u_match (
    .enable_i(settings.memory && settings.d_state == StateD0),
    .bar0_i(settings.bar0),
    .bar0_mask_i(settings.bar0_mask),
    .bar2_i(settings.bar2),
    .bar2_mask_i(settings.bar2_mask),
    .request_i(rx_req_header_i),
    .hit_o(hit),
    .beyond_o(beyond),
    .bar_o(bar),
    .offset_o(offset)
  );

  ep_request_filter #(
    .DataWidth(DataWidth)
  ) u_filter (
    .clk_i,
    .rst_ni(rst_ni && !hot_reset_i && link_up_i),  // packets in hand are gone
    .bdf_i(bdf),
    .max_payload_i(settings.max_payload),
    .redecide_i(function_reset_o && reset_done_i),
    .hit_i(hit),
    .beyond_i(beyond),
    .bar_i(bar),
    .offset_i(offset),
    .rx_req_valid_i,
    .rx_req_ready_o,
    .rx_req_sop_i,
    .rx_req_eop_i,
    .rx_req_header_i,
    .rx_req_data_i,
    .core_req_valid_o,
    .core_req_ready_i,
    .core_req_sop_o,
    .core_req_eop_o,
    .core_req_header_o,
    .core_req_data_o,
    .core_req_bar_o,
    .core_req_offset_o,
    .core_cpl_valid_i,
    .core_cpl_ready_o,
    .core_cpl_sop_i,
    .core_cpl_eop_i,
    .core_cpl_header_i,
    .core_cpl_data_i,
    .tx_cpl_valid_o,
    .tx_cpl_ready_i,
    .tx_cpl_sop_o,
    .tx_cpl_eop_o,
    .tx_cpl_header_o,
    .tx_cpl_data_o,
    .error_o(request_error)
  );

  logic completion_start;

  ep_completion_filter u_completion_filter (
    .clk_i,
    .rst_ni(rst_ni && !hot_reset_i && link_up_i),  // packets in hand are gone
    .max_payload_i(settings.max_payload),
    .rx_cpl_valid_i,
    .rx_cpl_ready_o,
    .rx_cpl_sop_i,
    .rx_cpl_eop_i,
    .rx_cpl_header_i,
    .core_valid_o(core_rx_cpl_valid_o),
    .core_ready_i(core_rx_cpl_ready_i),
    .start_o(completion_start),
    .error_o(completion_error)
  );

  // ---- Errors ------------------------------------------------------------------------------------------------------

  logic [2:0] message, own_message;

  ep_config_errors u_errors (
    .clk_i,
    .rst_ni(!clear),
    .settings_i(settings),
    .policy_i(policy),
    .request_error_i(request_error),
    .config_error_i(config_error),
    .completion_error_i(completion_error),
    .completion_start_i(completion_start),
    .completion_i(rx_cpl_header_i),
    .unexpected_completion_i,
    .poisoned_completion_i,
    .bad_completion_header_i,
    .read_timeout_i,
    .status_set_o(status_set),
    .device_status_set_o(device_status_set),
    .log_o(log),
    .message_o(message),
    .own_message_o(own_message)
  );

  ep_config_messages u_messages (
    .clk_i,
    .rst_ni(rst_ni && !hot_reset_i && link_up_i),
    .clear_i(clear),
    .bdf_i(bdf),
    .in_d0_i(settings.d_state == StateD0),
    .message_i(message),
    .own_message_i(own_message),
    .tx_msg_valid_o,
    .tx_msg_ready_i,
    .tx_msg_header_o
  );

  logic unused;
  assign unused = ^{rx_cfg_sop_i, rx_cfg_eop_i, peek_offset_i[1:0]};

endmodule
