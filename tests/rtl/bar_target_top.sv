// SPDX-License-Identifier: MIT
// ep_bar_target of any width behind ports of 512 bits: what its test sees.
module bar_target_top #(
  parameter int unsigned DataWidth = 256,
  localparam int unsigned DataBytes = DataWidth / 8
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         stop_i,
  output logic         idle_o,
  input  logic [15:0]  fn_bdf_i,
  input  logic [2:0]   fn_max_payload_i,

  input  logic         rx_req_valid_i,
  output logic         rx_req_ready_o,
  input  logic         rx_req_sop_i,
  input  logic         rx_req_eop_i,
  input  logic [127:0] rx_req_header_i,
  input  logic [511:0] rx_req_data_i,
  input  logic [2:0]   rx_req_bar_i,
  input  logic [31:0]  rx_req_offset_i,

  output logic         tx_cpl_valid_o,
  input  logic         tx_cpl_ready_i,
  output logic         tx_cpl_sop_o,
  output logic         tx_cpl_eop_o,
  output logic [127:0] tx_cpl_header_o,
  output logic [511:0] tx_cpl_data_o,

  output logic         register_valid_o,
  output logic         register_write_o,
  output logic [15:0]  register_offset_o,
  output logic [31:0]  register_wdata_o,
  output logic [3:0]   register_be_o,
  input  logic [31:0]  register_rdata_i,

  output logic         write_valid_o,
  input  logic         write_ready_i,
  output logic [31:0]  write_address_o,
  output logic [63:0]  write_be_o,
  output logic [511:0] write_data_o,
  output logic         read_valid_o,
  input  logic         read_ready_i,
  output logic [31:0]  read_address_o,
  input  logic         read_data_valid_i,
  input  logic [511:0] read_data_i,

  input  logic [15:0]  posted_count_i,
  input  logic [15:0]  posted_sent_i
);

  ep_pkg::function_config_t  fn;
  ep_pkg::register_request_t register_request;
  logic [DataWidth-1:0]      tx_cpl_data, write_data;
  logic [DataBytes-1:0]      write_be;

  always_comb begin
    fn = '0;
    fn.bdf = fn_bdf_i;
    fn.max_payload = fn_max_payload_i;
  end

  ep_bar_target #(
    .DataWidth(DataWidth)
  ) u_bar_target (
    .fn_i(fn),
    .rx_req_data_i(rx_req_data_i[DataWidth-1:0]),
    .tx_cpl_data_o(tx_cpl_data),
    .register_o(register_request),
    .write_be_o(write_be),
    .write_data_o(write_data),
    .read_data_i(read_data_i[DataWidth-1:0]),
    .rx_write_o(),
    .rx_read_o(),
    .tx_completion_o(),
    .*
  );

  assign tx_cpl_data_o = 512'(tx_cpl_data);
  assign write_data_o = 512'(write_data);
  assign write_be_o = 64'(write_be);
  assign register_valid_o = register_request.valid;
  assign register_write_o = register_request.write;
  assign register_offset_o = register_request.offset;
  assign register_wdata_o = register_request.wdata;
  assign register_be_o = register_request.be;

endmodule
