// SPDX-License-Identifier: MIT
// The PCI core's tables in DRAM, read again at every step: against themselves and the topology (invariant 1), against
// what the kernel says of its functions (2), and when the FLB of the kernel before is finished (13).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "bench/ledger/invariants/invariant_record.h"
#include "host/kernel/pci/liveupdate_abi.h"

namespace holdover::bench {

class TableWatch {
 public:
  TableWatch(const Scene& scene, InvariantRecord& record, std::span<const std::byte> dram)
      : scene_(scene), record_(record), dram_(dram) {}

  void on_mark(const Scene::Mark& mark);
  // The kernel is about to be left.
  void judge(Time time);

 private:
  struct Table {
    const char* direction;
    std::uint64_t place;                    // as it was marked; 0: none
    std::set<pcie::RequesterId> functions;  // that the kernel says are in it
  };

  [[nodiscard]] std::optional<std::vector<host::kernel::HandedPciDevice>> read(const Table& table,
                                                                               std::string& why) const;
  void judge(Time time, const Table& table);
  void judge_counts(Time time, const Table& table, const std::vector<host::kernel::HandedPciDevice>& devices);
  void judge_functions(Time time, const Table& table, const std::vector<host::kernel::HandedPciDevice>& devices);
  void judge_finish(Time time);

  const Scene& scene_;
  InvariantRecord& record_;
  std::span<const std::byte> dram_;
  unsigned kernel_ = 0;
  Table outgoing_{"outgoing", {}, {}};
  Table incoming_{"incoming", {}, {}};
  std::set<pcie::RequesterId> found_;     // by this kernel's scan
  std::set<pcie::RequesterId> finished_;  // by this kernel
};

}  // namespace holdover::bench
