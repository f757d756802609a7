// SPDX-License-Identifier: MIT
#include "sim/protocol_rules.h"

#include <algorithm>
#include <array>
#include <vector>

#include "pcie/error.h"
#include "sim/protocol/rule_tables.h"

namespace holdover::sim {
namespace {

using pcie::CompletionStatus;
using pcie::TlpKind;

const std::array<RuleGroup, 6>& groups() {
  static const std::array<RuleGroup, 6> kGroups{{
      {"Formats, lengths and reserved fields", protocol::format_rules()},
      {"Requests", protocol::request_rules()},
      {"Configuration requests", protocol::config_request_rules()},
      {"Messages", protocol::message_rules()},
      {"Completions", protocol::completion_rules()},
      {"Flow control and ordering", protocol::flow_rules()},
  }};
  return kGroups;
}

// What a completion answers.
enum class Match : std::uint8_t { Nothing, Memory, MemoryData, Config };
constexpr std::size_t kMatches = 4;
constexpr std::size_t kDirections = 2;
constexpr std::size_t kKinds = static_cast<std::size_t>(TlpKind::CompletionData) + 1;

Match match_of(const Observation& seen) {
  if (seen.request == nullptr || !pcie::is_completion(seen.tlp.kind)) return Match::Nothing;
  if (pcie::is_config(seen.request->request.kind)) return Match::Config;
  const bool data = seen.tlp.kind == TlpKind::CompletionData && seen.tlp.status == CompletionStatus::Success;
  return data ? Match::MemoryData : Match::Memory;
}

bool applies(RuleScope scope, TlpKind kind, Direction direction, Match match) {
  const bool completion = pcie::is_completion(kind);
  const bool tx = direction == Direction::Tx;
  switch (scope) {
    case RuleScope::Any:
      return true;
    case RuleScope::Request:
      return !completion;
    case RuleScope::TxRequest:
      return !completion && tx;
    case RuleScope::RxRequest:
      return !completion && !tx;
    case RuleScope::Memory:
      return protocol::is_memory(kind);
    case RuleScope::TxMemory:
      return protocol::is_memory(kind) && tx;
    case RuleScope::Config:
      return pcie::is_config(kind);
    case RuleScope::Message:
      return protocol::is_message(kind);
    case RuleScope::Completion:
      return completion;
    case RuleScope::MatchedCompletion:
      return completion && match != Match::Nothing;
    case RuleScope::MemoryCompletion:
      return completion && match == Match::MemoryData;
    case RuleScope::ConfigCompletion:
      return completion && match == Match::Config;
    case RuleScope::Tracker:
    case RuleScope::Link:
      return false;
  }
  return false;
}

std::size_t place_of(TlpKind kind, Direction direction, Match match) {
  return (static_cast<std::size_t>(kind) * kDirections + static_cast<std::size_t>(direction)) * kMatches +
         static_cast<std::size_t>(match);
}

using Selection = std::array<std::vector<const ProtocolRule*>, kKinds * kDirections * kMatches>;

// Selected once, so that a TLP meets only the rules that apply to it.
Selection select() {
  Selection selection;
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    for (const Direction direction : {Direction::Rx, Direction::Tx}) {
      for (std::size_t match = 0; match < kMatches; ++match) {
        const auto tlp_kind = static_cast<TlpKind>(kind);
        const auto matched = static_cast<Match>(match);
        auto& chosen = selection[place_of(tlp_kind, direction, matched)];
        for (const RuleGroup& group : groups()) {
          for (const ProtocolRule& rule : group.rules) {
            if (rule.holds != nullptr && applies(rule.scope, tlp_kind, direction, matched)) chosen.push_back(&rule);
          }
        }
      }
    }
  }
  return selection;
}

// Formats and types that exist in the base specification, and not here (PCIe 5.0, table 2-3): Fmt and Type in one
// byte, under a mask.
struct ForeignFormat {
  std::uint8_t mask;
  std::uint8_t value;
  std::string_view rule;
};
constexpr ForeignFormat kForeignFormats[] = {
    {0b111'00000, 0b100'00000, "P-PREFIX"},      // TLP prefixes, local and end-to-end
    {0b101'11111, 0b000'00010, "P-IO-REQUEST"},  // IORd, IOWr
    {0b110'11111, 0b000'00001, "P-LOCKED"},      // MRdLk
    {0b101'11111, 0b000'01011, "P-LOCKED"},      // CplLk, CplDLk
    {0b110'11111, 0b010'01100, "P-ATOMIC"},      // FetchAdd
    {0b110'11111, 0b010'01101, "P-ATOMIC"},      // Swap
    {0b110'11111, 0b010'01110, "P-ATOMIC"},      // CAS
};

}  // namespace

