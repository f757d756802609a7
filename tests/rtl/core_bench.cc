// SPDX-License-Identifier: MIT
#include "tests/rtl/core_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include HOLDOVER_MODEL_HEADER
#include "pcie/config_space.h"
#include "tests/rtl/clocked_model.h"

namespace holdover::rtl_test {

using pcie::CompletionStatus;
using pcie::Tlp;
using pcie::TlpKind;

using Model = HOLDOVER_MODEL;

struct Pins {
  ClockedModel<Model> model;
};

namespace {

constexpr std::size_t kBeatBytes = sizeof(Model::tx_req_data_o);
constexpr std::size_t kCompletionBufferBytes = 32768;
constexpr unsigned kDeviceControl = 0x78;  // PCIe capability at 70h

template <typename Port>
void put_beat(Port& port, const Tlp& tlp, std::size_t beat) {
  std::array<std::byte, sizeof(Port)> bytes{};
  const std::size_t start = beat * bytes.size();
  if (start < tlp.payload.size()) {
    std::copy_n(tlp.payload.begin() + static_cast<std::ptrdiff_t>(start),
                std::min(bytes.size(), tlp.payload.size() - start), bytes.begin());
  }
  std::memcpy(&port, bytes.data(), bytes.size());
}

template <typename Port>
void append_beat(const Port& port, Tlp& tlp) {
  const std::size_t whole = std::size_t{tlp.length_dw} * 4;
  const std::size_t size = std::min(sizeof(Port), whole - std::min(whole, tlp.payload.size()));
  const auto* bytes = reinterpret_cast<const std::byte*>(&port);
  tlp.payload.insert(tlp.payload.end(), bytes, bytes + size);
}

std::size_t beats(const Tlp& tlp, std::size_t beat_bytes) {
  return std::max<std::size_t>(1, (tlp.payload.size() + beat_bytes - 1) / beat_bytes);
}

template <typename Port>
void start(const Port& header, Tlp& tlp) {
  const auto decoded = pcie::decode_header(sample_header(header));
  ASSERT_TRUE(decoded.has_value()) << "a header that names no TLP";
  tlp = *decoded;
}

}  // namespace

CoreBench::CoreBench(const BenchConfig& settings)
    : config(settings), pins_(std::make_unique<Pins>()), memory_(settings.window), random_(settings.seed) {
  auto& model = pins_->model;
  model->rst_ni = 0;
  model->link_up_i = 1;
  model->strap_vendor_id_i = 0x1234;
  model->strap_bar0_size_log2_i = 16;
  model->strap_bar2_size_log2_i = 16;
  model->strap_max_payload_supported_i = 5;
  model->strap_msix_vectors_i = 32;
  model->strap_aer_i = 1;
  model->strap_bar2_wide_i = 1;
  model->strap_extended_tag_i = 1;
  np_limit_ = static_cast<std::uint8_t>(config.np_slots);
  for (int n = 0; n < 4; ++n) model.edge();
  model->rst_ni = 1;
  configure();
}

void CoreBench::configure() {
  config_write(pcie::config::kBar0, static_cast<std::uint32_t>(kBar0));
  config_write(pcie::config::kBar0 + 8, static_cast<std::uint32_t>(kBar2));
  config_write(pcie::config::kBar0 + 12, static_cast<std::uint32_t>(kBar2 >> 32));
  config_write(kDeviceControl,
               (config.max_payload << 5) | (config.max_read_request << 12) | (config.extended_tag ? 0x100u : 0u), 0x3);
  set_bus_master(true);
}

CoreBench::~CoreBench() = default;

std::size_t CoreBench::beat_bytes() { return kBeatBytes; }

unsigned CoreBench::channels() { return HOLDOVER_MODEL_CHANNELS; }

std::uint64_t CoreBench::random(std::uint64_t below) {
  random_ += 0x9e37'79b9'7f4a'7c15;
  std::uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
  return (z ^ (z >> 31)) % below;
}

std::span<std::byte> CoreBench::memory(std::uint64_t address, std::size_t size) {
  const std::uint64_t offset = address >= kHighBase ? address - kHighBase : address - kLowBase;
  if (offset > config.window || size > config.window - offset) {
    ADD_FAILURE() << "address outside host memory: " << std::hex << address;
    return std::span(memory_).first(size);
  }
  return std::span(memory_).subspan(offset, size);
}

void CoreBench::tick(unsigned clocks) {
  for (unsigned n = 0; n < clocks; ++n) clock();
}

bool CoreBench::run_until(const std::function<bool()>& done, unsigned clocks) {
  for (unsigned n = 0; n < clocks; ++n) {
    if (done()) return true;
    clock();
  }
  return done();
}

void CoreBench::clock() {
  auto& model = pins_->model;
  drive();
  model.settle();
  collect();
  model.edge();
  ++now;
}

void CoreBench::drive() {
  auto& model = pins_->model;
  if (!completion_ && !hold_answers) {
    completion_ = next_completion();
    completion_beat_ = 0;
  }
  model->rx_cpl_valid_i = completion_.has_value();
  if (completion_) {
    model->rx_cpl_sop_i = completion_beat_ == 0;
    model->rx_cpl_eop_i = completion_beat_ + 1 == beats(*completion_, kBeatBytes);
    drive_header(model->rx_cpl_header_i, pcie::encode_header(*completion_));
    put_beat(model->rx_cpl_data_i, *completion_, completion_beat_);
  }
  model->rx_req_valid_i = request_.has_value();
  if (request_) {
    model->rx_req_sop_i = request_beat_ == 0;
    model->rx_req_eop_i = request_beat_ + 1 == beats(*request_, kBeatBytes);
    drive_header(model->rx_req_header_i, pcie::encode_header(*request_));
    put_beat(model->rx_req_data_i, *request_, request_beat_);
  }
  model->rx_cfg_valid_i = config_request_.has_value();
  if (config_request_) {
    model->rx_cfg_sop_i = 1;
    model->rx_cfg_eop_i = 1;
    drive_header(model->rx_cfg_header_i, pcie::encode_header(*config_request_));
    put_beat(model->rx_cfg_data_i, *config_request_, 0);
  }
  model->tx_req_ready_i = !hold_tx && random(100) < config.tx_ready_percent;
  model->tx_cpl_ready_i = 1;
  model->tx_cfg_ready_i = 1;
  while (!hold_sent && !sent_due_.empty() && sent_due_.front() <= now) {
    sent_due_.pop_front();
    ++posted_left;
  }
  while (!np_due_.empty() && np_due_.front() <= now) {
    np_due_.pop_front();
    ++np_limit_;
  }
  model->posted_sent_i = static_cast<std::uint16_t>(posted_left);
  model->tx_np_limit_i = np_limit_;
}

void CoreBench::collect() {
  auto& model = pins_->model;
  if (model->rx_cpl_valid_i && model->rx_cpl_ready_o && ++completion_beat_ == beats(*completion_, kBeatBytes)) {
    completion_.reset();
  }
  if (model->rx_req_valid_i && model->rx_req_ready_o && ++request_beat_ == beats(*request_, kBeatBytes)) {
    request_.reset();
  }
  if (model->rx_cfg_valid_i && model->rx_cfg_ready_o) config_request_.reset();

  if (bus_master_ && !model->fn_bus_master_o) bus_master_off_since_ = now;
  bus_master_ = model->fn_bus_master_o;

  // A beat that was refused stays as it is (docs/architecture.md, 8.1).
  if (stalled_) {
    EXPECT_TRUE(model->tx_req_valid_o) << "tx_req withdrew a beat";
  }
  if (model->tx_req_valid_o) {
    std::vector<std::uint32_t> beat(sizeof(model->tx_req_data_o) / 4 + 1);
    std::memcpy(beat.data(), &model->tx_req_data_o, sizeof(model->tx_req_data_o));
    beat.back() = static_cast<std::uint32_t>(model->tx_req_sop_o * 2 + model->tx_req_eop_o);
    if (stalled_) {
      EXPECT_EQ(beat, stalled_beat_) << "tx_req changed a beat";
    }
    stalled_beat_ = beat;
  }
  const bool waited = stalled_;
  stalled_ = model->tx_req_valid_o && !model->tx_req_ready_i;
  if (model->tx_req_valid_o && model->tx_req_ready_i) {
    ++request_beats;
    EXPECT_EQ(model->tx_req_sop_o != 0, !in_packet_) << "tx_req framing";
    if (model->tx_req_sop_o) {
      start(model->tx_req_header_o, outgoing_);
      if (!bus_master_ && !waited) {
        EXPECT_LE(now, bus_master_off_since_ + 1) << "a request began with bus mastering off";
      }
    }
    if (pcie::has_payload(outgoing_.kind)) append_beat(model->tx_req_data_o, outgoing_);
    in_packet_ = !model->tx_req_eop_o;
    if (model->tx_req_eop_o) finish_request(outgoing_);
  }
  if (model->tx_cpl_valid_o) {
    if (model->tx_cpl_sop_o) start(model->tx_cpl_header_o, answering_);
    if (pcie::has_payload(answering_.kind)) append_beat(model->tx_cpl_data_o, answering_);
    if (model->tx_cpl_eop_o) answers_.push_back(answering_);
  }
  if (model->tx_cfg_valid_o) {
    Tlp tlp;
    start(model->tx_cfg_header_o, tlp);
    if (pcie::has_payload(tlp.kind)) append_beat(model->tx_cfg_data_o, tlp);
    config_answers_.push_back(tlp);
  }
  if (model->event_valid_o) events.emplace_back(model->event_vector_o, now);
}

void CoreBench::check(const Tlp& tlp) {
  EXPECT_EQ(tlp.requester, bdf);
  const std::uint64_t first = tlp.address;
  const std::uint64_t last = first + std::uint64_t{tlp.length_dw} * 4 - 1;
  EXPECT_EQ(first >> 12, last >> 12) << "crosses 4 KiB: " << to_string(tlp);
  EXPECT_NE(tlp.first_be, 0) << to_string(tlp);
  EXPECT_EQ(tlp.length_dw == 1, tlp.last_be == 0) << to_string(tlp);
  if (tlp.kind == TlpKind::MemoryWrite) {
    EXPECT_LE(tlp.length_dw * 4u, 128u << config.max_payload) << to_string(tlp);
    EXPECT_EQ(tlp.payload.size(), tlp.length_dw * 4u) << to_string(tlp);
    return;
  }
  EXPECT_LE(tlp.length_dw * 4u, 128u << config.max_read_request) << to_string(tlp);
  if (!config.extended_tag) {
    EXPECT_LT(tlp.tag, 32);
  }
  // READS.COMPLETION_BUFFER_KIB: what a hard block may have to keep for us.
  std::size_t promised = pcie::enabled_bytes(tlp).count();
  for (const Read& read : reads_) {
    EXPECT_NE(read.request.tag, tlp.tag) << "tag in use";
    promised += read.size;
  }
  EXPECT_LE(promised, kCompletionBufferBytes) << "completions in flight would not fit";
  EXPECT_NE(np_seen_, np_limit_) << "no room for a non-posted request";
}

void CoreBench::finish_request(const Tlp& tlp) {
  check(tlp);
  if (tlp.kind == TlpKind::MemoryWrite) ++posted_taken;
  if (on_request) on_request(tlp);
  if (tlp.kind == TlpKind::MemoryWrite) {
    sent_due_.push_back(now + config.sent_latency);
    if ((tlp.address & ~std::uint64_t{0xfffff}) == 0xFEE0'0000) return;  // an interrupt message
    const auto bytes = memory(tlp.address, tlp.payload.size());
    for (std::size_t n = 0; n < tlp.payload.size(); ++n) {
      unsigned enables = 0xf;
      if (n / 4 == 0)
        enables = tlp.first_be;
      else if (n / 4 + 1 == tlp.length_dw)
        enables = tlp.last_be;
      if ((enables >> (n % 4)) & 1) bytes[n] = tlp.payload[n];
    }
    return;
  }
  ++np_seen_;
  np_due_.push_back(now + 10);
  Read read;
  read.request = tlp;
  read.answer = answer ? answer(tlp) : Answer::Normal;
  read.due = now + config.min_latency + random(config.max_latency - config.min_latency + 1);
  read.address = pcie::first_byte_address(tlp);
  read.remaining = static_cast<unsigned>(pcie::enabled_bytes(tlp).count());
  read.size = read.remaining;
  if (read.answer == Answer::Never) return;
  reads_.push_back(read);
  largest_outstanding = std::max<std::uint64_t>(largest_outstanding, reads_.size());
}

std::optional<Tlp> CoreBench::next_completion() {
  std::vector<std::size_t> ready;
  for (std::size_t n = 0; n < reads_.size(); ++n) {
    if (reads_[n].due <= now) ready.push_back(n);
  }
  if (ready.empty()) return std::nullopt;
  const std::size_t index = config.reorder ? ready[random(ready.size())] : ready.front();
  Read& read = reads_[index];
  Tlp tlp;
  tlp.requester = read.request.requester;
  tlp.tag = read.request.tag;
  tlp.completer = 0;
  tlp.byte_count = static_cast<std::uint16_t>(read.remaining);
  tlp.lower_address = static_cast<std::uint8_t>(read.address & 0x7f);
  if (read.answer == Answer::ToAnotherFunction) tlp.requester ^= 0x0100;
  if (read.answer == Answer::FromAnotherAddress) tlp.lower_address ^= 0x40;
  if (read.answer == Answer::UnsupportedRequest || read.answer == Answer::CompleterAbort) {
    tlp.kind = TlpKind::Completion;
    tlp.status = read.answer == Answer::UnsupportedRequest ? CompletionStatus::UnsupportedRequest
                                                           : CompletionStatus::CompleterAbort;
    reads_.erase(reads_.begin() + static_cast<std::ptrdiff_t>(index));
    return tlp;
  }
  tlp.kind = TlpKind::CompletionData;
  tlp.poisoned = read.answer == Answer::Poisoned;
  unsigned moved = std::min(read.remaining, (128u << config.max_payload) - static_cast<unsigned>(read.address & 63));
  if (config.split) {
    const unsigned to_boundary = 64 - static_cast<unsigned>(read.address & 63);
    moved = std::min(moved, to_boundary + 64 * static_cast<unsigned>(random(4)));
  }
  if (read.answer == Answer::WholeAtOnce) moved = read.remaining;
  const std::uint64_t start = read.address & ~std::uint64_t{3};
  const std::uint64_t stop = (read.address + moved + 3) & ~std::uint64_t{3};
  tlp.length_dw = static_cast<std::uint16_t>((stop - start) / 4);
  const auto bytes = memory(start, stop - start);
  tlp.payload.assign(bytes.begin(), bytes.end());
  read.address += moved;
  read.remaining -= moved;
  if (read.remaining == 0) reads_.erase(reads_.begin() + static_cast<std::ptrdiff_t>(index));
  return tlp;
}

void CoreBench::hot_reset(unsigned clocks) {
  auto& model = pins_->model;
  model->hot_reset_i = 1;
  completion_.reset();
  request_.reset();
  config_request_.reset();
  reads_.clear();
  answers_.clear();
  sent_due_.clear();
  np_due_.clear();
  posted_taken = 0;
  posted_left = 0;
  np_seen_ = 0;
  np_limit_ = static_cast<std::uint8_t>(config.np_slots);
  stalled_ = false;
  in_packet_ = false;
  tick();
  stalled_ = false;
  in_packet_ = false;
  reads_.clear();
  sent_due_.clear();
  np_due_.clear();
  np_seen_ = 0;
  posted_taken = 0;
  posted_left = 0;
  np_limit_ = static_cast<std::uint8_t>(config.np_slots);
  tick(clocks);
  model->hot_reset_i = 0;
}

}  // namespace holdover::rtl_test
