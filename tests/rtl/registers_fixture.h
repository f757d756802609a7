// SPDX-License-Identifier: MIT
// The register bus of BAR 0 with everything on it, and a host that reads and writes one register at a time.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "Vregisters_top.h"
#include "host/driver/endpoint_regs.h"
#include "tests/rtl/clocked_model.h"

namespace holdover::rtl_test {

namespace regs = host::regs;

struct SeenMessage {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
  friend bool operator==(const SeenMessage&, const SeenMessage&) = default;
};

class RegistersFixture : public ::testing::Test {
 protected:
  RegistersFixture() {
    top->fn_bdf_i = 0x0300;
    top->fn_bus_master_i = 1;
    top->fn_memory_i = 1;
    top->fn_msix_enable_i = 1;
    top->fn_pending_while_disabled_i = 1;
    top->fn_vectors_i = 32;
    top->link_up_i = 1;
    top->channel_idle_i = 1;
    top->message_ready_i = 1;
    top->rst_ni = 0;
    top->core_rst_ni = 0;
    clocks(2);
    top->rst_ni = 1;
    clocks(70);  // the monitor's memories are cleared entry by entry
    top->core_rst_ni = 1;
    clock();
  }

  void clock() {
    top->time_i = time++;
    top.settle();
    if (top->message_valid_o && top->message_ready_i) {
      messages.push_back({.address = top->message_address_o, .data = top->message_data_o});
    }
    if (top->tap_valid_o) {
      ++events[top->tap_vector_o];
      if (top->tap_coalesced_o) ++coalesced[top->tap_vector_o];
    }
    top.edge();
    top.settle();
  }
  void clocks(unsigned count) {
    for (unsigned n = 0; n < count; ++n) clock();
  }

  void write(std::uint32_t offset, std::uint32_t value, std::uint8_t be = 0xf) {
    top->register_valid_i = 1;
    top->register_write_i = 1;
    top->register_offset_i = static_cast<std::uint16_t>(offset);
    top->register_wdata_i = value;
    top->register_be_i = be;
    clock();
    top->register_valid_i = 0;
  }

  std::uint32_t read(std::uint32_t offset) {
    top->register_valid_i = 1;
    top->register_write_i = 0;
    top->register_offset_i = static_cast<std::uint16_t>(offset);
    top->register_be_i = 0xf;
    clock();
    top->register_valid_i = 0;
    top.settle();
    const std::uint32_t value = top->register_rdata_o;
    clock();
    EXPECT_EQ(top->register_rdata_o, 0u) << "the answer stands longer than one clock";
    return value;
  }

  // A reset of the function; the monitor goes on.
  void reset_function() {
    top->core_rst_ni = 0;
    clocks(3);
    top->core_rst_ni = 1;
    clock();
  }

  // Messages go to address 0xfee0'0000 + vector * 16 with data 0x100 + vector.
  void unmask(unsigned vector) {
    write(regs::msix_table::address_lo(vector), static_cast<std::uint32_t>(message_of(vector).address));
    write(regs::msix_table::address_hi(vector), static_cast<std::uint32_t>(message_of(vector).address >> 32));
    write(regs::msix_table::data(vector), message_of(vector).data);
    write(regs::msix_table::vector_control(vector), 0);
  }
  static SeenMessage message_of(unsigned vector) {
    return {.address = 0x1'fee0'0000ull + vector * 16, .data = 0x100 + vector};
  }
  void raise(unsigned vector) {
    top->event_valid_i = 1;
    top->event_vector_i = static_cast<std::uint8_t>(vector);
    clock();
    top->event_valid_i = 0;
  }

  ClockedModel<Vregisters_top> top;
  std::uint64_t time = 0x1'0000'0000 - 400;  // wraps its low half early
  std::vector<SeenMessage> messages;
  std::array<unsigned, 32> events{};
  std::array<unsigned, 32> coalesced{};
};

}  // namespace holdover::rtl_test
