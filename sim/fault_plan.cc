// SPDX-License-Identifier: MIT
#include "sim/fault_plan.h"

#include <utility>

namespace holdover::sim {
namespace {

using Kind = MachineFault::Kind;

bool is_timed(Kind kind) {
  return kind == Kind::StallTransmit || kind == Kind::LinkDown || kind == Kind::PowerLoss ||
         kind == Kind::SwappedEndpoint;
}

FaultAction action_of(Kind kind) {
  switch (kind) {
    case Kind::DropMessage:
    case Kind::DropCompletion:
    case Kind::DropPostedWrite:
      return FaultAction::Drop;
    case Kind::PoisonCompletion:
      return FaultAction::Poison;
    case Kind::RepeatPostedWrite:
      return FaultAction::Repeat;
    case Kind::StallTransmit:
    case Kind::LinkDown:
    case Kind::PowerLoss:
    case Kind::SwappedEndpoint:
      break;
  }
  return FaultAction::Pass;
}

}  // namespace

FaultPlan::FaultPlan(const std::vector<MachineFault>& faults, StrikeSink on_strike)
    : on_strike_(std::move(on_strike)), waiting_(faults.size()) {
  entries_.reserve(faults.size());
  for (const MachineFault& fault : faults) entries_.push_back(Entry{fault, std::nullopt, false});
}

void FaultPlan::begin_phase(Time now, pcie::Phase phase) {
  if (idle()) return;
  for (Entry& entry : entries_) {
    if (entry.fault.phase == phase && !entry.due) entry.due = now + entry.fault.delay;
  }
}

std::optional<Time> FaultPlan::next_due() const {
  std::optional<Time> next;
  if (idle()) return next;
  for (const Entry& entry : entries_) {
    if (!entry.struck && entry.due && is_timed(entry.fault.kind) && (!next || *entry.due < *next)) next = entry.due;
  }
  return next;
}

std::vector<MachineFault> FaultPlan::take_due(Time now) {
  std::vector<MachineFault> due;
  if (idle()) return due;
  for (Entry& entry : entries_) {
    if (entry.struck || !entry.due || *entry.due > now || !is_timed(entry.fault.kind)) continue;
    entry.struck = true;
    --waiting_;
    due.push_back(entry.fault);
    if (on_strike_) on_strike_(now, entry.fault);
  }
  return due;
}

template <typename Matches>
FaultAction FaultPlan::strike_first(Time now, Matches matches) {
  if (idle()) return FaultAction::Pass;
  for (Entry& entry : entries_) {
    if (entry.struck || !entry.due || *entry.due > now || !matches(entry.fault)) continue;
    entry.struck = true;
    --waiting_;
    if (on_strike_) on_strike_(now, entry.fault);
    return action_of(entry.fault.kind);
  }
  return FaultAction::Pass;
}

FaultAction FaultPlan::at_completion(Time now, unsigned endpoint) {
  return strike_first(now, [endpoint](const MachineFault& fault) {
    return fault.endpoint == endpoint && (fault.kind == Kind::DropCompletion || fault.kind == Kind::PoisonCompletion);
  });
}

FaultAction FaultPlan::at_posted_write(Time now, unsigned endpoint) {
  return strike_first(now, [endpoint](const MachineFault& fault) {
    return fault.endpoint == endpoint && (fault.kind == Kind::DropPostedWrite || fault.kind == Kind::RepeatPostedWrite);
  });
}

FaultAction FaultPlan::at_message(Time now, unsigned endpoint) {
  return strike_first(now, [endpoint](const MachineFault& fault) {
    return fault.endpoint == endpoint && fault.kind == Kind::DropMessage;
  });
}

}  // namespace holdover::sim
