// SPDX-License-Identifier: MIT
// Requests to BARs reach registers and card memory byte by byte as they say, and reads come back in legal completions.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include "Vbar_target_256.h"
#include "Vbar_target_512.h"
#include "Vbar_target_64.h"
#include "pcie/tlp.h"
#include "tests/rtl/clocked_model.h"

namespace holdover::rtl_test {
namespace {

using pcie::Tlp;
using pcie::TlpKind;

constexpr unsigned kBoundary = 128;  // read completion boundary of an endpoint, bytes
constexpr pcie::RequesterId kFunction = 0x0300;

template <typename Model, unsigned kDataBytes>
struct Width {
  using Top = Model;
  static constexpr unsigned kBytes = kDataBytes;
};

// Plays link, register blocks and card memory.
template <typename W>
class BarTarget : public ::testing::Test {
 protected:
  static constexpr unsigned kBytes = W::kBytes;

  BarTarget() {
    top->fn_bdf_i = kFunction;
    top->fn_max_payload_i = 1;
    top->rst_ni = 0;
    for (std::size_t n = 0; n < card.size(); ++n) card[n] = static_cast<std::uint8_t>(n * 37 + (n >> 8));
    for (unsigned n = 0; n < 0x4000; ++n) registers[n] = 0x1000'0000u + n;
    top.edges(2);
    top->rst_ni = 1;
  }

  void clock() {
    top->tx_cpl_ready_i = !draw.one_in(stall_one_in);
    top->write_ready_i = !draw.one_in(stall_one_in);
    top->read_ready_i = !draw.one_in(stall_one_in);
    // Card memory answers two clocks after a read was taken, registers one.
    top->read_data_valid_i = !card_reads.empty() && card_reads.front().first == top.clocks();
    if (top->read_data_valid_i) {
      put(top->read_data_i, card_reads.front().second);
      card_reads.pop_front();
    }
    top->register_rdata_i = register_answer;
    top.settle();

    register_answer = 0;
    if (top->register_valid_o) {
      const unsigned index = top->register_offset_o / 4u;
      if (top->register_write_o) {
        for (unsigned byte = 0; byte < 4; ++byte) {
          if ((top->register_be_o >> byte & 1u) == 0) continue;
          const std::uint32_t mask = 0xffu << 8 * byte;
          registers[index] = (registers[index] & ~mask) | (top->register_wdata_o & mask);
        }
      } else {
        register_answer = registers[index];
        ++register_reads;
      }
    }
    if (top->write_valid_o && top->write_ready_i) {
      for (unsigned byte = 0; byte < kBytes; ++byte) {
        if ((top->write_be_o >> byte & 1u) == 0) continue;
        card[(top->write_address_o + byte) % card.size()] = byte_of(top->write_data_o, byte);
      }
    }
    if (top->read_valid_o && top->read_ready_i) {
      std::array<std::uint8_t, kBytes> data{};
      for (unsigned byte = 0; byte < kBytes; ++byte) data[byte] = card[(top->read_address_o + byte) % card.size()];
      card_reads.emplace_back(top.clocks() + 2, data);
    }
    take_completion_beat();
    top.edge();
  }

  void take_completion_beat() {
    if (!top->tx_cpl_valid_o || !top->tx_cpl_ready_i) return;
    if (top->tx_cpl_sop_o) {
      const auto header = pcie::decode_header(sample_header(top->tx_cpl_header_o));
      ASSERT_TRUE(header);
      completions.push_back(*header);
    }
    ASSERT_FALSE(completions.empty());
    Tlp& completion = completions.back();
    for (unsigned byte = 0; byte < kBytes && completion.payload.size() < 4u * completion.length_dw; ++byte) {
      completion.payload.push_back(std::byte{byte_of(top->tx_cpl_data_o, byte)});
    }
    open_packet = !top->tx_cpl_eop_o;
    EXPECT_EQ(completion.payload.size() == 4u * completion.length_dw, top->tx_cpl_eop_o != 0);
  }

