// SPDX-License-Identifier: MIT
// The invariants of live update, checked at every step from outside the kernel: with its marks, DRAM, and what the
// machine shows. What another check judges is not judged again here; the rows say of each invariant what became of it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "bench/ledger/invariants/function_watch.h"
#include "bench/ledger/invariants/invariant_record.h"
#include "bench/ledger/invariants/session_watch.h"
#include "bench/ledger/invariants/table_watch.h"
#include "bench/ledger/invariants/update_watch.h"
#include "bench/verdict.h"

namespace holdover::bench {

class InvariantLedger {
 public:
  InvariantLedger(const Scene& scene, Evidence& evidence, const ConfigLedger& config, const MemoryLedger& memory,
                  std::span<const std::byte> dram);
  InvariantLedger(const InvariantLedger&) = delete;
  InvariantLedger& operator=(const InvariantLedger&) = delete;

  // The scene knows the mark already.
  void on_mark(const Scene::Mark& mark);
  // The kernel is about to be left.
  void on_jump(Time time, const HandoverImage& image);
  // A function may answer at another number now.
  void on_places(Time time) { functions_.on_places(time); }
  void on_config_write(const sim::ConfigWrite& write) { update_.on_config_write(write); }
  void on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp);
  void on_end() { update_.on_end(); }

  [[nodiscard]] std::optional<AfterPanic> after_panic() const { return update_.after_panic(); }
  // One row for each. `checks`: the verdict on the nine, which judge some of the invariants.
  [[nodiscard]] std::vector<Invariant> rows(const std::array<CheckResult, kCheckCount>& checks) const;

 private:
  [[nodiscard]] Invariant row(unsigned number, const std::array<CheckResult, kCheckCount>& checks) const;

  const Scene& scene_;
  Evidence& evidence_;
  InvariantRecord record_;
  TableWatch table_;
  SessionWatch session_;
  FunctionWatch functions_;
  UpdateWatch update_;
};

}  // namespace holdover::bench
