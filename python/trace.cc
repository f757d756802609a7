// SPDX-License-Identifier: MIT
// A TLP trace in Python: record by record, or as NumPy arrays over the memory of one table.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <utility>

#include "pcie/error.h"
#include "python/errors.h"
#include "python/interruption.h"
#include "python/module.h"
#include "python/scenario.h"
#include "python/trace_table.h"

namespace holdover::python {
namespace {

using sim::TraceEntry;
using sim::trace_format::RecordKind;

// ---- One record ----

std::string record_name(const TraceEntry& entry) {
  switch (entry.record.kind) {
    case RecordKind::Rx:
    case RecordKind::Tx:
      return "tlp";
    case RecordKind::Effect:
      return "effect";
    case RecordKind::Store:
      return "store";
    case RecordKind::Register:
      return "register";
    default:
      return "fill";
  }
}

// What `get` makes of the TLP where `has` holds for its kind; else None.
template <typename Has, typename Get>
auto field(Has has, Get get) {
  return [has, get](const TraceEntry& entry) -> py::object {
    if (!entry.tlp || !has(*entry.tlp)) return py::none();
    return py::cast(get(*entry.tlp));
  };
}

bool is_memory(const pcie::Tlp& tlp) {
  return tlp.kind == pcie::TlpKind::MemoryRead || tlp.kind == pcie::TlpKind::MemoryWrite;
}
bool is_config(const pcie::Tlp& tlp) { return pcie::is_config(tlp.kind); }
bool is_completion(const pcie::Tlp& tlp) { return pcie::is_completion(tlp.kind); }
bool is_request(const pcie::Tlp& tlp) { return !is_completion(tlp); }
bool any(const pcie::Tlp&) { return true; }
std::string name_of(pcie::RequesterId id) { return pcie::Bdf::from_requester_id(id).to_string(); }

py::object address_of(const TraceEntry& entry) {
  const TraceRow row = row_of(entry);
  const bool has = entry.tlp && (entry.record.is_tlp() || entry.record.kind == RecordKind::Effect)
                       ? is_memory(*entry.tlp)
                       : !entry.record.is_tlp();
  return has ? py::object(py::int_(row.address)) : py::object(py::none());
}

std::string line_of(const TraceEntry& entry) {
  std::string line =
      std::to_string(entry.record.time.count()) + " ps  endpoint " + std::to_string(entry.record.endpoint) + "  ";
  if (!entry.record.is_tlp()) return line + record_name(entry);
  line += entry.record.direction == sim::Direction::Rx ? "rx  " : "tx  ";
  return line + (entry.tlp ? pcie::to_string(*entry.tlp) : std::string("no TLP that is known"));
}

void bind_tlp(py::module_& module) {
  py::class_<TraceEntry> tlp(module, "Tlp", made_by_others(),
                             "One record of a trace: a TLP at an endpoint's edge, or what happened in memory.\n\n"
                             "Fields that a record does not have are None.");
  const auto property = [&tlp](const char* name, auto getter, const char* doc) {
    tlp.def_property_readonly(name, getter, doc);
  };
  property(
      "time_ps", [](const TraceEntry& entry) { return entry.record.time.count(); }, "Simulated time, in picoseconds.");
  property("record", &record_name, "'tlp', or, of a trace with memory: 'effect', 'store', 'register', 'fill'.");
  property(
      "endpoint", [](const TraceEntry& entry) { return entry.record.endpoint; }, "Number of the endpoint.");
  property(
      "direction",
      [](const TraceEntry& entry) -> py::object {
        if (!entry.record.is_tlp()) return py::none();
        return py::str(entry.record.direction == sim::Direction::Rx ? "rx" : "tx");
      },
      "'rx' towards the endpoint, 'tx' from it.");
  property("kind", field(any, [](const pcie::Tlp& each) { return std::string(to_string(each.kind)); }),
           "'MRd', 'MWr', 'CfgRd0', ...; None where format and type name no TLP.");
  property("address", &address_of, "Byte address of the first double word, of memory requests and records of memory.");
  property("length",
           field(any,
                 [](const pcie::Tlp& each) {
                   return is_memory(each) ? enabled_bytes(each).count() : std::uint64_t{each.length_dw} * 4;
                 }),
           "Bytes: of memory requests those that byte enables select, of others as the header says.");
  property("requester", field(any, [](const pcie::Tlp& each) { return name_of(each.requester); }),
           "'0000:02:00.0'; in completions: whom it is for.");
  property("completer", field(is_completion, [](const pcie::Tlp& each) { return name_of(each.completer); }),
           "Who answers, of completions.");
  property("target", field(is_config, [](const pcie::Tlp& each) { return name_of(each.target); }),
           "The function that a configuration request is for.");
  property("register_offset", field(is_config, [](const pcie::Tlp& each) { return each.register_offset; }),
           "Byte offset of the register, of configuration requests.");
  property("tag", field(any, [](const pcie::Tlp& each) { return each.tag; }), "Tag of the request.");
  property("status", field(is_completion, [](const pcie::Tlp& each) { return std::string(to_string(each.status)); }),
           "'SC', 'UR', 'RRS' or 'CA', of completions.");
  property("byte_count", field(is_completion, [](const pcie::Tlp& each) { return each.byte_count; }),
           "Bytes still to come, this completion included.");
  property("lower_address", field(is_completion, [](const pcie::Tlp& each) { return each.lower_address; }),
           "Bits 6:0 of the address of the first byte, of completions.");
  property("first_be", field(is_request, [](const pcie::Tlp& each) { return each.first_be; }),
           "First byte enables, of requests.");
  property("last_be", field(is_request, [](const pcie::Tlp& each) { return each.last_be; }),
           "Last byte enables, of requests.");
  property("traffic_class", field(any, [](const pcie::Tlp& each) { return each.traffic_class; }), "0 to 7.");
  property("attributes", field(any, [](const pcie::Tlp& each) { return each.attributes; }),
           "Bit 0 no snoop, bit 1 relaxed ordering, bit 2 ID-based ordering.");
  property("poisoned", field(any, [](const pcie::Tlp& each) { return each.poisoned; }), "EP.");
  property(
      "header",
      [](const TraceEntry& entry) {
        const pcie::TlpHeader& words = entry.record.header;
        return py::make_tuple(words[0], words[1], words[2], words[3]);
      },
      "Header double words as numbers; the fourth of a three-word header is 0.");
  property(
      "payload",
      [](const TraceEntry& entry) {
        const std::vector<std::byte>& bytes = entry.record.payload;
        return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      },
      "Bytes in address order.");
  tlp.def("__repr__", [](const TraceEntry& entry) { return "<Tlp " + line_of(entry) + ">"; });
  tlp.def("__str__", &line_of);
}

// ---- A file ----

class TraceFile {
 public:
  explicit TraceFile(TraceRequest request)
      : request_(std::move(request)), info_(TraceCursor(request_).reader().info()) {}

