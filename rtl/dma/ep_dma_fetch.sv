// SPDX-License-Identifier: MIT
// Prefetches the descriptors of one channel: reads several at once, keeps up to 16, hands them out in ring order.
module ep_dma_fetch #(
  parameter int unsigned DataWidth = 256,
  localparam int unsigned DataBytes = DataWidth / 8
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,

  input  ep_pkg::channel_config_t config_i,
  input  logic                    wide_i,    // reads of 256 bytes are allowed, otherwise 128
  input  logic                    enable_i,  // fetch
  input  logic                    flush_i,   // drop what is in hand, start again at restart_index_i; only with idle_o
  input  logic [15:0]             restart_index_i,
  input  logic [31:0]             restart_count_i,
  output logic                    idle_o,    // no read in hand or in flight
  output logic                    stale_o,   // something is in hand or counted ahead

  output logic                    read_valid_o,
  input  logic                    read_take_i,
  output logic [63:0]             read_address_o,
  output logic [8:0]              read_bytes_o,
  output logic [8:0]              read_destination_o,  // byte offset in the buffer
  input  logic                    finish_i,
  input  ep_pkg::dma_status_e     finish_status_i,
  input  logic                    cancel_i,  // the taken read will not be sent: it is asked for anew

  input  logic                    place_i,
  input  logic [8:0]              place_address_i,
  input  logic [DataBytes-1:0]    place_be_i,
  input  logic [DataWidth-1:0]    place_data_i,

  output logic                    descriptor_valid_o,
  output ep_pkg::descriptor_t     descriptor_o,
  output ep_pkg::dma_status_e     descriptor_status_o,
  input  logic                    descriptor_take_i
);

  localparam int unsigned Parts = DataBytes >= 32 ? 1 : 32 / DataBytes;

  // Even and odd descriptors apart, so that a beat of 64 bytes writes one in each.
  logic [255:0] even_mem [8];
  logic [255:0] odd_mem [8];

  logic [3:0]  read_slot_q, write_slot_q;
  logic [4:0]  count_q;
  logic        flying_q;
  logic [3:0]  flying_count_q;
  logic [15:0] index_q;
  logic [31:0] fetched_q;
  ep_pkg::dma_status_e fault_q;

  // How many: up to the limit's next boundary, the ring's end, the doorbell; a power of two limit keeps 4 KiB whole.
  logic [63:0] address;
  logic [3:0]  to_boundary, amount;
  logic [15:0] to_end;
  logic [31:0] ready;
  assign address = config_i.ring_base + {43'd0, index_q, 5'd0};
  assign to_boundary = wide_i ? 4'd8 - {1'b0, address[7:5]} : 4'd4 - {2'b00, address[6:5]};
  assign to_end = config_i.ring_entries - index_q;
  assign ready = config_i.tail - fetched_q;
  always_comb begin
    amount = to_boundary;
    if (to_end < 16'(amount)) amount = to_end[3:0];
    if (!config_i.cyclic && ready < 32'(amount)) amount = ready[3:0];
  end

  assign read_valid_o = enable_i && !flying_q && !flush_i && count_q <= 5'd8 && amount != '0 &&
                        fault_q == ep_pkg::DmaOk;
  assign read_address_o = {address[63:5], 5'd0};
  assign read_bytes_o = {amount, 5'd0};
  assign read_destination_o = {write_slot_q, 5'd0};
  assign idle_o = !flying_q;
  assign stale_o = count_q != '0 || fetched_q != restart_count_i;

  assign descriptor_valid_o = count_q != '0 && !flush_i;
  assign descriptor_status_o = count_q == 5'd1 ? fault_q : ep_pkg::DmaOk;
  assign descriptor_o = read_slot_q[0] ? odd_mem[read_slot_q[3:1]] : even_mem[read_slot_q[3:1]];

  logic place;
  assign place = place_i && place_be_i[0];

  // A descriptor's length is a multiple of what a beat holds or the other way round, and completions end at multiples
  // of 64 bytes.
  if (Parts == 1) begin : gen_whole
    logic [3:0]   second;
    logic [255:0] upper;
    logic         upper_valid;
    assign second = place_address_i[8:5] + 4'd1;
    if (DataBytes >= 64) begin : gen_two
      assign upper = place_data_i[DataWidth-1 -: 256];
      assign upper_valid = place_be_i[DataBytes-1];
    end else begin : gen_one
      assign upper = '0;
      assign upper_valid = 1'b0;
    end
    always_ff @(posedge clk_i) begin
      if (place && !place_address_i[5]) even_mem[place_address_i[8:6]] <= place_data_i[255:0];
      else if (place && upper_valid) even_mem[second[3:1]] <= upper;
      if (place && place_address_i[5]) odd_mem[place_address_i[8:6]] <= place_data_i[255:0];
      else if (place && upper_valid) odd_mem[second[3:1]] <= upper;
    end
  end else begin : gen_parts
    localparam int unsigned PartBits = $clog2(Parts);
    logic [PartBits-1:0] part;
    assign part = place_address_i[4 -: PartBits];
    always_ff @(posedge clk_i) begin
      if (place && !place_address_i[5]) even_mem[place_address_i[8:6]][DataWidth*part +: DataWidth] <= place_data_i;
      if (place && place_address_i[5]) odd_mem[place_address_i[8:6]][DataWidth*part +: DataWidth] <= place_data_i;
    end
  end

  logic arrived;
  assign arrived = finish_i && flying_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || flush_i) begin
      read_slot_q <= '0;
      write_slot_q <= '0;
      count_q <= '0;
      index_q <= rst_ni ? restart_index_i : '0;
      fetched_q <= rst_ni ? restart_count_i : '0;
      fault_q <= ep_pkg::DmaOk;
      flying_q <= 1'b0;
      flying_count_q <= '0;
    end else begin
      if (read_take_i) begin
        flying_q <= 1'b1;
        flying_count_q <= amount;
      end
      if (arrived || cancel_i) flying_q <= 1'b0;
      if (arrived) begin
        fault_q <= finish_status_i;
        index_q <= 16'(flying_count_q) >= to_end ? '0 : index_q + 16'(flying_count_q);
        fetched_q <= fetched_q + 32'(flying_count_q);
        write_slot_q <= write_slot_q + (finish_status_i == ep_pkg::DmaOk ? flying_count_q : 4'd1);
      end
      if (descriptor_take_i) read_slot_q <= read_slot_q + 1'b1;
      count_q <= count_q - 5'(descriptor_take_i) +
                 (arrived ? (finish_status_i == ep_pkg::DmaOk ? 5'(flying_count_q) : 5'd1) : 5'd0);
    end
  end

endmodule
