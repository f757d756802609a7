// SPDX-License-Identifier: MIT
// The IOMMU as devices feel it: no fault, no bypass, and in the window each IO virtual page stays the same physical
// page.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"

namespace holdover::bench {

class TranslationLedger {
 public:
  TranslationLedger(const Scene& scene, Evidence& evidence);

  void on_access(const sim::MemoryAccess& access);
  void on_fault(Time time, pcie::RequesterId requester, Iova iova, bool write, std::string_view reason);

  [[nodiscard]] std::uint64_t translations() const { return translations_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }
  [[nodiscard]] std::uint64_t bypasses() const { return bypasses_; }
  [[nodiscard]] std::uint64_t pages() const;
  [[nodiscard]] std::uint64_t pages_of(unsigned endpoint) const { return pages_.at(endpoint).size(); }

 private:
  const Scene& scene_;
  Evidence& evidence_;
  std::vector<std::unordered_map<std::uint64_t, std::uint64_t>> pages_;  // by endpoint; looked up, never iterated
  std::vector<bool> bypassing_;
  std::uint64_t translations_ = 0;
  std::uint64_t faults_ = 0;
  std::uint64_t bypasses_ = 0;
};

}  // namespace holdover::bench