  void close() {
    closed_ = true;
    table_.reset();
  }
  [[nodiscard]] const TraceRequest& request() const {
    require_open();
    return request_;
  }
  [[nodiscard]] const sim::TraceInfo& info() const {
    require_open();
    return info_;
  }
  [[nodiscard]] std::string name() const { return request_.path.string() + (closed_ ? ", closed" : ""); }

  // Read at the first call.
  [[nodiscard]] std::shared_ptr<const TraceTable> table() {
    require_open();
    if (table_) return table_;
    Interruption interruption;
    std::shared_ptr<const TraceTable> table;
    {
      const OthersRun others_run;
      table =
          std::make_shared<const TraceTable>(read_table(request_, [&interruption] { return interruption.asked(); }));
    }
    interruption.rethrow();
    table_ = std::move(table);
    return table_;
  }

 private:
  void require_open() const {
    if (closed_) throw Closed("the trace " + request_.path.string() + " is closed; open it again with Trace(path)");
  }

  TraceRequest request_;
  sim::TraceInfo info_;
  std::shared_ptr<const TraceTable> table_;
  bool closed_ = false;
};

using TraceHandle = std::shared_ptr<TraceFile>;

// The file that it belongs to is asked at each step whether it is still open.
class TraceIterator {
 public:
  TraceIterator(py::object file, const TraceRequest& request) : file_(std::move(file)), cursor_(request) {}

  TraceEntry next() {
    (void)file_.cast<TraceHandle>()->request();
    Interruption interruption;
    std::optional<TraceEntry> entry = cursor_.next([&interruption] {
      const OthersRun others_run;
      return interruption.asked();
    });
    interruption.rethrow();
    if (!entry) throw py::stop_iteration();
    return std::move(*entry);
  }

