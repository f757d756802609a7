// SPDX-License-Identifier: MIT
#include "sim/root_complex.h"

#include <utility>

#include "pcie/config_space.h"
#include "sim/routing.h"

namespace holdover::sim {
namespace {

constexpr std::uint64_t all_ones(unsigned size) {
  return size == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
}

// `size` little-endian bytes from byte `from` on.
std::uint64_t little_endian(std::span<const std::byte> bytes, unsigned from, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i) value |= std::to_integer<std::uint64_t>(bytes[from + i]) << (8 * i);
  return value;
}

std::vector<std::byte> double_words(std::uint64_t value, unsigned from, unsigned size) {
  std::vector<std::byte> bytes(size == 8 ? 8 : 4);
  for (unsigned i = 0; i < size; ++i) bytes[from + i] = static_cast<std::byte>(value >> (8 * i));
  return bytes;
}

pcie::Tlp memory_request(pcie::TlpKind kind, std::uint64_t address, unsigned size) {
  pcie::Tlp tlp;
  tlp.kind = kind;
  tlp.address = address & ~std::uint64_t{3};
  tlp.length_dw = size == 8 ? 2 : 1;
  tlp.first_be = static_cast<std::uint8_t>(size == 8 ? 0xf : ((1u << size) - 1) << (address & 3));
  tlp.last_be = size == 8 ? 0xf : 0;
  return tlp;
}

}  // namespace

RootComplex::RootComplex(Scheduler& scheduler, Iommu& iommu, InterruptController& interrupts)
    : scheduler_(scheduler), iommu_(iommu), interrupts_(interrupts) {}

bool RootComplex::within(BusAddress address, BusAddress base, Bytes size) {
  return address >= base && address - base < size;
}

RootPort* RootComplex::port_of_bus(std::uint8_t bus) const {
  for (RootPort* port : ports_) {
    if (port->bridge().in_d0() && port->bridge().owns_bus(bus)) return port;
  }
  return nullptr;
}

RootPort* RootComplex::port_of_address(std::uint64_t address) const {
  for (RootPort* port : ports_) {
    if (port->bridge().claims(address)) return port;
  }
  return nullptr;
}

RootPort* RootComplex::port_of_device(pcie::Bdf function) const {
  for (RootPort* port : ports_) {
    if (port->bridge().identity().device == function.device && function.function == 0) return port;
  }
  return nullptr;
}

bool RootComplex::make_room(RootPort& port, pcie::FlowClass flow) {
  const Time deadline = scheduler_.now() + kHostTimeout;
  while (!port.link().down().has_room(flow)) {
    wake_ = false;
    if (!scheduler_.run_until(deadline, wake_)) {
      ++timeouts_;
      return false;
    }
  }
  return true;
}

void RootComplex::on_completion(const pcie::Tlp& completion) {
  if (!waiting_ || completion.tag != tag_) return;  // of an access that was given up
  outcome_.status = completion.status;
  outcome_.data.insert(outcome_.data.end(), completion.payload.begin(), completion.payload.end());
  const bool last = completion.kind == pcie::TlpKind::Completion ||
                    completion.byte_count + (completion.lower_address & 3u) <= completion.payload.size();
  if (completion.poisoned) outcome_.status = pcie::CompletionStatus::CompleterAbort;
  if (last) done_ = true;
}

std::optional<RootComplex::Outcome> RootComplex::request(RootPort& port, pcie::Tlp tlp) {
  if (!port.link().is_up()) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    return std::nullopt;
  }
  if (!make_room(port, pcie::FlowClass::NonPosted)) return std::nullopt;
  tlp.tag = ++tag_;
  outcome_ = Outcome{};
  done_ = false;
  waiting_ = true;
  port.link().down().send(Packet{std::move(tlp), kFromHost});
  const bool answered = scheduler_.run_until(scheduler_.now() + kHostTimeout, done_);
  waiting_ = false;
  if (!answered) {
    ++timeouts_;
    return std::nullopt;
  }
  return std::move(outcome_);
}

std::optional<RootComplex::Outcome> RootComplex::request_config(RootPort& port, pcie::Tlp tlp) {
  const auto bus = static_cast<std::uint8_t>(tlp.target >> 8);
  if (bus == port.bridge().secondary_bus()) {
    if (!target_on_link(port.bridge(), tlp.target)) {
      scheduler_.run_until(scheduler_.now() + kRegisterTime);
      return std::nullopt;
    }
    convert_to_type0(tlp);
  }
  const Time deadline = scheduler_.now() + kHostTimeout;
  for (;;) {
    std::optional<Outcome> outcome = request(port, tlp);
    if (!outcome || outcome->status != pcie::CompletionStatus::RequestRetry) return outcome;
    if (scheduler_.now() >= deadline) return std::nullopt;
    scheduler_.run_until(scheduler_.now() + kRetryTime);
  }
}

