// SPDX-License-Identifier: MIT
// Writes into the trace all that touches DRAM and is no TLP: what processors stored, when the requests of devices took
// effect, which pages were poisoned, and which registers of the IOMMU were written. With the TLPs of the same trace
// that makes the contents of DRAM (docs/trace.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pcie/tlp.h"
#include "sim/host_memory.h"
#include "sim/trace.h"

namespace holdover::sim {

// Stores of a processor take no time, and it stands still while the machine answers a call: everything that it stored
// between two calls happened at one instant, and what changed in between is its work alone. So the recorder compares
// DRAM as it was when the processor went on with DRAM as it is when the next access of a device, or the next poisoning,
// needs to know. What the machine itself does to DRAM is never taken for a store. Recorded is the outcome: bytes that
// were written with what they held are not told.
class MemoryRecorder {
 public:
  // DRAM holds zeroes. Both outlive the recorder.
  MemoryRecorder(HostMemory& memory, TraceWriter& trace);

  // The processor has made a call. Calls do not nest.
  void processor_stops() { stale_ = true; }
  // The call returns: what the machine has changed in DRAM is nothing that the processor stored.
  void processor_resumes();
  // Writes down what it stored. Comes before every access of a device, and before every poisoning.
  void settle(Time now) {
    if (stale_) find_stores(now);
  }
  // A memory request of a device was carried out.
  void request_took_effect(Time now, unsigned endpoint, const pcie::Tlp& request);
  // After it was written; settles.
  void register_written(Time now, BusAddress address, unsigned size, std::uint64_t value);
  void page_poisoned(Time now, std::uint64_t page);

 private:
  void find_stores(Time now);
  void find_stores_in(Time now, std::uint64_t page);

  HostMemory& memory_;
  TraceWriter& trace_;
  std::vector<std::byte> known_;  // DRAM when the processor went on, with its stores as far as they are recorded
  bool stale_ = true;             // it may have stored something that is not recorded
};

}  // namespace holdover::sim
