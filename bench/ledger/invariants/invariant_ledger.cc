// SPDX-License-Identifier: MIT
#include "bench/ledger/invariants/invariant_ledger.h"

#include <algorithm>
#include <utility>

namespace holdover::bench {
namespace {

// The checks that judge an invariant in whole or in part.
struct Judges {
  unsigned number;
  std::vector<Check> whole;  // each finding of these breaks it
  std::vector<Check> part;   // those findings that say so
};

const std::vector<Judges>& judges() {
  static const std::vector<Judges> kJudges = {{7, {}, {Check::Configuration}},
                                              {8, {}, {Check::Bdf, Check::Protocol}},
                                              {9, {Check::Memory, Check::Iommu}, {}},
                                              {10, {Check::ResetAndLink}, {}},
                                              {11, {Check::Interrupts}, {}}};
  return kJudges;
}

void take_earlier(std::optional<Finding>& first, const std::optional<Finding>& other) {
  if (other && (!first || other->time < first->time)) first = other;
}

}  // namespace

InvariantLedger::InvariantLedger(const Scene& scene, Evidence& evidence, const ConfigLedger& config,
                                 const MemoryLedger& memory, std::span<const std::byte> dram)
    : scene_(scene),
      evidence_(evidence),
      record_(scene, evidence),
      table_(scene, record_, dram),
      session_(record_),
      functions_(scene, record_, config),
      update_(scene, record_, config, memory) {}

void InvariantLedger::on_mark(const Scene::Mark& mark) {
  table_.on_mark(mark);
  session_.on_mark(mark);
  functions_.on_mark(mark);
  update_.on_mark(mark);
}

void InvariantLedger::on_jump(Time time, const HandoverImage& image) {
  table_.judge(time);
  std::uint64_t files = 0;
  if (image.live_update) {
    for (const host::kernel::HandedSession& session : image.live_update->sessions) files += session.files.size();
  }
  session_.on_jump(files);
  functions_.on_jump(image);
  update_.on_jump(time, image);
}

void InvariantLedger::on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp) {
  functions_.on_transmit(time, endpoint, tlp);
  update_.on_transmit(time, endpoint, tlp);
}

Invariant InvariantLedger::row(unsigned number, const std::array<CheckResult, kCheckCount>& checks) const {
  const auto result = [&checks](Check check) -> const CheckResult& { return checks[static_cast<unsigned>(check)]; };
  Invariant row{number, invariant_sentence(number), InvariantStatus::NotJudged, std::nullopt};
  row.broken_by = evidence_.breach(number, scene_.judged_endpoints());
  bool judged = record_.was_judged(number);
  for (const Judges& entry : judges()) {
    if (entry.number != number) continue;
    judged = true;
    for (const Check check : entry.whole) take_earlier(row.broken_by, result(check).first);
    for (const std::vector<Check>* list : {&entry.whole, &entry.part}) {
      for (const Check check : *list) {
        const CheckStatus status = result(check).status;
        judged = judged && (status == CheckStatus::Pass || status == CheckStatus::Fail);
      }
    }
  }
  if (row.broken_by) {
    row.status = InvariantStatus::Broken;
  } else if (judged) {
    row.status = InvariantStatus::Held;
  }
  return row;
}

std::vector<Invariant> InvariantLedger::rows(const std::array<CheckResult, kCheckCount>& checks) const {
  std::vector<Invariant> rows;
  for (unsigned number = 1; number <= kInvariantCount; ++number) rows.push_back(row(number, checks));
  // What one update must keep, each update of a chain must.
  constexpr unsigned kFirstKept = 5;
  constexpr unsigned kLastKept = 9;
  Invariant& chain = rows.back();
  if (scene_.jumps().size() > 1) {
    for (unsigned kept = kFirstKept; kept <= kLastKept; ++kept) take_earlier(chain.broken_by, rows[kept - 1].broken_by);
    if (chain.broken_by) chain.status = InvariantStatus::Broken;
  }
  return rows;
}

}  // namespace holdover::bench
