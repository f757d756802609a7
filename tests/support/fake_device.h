// SPDX-License-Identifier: MIT
// An endpoint made of plain C++ for tests of driver and agent: registers of the real map, DMA into test memory, and
// switches for what may go wrong. It moves data when its clock is advanced and when a doorbell rings.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "host/device/device.h"
#include "host/driver/dma_abi.h"
#include "host/driver/endpoint_regs.h"

namespace holdover::testing {

// Where IO virtual addresses lead, by page.
struct FakeTranslation {
  std::map<std::uint64_t, std::span<std::byte>> pages;

  [[nodiscard]] std::byte* at(std::uint64_t iova);  // null where nothing is mapped
  void read(std::uint64_t iova, std::span<std::byte> to);
  void write(std::uint64_t iova, std::span<const std::byte> from);
};

// The hardware: outlives every kernel.
class FakeEndpoint {
 public:
  explicit FakeEndpoint(pcie::Bdf bdf);

  [[nodiscard]] pcie::Bdf bdf() const { return bdf_; }
  [[nodiscard]] std::uint32_t read(std::uint32_t offset);
  void write(std::uint32_t offset, std::uint32_t value);
  void reset();
  // Runs every stream for so many steps: one descriptor per cyclic channel, one record, one cell.
  void advance(unsigned steps);

  FakeTranslation* translation = nullptr;
  bool bus_master = false;
  unsigned interrupts_enabled = 0;
  std::array<std::uint64_t, 32> interrupts{};
  std::vector<std::byte> card_memory;
  unsigned writes = 0;  // register writes since the start
  unsigned resets = 0;

  // What may go wrong.
  bool answers = true;
  std::uint32_t id = host::regs::global::kIdReset;
  std::uint32_t version = host::regs::kVersion;
  bool never_idle = false;
  bool reset_never_ends = false;
  bool drops_completions = false;
  bool drops_events = false;
  host::DmaStatus next_status = host::DmaStatus::Ok;
  int silent_vector = -1;
  int stalled_channel = -1;

 private:
  struct ChannelCounts {
    std::uint64_t completed = 0;
    std::uint64_t bytes = 0;
    unsigned unannounced = 0;
  };

  [[nodiscard]] std::uint64_t pair(std::uint32_t low) {
    return registers_[low] | (std::uint64_t{registers_[low + 4]} << 32);
  }
  void set_pair(std::uint32_t low, std::uint64_t value);
  void run_descriptor(unsigned channel);
  void beat();
  void raise(unsigned vector);

  pcie::Bdf bdf_;
  std::map<std::uint32_t, std::uint32_t> registers_;
  std::array<ChannelCounts, 8> counts_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t cells_ = 0;
};

// One kernel's file of it.
class FakeDevice final : public host::Device {
 public:
  explicit FakeDevice(FakeEndpoint& endpoint) : endpoint_(endpoint) {}

  [[nodiscard]] pcie::Bdf bdf() const override { return endpoint_.bdf(); }
  [[nodiscard]] std::uint32_t config_read(Bytes, unsigned) override { return ~0u; }
  void config_write(Bytes, unsigned, std::uint32_t) override {}
  [[nodiscard]] std::uint64_t load(unsigned bar, Bytes offset, unsigned size) override;
  void write(unsigned bar, Bytes offset, std::uint32_t value) override;
  [[nodiscard]] Bytes bar_size(unsigned bar) const override { return bar == 0 ? bar0_size : Bytes{0}; }
  void attach(host::AddressSpace& space) override;
  void enable_bus_master() override { endpoint_.bus_master = true; }
  void enable_interrupts(unsigned count) override { endpoint_.interrupts_enabled = count; }
  void disable_interrupts() override { endpoint_.interrupts_enabled = 0; }
  [[nodiscard]] std::uint64_t take_interrupts(unsigned vector) override;
  void reset() override { endpoint_.reset(); }

  [[nodiscard]] FakeEndpoint& endpoint() { return endpoint_; }

  Bytes bar0_size{host::regs::kBarBytes};

 private:
  FakeEndpoint& endpoint_;
};

}  // namespace holdover::testing
