// SPDX-License-Identifier: MIT
// The platform as the host gets it: the machine's, watched. Between calls it lets the observer catch up, and it ends a
// run that the user stopped or that makes no progress.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "bench/observer.h"
#include "bench/run.h"
#include "pcie/platform.h"

namespace holdover::bench {

// Thrown through the host. No std::exception: nothing but the runner may take it for an error of its own.
struct RunStopped {};

class GuardedPlatform final : public pcie::Platform {
 public:
  // `limit`: simulated time without any mark of the host after which it is taken for stuck.
  GuardedPlatform(sim::ObservedMachine& machine, Observer& observer, std::function<bool()> stop, Time limit,
                  Progress progress);

  [[nodiscard]] bool interrupted() const { return interrupted_; }
  // Why the watchdog ended the run, and what the machine looked like then.
  [[nodiscard]] const std::optional<std::string>& stuck() const { return stuck_; }
  [[nodiscard]] const std::string& dump() const { return dump_; }
  // Asks whether the user wants it stopped, and reports progress: from everywhere where much time may pass.
  [[nodiscard]] bool is_stopped();
  // The run is to end, or has: the host is left in the middle of a call, unless it is on its way down by itself. Until
  // then the machine answers as ever; afterwards nothing reaches it.
  [[nodiscard]] bool ending() const { return interrupted_ || stuck_.has_value(); }

  [[nodiscard]] std::uint32_t config_read(pcie::Bdf function, Bytes offset, unsigned size) override;
  void config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size) override;
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override;
  [[nodiscard]] std::span<std::byte> dram() override { return platform_.dram(); }
  [[nodiscard]] std::optional<std::uint8_t> take_interrupt() override;
  [[nodiscard]] Time now() override;
  void wait(Time duration) override;
  void jump(PhysicalAddress boot_parameters) override;
  void console(std::string_view line) override;
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override;

 private:
  void look();
  [[nodiscard]] bool may_leave() const;
  void leave_if_ending();

  sim::ObservedMachine& machine_;
  pcie::Platform& platform_;
  Observer& observer_;
  std::function<bool()> stop_;
  Time limit_;
  Progress progress_;
  Time reported_;
  bool left_ = false;  // the host has been left: what it still calls is its destructors
  Time left_time_;     // time that passes for them, so that no loop waits for ever
  bool interrupted_ = false;
  std::optional<std::string> stuck_;
  std::string dump_;
};

}  // namespace holdover::bench
