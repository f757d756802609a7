// SPDX-License-Identifier: MIT
#include "sim/flow_monitor.h"

#include <algorithm>
#include <utility>

#include "sim/protocol/rule_tables.h"

namespace holdover::sim {
namespace {

using pcie::FlowClass;
using pcie::TlpKind;

constexpr unsigned kCreditBytes = 16;
constexpr std::string_view kClassNames[] = {"posted requests", "non-posted requests", "completions"};

bool may_relax(std::uint8_t attributes) { return (attributes & protocol::kRelaxedOrdering) != 0; }
bool is_non_posted_with_data(TlpKind kind) { return kind == TlpKind::ConfigWrite0 || kind == TlpKind::ConfigWrite1; }

}  // namespace

unsigned data_credits(const pcie::Tlp& tlp) {
  return static_cast<unsigned>((tlp.payload.size() + kCreditBytes - 1) / kCreditBytes);
}

OrderWatch::Mark OrderWatch::mark_of(const pcie::Tlp& tlp) {
  Mark mark;
  mark.kind = tlp.kind;
  mark.attributes = tlp.attributes;
  mark.requester = tlp.requester;
  mark.completer = tlp.completer;
  mark.tag = tlp.tag;
  mark.length_dw = tlp.length_dw;
  mark.byte_count = tlp.byte_count;
  mark.address = tlp.address;
  return mark;
}

std::string_view OrderWatch::rule_against(const Mark& passing, const Mark& passed) const {
  const FlowClass over = pcie::flow_class(passed.kind);
  const FlowClass flow = pcie::flow_class(passing.kind);
  if (flow == FlowClass::Completion && over == FlowClass::Completion) {
    // Those of one request; what the completer is does not matter, a request has one.
    const bool same = passing.requester == passed.requester && passing.tag == passed.tag;
    return same ? "P-ORDER-SAME-REQUEST" : "";
  }
  if (over != FlowClass::Posted) return {};
  const bool by_id = (passing.attributes & protocol::kIdOrdering) != 0;
  if (flow == FlowClass::Completion) {
    // That of a configuration write may (D2b), and without data others cannot be told from it.
    if (passing.kind == pcie::TlpKind::Completion) return {};
    if (independent_completions_ || may_relax(passing.attributes)) return {};
    return by_id && passing.completer != passed.requester ? "" : "P-ORDER-COMPLETION";
  }
  if (by_id && passing.requester != passed.requester) return {};
  if (flow == FlowClass::Posted) return may_relax(passing.attributes) ? "" : "P-ORDER-POSTED";
  return is_non_posted_with_data(passing.kind) && may_relax(passing.attributes) ? "" : "P-ORDER-NON-POSTED";
}

std::string_view OrderWatch::leave(const pcie::Tlp& tlp) {
  const Mark mark = mark_of(tlp);
  std::string_view rule;
  for (auto each = inside_.begin(); each != inside_.end(); ++each) {
    if (*each == mark) {
      inside_.erase(each);
      return rule;
    }
    if (rule.empty()) rule = rule_against(mark, *each);
  }
  return "P-ORDER-UNSENT";
}

FlowMonitor::FlowMonitor(Place place, ViolationSink report)
    : place_(std::move(place)),
      report_(std::move(report)),
      sending_(place_.independent_completions),
      receiving_(false) {}

void FlowMonitor::report(Time now, std::string_view name, const std::string& what) {
  if (!report_) return;
  const ProtocolRule& rule = protocol_rule(name);
  report_(Violation{
      now, std::string{rule.name},
      place_.name + " " + what + ": " + std::string{rule.sentence} + " (PCIe 5.0, " + std::string{rule.clause} + ")"});
}

void FlowMonitor::begin(Time now, const CreditCounts& headers, const CreditCounts& data) {
  sending_.clear();
  receiving_.clear();
  owed_ = {};
  const auto largest = static_cast<unsigned>(place_.largest_payload.count() / kCreditBytes);
  for (const FlowClass flow : kFlowClasses) {
    const std::size_t i = index_of(flow);
    left_[i] = Credits{headers[i] == 0, headers[i], data[i]};
    if (left_[i].infinite) continue;
    const std::string offer = "«" + std::string{kClassNames[i]} + ": " + std::to_string(headers[i]) + " headers, " +
                              std::to_string(data[i]) + " of data»";
    const unsigned least = flow == FlowClass::NonPosted ? 1 : largest;
    if (data[i] < least) report(now, "P-CREDIT-LEAST", offer);
    if (flow == FlowClass::Completion && place_.endpoint_receives) report(now, "P-CREDIT-INFINITE", offer);
  }
}

void FlowMonitor::queue(const pcie::Tlp& tlp) { sending_.enter(tlp); }

void FlowMonitor::transmit(Time now, const pcie::Tlp& tlp) {
  const std::string_view broken = sending_.leave(tlp);
  if (!broken.empty()) report(now, broken, "«" + pcie::to_string(tlp) + "»");
  Credits& left = left_[index_of(pcie::flow_class(tlp.kind))];
  if (left.infinite) return;
  const unsigned needed = data_credits(tlp);
  if (left.headers < 1) report(now, "P-CREDIT-HEADER", "«" + pcie::to_string(tlp) + "»");
  if (left.data < needed) report(now, "P-CREDIT-DATA", "«" + pcie::to_string(tlp) + "»");
  left.headers -= std::min<std::uint64_t>(left.headers, 1);
  left.data -= std::min<std::uint64_t>(left.data, needed);
}

void FlowMonitor::arrive(const pcie::Tlp& tlp) { receiving_.enter(tlp); }

void FlowMonitor::take(Time now, const pcie::Tlp& tlp) {
  const std::string_view broken = receiving_.leave(tlp);
  if (!broken.empty()) report(now, broken, "«" + pcie::to_string(tlp) + "»");
  Credits& owed = owed_[index_of(pcie::flow_class(tlp.kind))];
  owed.headers += 1;
  owed.data += data_credits(tlp);
}

void FlowMonitor::return_credits(Time now, FlowClass flow, unsigned headers, unsigned data) {
  const std::size_t i = index_of(flow);
  const std::string update = "«" + std::string{kClassNames[i]} + ": " + std::to_string(headers) + " headers, " +
                             std::to_string(data) + " of data»";
  if (left_[i].infinite) {
    if (headers != 0 || data != 0) report(now, "P-CREDIT-UPDATE", update);
    return;
  }
  if (headers > owed_[i].headers || data > owed_[i].data) report(now, "P-CREDIT-RETURN", update);
  owed_[i].headers -= std::min<std::uint64_t>(owed_[i].headers, headers);
  owed_[i].data -= std::min<std::uint64_t>(owed_[i].data, data);
  left_[i].headers += headers;
  left_[i].data += data;
}

}  // namespace holdover::sim
