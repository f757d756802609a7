// SPDX-License-Identifier: MIT
#include "serve/vfio_user/config_view.h"

#include <algorithm>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::serve {
namespace {

namespace config = pcie::config;

constexpr unsigned kBars = 6;
constexpr unsigned kBarsEnd = config::kBar0 + 4 * kBars;
// The endpoint's function level reset takes no longer (docs/architecture.md, section 3).
constexpr Time kLongestReset{Time{4000} * 10'000};
constexpr Time kPoll = 1_us;
constexpr unsigned kMostPendingPolls = 100;

// The largest power of two that divides `offset`, at most 4 and no more than `left`.
unsigned step(unsigned offset, std::size_t left) {
  unsigned size = offset % 4 == 0 ? 4 : offset % 2 == 0 ? 2 : 1;
  while (size > left) size /= 2;
  return size;
}

}  // namespace

ConfigView::ConfigView(Function& function) : function_(function) {
  const auto read = [&](unsigned offset) { return function_.config_read(offset, 4); };
  express_ = pcie::find_capability(read, config::kCapExpress).value_or(0);
  power_ = pcie::find_capability(read, config::kCapPowerManagement).value_or(0);
  msix_ = pcie::find_capability(read, config::kCapMsix).value_or(0);
  aer_ = pcie::find_extended_capability(read, config::kExtCapAer).value_or(0);
  flr_ = express_ != 0 && (read(express_ + config::kExpressDeviceCapabilities) & config::kDeviceCapabilitiesFlr) != 0;
  for (const FunctionBar& bar : function_.bars()) {
    const std::uint64_t mask = ~(bar.size - 1);
    masks_[bar.index] = static_cast<std::uint32_t>(mask) & ~0xfu;
    types_[bar.index] = bar.type;
    machine_[bar.index] = static_cast<std::uint32_t>(bar.address) | bar.type;
    if (bar.wide) {
      masks_[bar.index + 1] = static_cast<std::uint32_t>(mask >> 32);
      machine_[bar.index + 1] = static_cast<std::uint32_t>(bar.address >> 32);
    }
  }
  bars_ = types_;
  if (express_ != 0) {
    payload_ = function_.config_read(express_ + config::kExpressDeviceControl, 2) & config::kDeviceControlMaxPayload;
  }
  firmware_ = settings();
}

void ConfigView::read(unsigned offset, std::span<std::byte> data) {
  while (!data.empty()) {
    const unsigned size = step(offset, data.size());
    const std::uint32_t value = read_register(offset, size);
    for (unsigned i = 0; i < size; ++i) data[i] = static_cast<std::byte>(value >> (8 * i));
    data = data.subspan(size);
    offset += size;
  }
}

std::uint32_t ConfigView::read_register(unsigned offset, unsigned size) {
  const std::uint32_t ones = size == 4 ? ~0u : (1u << (8 * size)) - 1;
  if (offset >= config::kBar0 && offset < kBarsEnd) {
    return bars_[(offset - config::kBar0) / 4] >> (8 * (offset % 4)) & ones;
  }
  std::uint32_t value = function_.config_read(offset, size);
  const unsigned control = express_ + config::kExpressDeviceControl;
  if (express_ != 0 && offset == control) value = (value & ~std::uint32_t{config::kDeviceControlMaxPayload}) | payload_;
  return value;
}

void ConfigView::write(unsigned offset, std::span<const std::byte> data, const std::function<void()>& when_ready) {
  while (!data.empty()) {
    const unsigned size = step(offset, data.size());
    std::uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i) value |= std::to_integer<std::uint32_t>(data[i]) << (8 * i);
    write_register(offset, size, value, when_ready);
    data = data.subspan(size);
    offset += size;
  }
}

void ConfigView::write_bar(unsigned index, unsigned shift, unsigned size, std::uint32_t value) {
  const std::uint32_t lanes = (size == 4 ? ~0u : (1u << (8 * size)) - 1) << shift;
  const std::uint32_t written = (bars_[index] & ~lanes) | (value << shift & lanes);
  bars_[index] = (written & masks_[index]) | types_[index];
}

// Link Control and Link Control 2: ASPM and the read completion boundary among them.
bool ConfigView::of_link(unsigned offset) const {
  const unsigned word = offset & ~3u;
  return express_ != 0 &&
         (word == express_ + config::kExpressLinkControl || word == express_ + config::kExpressLinkControl2);
}

void ConfigView::write_register(unsigned offset, unsigned size, std::uint32_t value,
                                const std::function<void()>& when_ready) {
  if (offset >= config::kBar0 && offset < kBarsEnd) {
    write_bar((offset - config::kBar0) / 4, 8 * (offset % 4), size, value);
    return;
  }
  if (of_link(offset)) return;
  // A function that is about to decode memory does so where the machine looks for it.
  if (offset == config::kCommand && (value & config::kCommandMemory) != 0) restore_bars();
  const unsigned control = express_ + config::kExpressDeviceControl;
  const bool to_control = express_ != 0 && offset >= control && offset < control + 2;
  if (to_control) {
    write_device_control(offset, size, value, when_ready);
  } else if (power_ != 0 && offset == power_ + config::kPmControl) {
    write_power_state(size, value, when_ready);
  } else {
    function_.config_write(offset, size, value);
  }
}

