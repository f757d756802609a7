// SPDX-License-Identifier: MIT
#include "python/trace_table.h"

#include <algorithm>

namespace holdover::python {

TraceCursor::TraceCursor(const TraceRequest& request)
    : reader_(request.path), filter_(request.filter), from_(request.from), to_(request.to) {
  if (request.memory) reader_.include_memory();
  reader_.seek(from_);
}

std::optional<sim::TraceEntry> TraceCursor::next(const Look& look) {
  while (std::optional<sim::TraceRecord> record = reader_.next()) {
    if (++seen_ % kBetweenLooks == 0 && look()) return {};
    if (record->time < from_) continue;
    if (to_ && record->time >= *to_) return {};
    sim::TraceEntry entry = sim::interpret(std::move(*record));
    if (filter_.matches(entry)) return entry;
  }
  return {};
}

TraceRow row_of(const sim::TraceEntry& entry) {
  const sim::TraceRecord& record = entry.record;
  TraceRow row{};
  row.time_ps = record.time.count();
  row.payload_bytes = static_cast<std::uint32_t>(record.payload.size());
  std::copy(record.header.begin(), record.header.end(), row.header);
  row.record = static_cast<std::uint8_t>(record.kind);
  row.endpoint = static_cast<std::uint8_t>(record.endpoint);
  row.kind = kNoKind;
  using sim::trace_format::RecordKind;
  if (!record.is_tlp() && record.kind != RecordKind::Effect) {
    row.address = record.header[0] | std::uint64_t{record.header[1]} << 32;
    return row;
  }
  if (!entry.tlp) return row;
  const pcie::Tlp& tlp = *entry.tlp;
  row.kind = static_cast<std::uint8_t>(tlp.kind);
  row.address = tlp.address;
  const bool memory = tlp.kind == pcie::TlpKind::MemoryRead || tlp.kind == pcie::TlpKind::MemoryWrite;
  row.length =
      memory ? static_cast<std::uint32_t>(enabled_bytes(tlp).count()) : std::uint32_t{4} * std::uint32_t{tlp.length_dw};
  row.requester = tlp.requester;
  row.completer = tlp.completer;
  row.target = tlp.target;
  row.register_offset = tlp.register_offset;
  row.tag = tlp.tag;
  row.byte_count = tlp.byte_count;
  row.status = static_cast<std::uint8_t>(tlp.status);
  row.first_be = tlp.first_be;
  row.last_be = tlp.last_be;
  row.lower_address = tlp.lower_address;
  row.traffic_class = tlp.traffic_class;
  row.attributes = tlp.attributes;
  row.poisoned = tlp.poisoned ? 1 : 0;
  row.message_code = tlp.message_code;
  return row;
}

TraceTable read_table(const TraceRequest& request, const Look& look) {
  TraceTable table;
  TraceCursor cursor(request);
  while (const std::optional<sim::TraceEntry> entry = cursor.next(look)) {
    TraceRow row = row_of(*entry);
    row.payload_offset = table.payloads.size();
    table.rows.push_back(row);
    table.payloads.insert(table.payloads.end(), entry->record.payload.begin(), entry->record.payload.end());
  }
  return table;
}

}  // namespace holdover::python
