// SPDX-License-Identifier: MIT
#include "host/kernel/pci/msi.h"

#include <cerrno>

#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host::kernel {

using namespace pcie::config;

int Msi::enable() {
  if (device_.msi == 0) return ENODEV;
  if (!device_.messages_allowed()) return EINVAL;
  set_enable(false);
  set_masked(true);
  vector_ = interrupts_.allocate_vector();
  if (!vector_) return ENOSPC;
  const std::optional<InterruptMessage> message = interrupts_.message(*vector_, device_.bdf);
  if (!message) {
    interrupts_.free_vector(*vector_);
    vector_.reset();
    return ENOSPC;
  }
  write_message(*message);
  interrupts_.drop_incoming(device_.bdf);
  set_intx_disable(device_, true);
  set_enable(true);
  set_masked(false);
  return 0;
}

void Msi::disable() {
  HOLDOVER_CHECK(vector_.has_value());
  set_masked(true);
  write_message(InterruptMessage{});
  set_enable(false);
  set_intx_disable(device_, false);
  set_masked(false);
  interrupts_.free_vector(*vector_);
  vector_.reset();
}

std::uint16_t Msi::control() const { return device_.config.read16(device_.msi + kMsiControl); }

void Msi::set_enable(bool on) const {
  device_.config.change16(device_.msi + kMsiControl, kMsiControlEnable, on ? kMsiControlEnable : std::uint16_t{0});
}

void Msi::set_masked(bool masked) const {
  const std::uint16_t control = this->control();
  if ((control & kMsiControlMaskable) == 0) return;
  const unsigned offset = device_.msi + kMsiMask - ((control & kMsiControlWide) != 0 ? 0 : 4);
  const std::uint32_t mask = device_.config.read32(offset);
  device_.config.write32(offset, masked ? mask | 1u : mask & ~1u);
}

// pci_write_msg_msi(): one vector, then address and data.
void Msi::write_message(const InterruptMessage& message) const {
  const ConfigAccess& config = device_.config;
  const bool wide = (control() & kMsiControlWide) != 0;
  config.change16(device_.msi + kMsiControl, kMsiControlCount, 0);
  config.write32(device_.msi + kMsiAddressLow, static_cast<std::uint32_t>(message.address));
  if (wide) config.write32(device_.msi + kMsiAddressHigh, static_cast<std::uint32_t>(message.address >> 32));
  config.write16(device_.msi + kMsiData - (wide ? 0 : 4), static_cast<std::uint16_t>(message.data));
  (void)control();
}

}  // namespace holdover::host::kernel
