// SPDX-License-Identifier: MIT
#include "sim/trace_filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "pcie/error.h"

namespace holdover::sim {
namespace {

using pcie::Tlp;
using pcie::TlpKind;

// What a record holds in a field, as a number; texts are numbers of a table.
using Value = std::optional<std::uint64_t>;

struct Field {
  std::string_view name;
  Value (*of)(const TraceEntry&);
  Value (*parse)(const std::string& text);
  bool ordered;
};

Value number(const std::string& text) {
  const bool hexadecimal = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  const char* const begin = text.data() + (hexadecimal ? 2 : 0);
  const char* const end = text.data() + text.size();
  std::uint64_t value = 0;
  const auto [stopped, error] = std::from_chars(begin, end, value, hexadecimal ? 16 : 10);
  if (error != std::errc{} || stopped != end) return {};
  return value;
}

Value function(const std::string& text) {
  try {
    return pcie::Bdf::parse(text).requester_id();
  } catch (const Error&) {
    return {};
  }
}

Value kind(const std::string& text) {
  for (int each = 0; each <= static_cast<int>(TlpKind::CompletionData); ++each) {
    if (to_string(static_cast<TlpKind>(each)) == text) return static_cast<std::uint64_t>(each);
  }
  return {};
}

Value status(const std::string& text) {
  using pcie::CompletionStatus;
  for (const CompletionStatus each : {CompletionStatus::Success, CompletionStatus::UnsupportedRequest,
                                      CompletionStatus::RequestRetry, CompletionStatus::CompleterAbort}) {
    if (to_string(each) == text) return static_cast<std::uint64_t>(each);
  }
  return {};
}

Value direction(const std::string& text) {
  if (text == "rx") return 0;
  return text == "tx" ? Value{1} : Value{};
}

bool is_memory(const Tlp& tlp) { return tlp.kind == TlpKind::MemoryRead || tlp.kind == TlpKind::MemoryWrite; }

template <typename Of>
Value where(bool there, const TraceEntry& entry, Of of) {
  return there ? Value{of(*entry.tlp)} : Value{};
}

constexpr std::array kFields{
    Field{"endpoint", [](const TraceEntry& entry) { return Value{entry.record.endpoint}; }, number, true},
    Field{"time", [](const TraceEntry& entry) { return Value{entry.record.time.count()}; }, number, true},
    Field{"direction", [](const TraceEntry& entry) { return Value{entry.record.direction == Direction::Tx ? 1u : 0u}; },
          direction, false},
    Field{"kind",
          [](const TraceEntry& entry) {
            return where(entry.tlp.has_value(), entry, [](const Tlp& tlp) { return std::uint64_t(tlp.kind); });
          },
          kind, false},
    Field{"requester",
          [](const TraceEntry& entry) {
            return where(entry.tlp.has_value(), entry, [](const Tlp& tlp) { return std::uint64_t{tlp.requester}; });
          },
          function, false},
    Field{"completer",
          [](const TraceEntry& entry) {
            return where(entry.tlp && is_completion(entry.tlp->kind), entry,
                         [](const Tlp& tlp) { return std::uint64_t{tlp.completer}; });
          },
          function, false},
    Field{"target",
          [](const TraceEntry& entry) {
            return where(entry.tlp && is_config(entry.tlp->kind), entry,
                         [](const Tlp& tlp) { return std::uint64_t{tlp.target}; });
          },
          function, false},
    Field{"offset",
          [](const TraceEntry& entry) {
            return where(entry.tlp && is_config(entry.tlp->kind), entry,
                         [](const Tlp& tlp) { return std::uint64_t{tlp.register_offset}; });
          },
          number, true},
    Field{"tag",
          [](const TraceEntry& entry) {
            return where(entry.tlp.has_value(), entry, [](const Tlp& tlp) { return std::uint64_t{tlp.tag}; });
          },
          number, true},
    Field{"address",
          [](const TraceEntry& entry) {
            return where(entry.tlp && is_memory(*entry.tlp), entry,
                         [](const Tlp& tlp) { return first_byte_address(tlp); });
          },
          number, true},
    Field{"length",
          [](const TraceEntry& entry) {
            return where(entry.tlp.has_value(), entry, [](const Tlp& tlp) {
              return is_memory(tlp) ? enabled_bytes(tlp).count() : std::uint64_t{tlp.length_dw} * 4;
            });
          },
          number, true},
    Field{"status",
          [](const TraceEntry& entry) {
            return where(entry.tlp && is_completion(entry.tlp->kind), entry,
                         [](const Tlp& tlp) { return std::uint64_t(tlp.status); });
          },
          status, false},
};

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ErrorCode::InvalidArgument, sentence); }

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == separator)
      parts.emplace_back();
    else
      parts.back() += letter;
  }
  return parts;
}