void ConfigView::write_device_control(unsigned offset, unsigned size, std::uint32_t value,
                                      const std::function<void()>& when_ready) {
  const unsigned control = express_ + config::kExpressDeviceControl;
  if (offset == control) {
    payload_ = value & config::kDeviceControlMaxPayload;
    const std::uint32_t kept = function_.config_read(control, 1) & config::kDeviceControlMaxPayload;
    value = (value & ~std::uint32_t{config::kDeviceControlMaxPayload}) | kept;
  }
  function_.config_write(offset, size, value);
  const std::uint32_t initiates = config::kDeviceControlFlr >> (8 * (offset - control));
  if (!flr_ || (value & initiates) == 0) return;
  bars_ = types_;
  await_reset();
  when_ready();
}

// A function without No_Soft_Reset forgets everything on its way from D3hot to D0, and nothing of that is seen behind
// vfio-pci (linux vfio_pci_set_power_state()).
void ConfigView::write_power_state(unsigned size, std::uint32_t value, const std::function<void()>& when_ready) {
  const unsigned offset = power_ + config::kPmControl;
  const bool wakes = (value & config::kPmStateMask) == 0 && asleep();
  const bool forgets = wakes && (function_.config_read(offset, 2) & config::kPmNoSoftReset) == 0;
  std::vector<Setting> before;
  if (forgets) before = settings();
  function_.config_write(offset, size, value);
  if (!wakes) return;
  if (forgets) {
    await_reset();
    restore_bars();
    put_back(before);
  }
  when_ready();
}

bool ConfigView::asleep() {
  return power_ != 0 && (function_.config_read(power_ + config::kPmControl, 2) & config::kPmStateMask) != 0;
}

ConfigView::MemoryDecode::MemoryDecode(ConfigView& view)
    : view_(view), command_(view.function_.config_read(config::kCommand, 2)) {
  if ((command_ & config::kCommandMemory) != 0) return;
  view_.restore_bars();
  view_.function_.config_write(config::kCommand, 2, command_ | config::kCommandMemory);
}

ConfigView::MemoryDecode::~MemoryDecode() {
  if ((command_ & config::kCommandMemory) == 0) view_.function_.config_write(config::kCommand, 2, command_);
}

void ConfigView::restore_bars() {
  for (unsigned index = 0; index < kBars; ++index) {
    const unsigned offset = config::kBar0 + 4 * index;
    if (masks_[index] == 0 || function_.config_read(offset, 4) == machine_[index]) continue;
    function_.config_write(offset, 4, machine_[index]);
  }
}

// No request of it is under way afterwards, unless one is never answered.
void ConfigView::quiesce() {
  function_.config_write(config::kCommand, 2, config::kCommandIntxDisable);
  for (unsigned poll = 0; poll < kMostPendingPolls; ++poll) {
    const std::uint32_t status = function_.config_read(express_ + config::kExpressDeviceStatus, 2);
    if ((status & config::kDeviceStatusTransactionsPending) == 0) return;
    function_.wait(kPoll);
  }
}

void ConfigView::start_reset() {
  quiesce();
  const unsigned control = express_ + config::kExpressDeviceControl;
  function_.config_write(control, 2, function_.config_read(control, 2) | config::kDeviceControlFlr);
  await_reset();
}

void ConfigView::await_reset() { function_.wait(kLongestReset); }

std::vector<ConfigView::Setting> ConfigView::settings() {
  std::vector<Setting> found;
  const auto add = [&](unsigned offset, unsigned size) {
    found.push_back({offset, size, function_.config_read(offset, size)});
  };
  if (express_ != 0) {
    for (const unsigned control : {config::kExpressDeviceControl, config::kExpressLinkControl,
                                   config::kExpressDeviceControl2, config::kExpressLinkControl2}) {
      add(express_ + control, 2);
    }
  }
  if (aer_ != 0) {
    for (const unsigned control :
         {config::kAerUncorrectableMask, config::kAerUncorrectableSeverity, config::kAerCorrectableMask}) {
      add(aer_ + control, 4);
    }
  }
  if (msix_ != 0) add(msix_ + config::kMsixControl, 2);
  add(config::kCacheLineSize, 1);
  add(config::kInterruptLine, 1);
  add(config::kCommand, 2);
  return found;
}

void ConfigView::put_back(const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) function_.config_write(setting.offset, setting.size, setting.value);
}

// Bits that are cleared by writing 1. A reset may itself have left some: answers that came too late for it.
void ConfigView::clear_errors() {
  if (aer_ != 0) {
    function_.config_write(aer_ + config::kAerUncorrectableStatus, 4, ~std::uint32_t{0});
    function_.config_write(aer_ + config::kAerCorrectableStatus, 4, ~std::uint32_t{0});
  }
  if (express_ != 0) {
    function_.config_write(express_ + config::kExpressDeviceStatus, 2, config::kDeviceStatusErrors);
  }
  function_.config_write(config::kStatus, 2, config::kStatusErrors);
}

void ConfigView::reset() {
  HOLDOVER_CHECK(flr_);
  const std::vector<Setting> before = settings();
  start_reset();
  restore_bars();
  put_back(before);
}

void ConfigView::reset_to_firmware() {
  start_reset();
  restore_bars();
  put_back(firmware_);
  clear_errors();
  bars_ = types_;
  payload_ = function_.config_read(express_ + config::kExpressDeviceControl, 2) & config::kDeviceControlMaxPayload;
}

}  // namespace holdover::serve
