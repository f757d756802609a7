// SPDX-License-Identifier: MIT
// Which records of a trace somebody wants to see: «kind=MWr|MRd address=0x1000..0x1fff endpoint=0».
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "pcie/tlp.h"
#include "sim/trace_reader.h"

namespace holdover::sim {

// A record with what its header says; `tlp` is nothing where format and type name no TLP.
struct TraceEntry {
  TraceRecord record;
  std::optional<pcie::Tlp> tlp;
};
[[nodiscard]] TraceEntry interpret(TraceRecord record);

class TraceFilter {
 public:
  // Terms apart by blanks; all must hold. A term is FIELD OPERATOR VALUE without blanks inside. Fields:
  //   endpoint, direction (rx, tx), kind (MRd, MWr, CfgRd0, CplD ...), requester, completer, target (bb:dd.f),
  //   tag, address, length (bytes), offset (of a configuration request), status (SC, UR, RRS, CA), time (ps)
  // Operators: = and != (values apart by | are alternatives, numbers also as ranges A..B, both included), < <= > >= for
  // numbers. A record without the field does not match, whatever the operator. Throws Error{InvalidArgument} with a
  // sentence.
  explicit TraceFilter(std::string_view text);

  [[nodiscard]] bool matches(const TraceEntry& entry) const;

 private:
  std::vector<std::function<bool(const TraceEntry&)>> terms_;
};

}  // namespace holdover::sim