std::span<const RuleGroup> rule_groups() { return groups(); }

const ProtocolRule& protocol_rule(std::string_view name) {
  for (const RuleGroup& group : groups()) {
    const auto found = std::find_if(group.rules.begin(), group.rules.end(),
                                    [name](const ProtocolRule& rule) { return rule.name == name; });
    if (found != group.rules.end()) return *found;
  }
  HOLDOVER_CHECK(false);
  return groups()[0].rules[0];
}

std::span<const ProtocolRule* const> rules_for(const Observation& seen) {
  static const Selection kSelection = select();
  return kSelection[place_of(seen.tlp.kind, seen.direction, match_of(seen))];
}

const ProtocolRule& rule_for_undecodable(const pcie::TlpHeader& raw) {
  const auto format_type = static_cast<std::uint8_t>(raw[0] >> 24);
  for (const ForeignFormat& foreign : kForeignFormats) {
    if ((format_type & foreign.mask) == foreign.value) return protocol_rule(foreign.rule);
  }
  return protocol_rule("P-FORMAT");
}

std::string_view to_string(RuleScope scope) {
  switch (scope) {
    case RuleScope::Any:
      return "every TLP";
    case RuleScope::Request:
      return "requests";
    case RuleScope::TxRequest:
      return "requests of the endpoint";
    case RuleScope::RxRequest:
      return "requests to the endpoint";
    case RuleScope::Memory:
      return "memory requests";
    case RuleScope::TxMemory:
      return "memory requests of the endpoint";
    case RuleScope::Config:
      return "configuration requests";
    case RuleScope::Message:
      return "messages";
    case RuleScope::Completion:
      return "completions";
    case RuleScope::MatchedCompletion:
      return "completions of a known request";
    case RuleScope::MemoryCompletion:
      return "completions with data of a memory read";
    case RuleScope::ConfigCompletion:
      return "completions of a configuration request";
    case RuleScope::Tracker:
      return "the stream of TLPs";
    case RuleScope::Link:
      return "one direction of a link";
  }
  return "?";
}

std::string rules_page() {
  std::size_t count = 0;
  for (const RuleGroup& group : groups()) count += group.rules.size();
  std::string page =
      "# Protocol rules\n\n"
      "Generated from the tables in `sim/protocol/`; a test compares. Every TLP at every endpoint's edge, in both\n"
      "directions, is held against these " +
      std::to_string(count) +
      " rules. Clauses are those of the PCI Express Base\nSpecification 5.0. The bits of a header are judged where the "
      "header is known as it stood on the pins: from the endpoint.\n"
      "Flow control and ordering are judged on every link of the machine, each direction for itself: from the "
      "transmit\n"
      "queue to the wire, and from the arrival until the receiver takes the TLP. An endpoint's completions and "
      "requests\n"
      "are streams of their own, as on hard blocks: they have no order until they are on the wire.\n";
  for (const RuleGroup& group : groups()) {
    page.append("\n## ").append(group.subject).append("\n\n| rule | clause | judges | what must hold |\n");
    page.append("|---|---|---|---|\n");
    for (const ProtocolRule& rule : group.rules) {
      page.append("| `").append(rule.name).append("` | ").append(rule.clause).append(" | ");
      page.append(to_string(rule.scope)).append(" | ").append(rule.sentence).append(" |\n");
    }
  }
  return page;
}

unsigned delivered_bytes(const pcie::Tlp& completion, const OutstandingRequest& request) {
  const unsigned lead = static_cast<unsigned>(request.next & 3);
  const unsigned most = completion.length_dw * 4u;
  return std::min(request.remaining, most > lead ? most - lead : 0u);
}

}  // namespace holdover::sim
