// SPDX-License-Identifier: MIT
// Holds every TLP at every endpoint's edge against the rules of the base specification (sim/protocol_rules.h), and
// every request against its completions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "sim/protocol_rules.h"
#include "sim/witness.h"

namespace holdover::sim {

class ProtocolChecker {
 public:
  using ViolationSink = std::function<void(const Violation&)>;

  ProtocolChecker(unsigned endpoints, ViolationSink report);

  // One TLP: tx when its last beat left the endpoint, rx when its last beat entered it. `raw`, where given, is the
  // header as it stood on the pins; it must be one that pcie::decode_header() made `tlp` of.
  void observe(Time now, unsigned endpoint, Direction direction, const pcie::Tlp& tlp, const FunctionState& state,
               const pcie::TlpHeader* raw = nullptr);
  // A header that names no TLP.
  void observe_undecodable(Time now, unsigned endpoint, Direction direction, const pcie::TlpHeader& raw);
  // The endpoint was reset, or its link went down: after a fundamental or conventional reset nothing is outstanding in
  // either direction; after an FLR or D3hot to D0, completions of earlier requests may still come, or not.
  void reset(unsigned endpoint, ResetKind kind);
  // Reports requests whose completions are missing. `now` is the end of the run; requests that are younger than `grace`
  // may still be answered. What is not reported can still be completed.
  void finish(Time now, Time grace);

  [[nodiscard]] std::uint64_t checked() const { return checked_; }
  [[nodiscard]] std::uint64_t violations() const { return violations_; }
  // Non-posted requests seen, those that got one complete set of completions, and how many of these were unsuccessful.
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t completed() const { return completed_; }
  [[nodiscard]] std::uint64_t unsuccessful() const { return unsuccessful_; }

 private:
  // By requester ID and tag; an entry stays until its tag is used again.
  using Outstanding = std::map<std::uint32_t, OutstandingRequest>;
  struct Edge {
    Outstanding tx;               // requests of the endpoint
    Outstanding rx;               // requests to it
    std::uint64_t turn_offs = 0;  // PME_Turn_Off that were not acknowledged
  };

  void violate(Time now, unsigned endpoint, Direction direction, const ProtocolRule& rule, const pcie::Tlp& tlp);
  void track_request(const Observation& seen, Outstanding& outstanding);
  void track_completion(const Observation& seen, OutstandingRequest* answered);
  void track_message(const Observation& seen, Edge& edge);

  std::vector<Edge> edges_;
  ViolationSink report_;
  std::uint64_t checked_ = 0;
  std::uint64_t violations_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t unsuccessful_ = 0;
};

}  // namespace holdover::sim
