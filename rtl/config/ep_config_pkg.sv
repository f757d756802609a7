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
    // Which extended capabilities there are.
    logic        aer;
    logic        ari;
    logic        dsn;
    logic [3:0]  link_speed;  // 1: 2.5 GT/s, 2: 5, 3: 8, 4: 16, 5: 32
    logic [5:0]  link_width;  // lanes
    logic [1:0]  aspm;        // bit 0: L0s, bit 1: L1
    logic        bar0_wide;   // BAR 0 has 64 bits and is prefetchable, else 32 bits and is not
    logic        bar2_wide;   // the same of BAR 2
    logic        io_space;    // I/O Space Enable can be written, though there is no I/O BAR
    logic [2:0]  interrupt_pin;
    logic        pme;
    logic        extended_tag;
    logic        slot_clock;
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
  // Extended: the first is always there, each of the others if its strap says so.
  localparam logic [11:0] VendorOffset = 12'h100;
  localparam logic [11:0] AerOffset = 12'h110;
  localparam logic [11:0] AriOffset = 12'h160;
  localparam logic [11:0] SerialOffset = 12'h170;

  // D-states of PMCSR (PCIe 5.0, 7.5.2.2).
  localparam logic [1:0] StateD0 = 2'd0;
  localparam logic [1:0] StateD3Hot = 2'd3;

  // Errors that are uncorrectable unless they are advisory, by their bits of Uncorrectable Error Status (PCIe 5.0,
  // 7.8.4.2). What else the register names happens below the TLPs that are seen here, or cannot happen.
  typedef enum logic [4:0] {
    ErrorPoisoned = 5'd12,
    ErrorCompletionTimeout = 5'd14,
    ErrorCompleterAbort = 5'd15,
    ErrorUnexpectedCompletion = 5'd16,
    ErrorMalformed = 5'd18,
    ErrorUnsupported = 5'd20
  } error_kind_e;
  localparam logic [31:0] ErrorFatalByDefault = 32'h0004_0010;  // Malformed TLP, Data Link Protocol

  // An error in this clock.
  typedef struct packed {
    logic         valid;
    error_kind_e  kind;
    logic         advisory;  // if it is not fatal: somebody else knows of it, or it does no harm (PCIe 5.0, 6.2.3.2.4)
    logic [127:0] header;    // of the TLP, 0 where there is none
  } error_t;

  // What Advanced Error Reporting says about errors that come.
  typedef struct packed {
    logic [31:0] mask;
    logic [31:0] severity;  // 1: fatal
    logic        advisory_mask;
    logic        occupied;  // First Error Pointer and Header Log hold an error that nobody has served
  } error_policy_t;

  // What errors change in Advanced Error Reporting.
  typedef struct packed {
    logic [31:0]  uncorrectable;  // status bits to set
    logic         advisory;       // Advisory Non-Fatal Error Status
    logic         first;          // an error to be remembered with its header
    logic [4:0]   pointer;
    logic [127:0] header;
  } error_log_t;

  // Error messages by severity; the numbers are those of Device Status and Device Control.
  localparam int unsigned SeverityCorrectable = 0;
  localparam int unsigned SeverityNonFatal = 1;
  localparam int unsigned SeverityFatal = 2;

  // What the registers say.
  typedef struct packed {
    logic        memory;
    logic        bus_master;
    logic        parity_response;
    logic        serr_enable;
    logic        intx_disable;
    logic [63:0] bar0;
    logic [63:0] bar0_mask;
    logic [63:0] bar2;
    logic [63:0] bar2_mask;
    logic [1:0]  d_state;
    logic        msix_enable;
    logic        msix_mask;
    logic [3:0]  error_reporting;   // Device Control: correctable, non-fatal, fatal, unsupported request
    logic [2:0]  max_payload;       // never more than supported, whatever was written
    logic [2:0]  max_read_request;
    logic        extended_tag;
    logic        relaxed_ordering;
    logic        no_snoop;
    logic        timeout_disable;
    logic        rcb;
    logic [1:0]  aspm;              // never more than supported, whatever was written
  } settings_t;

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
