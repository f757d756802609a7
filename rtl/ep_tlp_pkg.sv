// SPDX-License-Identifier: MIT
// TLP headers as the base specification lays them out, and the numbers in them.
//
// A header travels beside the data as four double words: bits [32n+31:32n] are header double word n read as a big-endian
// number, so Fmt is [31:29], Type [28:24], Length [9:0] (PCIe 5.0, 2.2.1). Double word 3 of a three-word
// header is 0. Payload begins in byte 0 of the first beat, whatever the address; beats are full but the last.
package ep_tlp_pkg;

  typedef logic [127:0] header_t;

  // Fmt and Type together (PCIe 5.0, table 2-3).
  typedef enum logic [7:0] {
    MemRead32  = 8'b000_00000,
    MemRead64  = 8'b001_00000,
    MemWrite32 = 8'b010_00000,
    MemWrite64 = 8'b011_00000,
    CfgRead0   = 8'b000_00100,
    CfgWrite0  = 8'b010_00100,
    CfgRead1   = 8'b000_00101,
    CfgWrite1  = 8'b010_00101,
    Cpl        = 8'b000_01010,
    CplData    = 8'b010_01010
  } fmt_type_e;

  typedef enum logic [2:0] {
    StatusSuccess = 3'd0,
    StatusUnsupportedRequest = 3'd1,
    StatusRequestRetry = 3'd2,
    StatusCompleterAbort = 3'd4
  } cpl_status_e;

  // Memory request, fields in the order of the wire (first = most significant bit of double word 0).
  typedef struct packed {
    logic [31:0] dw3;  // four-word header: address[31:2], PH
    logic [31:0] dw2;  // three-word header: address[31:2], PH; four-word header: address[63:32]
    // Double word 1.
    logic [15:0] requester_id;
    logic [7:0]  tag;
    logic [3:0]  last_be;
    logic [3:0]  first_be;
    // Double word 0.
    logic [7:0]  fmt_type;
    logic        tag9;
    logic [2:0]  traffic_class;
    logic        tag8;
    logic        attr_ido;
    logic        ln;
    logic        th;
    logic        digest;
    logic        poisoned;
    logic        attr_relaxed;
    logic        attr_no_snoop;
    logic [1:0]  address_type;
    logic [9:0]  length;  // 0 stands for 1024
  } request_t;

  // Completion.
  typedef struct packed {
    logic [31:0] dw3;  // 0
    // Double word 2.
    logic [15:0] requester_id;
    logic [7:0]  tag;
    logic        reserved;
    logic [6:0]  lower_address;
    // Double word 1.
    logic [15:0] completer_id;
    logic [2:0]  status;
    logic        bcm;
    logic [11:0] byte_count;  // 0 stands for 4096
    // Double word 0.
    logic [7:0]  fmt_type;
    logic        tag9;
    logic [2:0]  traffic_class;
    logic        tag8;
    logic        attr_ido;
    logic        ln;
    logic        th;
    logic        digest;
    logic        poisoned;
    logic        attr_relaxed;
    logic        attr_no_snoop;
    logic [1:0]  address_type;
    logic [9:0]  length;
  } completion_t;

endpackage
