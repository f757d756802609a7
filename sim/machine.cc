// SPDX-License-Identifier: MIT
#include "sim/machine.h"

#include <algorithm>
#include <utility>

#include "pcie/config_space.h"
#include "pcie/error.h"
#include "sim/silence_bound.h"

namespace holdover::sim {
namespace {

// Argument of an event: kind in bits 31:0, epoch above.
constexpr std::uint64_t kFaultsDue = 0;
constexpr std::uint64_t kPoisonDue = 1;

void check(const MachineConfig& config) {
  const auto refuse = [](const std::string& sentence) { throw Error(ErrorCode::InvalidArgument, sentence); };
  if (config.dram_size < 1_MiB || config.dram_size.count() % kPageSize.count() != 0 || config.dram_size > 2_GiB) {
    refuse("DRAM of " + std::to_string(config.dram_size.count()) +
           " bytes cannot be built; it takes 1 MiB to 2 GiB in whole pages of 4 KiB.");
  }
  if (config.disturbance.read_latency_min > config.disturbance.read_latency_max) {
    refuse("The least read latency is longer than the longest; exchange the two.");
  }
  validate(config.endpoint);
  if (const Time longest = longest_answer(config); config.endpoint.completion_timeout <= longest) {
    refuse("The completion time-out of " + std::to_string(config.endpoint.completion_timeout.count() / 1000) +
           " ns is no longer than the " + std::to_string(longest.count() / 1000) +
           " ns that this machine may take to answer a read; choose a longer one.");
  }
  std::size_t endpoints = 0;
  for (const Place& place : places_of(config.topology)) endpoints += place.kind == FunctionKind::Endpoint ? 1 : 0;
  for (const MachineFault& fault : config.faults) {
    if (fault.endpoint >= endpoints) {
      refuse("A fault names endpoint " + std::to_string(fault.endpoint) + ", and the topology «" + config.topology +
             "» has " + std::to_string(endpoints) + ", counted from 0.");
    }
  }
}

// Of the same make, from another shelf.
EndpointConfig another(EndpointConfig straps) {
  straps.serial_number ^= std::uint64_t{1} << 32;
  straps.subsystem_id ^= 1;
  return straps;
}

const MachineConfig& checked(const MachineConfig& config) {
  check(config);
  return config;
}

}  // namespace

Machine::Machine(const MachineConfig& config, Witness& witness, const EndpointFactory& make_endpoint,
                 RequestMemory* memory)
    : config_(checked(config)),
      witness_(witness),
      memory_(config.dram_size),
      iommu_(memory_,
             [this](Time time, pcie::RequesterId requester, Iova iova, bool write, std::string_view reason) {
               witness_.on_iommu_fault(time, requester, iova, write, reason);
             }),
      faults_(config.faults, [this](Time time, const MachineFault& fault) { witness_.on_fault(time, fault); }),
      root_(scheduler_, iommu_, interrupts_),
      topology_(config_,
                Topology::Surroundings{
                    MemoryServices{scheduler_, memory == nullptr ? static_cast<RequestMemory&>(memory_) : *memory,
                                   iommu_, interrupts_, faults_, witness_, make_recorder(memory == nullptr)},
                    root_,
                    config.check_protocol
                        ? &checker_.emplace(static_cast<unsigned>(places_of(config.topology).size()),
                                            [this](const Violation& violation) { witness_.on_violation(violation); })
                        : nullptr,
                    trace_ ? &*trace_ : nullptr},
                make_endpoint),
      poison_times_(config.seed, "poison") {
  scheduler_.set_clock(*this);
}

Machine::~Machine() = default;

// Before anything that writes into it is made. Memory that is not ours is not recorded.
MemoryRecorder* Machine::make_recorder(bool own_memory) {
  if (config_.trace.empty()) return nullptr;
  trace_.emplace(config_.trace, TraceInfo{configuration_hash(config_), config_.seed});
  return config_.trace_memory && own_memory ? &recorder_.emplace(memory_, *trace_) : nullptr;
}

void Machine::on_clock() {
  for (const auto& endpoint : topology_.endpoints()) endpoint->tick();
}

void Machine::on_event(std::uint64_t argument) {
  if ((argument & 0xffff'ffff) == kFaultsDue) {
    strike_timed_faults();
  } else if (static_cast<std::uint32_t>(argument >> 32) == poison_epoch_) {
    poison_free_pages();
  }
}

std::uint32_t Machine::config_read(pcie::Bdf function, Bytes offset, unsigned size) {
  const Turn turn{recorder_};
  return root_.config_read(function, static_cast<unsigned>(offset.count()), size);
}

void Machine::config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  const Turn turn{recorder_};
  root_.config_write(function, static_cast<unsigned>(offset.count()), size, value);
}

std::uint64_t Machine::mmio_read(BusAddress address, unsigned size) {
  const Turn turn{recorder_};
  return root_.mmio_read(address, size);
}

void Machine::mmio_write(BusAddress address, unsigned size, std::uint64_t value) {
  const Turn turn{recorder_};
  const PlatformState before = platform_state();
  root_.mmio_write(address, size, value);
  if (const PlatformState after = platform_state(); after != before) {
    witness_.on_platform(scheduler_.now(), before, after);
  }
  const bool to_iommu = address >= kPlatformMap.iommu && address - kPlatformMap.iommu < Bytes{Iommu::kRegisterBytes};
  if (recorder_ && to_iommu) recorder_->register_written(scheduler_.now(), address, size, value);
}

PlatformState Machine::platform_state() const {
  return {iommu_.translation_enabled(), iommu_.root_table(), iommu_.remapping_enabled(), iommu_.remapping_table(),
          interrupts_.enabled()};
}

void Machine::wait(Time duration) {
  const Turn turn{recorder_};
  scheduler_.run_until(scheduler_.now() + duration);
}

void Machine::jump(PhysicalAddress boot_parameters) {
  const Turn turn{recorder_};
  begin_phase(pcie::Phase::Blackout);
  witness_.on_jump(scheduler_.now(), boot_parameters);
  scheduler_.run_until(scheduler_.now() + config_.blackout);
}

void Machine::console(std::string_view line) { witness_.on_console(scheduler_.now(), line); }

void Machine::mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  if (step == pcie::Step::Begin) begin_phase(phase);
  witness_.on_phase(scheduler_.now(), phase, step, value);
  if (step == pcie::Step::TrafficStarted) traffic_stopped_ = false;
  if (step == pcie::Step::TrafficStopped) traffic_stopped_ = true;
  if (phase == pcie::Phase::Halt && step == pcie::Step::Begin && checker_ && !finished_) {
    finished_ = true;
    checker_->finish(scheduler_.now(), traffic_stopped_ ? Time{0} : config_.endpoint.completion_timeout);
  }
}

