// SPDX-License-Identifier: MIT
// The host's way into the fabric: configuration and memory accesses through root ports, and the platform's own
// registers. One access at a time; simulated time passes until it is answered.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pcie/bdf.h"
#include "pcie/units.h"
#include "sim/interrupt_controller.h"
#include "sim/iommu.h"
#include "sim/memory_path.h"
#include "sim/root_port.h"
#include "sim/scheduler.h"

namespace holdover::sim {

// An access to registers inside the root complex.
inline constexpr Time kRegisterTime{50'000};
// What a posted write keeps the processor.
inline constexpr Time kPostedTime{10'000};
// An access that nobody answered for so long is given up, and reads all ones.
inline constexpr Time kHostTimeout{1'000'000'000};
// Until a request that was answered with Request Retry Status is sent again.
inline constexpr Time kRetryTime{1'000'000};

class RootComplex final : private HostSide {
 public:
  // All outlive the root complex.
  RootComplex(Scheduler& scheduler, Iommu& iommu, InterruptController& interrupts);

  [[nodiscard]] HostSide& host_side() { return *this; }
  void add(RootPort& port) { ports_.push_back(&port); }

  // As pcie::Platform says.
  [[nodiscard]] std::uint32_t config_read(pcie::Bdf function, unsigned offset, unsigned size);
  void config_write(pcie::Bdf function, unsigned offset, unsigned size, std::uint32_t value);
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size);
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value);

  [[nodiscard]] std::uint64_t timeouts() const { return timeouts_; }

 private:
  struct Outcome {
    pcie::CompletionStatus status = pcie::CompletionStatus::UnsupportedRequest;
    std::vector<std::byte> data;
  };

  void on_completion(const pcie::Tlp& completion) override;
  void on_room() override { wake_ = true; }

  [[nodiscard]] RootPort* port_of_bus(std::uint8_t bus) const;
  [[nodiscard]] RootPort* port_of_address(std::uint64_t address) const;
  [[nodiscard]] RootPort* port_of_device(pcie::Bdf function) const;
  [[nodiscard]] bool make_room(RootPort& port, pcie::FlowClass flow);
  // Nothing where it was given up.
  [[nodiscard]] std::optional<Outcome> request(RootPort& port, pcie::Tlp tlp);
  [[nodiscard]] std::optional<Outcome> request_config(RootPort& port, pcie::Tlp tlp);
  [[nodiscard]] static bool within(BusAddress address, BusAddress base, Bytes size);

  Scheduler& scheduler_;
  Iommu& iommu_;
  InterruptController& interrupts_;
  std::vector<RootPort*> ports_;
  std::uint8_t tag_ = 0;
  bool waiting_ = false;  // for completions with tag_
  bool done_ = false;
  bool wake_ = false;
  Outcome outcome_;
  std::uint64_t timeouts_ = 0;
};

}  // namespace holdover::sim
