// SPDX-License-Identifier: MIT
// A trace in formats of others: pcapng for packet viewers, trace events for Perfetto; docs/trace.md says what is where.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "sim/trace_filter.h"

namespace holdover::sim {

// Takes records in the order of the trace. Where the stream failed, the stream says so.
class TraceSink {
 public:
  TraceSink() = default;
  TraceSink(const TraceSink&) = delete;
  TraceSink& operator=(const TraceSink&) = delete;
  virtual ~TraceSink() = default;

  virtual void take(const TraceEntry& entry) = 0;
  // What stands behind the last record.
  virtual void finish() {}
};

// pcapng (draft-ietf-opsawg-pcapng): one interface for each endpoint, link type USER0 (147), time in picoseconds, the
// direction in the packet's flags (inbound: towards the endpoint). A packet is the TLP as on the wire, header first,
// without framing, sequence number and LCRC.
class PcapngSink final : public TraceSink {
 public:
  // `out` outlives the sink.
  explicit PcapngSink(std::ostream& out);
  void take(const TraceEntry& entry) override;

 private:
  std::ostream& out_;
  std::map<unsigned, std::uint32_t> interfaces_;  // by endpoint
};

// Trace events as JSON, which ui.perfetto.dev opens: a process for each endpoint; a span from each non-posted request
// to its last completion, an instant for each posted request, a counter of requests in flight.
class PerfettoSink final : public TraceSink {
 public:
  explicit PerfettoSink(std::ostream& out);
  void take(const TraceEntry& entry) override;
  void finish() override;

 private:
  // Endpoint, whether it asked, requester, tag.
  using Key = std::tuple<unsigned, bool, pcie::RequesterId, std::uint16_t>;

  void event(std::initializer_list<std::string_view> members);
  void introduce(unsigned endpoint);
  void count(const TraceEntry& entry, bool from_endpoint);

  std::ostream& out_;
  bool first_ = true;
  std::uint64_t next_id_ = 1;
  std::map<Key, std::uint64_t> flying_;
  std::set<unsigned> introduced_;
};

}  // namespace holdover::sim