void Machine::begin_phase(pcie::Phase phase) {
  if (faults_.idle()) return;
  faults_.begin_phase(scheduler_.now(), phase);
  if (const auto due = faults_.next_due()) scheduler_.at(*due, *this, kFaultsDue);
}

void Machine::strike_timed_faults() {
  for (const MachineFault& fault : faults_.take_due(scheduler_.now())) {
    Link& link = topology_.link_above(fault.endpoint);
    if (fault.kind == MachineFault::Kind::StallTransmit) topology_.endpoints()[fault.endpoint]->stall();
    if (fault.kind == MachineFault::Kind::LinkDown) link.lose();
    if (fault.kind == MachineFault::Kind::SwappedEndpoint) {
      topology_.endpoints()[fault.endpoint]->endpoint().exchange(another(straps_of(config_, fault.endpoint)));
    }
    if (fault.kind == MachineFault::Kind::PowerLoss || fault.kind == MachineFault::Kind::SwappedEndpoint) {
      link.lose_power();
    }
  }
  if (const auto due = faults_.next_due()) scheduler_.at(*due, *this, kFaultsDue);
}

std::vector<std::byte> Machine::config_space(FunctionIndex function) const {
  const FunctionInfo& info = functions().at(function);
  std::vector<std::byte> bytes(pcie::config::kSpaceBytes);
  for (unsigned offset = 0; offset < pcie::config::kSpaceBytes; offset += 4) {
    const std::uint32_t word = info.kind == FunctionKind::Endpoint
                                   ? topology_.endpoints()[info.endpoint]->endpoint().peek(offset)
                                   : topology_.bridges()[function]->read(offset);
    for (unsigned i = 0; i < 4; ++i) bytes[offset + i] = static_cast<std::byte>(word >> (8 * i));
  }
  return bytes;
}

