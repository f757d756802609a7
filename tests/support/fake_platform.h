// SPDX-License-Identifier: MIT
// A small platform without time or traffic for tests of the emulated kernel: functions with configuration space below
// bridges that route by their own registers, BAR memory, MSI-X, the registers of an IOMMU and of an interrupt
// controller.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/kernel/boot_parameters.h"
#include "pcie/platform.h"

namespace holdover::testing {

struct ConfigWriteRecord {
  std::string function;
  unsigned offset;
  unsigned size;
  std::uint32_t value;
};

class FakeFunction {
 public:
  static constexpr unsigned kPowerManagement = 0x40;
  static constexpr unsigned kMsix = 0x50;
  static constexpr unsigned kExpress = 0x60;
  static constexpr std::uint64_t kMsixTable = 0x8000;

  // An endpoint with a 64 KiB BAR 0, a 64-bit prefetchable 64 KiB BAR 2, power management, MSI-X (8 vectors), FLR.
  static std::unique_ptr<FakeFunction> endpoint(std::string name);
  // A root port (4), switch upstream port (5) or switch downstream port (6), everything 0 as after reset.
  static std::unique_ptr<FakeFunction> bridge(std::string name, unsigned port_type);

  [[nodiscard]] std::uint32_t get(unsigned offset, unsigned size) const;
  void set(unsigned offset, unsigned size, std::uint32_t value);
  [[nodiscard]] bool bridge() const { return (get(0x0e, 1) & 0x7f) == 1; }
  [[nodiscard]] std::uint64_t bar(unsigned index) const;

  std::string name;
  std::array<std::uint8_t, 4096> space{};
  std::array<std::uint8_t, 4096> writable{};
  std::array<std::uint8_t, 4096> clears{};  // RW1C
  std::vector<std::uint8_t> registers;      // behind BAR 0
  std::uint32_t pending = 0;                // MSI-X
  unsigned resets = 0;                      // FLR
  FakeFunction* parent = nullptr;
  std::vector<std::pair<unsigned, std::unique_ptr<FakeFunction>>> below;  // device number
};

class FakePlatform : public pcie::Platform {
 public:
  explicit FakePlatform(std::uint64_t dram_bytes = 16u << 20);

  // Adds a function below `parent`, null for the root bus.
  FakeFunction& add(FakeFunction* parent, unsigned device, std::unique_ptr<FakeFunction> function);
  // Cold boot: page 1 with these parameters.
  PhysicalAddress write_boot_page(const std::string& command_line);

  // A message to the interrupt controller.
  void message(std::uint8_t vector) { pending_[vector] = true; }
  // An event inside the endpoint: a message, or a pending bit.
  void raise(FakeFunction& function, unsigned vector);

  [[nodiscard]] std::uint32_t config_read(pcie::Bdf function, Bytes offset, unsigned size) override;
  void config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size) override;
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override;
  [[nodiscard]] std::span<std::byte> dram() override { return dram_; }
  [[nodiscard]] std::optional<std::uint8_t> take_interrupt() override;
  [[nodiscard]] Time now() override { return now_; }
  void wait(Time duration) override { now_ += duration; }
  void jump(PhysicalAddress boot_parameters) override { jumped_to = boot_parameters; }
  void console(std::string_view line) override { console_lines.emplace_back(line); }
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t) override { marks.emplace_back(phase, step); }

  std::vector<ConfigWriteRecord> writes;
  std::vector<std::string> console_lines;
  std::vector<std::pair<pcie::Phase, pcie::Step>> marks;
  std::optional<PhysicalAddress> jumped_to;
  bool interrupts_on = false;
  std::uint32_t iommu_status = 0;
  std::uint64_t iommu_root = 0;
  std::uint64_t iommu_remap = 0;
  unsigned translation_fell = 0;
  unsigned remapping_fell = 0;
  unsigned blocked = 0;  // messages without a valid entry of the remapping table
  unsigned discarded = 0;
  std::function<void(FakeFunction&)> on_reset;  // what FLR does beside being counted
  std::function<void()> before_mmio_read;       // what a read's answer pushes ahead of itself

 private:
  using Functions = std::vector<std::pair<unsigned, std::unique_ptr<FakeFunction>>>;
  [[nodiscard]] FakeFunction* route(pcie::Bdf target, unsigned bus, Functions& functions);
  [[nodiscard]] std::uint8_t* memory(BusAddress address, unsigned size, Functions& functions);
  void deliver(FakeFunction& function);
  [[nodiscard]] std::optional<std::uint8_t> target_of(const std::uint8_t* entry) const;
  [[nodiscard]] static bool may_send(const FakeFunction& function);

  std::vector<std::byte> dram_;
  Functions roots_;
  std::bitset<256> pending_;
  Time now_;
};

}  // namespace holdover::testing
