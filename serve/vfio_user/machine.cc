// SPDX-License-Identifier: MIT
#include "serve/vfio_user/machine.h"

#include <algorithm>

#include "pcie/error.h"

namespace holdover::serve {
namespace {

// Vectors of the interrupt controller, one for each of the function's.
constexpr unsigned kFirstVector = 0x20;
constexpr std::uint64_t kControllerEnable = 1;

}  // namespace

ServedMachine::ServedMachine(const sim::MachineConfig& config, unsigned endpoint, const MachineFactory& factory)
    : endpoint_(endpoint), machine_(factory(config, *this, memory_)), platform_(&machine_->platform()) {
  const auto& functions = machine_->functions();
  const auto served = std::find_if(functions.begin(), functions.end(), [&](const sim::FunctionInfo& each) {
    return each.kind == sim::FunctionKind::Endpoint && each.endpoint == endpoint;
  });
  if (served == functions.end()) {
    const auto endpoints = std::count_if(functions.begin(), functions.end(), [](const sim::FunctionInfo& each) {
      return each.kind == sim::FunctionKind::Endpoint;
    });
    throw Error(ErrorCode::InvalidArgument, "the topology «" + config.topology + "» has " + std::to_string(endpoints) +
                                                " endpoints, counted from 0, and none with the number " +
                                                std::to_string(endpoint) + "; choose another --function");
  }
  const std::vector<FoundFunction> found = set_up_functions(*platform_, config.aspm);
  const pcie::Bdf bdf = machine_->bdf(static_cast<sim::FunctionIndex>(served - functions.begin()));
  const auto ours =
      std::find_if(found.begin(), found.end(), [&](const FoundFunction& each) { return each.bdf == bdf; });
  HOLDOVER_CHECK(ours != found.end());
  found_ = *ours;
  platform_->mmio_write(sim::kPlatformMap.interrupt_controller, 4, kControllerEnable);
}

ServedMachine::~ServedMachine() = default;

std::uint32_t ServedMachine::config_read(unsigned offset, unsigned size) {
  const std::uint32_t value = platform_->config_read(found_.bdf, Bytes{offset}, size);
  take_interrupts();
  return value;
}

void ServedMachine::config_write(unsigned offset, unsigned size, std::uint32_t value) {
  platform_->config_write(found_.bdf, Bytes{offset}, size, value);
  take_interrupts();
}

BusAddress ServedMachine::address_of(unsigned bar, std::uint64_t offset) const {
  const auto found = std::find_if(found_.bars.begin(), found_.bars.end(),
                                  [bar](const FunctionBar& each) { return each.index == bar; });
  HOLDOVER_CHECK(found != found_.bars.end() && offset < found->size);
  return BusAddress{found->address + offset};
}

std::uint64_t ServedMachine::load(unsigned bar, std::uint64_t offset, unsigned size) {
  const std::uint64_t value = platform_->mmio_read(address_of(bar, offset), size);
  take_interrupts();
  return value;
}

void ServedMachine::store(unsigned bar, std::uint64_t offset, unsigned size, std::uint64_t value) {
  platform_->mmio_write(address_of(bar, offset), size, value);
  take_interrupts();
}

InterruptMessage ServedMachine::message(unsigned vector) const {
  return {sim::kPlatformMap.msi_window.raw(), kFirstVector + vector};
}

void ServedMachine::wait(Time duration) {
  platform_->wait(duration);
  take_interrupts();
}

// They were told of when they arrived.
void ServedMachine::take_interrupts() {
  while (platform_->take_interrupt()) {
  }
}

void ServedMachine::on_tlp(Time /*time*/, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) {
  if (direction != sim::Direction::Tx || endpoint != endpoint_ || listener_ == nullptr) return;
  if (!pcie::is_error_message(tlp) || tlp.message_code == pcie::kMessageErrorCorrectable) return;
  listener_->on_error();
}

void ServedMachine::on_message(Time /*time*/, pcie::RequesterId requester, std::uint64_t /*address*/,
                               std::uint32_t /*data*/, std::uint8_t vector, sim::MessageOutcome /*outcome*/) {
  if (listener_ == nullptr || requester != found_.bdf.requester_id() || vector < kFirstVector) return;
  listener_->on_vector(vector - kFirstVector);
}

void ServedMachine::on_violation(const sim::Violation& violation) {
  if (violation_.empty()) violation_ = violation.rule + ": " + violation.sentence;
}

}  // namespace holdover::serve
