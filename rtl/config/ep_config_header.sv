// SPDX-License-Identifier: MIT
// Type 0 header, 00h to 3Fh (PCIe 5.0, 7.5.1): identity, Command and Status, base address registers.
module ep_config_header
  import ep_config_pkg::*;
(
  input  logic        clk_i,
  input  logic        clear_i,  // any reset of the function
  input  straps_t     straps_i,

  input  write_t      write_i,
  input  logic [5:2]  read_register_i,
  output logic [31:0] read_data_o,
  input  logic [5:2]  peek_register_i,
  output logic [31:0] peek_data_o,

  // Error bits of Status that are set by what happened in this clock, as they stand in the register.
  input  logic [15:0] status_set_i,

  output logic        memory_o,
  output logic        bus_master_o,
  output logic        parity_response_o,
  output logic        serr_enable_o,
  output logic        intx_disable_o,
  // Of a BAR of 32 bits: upper half 0, and all ones in the mask.
  output logic [63:0] bar0_o,
  output logic [63:0] bar0_mask_o,
  output logic [63:0] bar2_o,
  output logic [63:0] bar2_mask_o
);

  // No I/O BAR: I/O Space Enable is hardwired to 0, or by strap can be written and enables nothing.
  localparam logic [15:0] CommandWritable = 16'b0000_0101_0100_0110;
  localparam logic [15:0] StatusErrors = 16'hF900;
  localparam logic [15:0] StatusCapabilityList = 16'h0010;
  localparam logic [3:0]  WideAttributes = 4'b1100;  // prefetchable, 64 bits

  logic [15:0] command_q, status_q;
  logic [7:0]  cache_line_q, interrupt_line_q;
  logic [63:0] bar0_q, bar2_q;

  function automatic logic [63:0] mask_of(logic wide, logic [5:0] size_log2);
    return ~((64'd1 << size_log2) - 64'd1) | {{32{!wide}}, 32'd0};
  endfunction

  // Of a BAR of 32 bits the upper half is another register, which is not there.
  function automatic logic [63:0] writable_of(logic wide, logic [63:0] mask);
    return mask & {{32{wide}}, 32'hFFFF_FFFF};
  endfunction

  logic [63:0] bar0_writable, bar2_writable;
  assign bar0_mask_o = mask_of(straps_i.bar0_wide, straps_i.bar0_size_log2);
  assign bar2_mask_o = mask_of(straps_i.bar2_wide, straps_i.bar2_size_log2);
  assign bar0_writable = writable_of(straps_i.bar0_wide, bar0_mask_o);
  assign bar2_writable = writable_of(straps_i.bar2_wide, bar2_mask_o);

  logic [15:0] command_writable;
  assign command_writable = CommandWritable | {15'd0, straps_i.io_space};

  function automatic logic [31:0] read(logic [5:2] register_number);
    unique case (register_number)
      4'h0: return {straps_i.device_id, straps_i.vendor_id};
      4'h1: return {status_q | StatusCapabilityList, command_q};
      4'h2: return {straps_i.class_code, straps_i.revision};
      4'h3: return {24'd0, cache_line_q};
      4'h4: return {bar0_q[31:4], straps_i.bar0_wide ? WideAttributes : 4'd0};
      4'h5: return bar0_q[63:32];
      4'h6: return {bar2_q[31:4], straps_i.bar2_wide ? WideAttributes : 4'd0};
      4'h7: return bar2_q[63:32];
      4'hB: return {straps_i.subsystem_id, straps_i.subsystem_vendor_id};
      4'hD: return {24'd0, PowerOffset};
      4'hF: return {16'd0, 5'd0, straps_i.interrupt_pin, interrupt_line_q};  // no INTx message is ever sent
      default: return 32'd0;
    endcase
  endfunction

  assign read_data_o = read(read_register_i);
  assign peek_data_o = read(peek_register_i);

  logic writes_header;
  assign writes_header = write_i.valid && write_i.register_number[11:6] == 6'd0;

  logic [31:0] command_merged, cache_line_merged, interrupt_line_merged;
  assign command_merged = merge({16'd0, command_q}, {16'd0, command_writable}, write_i);
  assign cache_line_merged = merge({24'd0, cache_line_q}, 32'h0000_00FF, write_i);
  assign interrupt_line_merged = merge({24'd0, interrupt_line_q}, 32'h0000_00FF, write_i);

  logic [15:0] status_cleared;
  assign status_cleared = (writes_header && write_i.register_number[5:2] == 4'h1) ? 16'(cleared_bits(write_i) >> 16)
                                                                                 : '0;

  always_ff @(posedge clk_i) begin
    status_q <= ((status_q & ~status_cleared) | status_set_i) & StatusErrors;
    if (writes_header) begin
      unique case (write_i.register_number[5:2])
        4'h1: command_q <= command_merged[15:0];
        4'h3: cache_line_q <= cache_line_merged[7:0];
        4'h4: bar0_q[31:0] <= merge(bar0_q[31:0], bar0_writable[31:0], write_i);
        4'h5: bar0_q[63:32] <= merge(bar0_q[63:32], bar0_writable[63:32], write_i);
        4'h6: bar2_q[31:0] <= merge(bar2_q[31:0], bar2_writable[31:0], write_i);
        4'h7: bar2_q[63:32] <= merge(bar2_q[63:32], bar2_writable[63:32], write_i);
        4'hF: interrupt_line_q <= interrupt_line_merged[7:0];
        default: ;
      endcase
    end
    if (clear_i) begin
      command_q <= '0;
      status_q <= '0;
      cache_line_q <= '0;
      interrupt_line_q <= '0;
      bar0_q <= '0;
      bar2_q <= '0;
    end
  end

  assign memory_o = command_q[1];
  assign bus_master_o = command_q[2];
  assign parity_response_o = command_q[6];
  assign serr_enable_o = command_q[8];
  assign intx_disable_o = command_q[10];
  assign bar0_o = bar0_q;
  assign bar2_o = bar2_q;

endmodule