  void send(const Tlp& request, unsigned bar) {
    const std::size_t beats = std::max<std::size_t>(1, (request.payload.size() + kBytes - 1) / kBytes);
    for (std::size_t beat = 0; beat < beats; ++beat) {
      top->rx_req_valid_i = 1;
      top->rx_req_sop_i = beat == 0;
      top->rx_req_eop_i = beat + 1 == beats;
      top->rx_req_bar_i = static_cast<std::uint8_t>(bar);
      top->rx_req_offset_i = static_cast<std::uint32_t>(request.address);
      drive_header(top->rx_req_header_i, pcie::encode_header(request));
      std::array<std::uint8_t, kBytes> data{};
      for (std::size_t byte = 0; byte < kBytes && beat * kBytes + byte < request.payload.size(); ++byte) {
        data[byte] = std::to_integer<std::uint8_t>(request.payload[beat * kBytes + byte]);
      }
      put(top->rx_req_data_i, data);
      for (unsigned n = 0;; ++n) {
        ASSERT_LT(n, 5000u) << "the request is not taken";
        clock_with_ready();
        if (taken) break;
      }
    }
    top->rx_req_valid_i = 0;
  }

  // One clock; `taken` says whether the beat at the input was taken in it.
  void clock_with_ready() {
    const auto draw_before = draw;
    top->tx_cpl_ready_i = !draw.one_in(stall_one_in);
    top->write_ready_i = !draw.one_in(stall_one_in);
    draw = draw_before;
    top.settle();
    taken = top->rx_req_ready_o;
    clock();
  }

  void drain() {
    top->rx_req_valid_i = 0;
    for (unsigned n = 0; n < 20'000; ++n) {
      top.settle();
      if (top->idle_o && !open_packet) return;
      clock();
    }
    ADD_FAILURE() << "the target does not become idle";
  }

  // The bytes that a read's completions carry, judged on the way against every rule for completions.
  std::vector<std::uint8_t> read(const Tlp& request, unsigned bar) {
    completions.clear();
    send(request, bar);
    drain();
    const auto enabled = static_cast<unsigned>(std::max<std::uint64_t>(1, pcie::enabled_bytes(request).count()));
    const std::uint64_t first =
        pcie::enabled_bytes(request).count() == 0 ? request.address : pcie::first_byte_address(request);
    std::vector<std::uint8_t> bytes;
    std::uint64_t address = first;
    unsigned left = enabled;
    for (const Tlp& completion : completions) {
      EXPECT_EQ(completion.kind, TlpKind::CompletionData);
      EXPECT_EQ(completion.status, pcie::CompletionStatus::Success);
      EXPECT_EQ(completion.completer, kFunction);
      EXPECT_EQ(completion.requester, request.requester);
      EXPECT_EQ(completion.tag, request.tag);
      EXPECT_EQ(completion.byte_count, left);
      EXPECT_EQ(completion.lower_address, address % 128);
      EXPECT_LE(completion.payload.size(), 256u);
      const auto lead = static_cast<unsigned>(address % 4);
      const auto here = std::min(left, static_cast<unsigned>(completion.payload.size()) - lead);
      for (unsigned n = 0; n < here; ++n) bytes.push_back(std::to_integer<std::uint8_t>(completion.payload[lead + n]));
      address += here;
      left -= here;
      if (left != 0) {
        EXPECT_EQ(address % kBoundary, 0u);
      }
    }
    EXPECT_EQ(left, 0u);
    return bytes;
  }

  template <typename Pins>
  static void put(Pins& pins, const std::array<std::uint8_t, kBytes>& data) {
    for (unsigned word = 0; word < kBytes / 4; ++word) {
      std::uint32_t value = 0;
      std::memcpy(&value, &data[4 * word], 4);
      pins[word] = value;
    }
  }
  template <typename Pins>
  static std::uint8_t byte_of(const Pins& pins, unsigned byte) {
    return static_cast<std::uint8_t>(pins[byte / 4] >> 8 * (byte % 4));
  }

  static Tlp request(TlpKind kind, std::uint64_t offset, unsigned length_dw, unsigned first_be, unsigned last_be) {
    Tlp tlp{.kind = kind,
            .length_dw = static_cast<std::uint16_t>(length_dw),
            .requester = 0x0008,
            .tag = 17,
            .first_be = static_cast<std::uint8_t>(first_be),
            .last_be = static_cast<std::uint8_t>(last_be),
            .address = offset,
            .payload = {}};
    return tlp;
  }

  // A request for the bytes [begin, end) of a BAR.
  static Tlp range(TlpKind kind, unsigned begin, unsigned end) {
    const unsigned first = begin / 4;
    const unsigned last = (end - 1) / 4;
    const unsigned head = 0xfu << begin % 4 & 0xf;
    const unsigned tail = 0xfu >> (3 - (end - 1) % 4);
    return first == last ? request(kind, 4ull * first, 1, head & tail, 0)
                         : request(kind, 4ull * first, last - first + 1, head, tail);
  }

