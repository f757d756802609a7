// SPDX-License-Identifier: MIT
#include "host/backend/vfio/vfio_device.h"

#include <cerrno>
#include <cstring>

#include "host/backend/refusal.h"
#include "host/backend/vfio/vfio_abi.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {

VfioDevice::VfioDevice(SystemCalls& calls, pcie::Bdf bdf, Descriptor group, std::unique_ptr<IommuDoor> door,
                       Descriptor file)
    : calls_(calls),
      bdf_(bdf),
      group_(std::move(group)),
      door_(std::move(door)),
      file_(std::move(file)),
      attachment_(*door_) {
  vfio_device_info info{};
  info.argsz = sizeof(info);
  require(calls.ioctl(file_.number(), VFIO_DEVICE_GET_INFO, bytes_of(info)), "to describe " + bdf.to_string());
  if ((info.flags & VFIO_DEVICE_FLAGS_PCI) == 0) {
    throw Error(ErrorCode::NotFound, "The device file of " + bdf.to_string() + " is not that of a PCI function.");
  }
  config_ =
      VfioRegion(calls, file_.number(), VFIO_PCI_CONFIG_REGION_INDEX, "configuration space of " + bdf.to_string());
  for (unsigned bar = 0; bar < bars_.size(); ++bar) {
    bars_[bar] = VfioRegion(calls, file_.number(), VFIO_PCI_BAR0_REGION_INDEX + bar,
                            "BAR " + std::to_string(bar) + " of " + bdf.to_string());
  }
}

std::uint32_t VfioDevice::config_read(Bytes offset, unsigned size) {
  check_config_access(offset, size);
  // Conventional functions have 256 bytes.
  if (offset + Bytes{size} > config_.size()) return static_cast<std::uint32_t>((std::uint64_t{1} << (8 * size)) - 1);
  return static_cast<std::uint32_t>(config_.load(offset, size));
}

void VfioDevice::config_write(Bytes offset, unsigned size, std::uint32_t value) {
  check_config_access(offset, size);
  if (offset + Bytes{size} <= config_.size()) config_.store(offset, size, value);
}

std::uint64_t VfioDevice::load(unsigned bar, Bytes offset, unsigned size) {
  check_bar_access(*this, bar, offset, size);
  return bars_[bar].load(offset, size);
}

void VfioDevice::write(unsigned bar, Bytes offset, std::uint32_t value) {
  check_bar_access(*this, bar, offset, 4);
  bars_[bar].store(offset, 4, value);
}

Bytes VfioDevice::bar_size(unsigned bar) const { return bar < bars_.size() ? bars_[bar].size() : Bytes{0}; }

void VfioDevice::attach(AddressSpace& space) {
  auto* const vfio = dynamic_cast<VfioAddressSpace*>(&space);
  HOLDOVER_CHECK(vfio != nullptr);
  attachment_.begin(*vfio);
  door_->attach(file_.number());
}

void VfioDevice::enable_bus_master() {
  const std::uint32_t command = config_read(Bytes{pcie::config::kCommand}, 2);
  config_write(Bytes{pcie::config::kCommand}, 2, command | pcie::config::kCommandBusMaster);
}

void VfioDevice::set_irqs(std::uint32_t flags, std::span<const std::int32_t> eventfds, const std::string& call) {
  std::vector<std::byte> argument(sizeof(vfio_irq_set) + eventfds.size_bytes());
  vfio_irq_set head{};
  head.argsz = static_cast<std::uint32_t>(argument.size());
  head.flags = flags | VFIO_IRQ_SET_ACTION_TRIGGER;
  head.index = VFIO_PCI_MSIX_IRQ_INDEX;
  head.count = static_cast<std::uint32_t>(eventfds.size());
  std::memcpy(argument.data(), &head, sizeof(head));
  if (!eventfds.empty()) std::memcpy(argument.data() + sizeof(head), eventfds.data(), eventfds.size_bytes());
  require(calls_.ioctl(file_.number(), VFIO_DEVICE_SET_IRQS, argument), call);
}

void VfioDevice::enable_interrupts(unsigned count) {
  const std::string call = std::to_string(count) + " interrupt vectors of " + bdf_.to_string();
  vfio_irq_info info{};
  info.argsz = sizeof(info);
  info.index = VFIO_PCI_MSIX_IRQ_INDEX;
  require(calls_.ioctl(file_.number(), VFIO_DEVICE_GET_IRQ_INFO, bytes_of(info)), call);
  if (info.count < count) {
    refuse(ENOSPC, call, "its MSI-X table has " + std::to_string(info.count));
  }
  std::vector<Descriptor> opened;
  std::vector<std::int32_t> numbers;
  for (unsigned vector = 0; vector < count; ++vector) {
    opened.emplace_back(calls_, static_cast<int>(require(calls_.eventfd(), call, "too many files are open")));
    numbers.push_back(opened.back().number());
  }
  set_irqs(VFIO_IRQ_SET_DATA_EVENTFD, numbers, call);
  eventfds_ = std::move(opened);
}

void VfioDevice::disable_interrupts() {
  set_irqs(VFIO_IRQ_SET_DATA_NONE, {}, "to switch the interrupts of " + bdf_.to_string() + " off");
}

std::uint64_t VfioDevice::take_interrupts(unsigned vector) {
  if (vector >= eventfds_.size()) return 0;
  std::uint64_t count = 0;
  const std::int64_t answer = calls_.read(eventfds_[vector].number(), bytes_of(count));
  if (answer == -EAGAIN) return 0;
  require(answer, "the interrupts of " + bdf_.to_string());
  return count;
}

void VfioDevice::reset() {
  const int answer = calls_.ioctl(file_.number(), VFIO_DEVICE_RESET, 0ul);
  require(answer, "a reset of " + bdf_.to_string(),
          answer == -ENOTTY || answer == -EINVAL ? "it has no way to be reset alone; does its configuration space say "
                                                   "that it has function level reset?"
                                                 : "");
}

}  // namespace holdover::host
