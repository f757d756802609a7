// SPDX-License-Identifier: MIT
// The platform as a kernel image uses it: the first call that throws (the machine's process died, the user stopped the
// run) is the last one that reaches the machine. What the image closes while its stack unwinds meets silence.
#pragma once

#include <exception>
#include <functional>

#include "pcie/platform.h"

namespace holdover::host {

class FailStopPlatform final : public pcie::Platform {
 public:
  // `platform` outlives this. `on_failure` is called once, before the exception goes on; it must not throw.
  FailStopPlatform(pcie::Platform& platform, std::function<void()> on_failure)
      : platform_(platform), on_failure_(std::move(on_failure)) {}

  // What the platform threw; null while it works.
  [[nodiscard]] std::exception_ptr failure() const { return failure_; }

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
  // Result of `call`, or `silence` once the platform has failed.
  template <typename Result, typename Call>
  Result guarded(Result silence, Call call);

  pcie::Platform& platform_;
  std::function<void()> on_failure_;
  std::exception_ptr failure_;
};

}  // namespace holdover::host
