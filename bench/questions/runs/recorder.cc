// SPDX-License-Identifier: MIT
#include "bench/questions/runs/recorder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "bench/compare/register_names.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

template <typename T>
T value_at(const std::vector<std::byte>& space, unsigned offset) {
  T value = 0;
  std::memcpy(&value, &space.at(offset), sizeof value);
  return value;
}

Recorder::Identity identity_of(const std::vector<std::byte>& space) {
  Recorder::Identity identity;
  identity.vendor_and_device = value_at<std::uint32_t>(space, 0);
  identity.subsystem = value_at<std::uint32_t>(space, pcie::config::kSubsystemVendorId);
  const auto read = [&](unsigned offset) { return value_at<std::uint32_t>(space, offset); };
  if (const auto serial = pcie::find_extended_capability(read, pcie::config::kExtCapSerialNumber)) {
    identity.serial_number = value_at<std::uint64_t>(space, *serial + 4);
  }
  return identity;
}

}  // namespace

const Recorder::Mark* Recorder::find(pcie::Step step, unsigned kernel, std::optional<std::uint64_t> value) const {
  const auto found = std::find_if(marks_.begin(), marks_.end(), [&](const Mark& mark) {
    return mark.step == step && mark.when.kernel == kernel && (!value || mark.value == *value);
  });
  return found == marks_.end() ? nullptr : &*found;
}

std::optional<Time> Recorder::begin_of(pcie::Phase phase, unsigned kernel) const {
  for (const Mark& mark : marks_) {
    if (mark.step == pcie::Step::Begin && mark.when.kernel == kernel && mark.when.phase == phase) return mark.when.time;
  }
  return std::nullopt;
}

std::optional<Time> Recorder::end_of_update(unsigned kernel) const {
  for (const Mark& mark : marks_) {
    const bool ends = mark.step == pcie::Step::WindowEnd || mark.step == pcie::Step::NoHandover ||
                      mark.step == pcie::Step::AgentFailed || mark.step == pcie::Step::Panic;
    if (mark.when.kernel == kernel && ends) return mark.when.time;
  }
  return std::nullopt;
}

std::optional<Time> Recorder::time_of_line(std::string_view words) const {
  for (const auto& [time, line] : console_) {
    if (line.find(words) != std::string::npos) return time;
  }
  return std::nullopt;
}

std::string Recorder::line_with(std::string_view words) const {
  for (const auto& [time, line] : console_) {
    if (line.find(words) != std::string::npos) return line;
  }
  return {};
}

void Recorder::on_phase(Time time, pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  if (!pcie::in_any_phase(step)) phase_ = phase;
  marks_.push_back({when(time), step, value});
}

void Recorder::on_console(Time time, std::string_view line) { console_.emplace_back(time, line); }

void Recorder::on_jump(Time, PhysicalAddress) {
  ++kernel_;
  phase_ = pcie::Phase::Blackout;
}

void Recorder::on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) {
  if (direction != sim::Direction::Rx || pcie::is_completion(tlp.kind)) return;
  requests_.push_back({when(time), endpoint, tlp.kind, tlp.target,
                       pcie::is_config(tlp.kind) ? std::uint64_t{tlp.register_offset} : tlp.address});
}

void Recorder::on_config_write(const sim::ConfigWrite& write) {
  ConfigWrite entry{when(write.time), {}, false, {}, write};
  if (!functions_.empty()) {
    const Function& function = functions_.at(write.function);
    entry.function = function.name;
    entry.bridge = function.bridge;
    // Named by the first byte that is written.
    entry.name = function.register_name(write.offset + static_cast<unsigned>(std::countr_zero(write.byte_enables)));
  }
  config_writes_.push_back(std::move(entry));
}

void Recorder::on_memory_access(const sim::MemoryAccess& access) { dma_.push_back(when(access.time)); }

void Recorder::on_reset(Time time, sim::FunctionIndex function, sim::ResetKind kind) {
  resets_.push_back({when(time), functions_.empty() ? std::string() : functions_.at(function).name, kind});
}

void Recorder::on_progress(const ProgressNote&, const sim::ObservedMachine& machine) {
  const std::vector<sim::FunctionInfo>& functions = machine.functions();
  if (functions_.empty()) {
    for (sim::FunctionIndex index = 0; index < functions.size(); ++index) {
      const RegisterNames names = RegisterNames::of_function(machine.config_space(index));
      functions_.push_back({functions[index].name, functions[index].kind != sim::FunctionKind::Endpoint,
                            [names](unsigned offset) { return names.name(offset); }});
    }
  }
  for (sim::FunctionIndex index = 0; index < functions.size(); ++index) {
    if (kernel_ == 0) places_[functions[index].name] = machine.bdf(index).requester_id();
    if (functions[index].kind != sim::FunctionKind::Endpoint || functions[index].endpoint != 0) continue;
    const Identity identity = identity_of(machine.config_space(index));
    if (std::find(identities_.begin(), identities_.end(), identity) == identities_.end()) {
      identities_.push_back(identity);
    }
  }
}

}  // namespace holdover::bench
