// SPDX-License-Identifier: MIT
// The platform as code of a kernel sees it while interrupts are on: they are taken between any two accesses, and inside
// waits.
#pragma once

#include "host/kernel/irq/interrupts.h"
#include "pcie/platform.h"

namespace holdover::host::kernel {

class InterruptiblePlatform : public pcie::Platform {
 public:
  // Both outlive it.
  InterruptiblePlatform(pcie::Platform& platform, Interrupts& interrupts)
      : platform_(platform), interrupts_(interrupts) {}

  [[nodiscard]] std::uint32_t config_read(pcie::Bdf function, Bytes offset, unsigned size) override;
  void config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size) override;
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override;
  void wait(Time duration) override;

  [[nodiscard]] std::span<std::byte> dram() override { return platform_.dram(); }
  [[nodiscard]] std::optional<std::uint8_t> take_interrupt() override { return platform_.take_interrupt(); }
  [[nodiscard]] Time now() override { return platform_.now(); }
  void jump(PhysicalAddress boot_parameters) override { platform_.jump(boot_parameters); }
  void console(std::string_view line) override { platform_.console(line); }
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override { platform_.mark(phase, step, value); }

 private:
  pcie::Platform& platform_;
  Interrupts& interrupts_;
};

}  // namespace holdover::host::kernel