 private:
  py::object file_;
  TraceCursor cursor_;
};

// A view of memory that `table` owns, and that the array keeps alive. It cannot be written.
template <typename Item>
py::array view(const std::shared_ptr<const TraceTable>& table, py::dtype type, const std::vector<Item>& items) {
  auto* const held = new std::shared_ptr<const TraceTable>(table);
  const py::capsule owner(held, [](void* pointer) { delete static_cast<std::shared_ptr<const TraceTable>*>(pointer); });
  py::array array(std::move(type), {items.size()}, {sizeof(Item)}, items.data(), owner);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

TraceRequest request_of(const py::object& path, const std::string& filter, const py::object& begin,
                        const py::object& end, bool memory) {
  const auto name = py::module_::import("os").attr("fspath")(path).cast<std::string>();
  TraceRequest request{name, filter, Time{0}, std::nullopt, memory};
  if (!begin.is_none()) request.from = time_of(begin, "begin");
  if (!end.is_none()) request.to = time_of(end, "end");
  return request;
}

}  // namespace

void bind_trace(py::module_& module) {
  PYBIND11_NUMPY_DTYPE(TraceRow, time_ps, address, payload_offset, payload_bytes, length, header, requester, completer,
                       target, register_offset, tag, byte_count, record, endpoint, kind, status, first_be, last_be,
                       lower_address, traffic_class, attributes, poisoned, message_code, reserved);
  bind_tlp(module);
  module.def("tlp_kinds", [] {
    std::vector<std::string> names;
    for (int each = 0; each <= static_cast<int>(pcie::TlpKind::CompletionData); ++each) {
      names.emplace_back(to_string(static_cast<pcie::TlpKind>(each)));
    }
    return names;
  });

  py::class_<TraceIterator>(module, "TraceIterator", made_by_others(), "What iter(Trace) gives.")
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__", &TraceIterator::next);

  py::class_<TraceFile, TraceHandle>(
      module, "Trace",
      "A TLP trace that run(..., trace=path) or Machine(trace=path) wrote.\n\n"
      "Iterate over it for one Tlp after the other, or take it as NumPy arrays with to_numpy().")
      .def(
          py::init(
              [](const py::object& path, const std::string& filter, const py::object& begin, const py::object& end,
                 bool memory) { return std::make_shared<TraceFile>(request_of(path, filter, begin, end, memory)); }),
          py::arg("path"), py::kw_only(), py::arg("filter") = "", py::arg("begin") = py::none(),
          py::arg("end") = py::none(), py::arg("memory") = false,
          "path: the file. filter: as `holdover trace --filter` takes it, 'kind=MWr|MRd length>=256'. begin, end: "
          "simulated times, '380us' or picoseconds; end is not included. memory: also records of what touched DRAM.\n\n"
          "Raises Unavailable where it cannot be read, Corrupt where it is no trace, InvalidArgument for a filter that "
          "is none.")
      .def_property_readonly(
          "seed", [](const TraceHandle& file) { return file->info().seed; }, "Of the run.")
      .def_property_readonly(
          "configuration_hash", [](const TraceHandle& file) { return file->info().configuration_hash; },
          "Two traces of one seed and one hash are the same, byte for byte.")
      .def(
          "to_numpy",
          [](const TraceHandle& file) {
            const auto table = file->table();
            return view(table, py::dtype::of<TraceRow>(), table->rows);
          },
          "A structured array with a row for each record, read at the first call; a view of the table in C++, which it "
          "keeps alive. The array cannot be written. Raises Corrupt where the file ends inside a record.")
      .def(
          "payloads",
          [](const TraceHandle& file) {
            const auto table = file->table();
            return view(table, py::dtype::of<std::uint8_t>(), table->payloads);
          },
          "The bytes of all payloads, one behind the other: row r has "
          "[r['payload_offset'] : r['payload_offset'] + r['payload_bytes']]. A view, as to_numpy().")
      .def(
          "close", [](const TraceHandle& file) { file->close(); },
          "Ends it; arrays that were taken stay good. A second call does nothing.")
      .def("__enter__",
           [](py::object self) {
             (void)self.cast<TraceHandle>()->request();
             return self;
           })
      .def("__exit__", [](const TraceHandle& file, const py::args&) { file->close(); })
      .def("__iter__",
           [](const py::object& self) {
             const TraceRequest& request = self.cast<TraceHandle>()->request();
             return std::make_unique<TraceIterator>(self, request);
           })
      .def("__repr__", [](const TraceHandle& file) { return "<Trace " + file->name() + ">"; });
}

}  // namespace holdover::python
