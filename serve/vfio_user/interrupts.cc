// SPDX-License-Identifier: MIT
#include "serve/vfio_user/interrupts.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::serve {
namespace {

namespace config = pcie::config;
using namespace vfio_user;

// Table entry (PCIe 5.0, 6.1.4.2).
constexpr std::uint64_t kEntryBytes = 16;
constexpr std::uint64_t kEntryAddress = 0;
constexpr std::uint64_t kEntryAddressHigh = 4;
constexpr std::uint64_t kEntryData = 8;
constexpr std::uint64_t kEntryControl = 12;
constexpr std::uint32_t kEntryMasked = 1;

}  // namespace

Interrupts::Interrupts(Function& function, ConfigView& config)
    : function_(function), config_(config), vectors_(kIrqTypes) {
  const auto read = [&](unsigned offset) { return function_.config_read(offset, 4); };
  if (const auto msix = pcie::find_capability(read, config::kCapMsix)) {
    capability_ = *msix;
    const std::uint32_t table = read(capability_ + config::kMsixTable);
    table_bar_ = table & 7;
    table_offset_ = table & ~7u;
    vectors_[kIrqMsix].resize((read_control() & config::kMsixControlTableSize) + 1);
  }
  const bool pin = function_.config_read(config::kInterruptPin, 1) != 0;
  vectors_[kIrqIntx].resize(pin ? 1 : 0);
  vectors_[kIrqError].resize(1);
}

std::uint32_t Interrupts::count(std::uint32_t type) const {
  return static_cast<std::uint32_t>(vectors_.at(type).size());
}

std::uint32_t Interrupts::flags(std::uint32_t type) const {
  if (type == kIrqIntx) return kIrqEventfd | kIrqMaskable | kIrqAutomasked;
  if (type == kIrqMsix) return kIrqEventfd | kIrqMaskable;
  return kIrqEventfd | kIrqNoresize;
}

bool Interrupts::holds_table(unsigned bar, std::uint64_t offset, std::uint64_t size) const {
  const std::uint64_t bytes = count(kIrqMsix) * kEntryBytes;
  return capability_ != 0 && bar == table_bar_ && offset < table_offset_ + bytes && offset + size > table_offset_;
}

int Interrupts::set(const SetIrqs& request, std::vector<FileDescriptor> descriptors) {
  const IrqSet& set = request.set;
  std::vector<Vector>& vectors = vectors_.at(set.index);
  const std::uint32_t action = set.flags & kIrqActions;
  const std::uint32_t data = set.flags & kIrqDataMask;
  if (set.start >= vectors.size() || set.count > vectors.size() - set.start) return EINVAL;
  if (set.count == 0) {
    if (set.index == kIrqMsix) turn_off();
    disconnect(vectors);
    return 0;
  }
  if (action == kIrqActionTrigger && data == kIrqDataEventfd) {
    return connect(set.index, set.start, set.count, std::move(descriptors));
  }
  const bool maskable = set.index == kIrqMsix || set.index == kIrqIntx;
  if (data == kIrqDataEventfd || (action != kIrqActionTrigger && !maskable)) return ENOTTY;
  if (action == kIrqActionTrigger && set.index == kIrqMsix && !on_) return EINVAL;
  for (std::uint32_t i = 0; i < set.count; ++i) {
    if (data == kIrqDataBool && !request.booleans[i]) continue;
    const std::uint32_t index = set.start + i;
    if (action == kIrqActionTrigger) {
      if (vectors[index].event) vectors[index].event->signal();
      continue;
    }
    vectors[index].masked = action == kIrqActionMask;
  }
  if (action != kIrqActionTrigger && set.index == kIrqMsix) set_masks(set.start, set.count);
  return 0;
}

