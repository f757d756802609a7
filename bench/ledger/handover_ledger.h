// SPDX-License-Identifier: MIT
// The handover as it can be seen from outside: what lies in DRAM at the jump, against the topology; and what the next
// kernel and the agent did with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"
#include "host/kernel/luo/decode.h"
#include "host/kernel/pci/liveupdate_abi.h"

namespace holdover::bench {

// What an old kernel left for the next one.
struct HandoverImage {
  std::vector<bool> preserved;  // by page; what the next kernel is entered with included
  std::uint64_t pages = 0;      // of them, in the KHO tree
  std::string unreadable;       // why there is no readable KHO tree; empty where there is one
  std::optional<host::kernel::HandedLiveUpdate> live_update;
  std::optional<std::vector<host::kernel::HandedPciDevice>> devices;
  std::vector<std::string> problems;  // structures that are broken or not preserved
};
[[nodiscard]] HandoverImage decode_handover(std::span<const std::byte> dram, PhysicalAddress boot_parameters);

class HandoverLedger {
 public:
  HandoverLedger(const Scene& scene, Evidence& evidence) : scene_(scene), evidence_(evidence) {}

  // What one kernel handed over.
  struct Amount {
    std::uint64_t sessions = 0;
    std::uint64_t files = 0;
    std::uint64_t devices = 0;
    std::uint64_t pages = 0;       // in the KHO tree
    std::uint64_t free_pages = 0;  // that the kernel had left when it jumped

    friend bool operator==(const Amount&, const Amount&) = default;
  };

  // The kernels of the run are all alike: from the second on each has to hand over the same, and to have as many pages
  // left, or something leaks.
  void expect_equal_amounts() { equal_amounts_ = true; }
  void on_jump(Time time, const HandoverImage& image, std::uint64_t free_pages);
  // The run is over. `updates`: how many there were to be.
  void on_end(Time time, unsigned updates);

  // Update by update.
  [[nodiscard]] const std::vector<Amount>& amounts() const { return amounts_; }

 private:
  void broken(Time time, std::string sentence);
  void judge_table(Time time, const std::vector<host::kernel::HandedPciDevice>& devices);
  void judge_live_update(Time time, const host::kernel::HandedLiveUpdate& live_update);
  void judge_marks(Time time, unsigned kernel);
  void judge_amounts(Time time);
  void judge_window(Time time);
  // Endpoints that are to be handed over.
  [[nodiscard]] std::vector<unsigned> recorded() const;

  const Scene& scene_;
  Evidence& evidence_;
  std::vector<Amount> amounts_;
  bool equal_amounts_ = false;
};

}  // namespace holdover::bench
