// SPDX-License-Identifier: MIT
// The update as a whole: what a kernel makes of a handover that it cannot use, and what devices do when a kernel has
// stopped (invariant 12); and what one update after the other keeps (14).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/ledger/config_ledger.h"
#include "bench/ledger/handover_ledger.h"
#include "bench/ledger/invariants/invariant_record.h"
#include "bench/ledger/memory_ledger.h"
#include "pcie/tlp.h"

namespace holdover::bench {

// DMA that went on after a kernel had stopped itself.
struct AfterPanic {
  Time panic;
  std::uint64_t requests = 0;  // to memory, that left an endpoint
  Time last;                   // of them; `panic` where there was none
  std::uint64_t strays = 0;    // accesses that reached pages nobody owned
};

class UpdateWatch {
 public:
  UpdateWatch(const Scene& scene, InvariantRecord& record, const ConfigLedger& config, const MemoryLedger& memory)
      : scene_(scene), record_(record), config_(config), memory_(memory), last_request_(scene.endpoint_count()) {}

  void on_mark(const Scene::Mark& mark);
  void on_jump(Time time, const HandoverImage& image);
  // Before the register is changed in `config`.
  void on_config_write(const sim::ConfigWrite& write);
  void on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp);
  void on_end();

  [[nodiscard]] std::optional<AfterPanic> after_panic() const;

 private:
  // A kernel that booted as if nothing had been handed over, while a device did DMA.
  struct NormalBoot {
    unsigned kernel = 0;
    Time time;
    std::string sentence;
  };

  void judge_boot(const Scene::Mark& mark);

  const Scene& scene_;
  InvariantRecord& record_;
  const ConfigLedger& config_;
  const MemoryLedger& memory_;
  unsigned kernel_ = 0;
  std::uint32_t outgoing_ = 0;  // endpoints that this kernel recorded
  std::uint32_t handed_ = 0;    // and the one before it
  Time entered_;
  bool booted_ = false;
  bool incoming_ = false;  // this kernel found something of what was handed over
  std::vector<NormalBoot> normal_boots_;
  std::uint64_t number_ = 0;        // of the last live update
  std::vector<Time> last_request_;  // by endpoint
  std::optional<AfterPanic> after_panic_;
  std::uint64_t strays_before_ = 0;
};

}  // namespace holdover::bench
