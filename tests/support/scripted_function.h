// SPDX-License-Identifier: MIT
// A PCI function without a machine: configuration space and BARs as memory, and a log of what reached them.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "pcie/config_space.h"
#include "serve/vfio_user/function.h"

namespace holdover::serve {

class ScriptedFunction final : public Function {
 public:
  static constexpr unsigned kPower = 0x40;
  static constexpr unsigned kMsix = 0x50;
  static constexpr unsigned kExpress = 0x70;
  static constexpr unsigned kAer = 0x100;
  static constexpr unsigned kTable = 0x1000;
  static constexpr unsigned kVectors = 4;
  static constexpr std::uint32_t kBar0Address = 0xe000'0000;

  explicit ScriptedFunction(bool no_soft_reset = true)
      : space_(pcie::config::kSpaceBytes), fixed_(space_.size()), cleared_(space_.size()), bar_(0x2000) {
    namespace config = pcie::config;
    put(config::kVendorId, 0x0d17'1172);
    put(config::kStatus - 2, std::uint32_t{config::kStatusCapabilityList} << 16);
    put(config::kBar0, kBar0Address);
    put(config::kCapabilityPointer, kPower);
    put(kPower, config::kCapPowerManagement | kMsix << 8);
    put(kPower + config::kPmControl, no_soft_reset ? config::kPmNoSoftReset : 0);
    put(kMsix, config::kCapMsix | kExpress << 8 | (kVectors - 1) << 16);
    put(kMsix + config::kMsixTable, kTable);
    put(kExpress, config::kCapExpress | 2 << 16);
    put(kExpress + config::kExpressDeviceCapabilities, config::kDeviceCapabilitiesFlr);
    put(kExpress + config::kExpressDeviceControl, 0x20);
    put(kAer, config::kExtCapAer | 1 << 16);
    put(kAer + config::kAerUncorrectableSeverity, config::kAerMalformed);
    put(kAer + config::kAerCorrectableMask, config::kAerAdvisoryNonFatal);
    fix(kPower + config::kPmControl, config::kPmNoSoftReset, 0);
    fix(config::kCommand, 0xffff'0000, std::uint32_t{config::kStatusErrors} << 16);
    fix(kExpress + config::kExpressDeviceControl, 0xffff'0000, std::uint32_t{config::kDeviceStatusErrors} << 16);
    fix(kAer + config::kAerUncorrectableStatus, ~0u, ~0u);
    fix(kAer + config::kAerCorrectableStatus, ~0u, ~0u);
    for (unsigned vector = 0; vector < kVectors; ++vector) bar_[kTable + 16 * vector + 12] = 1;
    bars_.push_back({0, false, 0, bar_.size(), kBar0Address});
  }

  [[nodiscard]] std::uint32_t config_read(unsigned offset, unsigned size) override {
    std::uint32_t value = 0;
    std::memcpy(&value, space_.data() + offset, size);
    if (meanwhile) meanwhile();
    return value;
  }
  void config_write(unsigned offset, unsigned size, std::uint32_t value) override {
    log.push_back("config " + std::to_string(offset) + " " + std::to_string(size) + " " + std::to_string(value));
    const bool was_asleep = asleep();
    for (unsigned i = offset; i < offset + size; ++i, value >>= 8) {
      const auto written = static_cast<std::uint8_t>(value);
      const auto kept = static_cast<std::uint8_t>(space_[i] & fixed_[i] & ~(written & cleared_[i]));
      space_[i] = static_cast<std::uint8_t>(kept | (written & ~fixed_[i]));
    }
    const unsigned control = kExpress + pcie::config::kExpressDeviceControl;
    const bool soft = (get(kPower + pcie::config::kPmControl) & pcie::config::kPmNoSoftReset) == 0;
    if ((get(control) & pcie::config::kDeviceControlFlr) != 0 || (was_asleep && !asleep() && soft)) reset();
    if (meanwhile) meanwhile();
  }
  [[nodiscard]] std::uint64_t load(unsigned bar, std::uint64_t offset, unsigned size) override {
    log.push_back("load " + std::to_string(bar) + " " + std::to_string(offset) + " " + std::to_string(size));
    std::uint64_t value = ~std::uint64_t{0};
    if (!asleep()) std::memcpy(&value, bar_.data() + offset, size);
    return value;
  }
  void store(unsigned bar, std::uint64_t offset, unsigned size, std::uint64_t value) override {
    log.push_back("store " + std::to_string(bar) + " " + std::to_string(offset) + " " + std::to_string(size));
    if (asleep() || (get(pcie::config::kCommand) & pcie::config::kCommandMemory) == 0) {
      ++unclaimed;
    }
    if (asleep()) return;
    std::memcpy(bar_.data() + offset, &value, size);
  }
  [[nodiscard]] const std::vector<FunctionBar>& bars() const override { return bars_; }
  [[nodiscard]] InterruptMessage message(unsigned vector) const override { return {0xfee0'0000, 0x20 + vector}; }
  [[nodiscard]] pcie::RequesterId requester() const override { return 0x0100; }
  [[nodiscard]] Time now() override { return now_; }
  void wait(Time duration) override {
    now_ += duration;
    if (meanwhile) meanwhile();
  }

  [[nodiscard]] std::uint32_t get(unsigned offset) const {
    std::uint32_t value = 0;
    std::memcpy(&value, space_.data() + (offset & ~3u), sizeof value);
    return value >> (8 * (offset % 4));
  }
  void put(unsigned offset, std::uint32_t value) { std::memcpy(space_.data() + offset, &value, sizeof value); }
  [[nodiscard]] bool asleep() const {
    return (get(kPower + pcie::config::kPmControl) & pcie::config::kPmStateMask) != 0;
  }
  // Whether this vector's entry lets messages through.
  [[nodiscard]] bool unmasked(unsigned vector) const { return (bar_[kTable + 16 * vector + 12] & 1) == 0; }

  std::vector<std::string> log;
  unsigned resets = 0;
  unsigned unclaimed = 0;  // stores while memory decode was off, or in D3hot
  // What the function does by itself, called in each access to configuration space and in each wait.
  std::function<void()> meanwhile;

 private:
  // Bits of a register that writes do not change, and those that writing 1 clears.
  void fix(unsigned offset, std::uint32_t fixed, std::uint32_t cleared) {
    std::memcpy(fixed_.data() + offset, &fixed, sizeof fixed);
    std::memcpy(cleared_.data() + offset, &cleared, sizeof cleared);
  }
  // A function level reset keeps the payload size, the controls of the link and what is sticky.
  void reset() {
    namespace config = pcie::config;
    ++resets;
    put(kPower + config::kPmControl, get(kPower + config::kPmControl) & config::kPmNoSoftReset);
    put(config::kCommand, std::uint32_t{config::kStatusCapabilityList} << 16);
    put(config::kBar0, 0);
    put(kMsix, config::kCapMsix | kExpress << 8 | (kVectors - 1) << 16);
    const unsigned control = kExpress + config::kExpressDeviceControl;
    put(control, get(control) & config::kDeviceControlMaxPayload);
    std::fill(bar_.begin(), bar_.end(), std::uint8_t{0});
    for (unsigned vector = 0; vector < kVectors; ++vector) bar_[kTable + 16 * vector + 12] = 1;
  }

  std::vector<std::uint8_t> space_;
  std::vector<std::uint8_t> fixed_;
  std::vector<std::uint8_t> cleared_;
  std::vector<std::uint8_t> bar_;
  std::vector<FunctionBar> bars_;
  Time now_;
};

}  // namespace holdover::serve
