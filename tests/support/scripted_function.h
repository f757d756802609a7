// SPDX-License-Identifier: MIT
// A PCI function without a machine: configuration space and BARs as memory, and a log of what reached them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "pcie/config_space.h"
#include "serve/vfio_user/function.h"

namespace holdover::serve {

class ScriptedFunction final : public Function {
 public:
  static constexpr unsigned kMsix = 0x50;
  static constexpr unsigned kExpress = 0x70;
  static constexpr unsigned kTable = 0x1000;
  static constexpr unsigned kVectors = 4;
  static constexpr std::uint32_t kBar0Address = 0xe000'0000;

  ScriptedFunction() : space_(pcie::config::kSpaceBytes), bar_(0x2000) {
    namespace config = pcie::config;
    put(config::kVendorId, 0x0d17'1172);
    put(config::kStatus - 2, std::uint32_t{config::kStatusCapabilityList} << 16);
    put(config::kBar0, kBar0Address);
    put(config::kCapabilityPointer, kMsix);
    put(kMsix, config::kCapMsix | kExpress << 8 | (kVectors - 1) << 16);
    put(kMsix + config::kMsixTable, kTable);
    put(kExpress, config::kCapExpress | 2 << 16);
    put(kExpress + config::kExpressDeviceCapabilities, config::kDeviceCapabilitiesFlr);
    put(kExpress + config::kExpressDeviceControl, 0x20);
    for (unsigned vector = 0; vector < kVectors; ++vector) bar_[kTable + 16 * vector + 12] = 1;
    bars_.push_back({0, false, 0, bar_.size(), kBar0Address});
  }

  [[nodiscard]] std::uint32_t config_read(unsigned offset, unsigned size) override {
    std::uint32_t value = 0;
    std::memcpy(&value, space_.data() + offset, size);
    return value;
  }
  void config_write(unsigned offset, unsigned size, std::uint32_t value) override {
    log.push_back("config " + std::to_string(offset) + " " + std::to_string(size) + " " + std::to_string(value));
    std::memcpy(space_.data() + offset, &value, size);
    const unsigned control = kExpress + pcie::config::kExpressDeviceControl;
    if ((get(control) & pcie::config::kDeviceControlFlr) != 0) reset();
  }
  [[nodiscard]] std::uint64_t load(unsigned bar, std::uint64_t offset, unsigned size) override {
    log.push_back("load " + std::to_string(bar) + " " + std::to_string(offset) + " " + std::to_string(size));
    std::uint64_t value = 0;
    std::memcpy(&value, bar_.data() + offset, size);
    return value;
  }
  void store(unsigned bar, std::uint64_t offset, unsigned size, std::uint64_t value) override {
    log.push_back("store " + std::to_string(bar) + " " + std::to_string(offset) + " " + std::to_string(size));
    if ((get(pcie::config::kCommand) & pcie::config::kCommandMemory) == 0) ++unclaimed;
    std::memcpy(bar_.data() + offset, &value, size);
  }
  [[nodiscard]] const std::vector<FunctionBar>& bars() const override { return bars_; }
  [[nodiscard]] InterruptMessage message(unsigned vector) const override { return {0xfee0'0000, 0x20 + vector}; }
  [[nodiscard]] pcie::RequesterId requester() const override { return 0x0100; }
  [[nodiscard]] Time now() override { return now_; }
  void wait(Time duration) override { now_ += duration; }

  [[nodiscard]] std::uint32_t get(unsigned offset) { return config_read(offset & ~3u, 4) >> (8 * (offset % 4)); }
  void put(unsigned offset, std::uint32_t value) { std::memcpy(space_.data() + offset, &value, sizeof value); }
  // Whether this vector's entry lets messages through.
  [[nodiscard]] bool unmasked(unsigned vector) const { return (bar_[kTable + 16 * vector + 12] & 1) == 0; }

  std::vector<std::string> log;
  unsigned resets = 0;
  unsigned unclaimed = 0;  // stores while memory decode was off

 private:
  // What a function level reset leaves of it: nothing but the payload size.
  void reset() {
    namespace config = pcie::config;
    ++resets;
    put(config::kCommand, std::uint32_t{config::kStatusCapabilityList} << 16);
    put(config::kBar0, 0);
    put(kMsix, config::kCapMsix | kExpress << 8 | (kVectors - 1) << 16);
    const unsigned control = kExpress + config::kExpressDeviceControl;
    put(control, get(control) & config::kDeviceControlMaxPayload);
    std::fill(bar_.begin(), bar_.end(), std::uint8_t{0});
    for (unsigned vector = 0; vector < kVectors; ++vector) bar_[kTable + 16 * vector + 12] = 1;
  }

  std::vector<std::uint8_t> space_;
  std::vector<std::uint8_t> bar_;
  std::vector<FunctionBar> bars_;
  Time now_;
};

}  // namespace holdover::serve
