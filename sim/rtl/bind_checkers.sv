// SPDX-License-Identifier: MIT
// Which checker watches what.
bind sim_top stream_checker #(.DataWidth(DataWidth)) u_tx_req_checker (
  .clk_i, .rst_ni, .restart_i(hot_reset_i || !link_up_i), .valid_i(tx_req_valid_o), .ready_i(tx_req_ready_i),
  .sop_i(tx_req_sop_o), .eop_i(tx_req_eop_o), .header_i(tx_req_header_o), .data_i(tx_req_data_o)
);

bind sim_top stream_checker #(.DataWidth(DataWidth)) u_tx_cpl_checker (
  .clk_i, .rst_ni, .restart_i(hot_reset_i || !link_up_i), .valid_i(tx_cpl_valid_o), .ready_i(tx_cpl_ready_i),
  .sop_i(tx_cpl_sop_o), .eop_i(tx_cpl_eop_o), .header_i(tx_cpl_header_o), .data_i(tx_cpl_data_o)
);

bind sim_top request_checker #(.DataWidth(DataWidth)) u_request_checker (
  .clk_i, .rst_ni, .restart_i(hot_reset_i || !link_up_i), .valid_i(tx_req_valid_o), .ready_i(tx_req_ready_i),
  .sop_i(tx_req_sop_o), .eop_i(tx_req_eop_o), .header_i(tx_req_header_o), .max_payload_i(fn_max_payload_o),
  .max_read_request_i(fn_max_read_request_o), .extended_tag_i(fn_extended_tag_o), .bus_master_i(fn_bus_master_o)
);

bind ep_tlp_tags tags_checker u_tags_checker (
  .clk_i, .rst_ni, .take_i, .valid_i(tag_valid_o),
  .fresh_i(sent_mem[tag_q].generation != progress_mem[tag_q].generation),
  .free_i(progress_mem[tag_q].state == StFree), .fits_i(used_q <= UnitBits'(BufferUnits))
);