int Interrupts::connect(std::uint32_t type, std::uint32_t first, std::uint32_t count,
                        std::vector<FileDescriptor> descriptors) {
  std::vector<std::optional<EventFile>> events;
  for (FileDescriptor& descriptor : descriptors) {
    events.push_back(EventFile::take(std::move(descriptor)));
    if (!events.back()) return EINVAL;
  }
  events.resize(count);
  // A function level reset, and the client's own write of Message Control, turn it off past this object.
  const bool off = type == kIrqMsix && (!on_ || (read_control() & config::kMsixControlEnable) == 0);
  if (off && config_.asleep()) return EINVAL;
  if (off) turn_on();
  for (std::uint32_t i = 0; i < count; ++i) vectors_[type][first + i].event = std::move(events[i]);
  if (type == kIrqMsix) set_masks(first, count);
  return 0;
}

std::uint32_t Interrupts::read_control() { return function_.config_read(capability_ + config::kMsixControl, 2); }

void Interrupts::write_control(std::uint32_t value) {
  function_.config_write(capability_ + config::kMsixControl, 2, value);
}

// Entries are written while they are masked, and nobody can be told what is not there yet.
void Interrupts::turn_on() {
  on_ = true;
  const std::uint32_t control = read_control();
  write_control(control | config::kMsixControlEnable);
  fill_table();
}

void Interrupts::turn_off() {
  if (!on_) return;
  on_ = false;
  disconnect(vectors_[kIrqMsix]);
  set_masks(0, count(kIrqMsix));
  write_control(read_control() & ~std::uint32_t{config::kMsixControlEnable});
}

// In D3hot the table cannot be reached; whoever wakes the function has it filled.
void Interrupts::fill_table() {
  if (config_.asleep()) return;
  const ConfigView::MemoryDecode decode{config_};
  for (std::uint32_t vector = 0; vector < count(kIrqMsix); ++vector) program(vector);
}

void Interrupts::set_masks(std::uint32_t first, std::uint32_t count) {
  if (config_.asleep()) return;
  const ConfigView::MemoryDecode decode{config_};
  for (std::uint32_t i = 0; i < count; ++i) set_mask(first + i);
}

void Interrupts::program(std::uint32_t vector) {
  const std::uint64_t entry = table_offset_ + vector * kEntryBytes;
  const InterruptMessage message = function_.message(vector);
  set_mask(vector);
  function_.store(table_bar_, entry + kEntryAddress, 4, message.address & 0xffff'ffff);
  function_.store(table_bar_, entry + kEntryAddressHigh, 4, message.address >> 32);
  function_.store(table_bar_, entry + kEntryData, 4, message.data);
}

void Interrupts::set_mask(std::uint32_t vector) {
  const Vector& state = vectors_[kIrqMsix][vector];
  const bool masked = state.masked || !state.event;
  function_.store(table_bar_, table_offset_ + vector * kEntryBytes + kEntryControl, 4, masked ? kEntryMasked : 0);
}

void Interrupts::restore() {
  if (on_) fill_table();
}

void Interrupts::clear() {
  turn_off();
  for (auto& vectors : vectors_) disconnect(vectors);
}

// Interrupts that wait are nobody's any more.
void Interrupts::disconnect(std::vector<Vector>& vectors) {
  for (Vector& vector : vectors) {
    waiting_ -= (vector.oldest ? 1u : 0u) + (vector.newest ? 1u : 0u);
    vector = Vector{};
  }
}

void Interrupts::raise(std::uint32_t type, std::uint32_t index, std::uint64_t after) {
  if (index >= vectors_[type].size()) return;
  Vector& vector = vectors_[type][index];
  std::optional<std::uint64_t>& place = vector.oldest ? vector.newest : vector.oldest;
  if (!place) ++waiting_;
  place = after;
}

void Interrupts::release(std::uint64_t answered) {
  if (waiting_ == 0) return;
  for (auto& vectors : vectors_) {
    for (Vector& vector : vectors) {
      while (vector.oldest && *vector.oldest <= answered) {
        if (vector.event) vector.event->signal();
        vector.oldest = std::exchange(vector.newest, std::nullopt);
        --waiting_;
      }
    }
  }
}

}  // namespace holdover::serve
