// SPDX-License-Identifier: MIT
#include "host/kernel/pci/port_driver.h"

#include <algorithm>
#include <utility>

#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel {
namespace {

constexpr unsigned kMostVectors = 32;  // PCIE_PORT_MAX_MSI_ENTRIES
constexpr Time kPrintInterval = 5'000_ms;
constexpr unsigned kMostLines = 10;

}  // namespace

PortDriver::PortDriver(pcie::Platform& platform, Interrupts& interrupts, const Policies& policies, PciDevice& port)
    : platform_(platform),
      interrupts_(interrupts),
      policies_(policies),
      port_(port),
      msix_(platform, interrupts, port),
      msi_(interrupts, port) {}

PortDriver::~PortDriver() {
  for (unsigned index = 0; index < msix_.vectors(); ++index) interrupts_.on_interrupt(msix_.vector(index), nullptr);
  if (msi_.vector()) interrupts_.on_interrupt(*msi_.vector(), nullptr);
}

void PortDriver::probe() {
  enable_device(port_);
  services_ = find_services(port_, policies_);
  if (!services_.any()) return;
  set_bus_master(port_, true);
  if (!enable_interrupts()) {
    disable_device(port_);
    return;
  }
  running_ = true;
  start_services(port_, services_, policies_);
}

MessageInterrupts PortDriver::messages() const {
  if (msi_.vector()) return {MessageInterrupts::Kind::Msi, {*msi_.vector()}};
  return msix_.messages();
}

void PortDriver::shutdown() {
  if (!running_) return;
  running_ = false;
  stop_services(port_, services_, policies_);
  disable_interrupts();
}

bool PortDriver::enable_interrupts() {
  if (port_.msix != 0) {
    const unsigned table =
        (port_.config.read16(port_.msix + pcie::config::kMsixControl) & pcie::config::kMsixControlTableSize) + 1u;
    const unsigned all = std::min(table, kMostVectors);
    if (msix_.enable(all) == 0) {
      const unsigned used = highest_message(port_, services_) + 1;
      if (used != all) msix_.disable();
      if (used > all || (used != all && msix_.enable(used) != 0)) return false;
      for (unsigned index = 0; index < msix_.vectors(); ++index) {
        interrupts_.on_interrupt(msix_.vector(index), [this] { take_interrupt(); });
      }
      return true;
    }
  }
  if (msi_.enable() != 0) return false;
  if (highest_message(port_, services_) != 0) {
    msi_.disable();
    return false;
  }
  interrupts_.on_interrupt(*msi_.vector(), [this] { take_interrupt(); });
  return true;
}

void PortDriver::disable_interrupts() {
  if (msi_.vector()) {
    interrupts_.on_interrupt(*msi_.vector(), nullptr);
    msi_.disable();
  } else {
    for (unsigned index = 0; index < msix_.vectors(); ++index) interrupts_.on_interrupt(msix_.vector(index), nullptr);
    msix_.disable();
  }
}

// Interrupts are taken between any two accesses, so also between those of the handler: it runs once more for a message
// that came meanwhile.
void PortDriver::take_interrupt() {
  if (!running_) return;
  again_ = true;
  if (handling_) return;
  handling_ = true;
  while (std::exchange(again_, false)) {
    handle_interrupt(platform_, port_, services_, policies_, errors_, [this](const std::string& line) { print(line); });
  }
  handling_ = false;
}

void PortDriver::print(const std::string& sentence) {
  const Time now = platform_.now();
  if (printed_ == 0 || now - printing_since_ >= kPrintInterval) {
    printing_since_ = now;
    printed_ = 0;
  }
  if (printed_ == kMostLines) return;
  ++printed_;
  platform_.console(std::string(kPortDriverName) + " " + port_.bdf.to_string() + ": " + sentence);
}

}  // namespace holdover::host::kernel
