// SPDX-License-Identifier: MIT
// Driver of the interrupt controller, and the vectors of this kernel. Interrupts are taken by polling
// (irq/interruptible_platform.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "pcie/bdf.h"
#include "pcie/platform.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

class InterruptRemapping;

// Address and data of a message that raises one vector: compatibility format (physical destination 0, edge), or
// remappable format.
struct InterruptMessage {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
};

// The vectors of a function's MSI or MSI-X; none where it has neither on.
struct MessageInterrupts {
  enum class Kind { Msi, Msix };
  Kind kind = Kind::Msix;
  std::vector<std::uint8_t> vectors;
};

class Interrupts {
 public:
  // `platform` outlives it. Touches nothing.
  Interrupts(pcie::Platform& platform, BusAddress controller, BusAddress msi_window);

  // Drops what an earlier kernel left pending, then accepts messages.
  void enable();
  // lapic_shutdown(): messages are accepted and discarded from here on.
  void disable();

  [[nodiscard]] std::optional<std::uint8_t> allocate_vector();
  void free_vector(std::uint8_t vector);
  // Called at each interrupt of this vector, from poll(); it may access hardware, and then may be called again before
  // it returns. An empty handler takes it away, as does free_vector().
  void on_interrupt(std::uint8_t vector, std::function<void()> handler) { handlers_[vector] = std::move(handler); }
  // Messages are made in remappable format from here on. `remapping` is enabled and outlives this.
  void use(InterruptRemapping& remapping) { remapping_ = &remapping; }
  // For an allocated vector. With remapping it takes an entry, which free_vector() gives back. Nothing where there is
  // none left.
  [[nodiscard]] std::optional<InterruptMessage> message(std::uint8_t vector, pcie::Bdf function);
  // `function` sends none of the messages that an earlier kernel made for it any more.
  void drop_incoming(pcie::Bdf function);

  // Takes what is pending and counts it; nothing while the controller is off.
  void poll();
  // Interrupts of this vector since the last call.
  [[nodiscard]] std::uint64_t take(std::uint8_t vector);
  // Interrupts that came for a vector nobody owns.
  [[nodiscard]] std::uint64_t stray() const { return stray_; }

 private:
  pcie::Platform& platform_;
  BusAddress controller_;
  BusAddress msi_window_;
  InterruptRemapping* remapping_ = nullptr;
  std::array<bool, 256> allocated_{};
  std::array<std::optional<std::uint16_t>, 256> entries_{};  // of the remapping table
  std::array<std::uint64_t, 256> counts_{};
  std::array<std::function<void()>, 256> handlers_;
  std::uint64_t stray_ = 0;
  bool enabled_ = false;
};

}  // namespace holdover::host::kernel
