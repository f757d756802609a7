// SPDX-License-Identifier: MIT
#include "host/backend/vfio_user/files.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "host/backend/refusal.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {

using namespace vfio_user;
namespace config = pcie::config;

// ---- Mappings ----------------------------------------------------------------------------------------------------

int SpaceFile::map(std::uint64_t iova, const Mapping& mapping) {
  if (preserved) return EBUSY;
  const std::uint64_t memory = mapping.memory->bytes().size();
  const bool aligned = (iova | mapping.size | mapping.offset) % kPageBytes == 0;
  const bool inside = mapping.offset <= memory && mapping.size <= memory - mapping.offset;
  if (!aligned || !inside || mapping.size == 0 || iova + (mapping.size - 1) < iova) return EINVAL;
  const auto above = mappings_.lower_bound(iova);
  if (above != mappings_.end() && above->first - iova < mapping.size) return EEXIST;
  if (above != mappings_.begin() && iova - std::prev(above)->first < std::prev(above)->second.size) return EEXIST;
  if (attached_) send_map(iova, mapping);
  mappings_.emplace(iova, mapping);
  return 0;
}

int SpaceFile::unmap(std::uint64_t iova, std::uint64_t size) {
  if (preserved) return EBUSY;
  const auto found = mappings_.find(iova);
  if (found == mappings_.end()) return ENOENT;
  if (found->second.size != size) return EINVAL;
  if (attached_) send_unmap(iova, size);
  mappings_.erase(found);
  return 0;
}

void SpaceFile::send_map(std::uint64_t iova, const Mapping& mapping) {
  const bool passed = era_.pass_descriptors;
  std::vector<std::byte> body;
  append(body, DmaMap{sizeof(DmaMap), kDmaMapRead | (mapping.device_writes ? kDmaMapWrite : 0),
                      passed ? mapping.offset : 0, iova, mapping.size});
  const std::array<int, 1> descriptor{mapping.memory->descriptor()};
  static_cast<void>(era_.connection->request(Command::DmaMap, body, "a mapping",
                                             passed ? std::span<const int>(descriptor) : std::span<const int>()));
}

void SpaceFile::send_unmap(std::uint64_t iova, std::uint64_t size) {
  std::vector<std::byte> body;
  append(body, DmaUnmap{sizeof(DmaUnmap), 0, iova, size});
  static_cast<void>(era_.connection->request(Command::DmaUnmap, body, "to take a mapping away"));
}

void SpaceFile::attach() {
  std::vector<std::uint64_t> sent;
  try {
    for (const auto& [iova, mapping] : mappings_) {
      send_map(iova, mapping);
      sent.push_back(iova);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Refused) {
      for (const std::uint64_t iova : sent) send_unmap(iova, mappings_.at(iova).size);
    }
    throw;
  }
  attached_ = true;
}

void SpaceFile::detach() {
  attached_ = false;
  for (const auto& [iova, mapping] : mappings_) send_unmap(iova, mapping.size);
}

const SpaceFile::Mapping* SpaceFile::find(std::uint64_t address, std::uint64_t size, std::uint64_t& offset) const {
  auto above = mappings_.upper_bound(address);
  if (above == mappings_.begin()) return nullptr;
  const auto& [iova, mapping] = *std::prev(above);
  const std::uint64_t inside = address - iova;
  if (inside >= mapping.size || size > mapping.size - inside) return nullptr;
  offset = mapping.offset + inside;
  return &mapping;
}

// ---- The device --------------------------------------------------------------------------------------------------

DeviceFile::DeviceFile(VfioUserEra& era, pcie::Bdf bdf) : era_(era), bdf_(bdf) {
  const auto ask = [&](auto question, Command command, const char* call) {
    question.argsz = sizeof question;
    std::vector<std::byte> body;
    append(body, question);
    const auto parsed = parse_fixed<decltype(question)>(era_.connection->request(command, body, call));
    if (parsed.error != 0) {
      throw Error(ErrorCode::PeerDied, std::string("the vfio-user server cuts its answer short: ") + call);
    }
    return parsed.value;
  };
  const DeviceInfo info = ask(DeviceInfo{}, Command::DeviceGetInfo, "to describe the device");
  if ((info.flags & kDevicePci) == 0 || info.num_regions <= kRegionConfig) {
    throw Error(ErrorCode::NotFound, "the vfio-user server serves no PCI device; connect to another");
  }
  for (std::uint32_t bar = 0; bar < kBars; ++bar) {
    RegionInfo region;
    region.index = bar;
    bars_[bar] = ask(region, Command::DeviceGetRegionInfo, "to describe a region").size;
  }
  if (info.num_irqs > kIrqMsix) {
    IrqInfo irq;
    irq.index = kIrqMsix;
    vectors_ = ask(irq, Command::DeviceGetIrqInfo, "to describe interrupts").count;
  }
  msix_ =
      pcie::find_capability([this](unsigned offset) { return config_read(offset, 4); }, config::kCapMsix).value_or(0);
  era_.connection->set_target(this);
}

DeviceFile::~DeviceFile() { close(); }

void DeviceFile::open() {
  set_command(config::kCommandBusMaster, false);
  reset();
  set_command(config::kCommandMemory, true);
}

void DeviceFile::close() noexcept {
  if (era_.over) return;
  try {
    set_command(config::kCommandBusMaster, false);
    disable_interrupts();
    reset();
    if (space_) space_->detach();
  } catch (const Error&) {
    // The server is gone, and with it everything that there was to close.
  }
  era_.connection->set_target(nullptr);
}

