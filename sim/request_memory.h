// SPDX-License-Identifier: MIT
// What requests of endpoints read and write once they have passed root port and IOMMU: DRAM, or something else that
// stands in its place. An answer may take its time; simulated time goes on or stands still meanwhile, as the owner of
// the machine likes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "pcie/units.h"

namespace holdover::sim {

// Who waits for the answer to a read that could not be given at once. Called while the machine is in no call.
class ReadWaiter {
 public:
  // `data` is what was asked for, whole.
  virtual void on_read(std::uint64_t number, std::span<const std::byte> data) = 0;
  // There is no such memory, or it may not be read.
  virtual void on_read_refused(std::uint64_t number) = 0;

 protected:
  ~ReadWaiter() = default;
};

struct ReadTicket {
  ReadWaiter* waiter = nullptr;  // lives as long as the machine
  std::uint64_t number = 0;
};

class RequestMemory {
 public:
  enum class Answer {
    Done,         // `data` is filled
    Unsupported,  // there is no such memory, or it may not be read
    Later,        // the ticket's waiter is told, once
  };

  virtual ~RequestMemory() = default;

  // One memory request: whole double words that lie in one page.
  [[nodiscard]] virtual Answer read(PhysicalAddress address, std::span<std::byte> data, ReadTicket ticket) = 0;
  // Byte enables select bytes of the first and of the last double word as in a memory request (PCIe 5.0, 2.2.5); one
  // double word uses `first_be` alone. False, and nothing written, where there is no such memory or it may not be
  // written.
  [[nodiscard]] virtual bool write(PhysicalAddress address, std::span<const std::byte> data, unsigned first_be,
                                   unsigned last_be) = 0;
};

}  // namespace holdover::sim
