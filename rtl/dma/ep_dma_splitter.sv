// SPDX-License-Identifier: MIT
// The largest piece that a request may carry: up to the next multiple of the limit, so that no piece crosses 4 KiB and
// all but the first are aligned. Combinational.
module ep_dma_splitter (
  input  logic [11:0] address_i,    // low bits of the host address
  input  logic [24:0] remaining_i,  // bytes
  input  logic [2:0]  limit_i,      // 128 << n bytes; above 4096 bytes counts as 4096
  output logic [12:0] bytes_o
);

  logic [12:0] limit, room;

  always_comb begin
    unique case (limit_i)
      3'd0: limit = 13'd128;
      3'd1: limit = 13'd256;
      3'd2: limit = 13'd512;
      3'd3: limit = 13'd1024;
      3'd4: limit = 13'd2048;
      default: limit = 13'd4096;
    endcase
    room = limit - (13'(address_i) & (limit - 13'd1));
    bytes_o = remaining_i < 25'(room) ? remaining_i[12:0] : room;
  end

endmodule
