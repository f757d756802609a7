// SPDX-License-Identifier: MIT
// The input pins of an endpoint as plain memory, and the file that keeps them clock by clock.
//
// File: magic «HOLDPINS», then per clock a mask (u32, little-endian) of the 16-byte parts of InputPins that changed,
// and those parts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pcie/error.h"

namespace holdover::sim {

struct alignas(16) InputPins {
  static constexpr std::size_t kDataWords = 16;  // of the widest model
  struct RxStream {
    std::array<std::uint32_t, 4> header{};
    std::array<std::uint32_t, kDataWords> data{};
    std::uint8_t valid = 0;
    std::uint8_t sop = 0;
    std::uint8_t eop = 0;
    std::array<std::uint8_t, 13> unused{};
  };
  std::array<RxStream, 3> rx{};
  std::array<std::uint8_t, 3> tx_ready{};
  std::uint8_t np_limit = 0;
  std::uint16_t posted_sent = 0;
  std::uint8_t reset_n = 0;
  std::uint8_t hot_reset = 0;
  std::uint8_t link_up = 1;
  std::uint8_t message_ready = 0;
  std::array<std::uint8_t, 6> unused{};
};

inline constexpr std::size_t kPinPart = 16;
inline constexpr std::size_t kPinParts = sizeof(InputPins) / kPinPart;
static_assert(sizeof(InputPins) % kPinPart == 0 && kPinParts <= 32);
inline constexpr std::array<char, 8> kPinMagic{'H', 'O', 'L', 'D', 'P', 'I', 'N', 'S'};

class PinRecorder {
 public:
  explicit PinRecorder(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
    file_.write(kPinMagic.data(), kPinMagic.size());
    check();
  }
  void add(const InputPins& pins) {
    std::uint32_t mask = 0;
    std::array<char, sizeof(mask) + sizeof(InputPins)> record{};
    std::size_t size = sizeof mask;
    std::array<char, sizeof(InputPins)> now{};
    std::memcpy(now.data(), &pins, sizeof pins);
    for (std::size_t part = 0; part < kPinParts; ++part) {
      if (std::memcmp(&now[part * kPinPart], &last_[part * kPinPart], kPinPart) == 0) continue;
      mask |= 1u << part;
      std::memcpy(&record[size], &now[part * kPinPart], kPinPart);
      size += kPinPart;
    }
    last_ = now;
    std::memcpy(record.data(), &mask, sizeof mask);
    file_.write(record.data(), static_cast<std::streamsize>(size));
  }
  void flush() {
    file_.flush();
    check();
  }

 private:
  void check() const {
    if (!file_) throw Error(ErrorCode::Unavailable, "The pin record " + path_.string() + " cannot be written.");
  }

  std::filesystem::path path_;
  std::ofstream file_;
  std::array<char, sizeof(InputPins)> last_{};
};

}  // namespace holdover::sim
