// SPDX-License-Identifier: MIT
#include "serve/vfio_user/machine.h"

#include <algorithm>
#include <array>

#include "host/driver/endpoint_regs.h"
#include "pcie/error.h"

namespace holdover::serve {
namespace {

// Vectors of the interrupt controller, one for each of the function's.
constexpr unsigned kFirstVector = 0x20;
constexpr std::uint64_t kControllerEnable = 1;
// Of the endpoint.
constexpr Time kClock{4000};

static_assert(kInterruptWindow == sim::kPlatformMap.msi_window.raw());

}  // namespace

ServedMachine::ServedMachine(const sim::MachineConfig& config, unsigned endpoint, const MachineFactory& factory)
    : endpoint_(endpoint),
      completion_timeout_(config.endpoint.completion_timeout),
      machine_(factory(config, *this, memory_)),
      platform_(&machine_->platform()) {
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

void ServedMachine::set_listener(FunctionListener* listener) {
  listener_ = listener;
  if (listener == nullptr) return;
  misuse_ = Misuse{};
  impatient_ = false;
}

std::uint32_t ServedMachine::config_read(unsigned offset, unsigned size) {
  const std::uint32_t value = platform_->config_read(found_.bdf, Bytes{offset}, size);
  settle();
  return value;
}

void ServedMachine::config_write(unsigned offset, unsigned size, std::uint32_t value) {
  platform_->config_write(found_.bdf, Bytes{offset}, size, value);
  settle();
}

BusAddress ServedMachine::address_of(unsigned bar, std::uint64_t offset) const {
  const auto found = std::find_if(found_.bars.begin(), found_.bars.end(),
                                  [bar](const FunctionBar& each) { return each.index == bar; });
  HOLDOVER_CHECK(found != found_.bars.end() && offset < found->size);
  return BusAddress{found->address + offset};
}

std::uint64_t ServedMachine::load(unsigned bar, std::uint64_t offset, unsigned size) {
  const std::uint64_t value = platform_->mmio_read(address_of(bar, offset), size);
  settle();
  return value;
}

void ServedMachine::store(unsigned bar, std::uint64_t offset, unsigned size, std::uint64_t value) {
  note_store(bar, offset, size, value);
  platform_->mmio_write(address_of(bar, offset), size, value);
  settle();
}

// A part of the register counts as too short.
void ServedMachine::note_store(unsigned bar, std::uint64_t offset, unsigned size, std::uint64_t value) {
  constexpr std::uint64_t kRegister = host::regs::global::kCompletionTimeout;
  constexpr std::uint64_t kBytes = 4;
  if (bar != 0 || offset >= kRegister + kBytes || offset + size <= kRegister) return;
  const bool whole = offset <= kRegister && offset + size >= kRegister + kBytes;
  const std::uint64_t clocks = whole ? value >> (8 * (kRegister - offset)) & 0xffff'ffff : 0;
  if (kClock * clocks < completion_timeout_) impatient_ = true;
}

InterruptMessage ServedMachine::message(unsigned vector) const {
  return {sim::kPlatformMap.msi_window.raw(), kFirstVector + vector};
}

void ServedMachine::wait(Time duration) {
  platform_->wait(duration);
  settle();
}

// Interrupts were told of when they arrived. Reads that wait for a client which prefers to do other things get no
// answer while the endpoint still knows them.
void ServedMachine::settle() {
  while (platform_->take_interrupt()) {
  }
  memory_.refuse_overdue_reads(platform_->now(), completion_timeout_ / 2);
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

// Whoever gives a read up before its answer can have come uses its tag again, and takes the answer for that of another.
bool ServedMachine::told_to(std::string_view rule) const {
  constexpr std::array<std::string_view, 8> kOfImpatience{
      "P-TAG-REUSE",      "P-CPL-MISSING",       "P-CPL-UNEXPECTED", "P-CPL-AFTER-FINAL",
      "P-CPL-BYTE-COUNT", "P-CPL-LOWER-ADDRESS", "P-CPL-EXCESS",     "P-CPL-ATTRIBUTES"};
  if (rule.starts_with("P-INTERRUPT-")) return true;
  return impatient_ && std::find(kOfImpatience.begin(), kOfImpatience.end(), rule) != kOfImpatience.end();
}

void ServedMachine::on_violation(const sim::Violation& violation) {
  if (told_to(violation.rule)) {
    if (misuse_.count++ == 0) misuse_.first = violation.rule + ": " + violation.sentence;
    return;
  }
  if (violation_.empty()) violation_ = violation.rule + ": " + violation.sentence;
}

}  // namespace holdover::serve
