// SPDX-License-Identifier: MIT
// The host's accesses to the endpoint: configuration space, registers, card memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "pcie/config_space.h"
#include "tests/rtl/core_bench.h"

namespace holdover::rtl_test {

using pcie::Tlp;
using pcie::TlpKind;

void CoreBench::config_write(unsigned offset, std::uint32_t value, std::uint8_t byte_enables) {
  Tlp tlp;
  tlp.kind = TlpKind::ConfigWrite0;
  tlp.length_dw = 1;
  tlp.first_be = byte_enables;
  tlp.target = bdf;
  tlp.register_offset = static_cast<std::uint16_t>(offset & ~3u);
  tlp.payload.resize(4);
  std::memcpy(tlp.payload.data(), &value, 4);
  config_request_ = tlp;
  ASSERT_TRUE(run_until([this] { return !config_answers_.empty(); }, 20'000))
      << "no completion for a configuration write";
  config_answers_.pop_front();
}

std::uint32_t CoreBench::config_read(unsigned offset) {
  Tlp tlp;
  tlp.kind = TlpKind::ConfigRead0;
  tlp.length_dw = 1;
  tlp.first_be = 0xf;
  tlp.target = bdf;
  tlp.register_offset = static_cast<std::uint16_t>(offset & ~3u);
  config_request_ = tlp;
  if (!run_until([this] { return !config_answers_.empty(); }, 20'000)) {
    ADD_FAILURE() << "no completion for a configuration read";
    return ~0u;
  }
  std::uint32_t value = ~0u;
  if (config_answers_.front().payload.size() == 4) std::memcpy(&value, config_answers_.front().payload.data(), 4);
  config_answers_.pop_front();
  return value;
}

void CoreBench::set_bus_master(bool on) {
  config_write(pcie::config::kCommand, pcie::config::kCommandMemory | (on ? pcie::config::kCommandBusMaster : 0u), 0x3);
}

void CoreBench::send_request(const Tlp& tlp) {
  request_ = tlp;
  request_beat_ = 0;
  ASSERT_TRUE(run_until([this] { return !request_.has_value(); }, 20'000)) << "rx_req is stuck";
}

Tlp CoreBench::await_completion() {
  if (!run_until([this] { return !answers_.empty(); }, 20'000)) {
    ADD_FAILURE() << "no completion for a read of a BAR";
    return Tlp{};
  }
  Tlp tlp = answers_.front();
  answers_.pop_front();
  return tlp;
}

void CoreBench::begin_read(std::uint64_t address, std::uint16_t length_dw) {
  Tlp tlp;
  tlp.kind = TlpKind::MemoryRead;
  tlp.length_dw = length_dw;
  tlp.first_be = 0xf;
  tlp.last_be = length_dw > 1 ? 0xf : 0;
  tlp.address = address;
  send_request(tlp);
}

std::optional<Tlp> CoreBench::take_completion() {
  if (answers_.empty()) return std::nullopt;
  Tlp tlp = answers_.front();
  answers_.pop_front();
  return tlp;
}

void CoreBench::write(std::uint32_t offset, std::uint32_t value) {
  Tlp tlp;
  tlp.kind = TlpKind::MemoryWrite;
  tlp.length_dw = 1;
  tlp.first_be = 0xf;
  tlp.address = kBar0 + offset;
  tlp.payload.resize(4);
  std::memcpy(tlp.payload.data(), &value, 4);
  send_request(tlp);
}

void CoreBench::write64(std::uint32_t offset, std::uint64_t value) {
  write(offset, static_cast<std::uint32_t>(value));
  write(offset + 4, static_cast<std::uint32_t>(value >> 32));
}

std::uint32_t CoreBench::read(std::uint32_t offset) {
  begin_read(kBar0 + offset);
  const Tlp completion = await_completion();
  std::uint32_t value = ~0u;
  if (completion.payload.size() == 4) std::memcpy(&value, completion.payload.data(), 4);
  return value;
}

std::uint64_t CoreBench::read64(std::uint32_t offset) {
  const std::uint64_t low = read(offset);
  return low | (std::uint64_t{read(offset + 4)} << 32);
}

void CoreBench::fill_card(std::uint64_t offset, std::span<const std::byte> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(128, bytes.size() - done);
    Tlp tlp;
    tlp.kind = TlpKind::MemoryWrite;
    tlp.length_dw = static_cast<std::uint16_t>(size / 4);
    tlp.first_be = 0xf;
    tlp.last_be = size > 4 ? 0xf : 0;
    tlp.address = kBar2 + offset + done;
    tlp.payload.assign(bytes.begin() + static_cast<std::ptrdiff_t>(done),
                       bytes.begin() + static_cast<std::ptrdiff_t>(done + size));
    send_request(tlp);
    done += size;
  }
}

std::vector<std::byte> CoreBench::card(std::uint64_t offset, std::size_t size) {
  std::vector<std::byte> bytes;
  while (bytes.size() < size) {
    const std::size_t at = offset + bytes.size();
    const std::size_t part = std::min<std::size_t>(4096 - at % 4096, size - bytes.size());
    begin_read(kBar2 + at, static_cast<std::uint16_t>(part / 4));
    for (std::size_t left = part; left > 0;) {
      const Tlp completion = await_completion();
      if (completion.payload.empty()) {
        ADD_FAILURE() << "card memory was not readable";
        return std::vector<std::byte>(size);
      }
      bytes.insert(bytes.end(), completion.payload.begin(), completion.payload.end());
      left -= std::min(left, completion.payload.size());
    }
  }
  return bytes;
}

}  // namespace holdover::rtl_test
