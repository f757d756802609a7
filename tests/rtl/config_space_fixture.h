// SPDX-License-Identifier: MIT
// ep_config_space with a host that sends one configuration request at a time, and a core that needs some clocks to
// forget.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "Vconfig_space_top.h"
#include "pcie/tlp.h"
#include "tests/rtl/clocked_model.h"

namespace holdover::rtl_test {

struct SeenWrite {
  unsigned count = 0;
  std::uint16_t offset = 0;
  std::uint8_t be = 0;
  std::uint32_t data = 0, before = 0, after = 0;
};

class ConfigSpaceFixture : public ::testing::Test {
 protected:
  static constexpr pcie::RequesterId kHost = 0x0008;
  static constexpr pcie::RequesterId kFunction = 0x0300;
  static constexpr unsigned kWipeClocks = 50;

  // PCI Express capability, where the tests look for its registers.
  static constexpr unsigned kExpress = 0x70;
  static constexpr unsigned kPower = 0x40;
  static constexpr unsigned kMsix = 0x50;
  static constexpr unsigned kAer = 0x110;

  ConfigSpaceFixture() {
    top->rst_ni = 0;
    top->link_up_i = 1;
    top->strap_bar2_size_log2_i = 16;
    top->strap_no_soft_reset_i = 1;
    top->strap_aer_i = 1;
    top->strap_ari_i = 1;
    top->strap_dsn_i = 1;
    top->strap_link_speed_i = 3;
    top->strap_link_width_i = 8;
    top->strap_aspm_i = 3;
    top->strap_bar2_wide_i = 1;
    top->strap_extended_tag_i = 1;
    top->strap_slot_clock_i = 1;
    top->tx_msg_ready_i = 1;
    top->tx_cfg_ready_i = 1;
    top->tx_cpl_ready_i = 1;
    top->core_req_ready_i = 1;
    top->core_rx_cpl_ready_i = 1;
    restart();
  }

  // Fundamental reset with the straps as they are.
  void restart() {
    top->rst_ni = 0;
    clock();
    clock();
    top->rst_ni = 1;
    while (top->function_reset_o) clock();
  }

  void clock() {
    top.settle();
    reset_clocks_ = top->function_reset_o ? reset_clocks_ + 1 : 0;
    top->reset_done_i = reset_clocks_ >= kWipeClocks;
    top.settle();
    if (top->write_valid_o) {
      seen = {.count = seen.count + 1,
              .offset = static_cast<std::uint16_t>(top->write_offset_o),
              .be = static_cast<std::uint8_t>(top->write_be_o),
              .data = top->write_data_o,
              .before = top->write_before_o,
              .after = top->write_after_o};
    }
    if (top->tx_msg_valid_o && top->tx_msg_ready_i) {
      messages.push_back(pcie::decode_header(sample_header(top->tx_msg_header_o)).value_or(pcie::Tlp{}));
    }
    top.edge();
    top.settle();
  }

  pcie::Tlp config_request(pcie::TlpKind kind, unsigned offset) {
    return {.kind = kind,
            .length_dw = 1,
            .requester = kHost,
            .tag = static_cast<std::uint16_t>(next_tag_++ % 32u),
            .first_be = 0xf,
            .target = kFunction,
            .register_offset = static_cast<std::uint16_t>(offset & ~3u),
            .payload = {}};
  }