struct Range {
  std::uint64_t from;
  std::uint64_t to;
};

std::uint64_t value_of(const Field& field, const std::string& text, const std::string& term) {
  const Value value = field.parse(text);
  if (!value) refuse("«" + text + "» is no value of " + std::string(field.name) + " in «" + term + "»");
  return *value;
}

std::vector<Range> ranges(const Field& field, const std::string& text, const std::string& term) {
  std::vector<Range> all;
  for (const std::string& part : split(text, '|')) {
    const std::size_t dots = field.ordered ? part.find("..") : std::string::npos;
    if (dots == std::string::npos) {
      const std::uint64_t value = value_of(field, part, term);
      all.push_back({value, value});
    } else {
      const Range range{value_of(field, part.substr(0, dots), term), value_of(field, part.substr(dots + 2), term)};
      if (range.from > range.to) {
        throw Error(ErrorCode::InvalidArgument, "«" + term + "»: the range «" + part + "» ends before it begins");
      }
      all.push_back(range);
    }
  }
  return all;
}

std::function<bool(const TraceEntry&)> term_of(const std::string& term) {
  const std::size_t at = term.find_first_of("=!<>");
  const std::size_t end = at == std::string::npos ? at : term.find_first_not_of("=!<>", at);
  const std::string operation = at == std::string::npos ? "" : term.substr(at, end - at);
  const bool equality = operation == "=" || operation == "!=";
  if (!equality && operation != "<" && operation != "<=" && operation != ">" && operation != ">=") {
    refuse("«" + term + "» is no term; a term is FIELD OPERATOR VALUE without blanks, for example kind=MWr|MRd");
  }
  const std::string name = term.substr(0, at);
  const std::string text = end == std::string::npos ? "" : term.substr(end);
  const auto field =
      std::find_if(kFields.begin(), kFields.end(), [&name](const Field& each) { return each.name == name; });
  if (field == kFields.end()) {
    std::string names;
    for (const Field& each : kFields) names += (names.empty() ? "" : ", ") + std::string(each.name);
    refuse("«" + name + "» is no field of a TLP; there are: " + names);
  }
  if (!equality && !field->ordered) refuse(name + " has no order; «" + term + "» can ask for = or != only");
  if (equality) {
    return [of = field->of, all = ranges(*field, text, term), wanted = operation == "="](const TraceEntry& entry) {
      const Value value = of(entry);
      if (!value) return false;
      const bool inside = std::any_of(
          all.begin(), all.end(), [&value](const Range& range) { return *value >= range.from && *value <= range.to; });
      return inside == wanted;
    };
  }
  return [of = field->of, limit = value_of(*field, text, term), less = operation[0] == '<',
          equal = operation.size() == 2](const TraceEntry& entry) {
    const Value value = of(entry);
    if (!value) return false;
    return *value == limit ? equal : (*value < limit) == less;
  };
}

}  // namespace

TraceEntry interpret(TraceRecord record) {
  TraceEntry entry;
  entry.tlp = pcie::decode_header(record.header);
  entry.record = std::move(record);
  return entry;
}

TraceFilter::TraceFilter(std::string_view text) {
  for (const std::string& term : split(text, ' ')) {
    if (!term.empty()) terms_.push_back(term_of(term));
  }
}

bool TraceFilter::matches(const TraceEntry& entry) const {
  return std::all_of(terms_.begin(), terms_.end(), [&entry](const auto& term) { return term(entry); });
}

}  // namespace holdover::sim
