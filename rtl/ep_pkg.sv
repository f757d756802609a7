// SPDX-License-Identifier: MIT
// Types that the modules of the endpoint share. Layouts in host memory are those of host/driver/dma_abi.h.
package ep_pkg;

  // Descriptors of one channel that may be in flight.
  localparam int unsigned SlotBits = 2;
  // Bits of a card memory address or of a byte offset in a pattern stream (word index modulo 2^32).
  localparam int unsigned CardBits = 34;

  // Result of a descriptor (DmaStatus).
  typedef enum logic [3:0] {
    DmaOk = 4'd0,
    DmaUnsupportedRequest = 4'd1,
    DmaCompleterAbort = 4'd2,
    DmaPoisoned = 4'd3,
    DmaTimeout = 4'd4,
    DmaReset = 4'd5,
    DmaBadDescriptor = 4'd6
  } dma_status_e;

  // What the configuration space (or a hard block) says about the function.
  typedef struct packed {
    logic [15:0] bdf;
    logic        bus_master;
    logic        memory;
    logic [1:0]  d_state;
    logic [2:0]  max_payload;       // 128 << n bytes
    logic [2:0]  max_read_request;  // 128 << n bytes
    logic        extended_tag;
    logic        relaxed_ordering;
    logic        no_snoop;
    logic        timeout_disable;  // Completion Timeout Disable
    logic        rcb;  // 1: 128 bytes
    logic        msix_enable;
    logic        msix_mask;
    logic        intx_disable;
    logic        flr;  // function level reset in progress
    // Straps that reach the core.
    logic        pending_while_disabled;
    logic [5:0]  vectors;  // MSI-X vectors, 1 to 32
  } function_config_t;

  // One configuration write that took effect; one clock.
  typedef struct packed {
    logic        valid;
    logic [11:0] offset;
    logic [3:0]  byte_enables;
    logic [31:0] data;
    logic [31:0] value_before;
    logic [31:0] value_after;
  } config_write_t;

  // Register bus: one access per clock, always taken. Read data (0 where the block is not meant) stands one clock
  // later, so that the blocks' answers are ORed.
  typedef struct packed {
    logic        valid;
    logic        write;
    logic [15:0] offset;  // byte offset in BAR 0, bits 1:0 zero
    logic [31:0] wdata;
    logic [3:0]  be;
  } register_request_t;

  // Channel registers as the engine sees them.
  typedef struct packed {
    logic        run;
    logic        c2h;
    logic        cyclic;
    logic        pattern;
    logic        interrupt_enable;
    logic        reset;  // one clock: RESET was written with 1
    logic [63:0] ring_base;
    logic [15:0] ring_entries;
    logic [31:0] tail;
    logic [63:0] completion_base;
    logic [31:0] seed;
    logic [4:0]  vector;
    logic [15:0] moderation_count;
    logic [15:0] moderation_us;
  } channel_config_t;

  typedef struct packed {
    logic        idle;
    logic        stopped;
    logic        resetting;  // CONTROL.RESET reads this; the register block clears RUN when RESET is written
    logic [3:0]  error;
    logic [63:0] completed;
    logic [63:0] bytes;
    logic [63:0] checked;
    logic [31:0] mismatches;
  } channel_status_t;

  // Heartbeat records, and reads, that wait for the link: more than the shortest period needs on a slow and busy one.
  localparam int unsigned HeartbeatQueue = 16;

  typedef struct packed {
    logic        run;
    logic        interrupt_enable;
    logic [63:0] ring_base;
    logic [15:0] ring_entries;
    logic [31:0] period;
    logic [4:0]  vector;
    logic [31:0] interrupt_every;
  } heartbeat_writer_config_t;

  typedef struct packed {
    logic [63:0] sequence_number;
    logic [31:0] missed;
  } heartbeat_writer_status_t;

  typedef struct packed {
    logic        run;
    logic [63:0] ring_base;
    logic [15:0] ring_entries;
    logic [31:0] period;
    logic [31:0] seed;
  } heartbeat_reader_config_t;

  typedef struct packed {
    logic        idle;
    logic [63:0] count;
    logic [31:0] missed;
    logic [31:0] mismatches;
    logic [31:0] failed;
  } heartbeat_reader_status_t;

  // An MSI-X message: a posted write of one double word.
  typedef struct packed {
    logic [63:0] address;
    logic [31:0] data;
    logic [4:0]  vector;
  } message_t;

  // One-clock pulses for the monitor.
  typedef struct packed {
    logic tx_write;
    logic tx_read;
    logic tx_completion;
    logic rx_write;
    logic rx_read;
    logic rx_completion;
    logic rx_bad_completion;
    logic read_timeout;
    logic heartbeat_start;     // RUN of the heartbeat writer went from 0 to 1
    logic heartbeat_accepted;  // a heartbeat record went to the link
  } monitor_pulses_t;

  // ---- Inside the DMA engine --------------------------------------------------------------------------------------

  // Whom a read belongs to.
  typedef enum logic [1:0] {
    ReadData = 2'd0,
    ReadDescriptor = 2'd1,
    ReadHeartbeat = 2'd2
  } read_kind_e;

  // What a channel has left to move of its present descriptor.
  typedef struct packed {
    logic [63:0]         host_address;
    logic [CardBits-1:0] card_address;
    logic [24:0]         remaining;
    logic                pattern;
    logic [31:0]         key;  // seed ^ lap term of the pattern
    logic [SlotBits-1:0] slot;
  } transfer_t;

  // A read while it is in flight.
  typedef struct packed {
    read_kind_e          kind;
    logic [2:0]          channel;
    logic [SlotBits-1:0] slot;
    logic                pattern;
    logic [CardBits-1:0] destination;
    logic [12:0]         bytes;
    logic [6:0]          end_address;  // low bits of the host address behind the last byte
  } read_context_t;

  // A read ended; one clock.
  typedef struct packed {
    logic                valid;
    read_kind_e          kind;
    logic [2:0]          channel;
    logic [SlotBits-1:0] slot;
    dma_status_e         status;
  } read_finish_t;

  // A piece of a transfer left the core, or was dropped by a channel reset; one clock.
  typedef struct packed {
    logic                valid;
    logic [2:0]          channel;
    logic [SlotBits-1:0] slot;
  } piece_done_t;

  // A finished descriptor that wants its record written.
  typedef struct packed {
    logic [63:0] address;
    logic [31:0] cookie;
    logic [31:0] length;
    logic        phase;
    logic [3:0]  status;
    logic [31:0] sequence_number;
  } record_t;

  // A descriptor as it lies in host memory, first byte in bits 7:0.
  typedef struct packed {
    logic [31:0] reserved;
    logic [31:0] cookie;
    logic [31:0] flags;
    logic [31:0] length;
    logic [63:0] card_address;
    logic [63:0] host_address;
  } descriptor_t;

  // Memory request header; requester ID and attributes are filled in where it leaves the core.
  function automatic ep_tlp_pkg::header_t memory_request(input logic write, input logic [63:0] address,
                                                         input logic [9:0] dwords, input logic [3:0] first_be,
                                                         input logic [3:0] last_be, input logic [7:0] tag);
    ep_tlp_pkg::request_t request;
    logic wide;
    wide = |address[63:32];
    request = '0;
    request.fmt_type = {1'b0, write, wide, 5'b00000};
    request.length = dwords;
    request.first_be = first_be;
    request.last_be = last_be;
    request.tag = tag;
    request.dw2 = wide ? address[63:32] : {address[31:2], 2'b00};
    request.dw3 = wide ? {address[31:2], 2'b00} : 32'd0;
    return request;
  endfunction

  // Byte enables of the first double word of `bytes` bytes from `offset` on (PCIe 5.0, 2.2.5).
  function automatic logic [3:0] first_enables(input logic [1:0] offset, input logic [12:0] bytes);
    logic [3:0] upto;
    logic [13:0] stop;
    stop = 14'(offset) + 14'(bytes);
    unique case (stop)
      14'd1: upto = 4'b0001;
      14'd2: upto = 4'b0011;
      14'd3: upto = 4'b0111;
      default: upto = 4'b1111;
    endcase
    return (4'b1111 << offset) & upto;
  endfunction

  // Byte enables of the last double word, 0 where there is only one.
  function automatic logic [3:0] last_enables(input logic [1:0] offset, input logic [12:0] bytes);
    logic [13:0] stop;
    stop = 14'(offset) + 14'(bytes);
    if (stop <= 14'd4) return 4'b0000;
    unique case (stop[1:0])
      2'd1: return 4'b0001;
      2'd2: return 4'b0011;
      2'd3: return 4'b0111;
      default: return 4'b1111;
    endcase
  endfunction

  // Double words that hold `bytes` bytes from `offset` on; 1024 reads 0.
  function automatic logic [9:0] dword_length(input logic [1:0] offset, input logic [12:0] bytes);
    logic [13:0] stop;
    stop = 14'(offset) + 14'(bytes) + 14'd3;
    return stop[11:2];
  endfunction

endpackage
