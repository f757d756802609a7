// SPDX-License-Identifier: MIT
// The seam between a kernel and a machine: all that a kernel can do to the hardware it runs on.
//
// Implementations: sim::Machine in this process; sim::RemotePlatform, a client to a machine in another
// process; recording and faulty wrappers in tests. Simulated time passes only inside these calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "pcie/bdf.h"
#include "pcie/instrument.h"
#include "pcie/units.h"

namespace holdover::pcie {

class Platform {
 public:
  Platform() = default;
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;
  virtual ~Platform() = default;

  // Configuration access of 1, 2 or 4 bytes, naturally aligned, below 4096. A read that no function
  // answers, or answers with an error, returns all ones of that size, as the bus does (PCIe 5.0, 2.3.2).
  // Both return when the completion has arrived.
  [[nodiscard]] virtual std::uint32_t config_read(Bdf function, Bytes offset, unsigned size) = 0;
  virtual void config_write(Bdf function, Bytes offset, unsigned size, std::uint32_t value) = 0;

  // Memory-mapped access of 1, 2, 4 or 8 bytes, naturally aligned, outside DRAM: BARs through bridge
  // windows, registers of the IOMMU and of the interrupt controller. Reads nobody answers return all ones.
  // A write is posted and may still be in flight on return.
  [[nodiscard]] virtual std::uint64_t mmio_read(BusAddress address, unsigned size) = 0;
  virtual void mmio_write(BusAddress address, unsigned size, std::uint64_t value) = 0;

  // All of DRAM; index 0 is physical address 0. Valid as long as the platform lives. Accesses take no time.
  [[nodiscard]] virtual std::span<std::byte> dram() = 0;

  // The next pending interrupt vector, acknowledged; nothing where none is pending.
  [[nodiscard]] virtual std::optional<std::uint8_t> take_interrupt() = 0;

  [[nodiscard]] virtual Time now() = 0;
  virtual void wait(Time duration) = 0;

  // The processor leaves this kernel for the image whose boot-parameter page lies at `boot_parameters`.
  // Nothing of the caller runs on the machine afterwards: return, and drop the kernel. The machine's blackout (no
  // processor runs) passes inside this call.
  virtual void jump(PhysicalAddress boot_parameters) = 0;

  // Serial console, one line without its line feed. Takes no time.
  virtual void console(std::string_view line) = 0;

  // Write-only instrumentation for the bench. Takes no time and changes nothing: a run without it has the same trace.
  virtual void mark(Phase phase, Step step, std::uint64_t value) = 0;
};

}  // namespace holdover::pcie