  ClockedModel<typename W::Top> top;
  Draw draw{1};
  unsigned stall_one_in = 4;
  std::array<std::uint8_t, 65536> card{};
  std::map<unsigned, std::uint32_t> registers;
  std::uint32_t register_answer = 0;
  unsigned register_reads = 0;
  std::deque<std::pair<std::uint64_t, std::array<std::uint8_t, kBytes>>> card_reads;
  std::vector<Tlp> completions;
  bool open_packet = false;
  bool taken = false;
};

using Widths = ::testing::Types<Width<Vbar_target_64, 8>, Width<Vbar_target_256, 32>, Width<Vbar_target_512, 64>>;
class WidthName {
 public:
  template <typename W>
  static std::string GetName(int) {
    return std::to_string(8 * W::kBytes);
  }
};
TYPED_TEST_SUITE(BarTarget, Widths, WidthName);

TYPED_TEST(BarTarget, ARegisterReadsBackWhatWasWritten) {
  Tlp write = this->request(TlpKind::MemoryWrite, 0x10, 1, 0xf, 0);
  write.payload = {std::byte{0x78}, std::byte{0x56}, std::byte{0x34}, std::byte{0x12}};
  this->send(write, 0);
  this->drain();
  EXPECT_EQ(this->registers[4], 0x1234'5678u);
  EXPECT_EQ(this->registers[3], 0x1000'0003u);
  EXPECT_EQ(this->registers[5], 0x1000'0005u);
  const std::vector<std::uint8_t> expected{0x78, 0x56, 0x34, 0x12};
  EXPECT_EQ(this->read(this->request(TlpKind::MemoryRead, 0x10, 1, 0xf, 0), 0), expected);
}

TYPED_TEST(BarTarget, AReadOfNoBytesIsCompletedAndTouchesNoRegister) {
  const Tlp request = this->request(TlpKind::MemoryRead, 0x1040, 1, 0, 0);
  EXPECT_EQ(this->read(request, 0).size(), 1u);
  EXPECT_EQ(this->register_reads, 0u);
  ASSERT_EQ(this->completions.size(), 1u);
  EXPECT_EQ(this->completions[0].length_dw, 1u);
}

TYPED_TEST(BarTarget, WhatLiesBehindTheRegistersReadsZero) {
  const std::vector<std::uint8_t> zeros(8, 0);
  EXPECT_EQ(this->read(this->request(TlpKind::MemoryRead, 0x1'0000, 2, 0xf, 0xf), 0), zeros);
}

TYPED_TEST(BarTarget, ByteEnablesWithHolesAreKept) {
  Tlp write = this->request(TlpKind::MemoryWrite, 0x104, 2, 0b0101, 0b1010);
  write.payload.assign(8, std::byte{0xee});
  const auto before = this->card;
  this->send(write, 2);
  this->drain();
  for (unsigned n = 0; n < 12; ++n) {
    const bool written = n == 4 || n == 6 || n == 9 || n == 11;
    EXPECT_EQ(this->card[0x100 + n], written ? 0xee : before[0x100 + n]) << "byte " << n;
  }
}

TYPED_TEST(BarTarget, AnyRangeOfCardMemoryIsWrittenAndRead) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    this->draw = Draw{seed};
    const unsigned begin = this->draw.below(0x8000);
    const unsigned page_end = (begin | 0xfff) + 1;
    const unsigned size = std::min(1 + this->draw.below(this->draw.one_in(2) ? 40 : 1024), page_end - begin);
    Tlp write = this->range(TlpKind::MemoryWrite, begin, begin + size);
    auto expected = this->card;
    for (unsigned n = 0; n < 4u * write.length_dw; ++n) {
      const auto value = static_cast<std::uint8_t>(this->draw.below(256));
      write.payload.push_back(std::byte{value});
      const unsigned at = static_cast<unsigned>(write.address) + n;
      if (at >= begin && at < begin + size) expected[at] = value;
    }
    this->send(write, 2);
    this->drain();
    ASSERT_EQ(this->card, expected);

    const unsigned from = this->draw.below(0x8000);
    const unsigned count = std::min(1 + this->draw.below(4096), ((from | 0xfff) + 1) - from);
    const std::vector<std::uint8_t> bytes(expected.begin() + from, expected.begin() + from + count);
    ASSERT_EQ(this->read(this->range(TlpKind::MemoryRead, from, from + count), 2), bytes) << from << " + " << count;
  }
}

TYPED_TEST(BarTarget, ManyRegistersAreWrittenAndReadByOneRequest) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    this->draw = Draw{seed};
    const unsigned begin = this->draw.below(0x3000);
    const unsigned size = std::min(1 + this->draw.below(300), ((begin | 0xfff) + 1) - begin);
    Tlp write = this->range(TlpKind::MemoryWrite, begin, begin + size);
    auto expected = this->registers;
    for (unsigned n = 0; n < 4u * write.length_dw; ++n) {
      const unsigned value = this->draw.below(256);
      write.payload.push_back(static_cast<std::byte>(value));
      const unsigned at = static_cast<unsigned>(write.address) + n;
      if (at < begin || at >= begin + size) continue;
      expected[at / 4] = (expected[at / 4] & ~(0xffu << 8 * (at % 4))) | value << 8 * (at % 4);
    }
    this->send(write, 0);
    this->drain();
    ASSERT_EQ(this->registers, expected);
    std::vector<std::uint8_t> bytes;
    for (unsigned at = begin; at < begin + size; ++at) {
      bytes.push_back(static_cast<std::uint8_t>(expected[at / 4] >> 8 * (at % 4)));
    }
    ASSERT_EQ(this->read(this->range(TlpKind::MemoryRead, begin, begin + size), 0), bytes);
  }
}

TYPED_TEST(BarTarget, AnAnswerWaitsForThePostedRequestsBeforeItAndForNoOthers) {
  this->top->posted_count_i = 3;
  this->top->posted_sent_i = 2;
  this->send(this->request(TlpKind::MemoryRead, 0x30, 1, 0xf, 0), 0);
  for (unsigned n = 0; n < 50; ++n) this->clock();
  EXPECT_TRUE(this->completions.empty());
  this->top->posted_count_i = 9;  // issued after the registers were read
  this->top->posted_sent_i = 3;
  this->drain();
  EXPECT_EQ(this->completions.size(), 1u);
}

// A register that is read late may tell of a posted request that came after the read had begun.
TYPED_TEST(BarTarget, AnAnswerWaitsForWhatIsPostedWhileItsRegistersAreRead) {
  this->send(this->request(TlpKind::MemoryRead, 0x40, 8, 0xf, 0xf), 0);
  for (unsigned n = 0; n < 50 && this->register_reads < 4; ++n) this->clock();
  ASSERT_EQ(this->register_reads, 4u);
  this->top->posted_count_i = 1;
  for (unsigned n = 0; n < 100; ++n) this->clock();
  EXPECT_EQ(this->register_reads, 8u);
  EXPECT_TRUE(this->completions.empty());
  this->top->posted_sent_i = 1;
  this->drain();
  EXPECT_EQ(this->completions.size(), 1u);
}

TYPED_TEST(BarTarget, PostedCountsMayWrapAround) {
  this->top->posted_count_i = 1;
  this->top->posted_sent_i = 0xffff;
  this->send(this->request(TlpKind::MemoryRead, 0x30, 1, 0xf, 0), 2);
  for (unsigned n = 0; n < 50; ++n) this->clock();
  EXPECT_TRUE(this->completions.empty());
  this->top->posted_sent_i = 1;
  this->drain();
  EXPECT_EQ(this->completions.size(), 1u);
}

TYPED_TEST(BarTarget, StopEndsAfterTheCompletionInHand) {
  this->stall_one_in = 2;
  this->send(this->range(TlpKind::MemoryRead, 0, 2048), 2);
  while (this->completions.empty()) this->clock();
  this->top->stop_i = 1;
  this->drain();  // judges that no packet stays open
  EXPECT_LE(this->completions.size(), 2u);
  this->top->rx_req_valid_i = 1;
  this->top->rx_req_sop_i = 1;
  for (unsigned n = 0; n < 10; ++n) {
    this->top.settle();
    EXPECT_FALSE(this->top->rx_req_ready_o);
    this->clock();
  }
}

TYPED_TEST(BarTarget, CardMemoryTakesABeatPerClock) {
  this->stall_one_in = 1'000'000;
  Tlp write = this->range(TlpKind::MemoryWrite, 64, 64 + 256);
  write.payload.assign(256, std::byte{1});
  const std::uint64_t begin = this->top.clocks();
  for (unsigned n = 0; n < 4; ++n) this->send(write, 2);
  EXPECT_EQ(this->top.clocks() - begin, 4u * 256u / this->kBytes);
}

}  // namespace
}  // namespace holdover::rtl_test