std::uint32_t RootComplex::config_read(pcie::Bdf function, unsigned offset, unsigned size) {
  HOLDOVER_CHECK((size == 1 || size == 2 || size == 4) && offset % size == 0);
  const auto ones = static_cast<std::uint32_t>(all_ones(size));
  RootPort* port = function.bus == 0 ? port_of_device(function) : port_of_bus(function.bus);
  if (port == nullptr || function.segment != 0 || offset >= pcie::config::kSpaceBytes) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    return ones;
  }
  if (function.bus == 0) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    return (port->bridge().read(offset) >> (8 * (offset & 3))) & ones;
  }
  pcie::Tlp tlp;
  tlp.kind = pcie::TlpKind::ConfigRead1;
  tlp.length_dw = 1;
  tlp.target = function.requester_id();
  tlp.register_offset = static_cast<std::uint16_t>(offset & ~3u);
  tlp.first_be = static_cast<std::uint8_t>(((1u << size) - 1) << (offset & 3));
  const auto outcome = request_config(*port, std::move(tlp));
  if (!outcome || outcome->status != pcie::CompletionStatus::Success || outcome->data.size() < 4) return ones;
  return static_cast<std::uint32_t>(little_endian(outcome->data, offset & 3, size));
}

void RootComplex::config_write(pcie::Bdf function, unsigned offset, unsigned size, std::uint32_t value) {
  HOLDOVER_CHECK((size == 1 || size == 2 || size == 4) && offset % size == 0);
  RootPort* port = function.bus == 0 ? port_of_device(function) : port_of_bus(function.bus);
  const auto byte_enables = static_cast<std::uint8_t>(((1u << size) - 1) << (offset & 3));
  if (port == nullptr || function.segment != 0 || offset >= pcie::config::kSpaceBytes) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    return;
  }
  if (function.bus == 0) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    port->bridge().write(offset, byte_enables, value << (8 * (offset & 3)));
    return;
  }
  pcie::Tlp tlp;
  tlp.kind = pcie::TlpKind::ConfigWrite1;
  tlp.length_dw = 1;
  tlp.target = function.requester_id();
  tlp.register_offset = static_cast<std::uint16_t>(offset & ~3u);
  tlp.first_be = byte_enables;
  tlp.payload = double_words(value, offset & 3, size);
  static_cast<void>(request_config(*port, std::move(tlp)));
}

std::uint64_t RootComplex::mmio_read(BusAddress address, unsigned size) {
  HOLDOVER_CHECK((size == 1 || size == 2 || size == 4 || size == 8) && address.raw() % size == 0);
  const Bytes ecam_size = 1_MiB * (kPlatformMap.last_bus + 1);
  if (within(address, kPlatformMap.ecam, ecam_size) && size <= 4) {
    const std::uint64_t at = (address - kPlatformMap.ecam).count();
    return config_read(pcie::Bdf::from_requester_id(static_cast<pcie::RequesterId>(at >> 12)),
                       static_cast<unsigned>(at & 0xfff), size);
  }
  if (within(address, kPlatformMap.iommu, Bytes{Iommu::kRegisterBytes})) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    return iommu_.read_register(static_cast<unsigned>((address - kPlatformMap.iommu).count()), size);
  }
  if (within(address, kPlatformMap.interrupt_controller, Bytes{InterruptController::kRegisterBytes})) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    return interrupts_.read_register(static_cast<unsigned>((address - kPlatformMap.interrupt_controller).count()),
                                     size);
  }
  RootPort* port = port_of_address(address.raw());
  if (port == nullptr) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    return all_ones(size);
  }
  const auto outcome = request(*port, memory_request(pcie::TlpKind::MemoryRead, address.raw(), size));
  const unsigned from = size == 8 ? 0 : static_cast<unsigned>(address.raw() & 3);
  if (!outcome || outcome->status != pcie::CompletionStatus::Success || outcome->data.size() < from + size) {
    return all_ones(size);
  }
  return little_endian(outcome->data, from, size);
}

void RootComplex::mmio_write(BusAddress address, unsigned size, std::uint64_t value) {
  HOLDOVER_CHECK((size == 1 || size == 2 || size == 4 || size == 8) && address.raw() % size == 0);
  const Bytes ecam_size = 1_MiB * (kPlatformMap.last_bus + 1);
  if (within(address, kPlatformMap.ecam, ecam_size) && size <= 4) {
    const std::uint64_t at = (address - kPlatformMap.ecam).count();
    config_write(pcie::Bdf::from_requester_id(static_cast<pcie::RequesterId>(at >> 12)),
                 static_cast<unsigned>(at & 0xfff), size, static_cast<std::uint32_t>(value));
    return;
  }
  if (within(address, kPlatformMap.iommu, Bytes{Iommu::kRegisterBytes})) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    iommu_.write_register(static_cast<unsigned>((address - kPlatformMap.iommu).count()), size, value);
    return;
  }
  if (within(address, kPlatformMap.interrupt_controller, Bytes{InterruptController::kRegisterBytes})) {
    scheduler_.run_until(scheduler_.now() + kRegisterTime);
    interrupts_.write_register(static_cast<unsigned>((address - kPlatformMap.interrupt_controller).count()), size,
                               value);
    return;
  }
  RootPort* port = port_of_address(address.raw());
  if (port != nullptr && port->link().is_up() && make_room(*port, pcie::FlowClass::Posted)) {
    pcie::Tlp tlp = memory_request(pcie::TlpKind::MemoryWrite, address.raw(), size);
    tlp.payload = double_words(value, size == 8 ? 0 : static_cast<unsigned>(address.raw() & 3), size);
    port->link().down().send(Packet{std::move(tlp), kFromHost});
  }
  scheduler_.run_until(scheduler_.now() + kPostedTime);
}

}  // namespace holdover::sim
