// SPDX-License-Identifier: MIT
#include "host/kernel/pci/msix.h"

#include <cerrno>

#include "host/kernel/pci/setup_device.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

using namespace pcie::config;

// Table entry (PCIe 5.0, 6.1.4.2).
constexpr std::uint64_t kEntryBytes = 16;
constexpr std::uint64_t kAddressLow = 0;
constexpr std::uint64_t kAddressHigh = 4;
constexpr std::uint64_t kData = 8;
constexpr std::uint64_t kVectorControl = 12;
constexpr std::uint64_t kEntryMasked = 1;

}  // namespace

Msix::Msix(pcie::Platform& platform, Interrupts& interrupts, PciDevice& device)
    : platform_(platform), interrupts_(interrupts), device_(device) {}

unsigned Msix::find_table() {
  table_ = device_.config.read32(device_.msix + kMsixTable);
  return (control() & kMsixControlTableSize) + 1u;
}

// All ones come from a function that does not answer any more.
bool Msix::answers() const { return device_.msix != 0 && control() != 0xffff; }

bool Msix::enabled() const { return answers() && (control() & kMsixControlEnable) != 0; }

int Msix::enable(unsigned count) {
  if (!answers()) return ENODEV;
  if (!device_.messages_allowed()) return EINVAL;
  const unsigned size = find_table();
  if (count == 0 || count > size) return ENOSPC;
  if ((table_ & 7) >= device_.bars.size() || !device_.bars[table_ & 7].assigned) return ENODEV;
  free_vectors();
  std::vector<InterruptMessage> messages;
  while (messages.size() < count) {
    const std::optional<std::uint8_t> vector = interrupts_.allocate_vector();
    if (vector) vectors_.push_back(*vector);
    const auto message = vector ? interrupts_.message(*vector, device_.bdf) : std::nullopt;
    if (!message) {
      free_vectors();
      return ENOSPC;
    }
    messages.push_back(*message);
  }
  const std::uint16_t found = control();
  set_control(found | kMsixControlEnable | kMsixControlFunctionMask);
  set_intx_disable(device_, true);
  for (unsigned index = 0; index < size; ++index) mask_entry(index, true);
  for (unsigned index = 0; index < count; ++index) write_entry(index, messages[index]);
  for (unsigned index = 0; index < count; ++index) mask_entry(index, false);
  // Posted writes: the read returns when the table has them, so that no message goes to an old target.
  (void)platform_.mmio_read(entry(0) + Bytes{kVectorControl}, 4);
  interrupts_.drop_incoming(device_.bdf);
  set_control(static_cast<std::uint16_t>((found | kMsixControlEnable) & ~kMsixControlFunctionMask));
  return 0;
}

void Msix::disable() {
  if (device_.msix == 0) return;
  if (enabled()) {
    const unsigned size = find_table();
    for (unsigned index = 0; index < size; ++index) mask_entry(index, true);
    (void)platform_.mmio_read(entry(0) + Bytes{kVectorControl}, 4);
    set_control(static_cast<std::uint16_t>(control() & ~kMsixControlEnable));
    set_intx_disable(device_, false);
  }
  free_vectors();
}

void Msix::mask_function() {
  if (!enabled()) return;
  (void)find_table();
  set_control(control() | kMsixControlFunctionMask);
  // The answer to a read comes after every message that left before it: none is on its way when this returns.
  (void)platform_.mmio_read(entry(0) + Bytes{kVectorControl}, 4);
}

std::uint16_t Msix::control() const { return device_.config.read16(device_.msix + kMsixControl); }

void Msix::set_control(std::uint16_t value) const { device_.config.write16(device_.msix + kMsixControl, value); }

BusAddress Msix::entry(unsigned index) const {
  const Bar& bar = device_.bars[table_ & 7];
  HOLDOVER_CHECK(bar.assigned);
  return bar.address + Bytes{(table_ & ~7u) + kEntryBytes * index};
}

void Msix::write_entry(unsigned index, const InterruptMessage& message) {
  const BusAddress where = entry(index);
  platform_.mmio_write(where + Bytes{kAddressLow}, 4, message.address & 0xffff'ffff);
  platform_.mmio_write(where + Bytes{kAddressHigh}, 4, message.address >> 32);
  platform_.mmio_write(where + Bytes{kData}, 4, message.data);
}

void Msix::mask_entry(unsigned index, bool masked) {
  platform_.mmio_write(entry(index) + Bytes{kVectorControl}, 4, masked ? kEntryMasked : 0);
}

void Msix::free_vectors() {
  for (const std::uint8_t vector : vectors_) interrupts_.free_vector(vector);
  vectors_.clear();
}

}  // namespace holdover::host::kernel
