// SPDX-License-Identifier: MIT
// Layout of the endpoint's configuration space and the types its parts share (PCIe 5.0, chapter 7).
package ep_config_pkg;

  // Sampled while the fundamental reset is active.
  typedef struct packed {
    logic [15:0] vendor_id;
    logic [15:0] device_id;
    logic [15:0] subsystem_vendor_id;
    logic [15:0] subsystem_id;
    logic [23:0] class_code;
    logic [7:0]  revision;
    logic [63:0] serial_number;
    logic [5:0]  bar0_size_log2;
    logic [5:0]  bar2_size_log2;
    logic [2:0]  max_payload_supported;
    logic [5:0]  msix_vectors;
    logic        no_soft_reset;
    logic        pending_while_disabled;
  } straps_t;

  // A configuration write that takes effect in this clock.
  typedef struct packed {
    logic        valid;
    logic [11:2] register_number;
    logic [3:0]  be;
    logic [31:0] data;
  } write_t;

  // Where the capabilities stand. Each list ends with 0.
  localparam logic [7:0]  PowerOffset = 8'h40;
  localparam logic [7:0]  MsixOffset = 8'h50;
  localparam logic [7:0]  ExpressOffset = 8'h70;
  localparam logic [11:0] SerialOffset = 12'h100;
  localparam logic [11:0] VendorOffset = 12'h110;

  // D-states of PMCSR (PCIe 5.0, 7.5.2.2).
  localparam logic [1:0] StateD0 = 2'd0;
  localparam logic [1:0] StateD3Hot = 2'd3;

  // A register after a write: of its `value` only RW bits, `writable`, in enabled bytes change.
  function automatic logic [31:0] merge(logic [31:0] value, logic [31:0] writable, write_t write);
    logic [31:0] mask;
    mask = writable & enabled_bits(write);
    return (value & ~mask) | (write.data & mask);
  endfunction

  // The bits that a write with these byte enables carries.
  function automatic logic [31:0] enabled_bits(write_t write);
    return {{8{write.be[3]}}, {8{write.be[2]}}, {8{write.be[1]}}, {8{write.be[0]}}};
  endfunction

  // The bits that a write clears in a RW1C register.
  function automatic logic [31:0] cleared_bits(write_t write);
    return write.data & enabled_bits(write);
  endfunction

endpackage