  // Sends a configuration request and waits for its completion; the data lies in the payload's place.
  pcie::Tlp complete(const pcie::Tlp& request, std::uint32_t data = 0) {
    top->rx_cfg_valid_i = 1;
    drive_header(top->rx_cfg_header_i, pcie::encode_header(request));
    top->rx_cfg_data_i = data;
    top.settle();
    for (unsigned n = 0; !top->rx_cfg_ready_o; ++n) {
      EXPECT_LT(n, 10'000u) << "the request is not taken";
      if (n >= 10'000) break;
      clock();
    }
    clock();
    top->rx_cfg_valid_i = 0;
    for (unsigned n = 0; !top->tx_cfg_valid_o; ++n) {
      EXPECT_LT(n, 100u) << "the request is not completed";
      if (n >= 100) break;
      clock();
    }
    const auto completion = pcie::decode_header(sample_header(top->tx_cfg_header_o));
    answer_data_ = top->tx_cfg_data_o;
    clock();
    EXPECT_TRUE(completion.has_value());
    if (completion) {
      EXPECT_EQ(completion->requester, request.requester);
      EXPECT_EQ(completion->tag, request.tag);
    }
    return completion.value_or(pcie::Tlp{});
  }

  std::uint32_t read(unsigned offset) {
    const pcie::Tlp completion = complete(config_request(pcie::TlpKind::ConfigRead0, offset));
    EXPECT_EQ(completion.kind, pcie::TlpKind::CompletionData);
    EXPECT_EQ(completion.status, pcie::CompletionStatus::Success);
    return answer_data_;
  }

  void write(unsigned offset, std::uint32_t data, std::uint8_t be = 0xf) {
    pcie::Tlp request = config_request(pcie::TlpKind::ConfigWrite0, offset);
    request.first_be = be;
    const pcie::Tlp completion = complete(request, data);
    EXPECT_EQ(completion.kind, pcie::TlpKind::Completion);
    EXPECT_EQ(completion.status, pcie::CompletionStatus::Success);
  }

  std::uint32_t peek(unsigned offset) {
    top->peek_offset_i = static_cast<std::uint16_t>(offset);
    top.settle();
    return top->peek_data_o;
  }

  // What became of a memory request that was sent to the function.
  struct Fate {
    bool to_core = false;
    unsigned bar = 0;
    std::uint32_t offset = 0;
    std::optional<pcie::Tlp> completion;
  };
  Fate send(const pcie::Tlp& request, unsigned beats = 1) { return send(pcie::encode_header(request), beats); }
  Fate send(const pcie::TlpHeader& header, unsigned beats) {
    Fate fate;
    for (unsigned beat = 0; beat < beats; ++beat) {
      top->rx_req_valid_i = 1;
      top->rx_req_sop_i = beat == 0;
      top->rx_req_eop_i = beat + 1 == beats;
      drive_header(top->rx_req_header_i, header);
      top.settle();
      while (!top->rx_req_ready_o) clock();
      if (beat == 0) {
        fate.to_core = top->core_req_valid_o;
        fate.bar = top->core_req_bar_o;
        fate.offset = top->core_req_offset_o;
      }
      EXPECT_EQ(fate.to_core, top->core_req_valid_o != 0) << "beat " << beat;
      clock();
    }
    top->rx_req_valid_i = 0;
    top.settle();
    for (unsigned n = 0; n < 4; ++n) {
      if (top->tx_cpl_valid_o) fate.completion = pcie::decode_header(sample_header(top->tx_cpl_header_o));
      clock();
    }
    return fate;
  }

  // Whether the core gets the completion.
  bool send_completion(const pcie::Tlp& completion, unsigned beats = 1) {
    bool to_core = false;
    top->rx_cpl_valid_i = 1;
    drive_header(top->rx_cpl_header_i, pcie::encode_header(completion));
    for (unsigned beat = 0; beat < beats; ++beat) {
      top->rx_cpl_sop_i = beat == 0;
      top->rx_cpl_eop_i = beat + 1 == beats;
      top.settle();
      EXPECT_TRUE(top->rx_cpl_ready_o);
      if (beat == 0) to_core = top->core_rx_cpl_valid_o;
      EXPECT_EQ(to_core, top->core_rx_cpl_valid_o != 0) << "beat " << beat;
      clock();
    }
    top->rx_cpl_valid_i = 0;
    top.settle();
    return to_core;
  }

  static pcie::Tlp memory_read(std::uint64_t address, std::uint16_t length_dw = 1, std::uint8_t first_be = 0xf,
                               std::uint8_t last_be = 0) {
    return {.kind = pcie::TlpKind::MemoryRead,
            .length_dw = length_dw,
            .requester = kHost,
            .tag = 9,
            .first_be = first_be,
            .last_be = last_be,
            .address = address,
            .payload = {}};
  }
  static pcie::Tlp memory_write(std::uint64_t address, std::uint16_t length_dw = 1) {
    return {.kind = pcie::TlpKind::MemoryWrite,
            .length_dw = length_dw,
            .requester = kHost,
            .first_be = 0xf,
            .last_be = static_cast<std::uint8_t>(length_dw > 1 ? 0xf : 0),
            .address = address,
            .payload = {}};
  }

  // Both BARs at their places, memory decode and bus mastering on.
  void assign() {
    write(0x10, kBar0);
    write(0x18, static_cast<std::uint32_t>(kBar2));
    write(0x1c, static_cast<std::uint32_t>(kBar2 >> 32));
    write(0x04, 0x0006, 0x3);
  }
  static constexpr std::uint32_t kBar0 = 0xe000'0000;
  static constexpr std::uint64_t kBar2 = 0x80'0001'0000;

  ClockedModel<Vconfig_space_top> top;
  SeenWrite seen;
  std::vector<pcie::Tlp> messages;  // that left on tx_msg

 private:
  unsigned next_tag_ = 0;
  unsigned reset_clocks_ = 0;
  std::uint32_t answer_data_ = 0;
};

}  // namespace holdover::rtl_test
