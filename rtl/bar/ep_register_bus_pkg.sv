// SPDX-License-Identifier: MIT
// What blocks of registers do with the register bus.
package ep_register_bus_pkg;

  // A register after a write: the enabled bytes are the request's.
  function automatic logic [31:0] written(input logic [31:0] value, input ep_pkg::register_request_t register_write);
    logic [31:0] mask;
    mask = {{8{register_write.be[3]}}, {8{register_write.be[2]}}, {8{register_write.be[1]}}, {8{register_write.be[0]}}};
    return (value & ~mask) | (register_write.wdata & mask);
  endfunction

endpackage
