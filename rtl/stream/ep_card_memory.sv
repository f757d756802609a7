// SPDX-License-Identifier: MIT
// Card memory: one write and one read per clock, each DataWidth wide at any byte address. Even rows and odd rows are
// two memories, so that an access that straddles two rows finds one in each.
module ep_card_memory #(
  parameter int unsigned DataWidth = 256,
  parameter int unsigned Bytes = 65536,
  localparam int unsigned DataBytes = DataWidth / 8,
  localparam int unsigned AddressBits = $clog2(Bytes)
) (
  input  logic                   clk_i,

  // While set every row is written with 0, one of each bank per clock; wiped_o stands when all are.
  input  logic                   wipe_i,
  output logic                   wiped_o,

  input  logic                   write_i,
  input  logic [AddressBits-1:0] write_address_i,
  input  logic [DataBytes-1:0]   write_be_i,
  input  logic [DataWidth-1:0]   write_data_i,

  // Data stands two clocks after read_i.
  input  logic                   read_i,
  input  logic [AddressBits-1:0] read_address_i,
  output logic [DataWidth-1:0]   read_data_o
);

  localparam int unsigned ByteBits = $clog2(DataBytes);
  localparam int unsigned RowBits = AddressBits - ByteBits;  // row number; its lowest bit is the bank
  localparam int unsigned BankRows = Bytes / DataBytes / 2;

  logic [DataWidth-1:0] even_mem [BankRows];
  logic [DataWidth-1:0] odd_mem [BankRows];

  // Wipe.
  logic [RowBits-1:0] wipe_row_q;
  assign wiped_o = wipe_row_q[RowBits-1];

  always_ff @(posedge clk_i) begin
    if (!wipe_i) wipe_row_q <= '0;
    else if (!wiped_o) wipe_row_q <= wipe_row_q + 1'b1;
  end

  // Write: the low half belongs into the addressed row, the high half into the next.
  logic [RowBits-1:0]     write_row, write_next;
  logic [2*DataWidth-1:0] write_wide;
  logic [2*DataBytes-1:0] be_wide;
  logic [RowBits-2:0]     even_row, odd_row;
  logic [DataBytes-1:0]   even_be, odd_be;
  logic [DataWidth-1:0]   even_data, odd_data;

  assign write_row = write_address_i[AddressBits-1:ByteBits];
  assign write_next = write_row + 1'b1;

  always_comb begin
    write_wide = '0;
    be_wide = '0;
    even_row = wipe_row_q[RowBits-2:0];
    odd_row = wipe_row_q[RowBits-2:0];
    even_be = '0;
    odd_be = '0;
    even_data = '0;
    odd_data = '0;
    if (wipe_i) begin
      even_be = '1;
      odd_be = '1;
    end else if (write_i) begin
      write_wide = (2 * DataWidth)'(write_data_i) << {write_address_i[ByteBits-1:0], 3'b000};
      be_wide = (2 * DataBytes)'(write_be_i) << write_address_i[ByteBits-1:0];
      if (write_row[0]) begin
        odd_row = write_row[RowBits-1:1];
        odd_be = be_wide[DataBytes-1:0];
        odd_data = write_wide[DataWidth-1:0];
        even_row = write_next[RowBits-1:1];
        even_be = be_wide[2*DataBytes-1:DataBytes];
        even_data = write_wide[2*DataWidth-1:DataWidth];
      end else begin
        even_row = write_row[RowBits-1:1];
        even_be = be_wide[DataBytes-1:0];
        even_data = write_wide[DataWidth-1:0];
        odd_row = write_next[RowBits-1:1];
        odd_be = be_wide[2*DataBytes-1:DataBytes];
        odd_data = write_wide[2*DataWidth-1:DataWidth];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < DataBytes; i++) begin
      if (even_be[i]) even_mem[even_row][8*i +: 8] <= even_data[8*i +: 8];
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < DataBytes; i++) begin
      if (odd_be[i]) odd_mem[odd_row][8*i +: 8] <= odd_data[8*i +: 8];
    end
  end

  // Read: both rows, then the window.
  logic [RowBits-1:0]   read_row, read_next;
  logic [DataWidth-1:0] even_q, odd_q;
  logic [ByteBits-1:0]  read_byte_q;
  logic                 read_odd_q, read_q;

  assign read_row = read_address_i[AddressBits-1:ByteBits];
  assign read_next = read_row + 1'b1;

  always_ff @(posedge clk_i) begin
    read_q <= read_i;
    if (read_i) begin
      even_q <= even_mem[read_row[0] ? read_next[RowBits-1:1] : read_row[RowBits-1:1]];
      odd_q <= odd_mem[read_row[RowBits-1:1]];
      read_byte_q <= read_address_i[ByteBits-1:0];
      read_odd_q <= read_row[0];
    end
    if (read_q) begin
      read_data_o <= DataWidth'((read_odd_q ? {even_q, odd_q} : {odd_q, even_q}) >> {read_byte_q, 3'b000});
    end
  end

endmodule
