// SPDX-License-Identifier: MIT
// A platform with slots that can be empty. What is in a slot is there all the time; while the slot counts as empty it
// answers no configuration request, as a function does that has not been plugged in.
#pragma once

#include <functional>
#include <set>
#include <string_view>

#include "pcie/platform.h"

namespace holdover::bench {

class SlotPlatform final : public pcie::Platform {
 public:
  // Number of the bus below each port that is asked for; 0: none. `platform` outlives it.
  using BusBelow = std::function<unsigned(unsigned port)>;
  SlotPlatform(pcie::Platform& platform, BusBelow bus_below) : platform_(platform), bus_below_(std::move(bus_below)) {}

  // Whether anything answers on the bus below this port.
  void set_present(unsigned port, bool present);

  [[nodiscard]] std::uint32_t config_read(pcie::Bdf function, Bytes offset, unsigned size) override;
  void config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size) override {
    return platform_.mmio_read(address, size);
  }
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override {
    platform_.mmio_write(address, size, value);
  }
  [[nodiscard]] std::span<std::byte> dram() override { return platform_.dram(); }
  [[nodiscard]] std::optional<std::uint8_t> take_interrupt() override { return platform_.take_interrupt(); }
  [[nodiscard]] Time now() override { return platform_.now(); }
  void wait(Time duration) override { platform_.wait(duration); }
  void jump(PhysicalAddress boot_parameters) override { platform_.jump(boot_parameters); }
  void console(std::string_view line) override { platform_.console(line); }
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override { platform_.mark(phase, step, value); }

 private:
  [[nodiscard]] bool absent(pcie::Bdf function) const;

  pcie::Platform& platform_;
  BusBelow bus_below_;
  std::set<unsigned> empty_;
};

}  // namespace holdover::bench
