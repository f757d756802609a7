// SPDX-License-Identifier: MIT
// The PCI core's part in every version, and what its errors are tried with.
#pragma once

#include <gtest/gtest.h>

#include "host/kernel/pci/abi/pci_v3.h"
#include "host/kernel/pci/abi/pci_v4.h"
#include "host/kernel/pci/abi/pci_v8.h"
#include "tests/unit/host/pci_series_fixture.h"

namespace holdover::host::kernel::testing {

class PciErrorTable : public EveryPciSeries {
 protected:
  // Where the entry of a function lies in the outgoing table.
  std::size_t entry(pcie::Bdf function) {
    const auto table = read_pci_table(memory_.dram(), PhysicalAddress{handed_.data}, rules_of(GetParam()).layout);
    for (const PciTableEntry& found : table.value().entries) {
      if (found.bdf == function.requester_id()) return found.offset;
    }
    ADD_FAILURE() << function.to_string();
    return 0;
  }
  void hand_over_left(PciSeries next) {
    ASSERT_EQ(session().preserve(&left_, 1), 0);
    kexec(next);
  }
  void retrieve(LuoSession& session, std::uint64_t token) {
    KernelFile* file = nullptr;
    static_cast<void>(session.retrieve(token, file));
  }
};
// What only some versions have.
class PciErrorTableSinceV4 : public PciErrorTable {};
class PciErrorTableSinceV7 : public PciErrorTable {};
class PciErrorTableSinceV8 : public PciErrorTable {};

}  // namespace holdover::host::kernel::testing
