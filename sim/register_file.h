// SPDX-License-Identifier: MIT
// Configuration space of a port: its bytes, and what a write may do to each bit (PCIe 5.0, 7.4).
#pragma once

#include <array>
#include <cstdint>

#include "pcie/config_space.h"

namespace holdover::sim {

class RegisterFile {
 public:
  enum class Keep { No, Sticky };  // whether a conventional reset leaves the field alone

  // A field of 1 to 4 bytes. `writable` bits take what is written; `clear_on_one` bits are cleared by writing 1; all
  // others are read-only.
  void define(unsigned offset, unsigned size, std::uint32_t reset, std::uint32_t writable = 0,
              std::uint32_t clear_on_one = 0, Keep keep = Keep::No) {
    for (unsigned i = 0; i < size; ++i) {
      reset_[offset + i] = static_cast<std::uint8_t>(reset >> (8 * i));
      writable_[offset + i] = static_cast<std::uint8_t>(writable >> (8 * i));
      clear_on_one_[offset + i] = static_cast<std::uint8_t>(clear_on_one >> (8 * i));
      sticky_[offset + i] = keep == Keep::Sticky;
    }
  }
  void power_on() { bytes_ = reset_; }
  // Of one field, defined later than the others.
  void power_on(unsigned offset, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes_[offset + i] = reset_[offset + i];
  }
  void reset() {
    for (unsigned i = 0; i < bytes_.size(); ++i) {
      if (!sticky_[i]) bytes_[i] = reset_[i];
    }
  }

  [[nodiscard]] std::uint8_t byte(unsigned offset) const { return bytes_[offset]; }
  [[nodiscard]] std::uint16_t word(unsigned offset) const {
    return static_cast<std::uint16_t>(bytes_[offset] | (bytes_[offset + 1] << 8));
  }
  [[nodiscard]] std::uint32_t dword(unsigned offset) const {
    return std::uint32_t{word(offset)} | (std::uint32_t{word(offset + 2)} << 16);
  }
  // What the port itself does to its registers.
  void set_word(unsigned offset, std::uint16_t value) {
    bytes_[offset] = static_cast<std::uint8_t>(value);
    bytes_[offset + 1] = static_cast<std::uint8_t>(value >> 8);
  }
  void set_dword(unsigned offset, std::uint32_t value) {
    set_word(offset, static_cast<std::uint16_t>(value));
    set_word(offset + 2, static_cast<std::uint16_t>(value >> 16));
  }
  void set_bits(unsigned offset, std::uint16_t bits) {
    set_word(offset, static_cast<std::uint16_t>(word(offset) | bits));
  }

  // A configuration write of the double word at `offset`.
  void write(unsigned offset, unsigned byte_enables, std::uint32_t data) {
    for (unsigned i = 0; i < 4; ++i) {
      if ((byte_enables >> i & 1) == 0) continue;
      const auto value = static_cast<std::uint8_t>(data >> (8 * i));
      std::uint8_t& byte = bytes_[offset + i];
      byte = static_cast<std::uint8_t>((byte & ~writable_[offset + i]) | (value & writable_[offset + i]));
      byte = static_cast<std::uint8_t>(byte & ~(value & clear_on_one_[offset + i]));
    }
  }

 private:
  std::array<std::uint8_t, pcie::config::kSpaceBytes> bytes_{};
  std::array<std::uint8_t, pcie::config::kSpaceBytes> reset_{};
  std::array<std::uint8_t, pcie::config::kSpaceBytes> writable_{};
  std::array<std::uint8_t, pcie::config::kSpaceBytes> clear_on_one_{};
  std::array<bool, pcie::config::kSpaceBytes> sticky_{};
};

}  // namespace holdover::sim
