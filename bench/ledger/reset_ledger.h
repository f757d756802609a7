// SPDX-License-Identifier: MIT
// Resets and the link: neither may happen from the start of the traffic until the window closes.
#pragma once

#include <cstdint>

#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"

namespace holdover::bench {

class ResetLedger {
 public:
  ResetLedger(const Scene& scene, Evidence& evidence) : scene_(scene), evidence_(evidence) {}

  void on_reset(Time time, sim::FunctionIndex function, sim::ResetKind kind);
  void on_link(Time time, sim::FunctionIndex port, bool up);

  // On judged paths, while they mattered.
  [[nodiscard]] std::uint64_t resets() const { return resets_; }
  [[nodiscard]] std::uint64_t link_losses() const { return link_losses_; }

 private:
  const Scene& scene_;
  Evidence& evidence_;
  std::uint64_t resets_ = 0;
  std::uint64_t link_losses_ = 0;
};

}  // namespace holdover::bench