void DeviceFile::attach(const std::shared_ptr<SpaceFile>& space) {
  if (space == space_) return;
  if (space->attached()) refuse(EBUSY, "to attach " + bdf_.to_string());
  if (space_) space_->detach();
  space_.reset();
  space->attach();
  space_ = space;
}

void DeviceFile::attach_in_force(const std::shared_ptr<SpaceFile>& space) {
  space->attach_in_force();
  space_ = space;
}

Bytes DeviceFile::bar_size(unsigned bar) const { return Bytes{bar < kBars ? bars_[bar] : 0}; }

std::uint32_t DeviceFile::config_read(unsigned offset, unsigned size) {
  std::uint32_t value = 0;
  era_.connection->read_region(kRegionConfig, offset, std::as_writable_bytes(std::span(&value, 1)).first(size));
  return value;
}

void DeviceFile::config_write(unsigned offset, unsigned size, std::uint32_t value) {
  era_.connection->write_region(kRegionConfig, offset, std::as_bytes(std::span(&value, 1)).first(size));
}

std::uint64_t DeviceFile::load(unsigned bar, std::uint64_t offset, unsigned size) {
  std::uint64_t value = 0;
  era_.connection->read_region(bar, offset, std::as_writable_bytes(std::span(&value, 1)).first(size));
  return value;
}

void DeviceFile::store(unsigned bar, std::uint64_t offset, std::uint32_t value) {
  era_.connection->write_region(bar, offset, std::as_bytes(std::span(&value, 1)));
}

void DeviceFile::set_command(std::uint16_t bits, bool on) {
  const std::uint32_t command = config_read(config::kCommand, 2);
  const std::uint32_t wanted = on ? command | bits : command & ~std::uint32_t{bits};
  if (wanted != command) config_write(config::kCommand, 2, wanted);
}

void DeviceFile::enable_interrupts(unsigned count) {
  if (count == 0 || count > vectors_) refuse(ENOSPC, "to enable " + std::to_string(count) + " interrupt vectors");
  std::vector<FileDescriptor> events;
  std::vector<int> numbers;
  for (unsigned vector = 0; vector < count; ++vector) {
    events.emplace_back(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    numbers.push_back(events.back().number());
    if (numbers.back() < 0) refuse(errno, "an eventfd");
  }
  const std::uint32_t most = std::max(era_.connection->server().max_descriptors, 1u);
  for (std::uint32_t first = 0; first < count; first += most) {
    const std::uint32_t size = std::min(most, count - first);
    std::vector<std::byte> body;
    append(body, IrqSet{sizeof(IrqSet), kIrqDataEventfd | kIrqActionTrigger, kIrqMsix, first, size});
    static_cast<void>(era_.connection->request(Command::DeviceSetIrqs, body, "to enable interrupts",
                                               std::span(numbers).subspan(first, size)));
  }
  events_ = std::move(events);
  enabled_ = true;
  // Last: what became pending in the function is sent to those who listen now.
  set_function_mask(false);
}

void DeviceFile::disable_interrupts() {
  if (!enabled_) return;
  std::vector<std::byte> body;
  append(body, IrqSet{sizeof(IrqSet), kIrqDataNone | kIrqActionTrigger, kIrqMsix, 0, 0});
  static_cast<void>(era_.connection->request(Command::DeviceSetIrqs, body, "to disable interrupts"));
  events_.clear();
  enabled_ = false;
}

std::uint64_t DeviceFile::take_interrupts(unsigned vector) {
  std::uint64_t count = 0;
  if (vector >= events_.size()) return 0;
  return ::read(events_[vector].number(), &count, sizeof count) == sizeof count ? count : 0;
}

void DeviceFile::reset() {
  static_cast<void>(era_.connection->request(Command::DeviceReset, {}, "to reset the device"));
}

void DeviceFile::set_function_mask(bool masked) {
  if (msix_ == 0) return;
  const std::uint32_t control = config_read(msix_ + config::kMsixControl, 2);
  const std::uint32_t mask = config::kMsixControlFunctionMask;
  const std::uint32_t wanted = masked ? control | mask : control & ~mask;
  if (wanted != control) config_write(msix_ + config::kMsixControl, 2, wanted);
}

void DeviceFile::mask_function() {
  if (enabled_) set_function_mask(true);
}

void DeviceFile::go_on() {
  era_.connection->set_target(this);
  if (enabled_) set_function_mask(false);
}

int DeviceFile::dma_read(std::uint64_t address, std::span<std::byte> data) {
  std::uint64_t offset = 0;
  const SpaceFile::Mapping* const mapping = space_ ? space_->find(address, data.size(), offset) : nullptr;
  if (mapping == nullptr) return EFAULT;
  std::memcpy(data.data(), mapping->memory->bytes().data() + offset, data.size());
  return 0;
}

int DeviceFile::dma_write(std::uint64_t address, std::span<const std::byte> data) {
  std::uint64_t offset = 0;
  const SpaceFile::Mapping* const mapping = space_ ? space_->find(address, data.size(), offset) : nullptr;
  if (mapping == nullptr) return EFAULT;
  if (!mapping->device_writes) return EACCES;
  std::memcpy(mapping->memory->bytes().data() + offset, data.data(), data.size());
  return 0;
}

}  // namespace holdover::host
