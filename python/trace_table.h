// SPDX-License-Identifier: MIT
// A TLP trace as one table: a row of fixed size for each record, and all payloads behind one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pcie/units.h"
#include "sim/trace_filter.h"

namespace holdover::python {

// Fields that a record does not have are 0. docs/python.md has the table of them.
struct TraceRow {
  std::uint64_t time_ps;
  std::uint64_t address;  // memory requests: of the first double word; records of memory: in DRAM
  std::uint64_t payload_offset;
  std::uint32_t payload_bytes;
  std::uint32_t length;  // bytes: memory requests, those that byte enables select; others, as the header says
  std::uint32_t header[4];
  std::uint16_t requester;
  std::uint16_t completer;
  std::uint16_t target;  // of configuration requests
  std::uint16_t register_offset;
  std::uint16_t tag;
  std::uint16_t byte_count;
  std::uint8_t record;  // sim::trace_format::RecordKind
  std::uint8_t endpoint;
  std::uint8_t kind;    // pcie::TlpKind; 255: format and type name no TLP
  std::uint8_t status;  // pcie::CompletionStatus
  std::uint8_t first_be;
  std::uint8_t last_be;
  std::uint8_t lower_address;
  std::uint8_t traffic_class;
  std::uint8_t attributes;
  std::uint8_t poisoned;
  std::uint8_t message_code;
  std::uint8_t reserved;
};

inline constexpr std::uint8_t kNoKind = 255;

// Which records of a file are wanted.
struct TraceRequest {
  std::filesystem::path path;
  std::string filter;  // sim::TraceFilter
  Time from{0};
  std::optional<Time> to;  // not itself
  bool memory = false;
};

// Called now and then while records are read; where it returns true, reading ends and what was read is of no use.
using Look = std::function<bool()>;

// Reads what is asked for, record by record.
class TraceCursor {
 public:
  // Throws as sim::TraceReader and sim::TraceFilter do.
  explicit TraceCursor(const TraceRequest& request);
  // Nothing at the end. Throws Error{Corrupt}.
  [[nodiscard]] std::optional<sim::TraceEntry> next(const Look& look);
  [[nodiscard]] const sim::TraceReader& reader() const { return reader_; }

 private:
  sim::TraceReader reader_;
  sim::TraceFilter filter_;
  Time from_;
  std::optional<Time> to_;
  static constexpr std::uint64_t kBetweenLooks = 4096;  // records
  std::uint64_t seen_ = 0;
};

struct TraceTable {
  std::vector<TraceRow> rows;
  std::vector<std::byte> payloads;
};

[[nodiscard]] TraceTable read_table(const TraceRequest& request, const Look& look);
[[nodiscard]] TraceRow row_of(const sim::TraceEntry& entry);

}  // namespace holdover::python
