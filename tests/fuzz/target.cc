// SPDX-License-Identifier: MIT
#include "tests/fuzz/target.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace holdover::fuzz {
namespace {

constexpr std::array kTargets{
    Target{"boot_parameters", "the page that a kernel is entered with", run_boot_parameters, 2, 4000},
    Target{"agent_state", "what the agent's first stage leaves to its second", run_agent_state, 2, 4000},
    Target{"driver_state", "what the endpoint's driver leaves to the next", run_driver_state, 2, 4000},
    Target{"kho", "FDT and radix tree, decoded and revived", run_kho, 1, 1500},
    Target{"vmalloc", "chains of virtually contiguous areas", run_vmalloc, 2, 1500},
    Target{"block_set", "chains of serialization blocks", run_block_set, 1, 3000},
    Target{"luo", "header, sessions, files and FLB table of LUO", run_luo, 1, 4000},
    Target{"luo_ioctl", "request numbers and arguments of /dev/liveupdate", run_luo_ioctl, 1, 4000},
    Target{"pci_table", "the PCI table under the rules of each version", run_pci_table, 7, 4000},
    Target{"iommu_state", "unit, domains, attachments and page tables in a booting kernel", run_iommu_state, 1, 1000},
    Target{"file_state", "device files, bindings and memory files in a booting kernel", run_file_state, 1, 1000},
    Target{"handover", "all of a handover: boot, retrieve and finish of the next kernel", run_handover, 9, 1500},
    Target{"vfio_user_message", "bodies of messages from a client of a server", run_vfio_user_message, 8, 20000},
    Target{"vfio_user_session", "a client of a server, step by step", run_vfio_user_session, 2, 6000},
};

}  // namespace

std::span<const Target> targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  const auto* const found =
      std::find_if(kTargets.begin(), kTargets.end(), [&](const Target& target) { return target.name == name; });
  return found == kTargets.end() ? nullptr : found;
}

void require(bool holds, const char* sentence) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", sentence);
  std::abort();
}

}  // namespace holdover::fuzz
