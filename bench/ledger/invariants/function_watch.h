// SPDX-License-Identifier: MIT
// Recorded functions and their numbers: found again as they were handed over (invariant 5), at one number until they
// are finished, which nobody else uses (6), and mastering the bus from the start (7).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bench/ledger/config_ledger.h"
#include "bench/ledger/handover_ledger.h"
#include "bench/ledger/invariants/invariant_record.h"
#include "pcie/tlp.h"

namespace holdover::bench {

class FunctionWatch {
 public:
  FunctionWatch(const Scene& scene, InvariantRecord& record, const ConfigLedger& config)
      : scene_(scene), record_(record), config_(config), sender_(scene.endpoint_count()) {}

  void on_mark(const Scene::Mark& mark);
  // The kernel is about to be left.
  void on_jump(const HandoverImage& image);
  // A function may answer at another number now.
  void on_places(Time time);
  // A TLP that left the endpoint.
  void on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp);

 private:
  // What tells one function from another at the same number.
  struct Identity {
    std::uint32_t vendor_and_device = 0;
    std::uint32_t class_code = 0;
    std::optional<std::uint64_t> serial_number;

    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct Handed {
    pcie::Bdf bdf;
    std::optional<Identity> identity;  // of what answered there
  };

  [[nodiscard]] Identity identity(sim::FunctionIndex function) const;
  [[nodiscard]] std::optional<unsigned> endpoint_of(sim::FunctionIndex function) const;
  [[nodiscard]] std::optional<sim::FunctionIndex> holder(pcie::RequesterId id) const;
  void judge_mastering(Time time, sim::FunctionIndex function);
  void judge_incoming(Time time, pcie::Bdf bdf);
  void judge_enumeration(const Scene::Mark& mark);

  const Scene& scene_;
  InvariantRecord& record_;
  const ConfigLedger& config_;
  unsigned kernel_ = 0;
  bool enumerated_ = false;            // this kernel's scan is over
  bool table_taken_ = false;           // by this kernel
  std::set<pcie::RequesterId> found_;  // by this kernel's scan
  std::optional<std::vector<Handed>> handed_;
  std::map<sim::FunctionIndex, pcie::Bdf> outgoing_;
  std::map<sim::FunctionIndex, pcie::Bdf> incoming_;
  std::vector<std::optional<pcie::RequesterId>> sender_;  // last ID that was judged, by endpoint
};

}  // namespace holdover::bench
