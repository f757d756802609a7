// SPDX-License-Identifier: MIT
// A small host for the Verilated endpoint: memory that answers reads late, split and out of order, all from one seed,
// and that holds every request against the rules it is bound to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/driver/dma_abi.h"
#include "pcie/tlp.h"

namespace holdover::rtl_test {

struct Pins;  // the model and its ports; core_bench.cc

enum class Answer {
  Normal,
  UnsupportedRequest,
  CompleterAbort,
  Poisoned,
  Never,
  ToAnotherFunction,
  FromAnotherAddress,
  WholeAtOnce,  // in one completion, whatever Max_Payload_Size says
};

struct BenchConfig {
  std::uint64_t seed = 1;
  unsigned min_latency = 20;  // clocks from a read to its first completion
  unsigned max_latency = 200;
  unsigned sent_latency = 30;       // clocks from a posted request to its posted_sent
  unsigned tx_ready_percent = 100;  // of the clocks
  unsigned np_slots = 32;
  unsigned max_payload = 1;       // 128 << n
  unsigned max_read_request = 2;  // 128 << n
  bool extended_tag = true;
  bool split = true;              // completions end at random multiples of 64
  bool reorder = true;            // reads are answered in any order
  std::size_t window = 8u << 20;  // bytes of host memory, the same behind both windows
};

class CoreBench {
 public:
  static constexpr std::uint64_t kLowBase = 0x2000'0000;
  static constexpr std::uint64_t kHighBase = 0x3'0000'0000;
  static constexpr pcie::RequesterId kBdf = 0x0300;
  static constexpr std::uint64_t kBar0 = 0xE000'0000;
  static constexpr std::uint64_t kBar2 = 0x80'0000'0000;

  explicit CoreBench(const BenchConfig& config);
  ~CoreBench();
  CoreBench(const CoreBench&) = delete;
  CoreBench& operator=(const CoreBench&) = delete;

  // Width of a beat of the model that this program is linked with.
  [[nodiscard]] static std::size_t beat_bytes();
  // DMA channels of that model.
  [[nodiscard]] static unsigned channels();

  void tick(unsigned clocks = 1);
  // False where `done` did not hold within `clocks`.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, unsigned clocks);

  void config_write(unsigned offset, std::uint32_t value, std::uint8_t byte_enables = 0xf);
  [[nodiscard]] std::uint32_t config_read(unsigned offset);
  void write(std::uint32_t offset, std::uint32_t value);
  void write64(std::uint32_t offset, std::uint64_t value);
  [[nodiscard]] std::uint32_t read(std::uint32_t offset);
  [[nodiscard]] std::uint64_t read64(std::uint32_t offset);
  // A read of `length_dw` double words of a BAR, and its first completion once that has come.
  void begin_read(std::uint64_t address, std::uint16_t length_dw = 1);
  [[nodiscard]] std::optional<pcie::Tlp> take_completion();
  // Card memory through BAR 2; offset and size are multiples of 4.
  void fill_card(std::uint64_t offset, std::span<const std::byte> bytes);
  [[nodiscard]] std::vector<std::byte> card(std::uint64_t offset, std::size_t size);
  void set_bus_master(bool on);
  // BARs, payload and read sizes, bus mastering, as after power on.
  void configure();
  // Conventional reset: what is half sent is gone, the block's counters begin anew, nothing is answered any more.
  void hot_reset(unsigned clocks);

  // Host memory behind an address of either window.
  [[nodiscard]] std::span<std::byte> memory(std::uint64_t address, std::size_t size);
  template <typename T>
  [[nodiscard]] T load(std::uint64_t address) {
    T value;
    std::memcpy(&value, memory(address, sizeof(T)).data(), sizeof(T));
    return value;
  }
  template <typename T>
  void store(std::uint64_t address, const T& value) {
    std::memcpy(memory(address, sizeof(T)).data(), &value, sizeof(T));
  }

  [[nodiscard]] std::uint64_t random(std::uint64_t below);

  // What happens to a read; Normal where it is not set.
  std::function<Answer(const pcie::Tlp&)> answer;
  // Sees every request, in order.
  std::function<void(const pcie::Tlp&)> on_request;

  std::uint64_t now = 0;            // clocks
  std::uint64_t request_beats = 0;  // beats taken on tx_req
  std::uint64_t largest_outstanding = 0;
  std::uint64_t posted_taken = 0;  // posted requests since the last conventional reset; on_request sees its own counted
  std::uint64_t posted_left = 0;   // of these: as posted_sent_i tells them
  std::vector<std::pair<unsigned, std::uint64_t>> events;  // vector, clock
  BenchConfig config;
  pcie::RequesterId bdf = kBdf;  // the number by which configuration requests call the function, and it calls itself
  bool hold_tx = false;          // tx_req is not taken
  bool hold_sent = false;        // posted requests that were taken stay in the block
  bool hold_answers = false;     // no completion is sent

 private:
  struct Read {
    pcie::Tlp request;
    std::uint64_t due = 0;
    std::uint64_t address = 0;  // of the next byte
    unsigned remaining = 0;
    unsigned size = 0;  // bytes asked for
    Answer answer = Answer::Normal;
  };

  void clock();
  void drive();
  void collect();
  void finish_request(const pcie::Tlp& tlp);
  void check(const pcie::Tlp& tlp);
  [[nodiscard]] std::optional<pcie::Tlp> next_completion();
  [[nodiscard]] pcie::Tlp await_completion();
  void send_request(const pcie::Tlp& tlp);

  std::unique_ptr<Pins> pins_;
  std::vector<std::byte> memory_;
  std::vector<Read> reads_;
  std::optional<pcie::Tlp> completion_;  // on rx_cpl
  std::size_t completion_beat_ = 0;
  std::optional<pcie::Tlp> request_;  // on rx_req
  std::size_t request_beat_ = 0;
  std::optional<pcie::Tlp> config_request_;
  pcie::Tlp outgoing_;
  bool in_packet_ = false;
  bool stalled_ = false;
  std::vector<std::uint32_t> stalled_beat_;
  pcie::Tlp answering_;
  bool in_answer_ = false;
  std::deque<pcie::Tlp> answers_;         // on tx_cpl
  std::deque<pcie::Tlp> config_answers_;  // on tx_cfg
  std::deque<std::uint64_t> sent_due_;
  std::uint8_t np_seen_ = 0;
  std::deque<std::uint64_t> np_due_;
  std::uint8_t np_limit_ = 0;
  std::uint64_t random_ = 0;
  std::uint64_t bus_master_off_since_ = 0;
  bool bus_master_ = false;
};

}  // namespace holdover::rtl_test
