// SPDX-License-Identifier: MIT
#include "bench/ledger/endpoint_registers.h"

#include <algorithm>

#include "host/driver/endpoint_regs.h"

namespace holdover::bench {

namespace regs = host::regs;

EndpointRegisters::EndpointRegisters() : values_(regs::kBarBytes / 4) { reset(); }

void EndpointRegisters::reset() {
  std::fill(values_.begin(), values_.end(), 0u);
  values_[regs::heartbeat_writer::kPeriod / 4] = regs::heartbeat_writer::kPeriodReset;
  values_[regs::heartbeat_writer::kInterruptEvery / 4] = regs::heartbeat_writer::kInterruptEveryReset;
  values_[regs::heartbeat_reader::kPeriod / 4] = regs::heartbeat_reader::kPeriodReset;
  for (std::uint32_t i = 0; i < regs::channel::kCount; ++i) {
    values_[regs::channel::moderation(i) / 4] = regs::channel::kModerationReset;
  }
  for (std::uint32_t i = 0; i < regs::msix_table::kVectorControlCount; ++i) {
    values_[regs::msix_table::vector_control(i) / 4] = regs::msix_table::kVectorControlReset;
  }
}

std::optional<std::uint32_t> EndpointRegisters::offset_of(std::uint64_t address) const {
  if (base_ == 0 || address < base_ || address - base_ >= regs::kBarBytes) return std::nullopt;
  return static_cast<std::uint32_t>(address - base_);
}

std::vector<EndpointRegisters::Write> EndpointRegisters::on_request(const pcie::Tlp& tlp) {
  std::vector<Write> writes;
  if (tlp.kind != pcie::TlpKind::MemoryWrite || base_ == 0 || tlp.address < base_) return writes;
  std::uint64_t offset = tlp.address - base_;
  for (std::size_t dword = 0; dword * 4 < tlp.payload.size() && offset < regs::kBarBytes; ++dword, offset += 4) {
    const bool last = dword + 1 == tlp.length_dw;
    const unsigned enables = dword == 0 ? tlp.first_be : last ? tlp.last_be : 0xf;
    std::uint32_t value = values_[offset / 4];
    for (unsigned byte = 0; byte < 4; ++byte) {
      if (((enables >> byte) & 1) == 0) continue;
      const auto part = std::to_integer<std::uint32_t>(tlp.payload[dword * 4 + byte]);
      value = (value & ~(0xffu << (8 * byte))) | (part << (8 * byte));
    }
    if (enables == 0) continue;
    values_[offset / 4] = value;
    writes.push_back({static_cast<std::uint32_t>(offset), value});
  }
  return writes;
}

}  // namespace holdover::bench
