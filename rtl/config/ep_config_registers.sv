// SPDX-License-Identifier: MIT
// The registers of configuration space, block by block, and who answers for which (PCIe 5.0, chapter 7).
module ep_config_registers
  import ep_config_pkg::*;
(
  input  logic          clk_i,
  input  logic          rst_ni,  // fundamental
  input  logic          conventional_clear_i,
  input  logic          clear_i,  // any reset of the function
  input  straps_t       straps_i,

  input  write_t        write_i,
  input  logic [11:2]   read_register_i,
  output logic [31:0]   read_data_o,
  input  logic [11:2]   peek_register_i,
  output logic [31:0]   peek_data_o,

  // What happened in this clock.
  input  logic [15:0]   status_set_i,         // as the bits stand in Status
  input  logic [3:0]    device_status_set_i,  // in Device Status
  input  error_log_t    log_i,
  output error_policy_t policy_o,
  input  logic          transactions_pending_i,

  output settings_t     settings_o,
  // The write of this clock asks for a reset of the function.
  output logic          soft_reset_o,
  output logic          initiate_flr_o
);

  logic [31:0] header_read, power_read, msix_read, express_read, extended_read, aer_read;
  logic [31:0] header_peek, power_peek, msix_peek, express_peek, extended_peek, aer_peek;
  logic [11:0] after_aer;
  logic [5:2]  express_read_register, express_peek_register;

  assign express_read_register = read_register_i[5:2] - ExpressOffset[5:2];
  assign express_peek_register = peek_register_i[5:2] - ExpressOffset[5:2];

  ep_config_header u_header (
    .clk_i,
    .clear_i,
    .straps_i,
    .write_i,
    .read_register_i(read_register_i[5:2]),
    .read_data_o(header_read),
    .peek_register_i(peek_register_i[5:2]),
    .peek_data_o(header_peek),
    .status_set_i,
    .memory_o(settings_o.memory),
    .bus_master_o(settings_o.bus_master),
    .parity_response_o(settings_o.parity_response),
    .serr_enable_o(settings_o.serr_enable),
    .intx_disable_o(settings_o.intx_disable),
    .bar0_o(settings_o.bar0),
    .bar0_mask_o(settings_o.bar0_mask),
    .bar2_o(settings_o.bar2),
    .bar2_mask_o(settings_o.bar2_mask)
  );

  ep_config_power u_power (
    .clk_i,
    .clear_i,
    .straps_i,
    .write_i,
    .read_second_i(read_register_i[2]),
    .read_data_o(power_read),
    .peek_second_i(peek_register_i[2]),
    .peek_data_o(power_peek),
    .d_state_o(settings_o.d_state),
    .soft_reset_o
  );

  ep_config_msix u_msix (
    .clk_i,
    .clear_i,
    .straps_i,
    .write_i,
    .read_register_i(read_register_i[3:2]),
    .read_data_o(msix_read),
    .peek_register_i(peek_register_i[3:2]),
    .peek_data_o(msix_peek),
    .enable_o(settings_o.msix_enable),
    .mask_o(settings_o.msix_mask)
  );

  ep_config_express u_express (
    .clk_i,
    .rst_ni,
    .conventional_clear_i,
    .clear_i,
    .straps_i,
    .write_i,
    .read_register_i(express_read_register),
    .read_data_o(express_read),
    .peek_register_i(express_peek_register),
    .peek_data_o(express_peek),
    .status_set_i(device_status_set_i),
    .transactions_pending_i,
    .error_reporting_o(settings_o.error_reporting),
    .max_payload_o(settings_o.max_payload),
    .max_read_request_o(settings_o.max_read_request),
    .extended_tag_o(settings_o.extended_tag),
    .relaxed_ordering_o(settings_o.relaxed_ordering),
    .no_snoop_o(settings_o.no_snoop),
    .timeout_disable_o(settings_o.timeout_disable),
    .rcb_o(settings_o.rcb),
    .aspm_o(settings_o.aspm),
    .initiate_flr_o
  );

  ep_config_extended u_extended (
    .straps_i,
    .after_aer_o(after_aer),
    .read_register_i,
    .read_data_o(extended_read),
    .peek_register_i,
    .peek_data_o(extended_peek)
  );

  ep_config_aer u_aer (
    .clk_i,
    .rst_ni,
    .straps_i,
    .next_i(after_aer),
    .write_i,
    .read_register_i,
    .read_data_o(aer_read),
    .peek_register_i,
    .peek_data_o(aer_peek),
    .policy_o,
    .log_i
  );

  // Which of the blocks answers for a register. Everything else reads 0.
  typedef struct packed {
    logic header;
    logic power;
    logic msix;
    logic express;
    logic extended;
  } block_t;

  function automatic block_t block_of(logic [11:2] register_number);
    logic [11:0] offset;
    block_t      block;
    offset = {register_number, 2'b00};
    block = '0;
    if (offset >= 12'h100) block.extended = 1'b1;
    else if (offset < 12'h040) block.header = 1'b1;
    else if (offset < 12'h048) block.power = 1'b1;
    else if (offset >= 12'h050 && offset < 12'h05C) block.msix = 1'b1;
    else if (offset >= 12'h070 && offset < 12'h0AC) block.express = 1'b1;
    return block;
  endfunction

  block_t read_block, peek_block;
  assign read_block = block_of(read_register_i);
  assign peek_block = block_of(peek_register_i);
  assign read_data_o = ({32{read_block.header}} & header_read) | ({32{read_block.power}} & power_read) |
                     ({32{read_block.msix}} & msix_read) | ({32{read_block.express}} & express_read) |
                     ({32{read_block.extended}} & (extended_read | aer_read));
  assign peek_data_o = ({32{peek_block.header}} & header_peek) | ({32{peek_block.power}} & power_peek) |
                       ({32{peek_block.msix}} & msix_peek) | ({32{peek_block.express}} & express_peek) |
                       ({32{peek_block.extended}} & (extended_peek | aer_peek));

endmodule
