// SPDX-License-Identifier: MIT
#include "python/owned_machine.h"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>

namespace holdover::python {
namespace {

constexpr std::size_t kMostAlarms = 1000;
constexpr std::size_t kMostLines = 10'000;
// A kernel that is left is gone: what takes no longer than this may end by itself.
constexpr Time kPatience{1'000'000'000};

}  // namespace

void Alarms::add(Alarm alarm) {
  if (all_.size() < kMostAlarms) all_.push_back(std::move(alarm));
}

void Alarms::on_violation(const sim::Violation& violation) {
  add({violation.time.count(), violation.rule, violation.sentence});
}

void Alarms::on_request_refused(Time time, unsigned endpoint, sim::FunctionIndex, const pcie::Tlp& tlp,
                                std::string_view reason) {
  add({time.count(),
       {},
       to_string(tlp) + " of endpoint " + std::to_string(endpoint) + " was refused: " + std::string(reason)});
}

void Alarms::on_iommu_fault(Time time, pcie::RequesterId requester, Iova iova, bool write, std::string_view reason) {
  char address[24];
  std::snprintf(address, sizeof address, "0x%llx", static_cast<unsigned long long>(iova.raw()));
  add({time.count(),
       {},
       "the IOMMU refused a " + std::string(write ? "write" : "read") + " of " +
           pcie::Bdf::from_requester_id(requester).to_string() + " at " + address + ": " + std::string(reason)});
}

void Alarms::on_console(Time time, std::string_view line) {
  if (console_.size() < kMostLines) console_.emplace_back(time.count(), line);
}

OwnedMachine::OwnedMachine(bench::RunOptions options) : options_(std::move(options)) {
  Interruption interruption;
  interruption_ = &interruption;
  try {
    const OthersRun others_run;
    booted_ = std::make_shared<bench::BootedMachine>(
        options_, watched([this] { return interruption_; }, [this] { return patience_; }), &alarms_);
  } catch (const Left&) {
    interruption.rethrow();
    throw;
  } catch (const Error&) {
    interruption.rethrow();
    throw;
  }
  interruption_ = nullptr;
  patience_ = kPatience;
  completion_timeout_ =
      std::chrono::nanoseconds{static_cast<std::int64_t>(booted_->config().endpoint.completion_timeout.count() / 1000)};
  interruption.rethrow();
}

OwnedMachine::~OwnedMachine() { drop_parts(); }

void OwnedMachine::retire(std::shared_ptr<Part> part) {
  const std::lock_guard<std::mutex> lock(retired_lock_);
  retired_.push_back(std::move(part));
}

void OwnedMachine::collect() {
  std::vector<std::shared_ptr<Part>> retired;
  {
    const std::lock_guard<std::mutex> lock(retired_lock_);
    retired.swap(retired_);
  }
  retired.clear();
  std::erase_if(parts_, [](const std::weak_ptr<Part>& part) { return part.expired(); });
}

void OwnedMachine::drop_parts() {
  std::vector<std::shared_ptr<Part>> all;
  for (const std::weak_ptr<Part>& each : parts_) {
    if (std::shared_ptr<Part> part = each.lock()) all.push_back(std::move(part));
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->rank() < b->rank(); });
  for (const std::shared_ptr<Part>& part : all) part->drop();
  parts_.clear();
  all.clear();
  collect();
}

void OwnedMachine::close() {
  if (closed_) return;
  Interruption interruption;
  try {
    const OthersRun others_run;
    const Turn turn(*this, interruption);
    if (closed_.exchange(true)) return;
    drop_parts();
    const std::shared_ptr<bench::BootedMachine> booted = std::move(booted_);
    booted->close_files();
  } catch (const Left&) {
    interruption.rethrow();
    throw;
  }
}

void OwnedMachine::require_open() const {
  if (closed_) throw Closed("the machine is closed; make another with Machine()");
}

OwnedMachine::Turn::Turn(OwnedMachine& machine, Interruption& interruption) : machine_(machine) {
  if (machine.user_.load() == std::this_thread::get_id()) {
    throw Error(ErrorCode::Unavailable,
                "the machine is in the middle of a call of this very thread; a signal handler cannot use it");
  }
  while (!machine.turn_.try_lock_for(std::chrono::milliseconds{50})) {
    if (interruption.asked()) throw Left{};
    if (interpreter_ends())
      throw Error(ErrorCode::Unavailable, "the machine is in use by a thread that Python has left");
  }
  machine.user_ = std::this_thread::get_id();
  machine.interruption_ = &interruption;
}

OwnedMachine::Turn::~Turn() {
  machine_.interruption_ = nullptr;
  machine_.user_ = std::thread::id{};
  machine_.turn_.unlock();
}

}  // namespace holdover::python