std::optional<PhysicalAddress> Machine::translate(FunctionIndex endpoint, Iova iova, bool write) const {
  const Translation to = iommu_.translate_quietly(bdf(endpoint).requester_id(), iova, write);
  if (to.outcome == Translation::Outcome::Faulted) return std::nullopt;
  return to.address;
}

SilenceBound Machine::silence_bound() const { return sim::silence_bound(config_); }

std::string Machine::dump() const {
  const std::uint64_t nanoseconds = scheduler_.now().count() / 1000;
  std::string text = "time " + std::to_string(nanoseconds) + " ns, clock " + std::to_string(cycles().count()) +
                     ", host accesses given up " + std::to_string(root_.timeouts()) + ", IOMMU " +
                     (iommu_.translation_enabled() ? "on" : "off") + "\n";
  for (const auto& bridge : topology_.bridges()) {
    text += bridge->identity().name + ": " + topology_.bdf(bridge->identity().index).to_string() + ", bus master " +
            (bridge->bus_master() ? "1" : "0") + ", " + (bridge->in_d0() ? "D0" : "not D0") + "\n";
  }
  for (const auto& port : topology_.root_ports()) {
    text += port->bridge().identity().name + ": writes waiting " + std::to_string(port->memory().writes_waiting()) +
            ", reads in memory " + std::to_string(port->memory().reads_waiting()) + ", answers to send " +
            std::to_string(port->memory().answers_waiting()) + "\n";
  }
  for (const auto& endpoint : topology_.endpoints()) text += endpoint->describe();
  return text;
}

void Machine::poison_page(std::uint64_t page) {
  memory_.poison(page);
  if (recorder_) recorder_->page_poisoned(scheduler_.now(), page);
}

void Machine::poison(const std::vector<bool>& keep) {
  const Turn turn{recorder_};
  if (recorder_) recorder_->settle(scheduler_.now());
  for (std::uint64_t page = 0; page < memory_.pages(); ++page) {
    if (page >= keep.size() || !keep[static_cast<std::size_t>(page)]) poison_page(page);
  }
}

void Machine::poison_from_time_to_time(Time interval, std::function<std::vector<std::uint64_t>()> free_pages) {
  HOLDOVER_CHECK(interval > Time{0});
  poison_interval_ = interval;
  free_pages_ = std::move(free_pages);
  ++poison_epoch_;
  scheduler_.after(poison_times_.between(Time{1}, interval * 2), *this,
                   kPoisonDue | (std::uint64_t{poison_epoch_} << 32));
}

void Machine::poison_free_pages() {
  if (recorder_) recorder_->settle(scheduler_.now());
  for (const std::uint64_t page : free_pages_()) {
    HOLDOVER_CHECK(page < memory_.pages());
    poison_page(page);
  }
  scheduler_.after(poison_times_.between(Time{1}, poison_interval_ * 2), *this,
                   kPoisonDue | (std::uint64_t{poison_epoch_} << 32));
}

void Machine::close_files() {
  const Turn turn{recorder_};
  if (recorder_) recorder_->settle(scheduler_.now());
  if (!config_.dram.empty()) memory_.save(config_.dram);
  if (trace_) trace_->close();
  for (const auto& endpoint : topology_.endpoints()) endpoint->endpoint().close_files();
}

}  // namespace holdover::sim
