// SPDX-License-Identifier: MIT
// The handover as it can be seen from outside: what lies in DRAM at the jump, against the topology; and what the second
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

  void on_jump(Time time, const HandoverImage& image);
  // The run is over. `jump_asked`: the run was to update the kernel.
  void on_end(Time time, bool jump_asked);

  [[nodiscard]] std::uint64_t sessions() const { return sessions_; }
  [[nodiscard]] std::uint64_t files() const { return files_; }
  [[nodiscard]] std::uint64_t devices() const { return devices_; }
  [[nodiscard]] std::uint64_t pages() const { return pages_; }

 private:
  void broken(Time time, std::string sentence);
  void judge_table(Time time, const std::vector<host::kernel::HandedPciDevice>& devices);
  void judge_live_update(Time time, const host::kernel::HandedLiveUpdate& live_update);
  void judge_marks(Time time);
  void judge_window(Time time);
  // Endpoints that are to be handed over.
  [[nodiscard]] std::vector<unsigned> recorded() const;

  const Scene& scene_;
  Evidence& evidence_;
  std::uint64_t sessions_ = 0;
  std::uint64_t files_ = 0;
  std::uint64_t devices_ = 0;
  std::uint64_t pages_ = 0;
};

}  // namespace holdover::bench
