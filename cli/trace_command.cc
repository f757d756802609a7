// SPDX-License-Identifier: MIT
#include "cli/trace_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "bench/output_file.h"
#include "bench/run.h"
#include "cli/interruption.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "cli/whole_number.h"
#include "pcie/error.h"
#include "sim/trace_export.h"
#include "sim/trace_filter.h"
#include "sim/trace_reader.h"

namespace holdover::cli {
namespace {

constexpr char kFooter[] =
    "A filter is terms apart by blanks, all of which must hold; a term is FIELD OPERATOR VALUE without blanks inside:\n"
    "  kind=MWr|MRd              alternatives; kinds are MRd, MWr, CfgRd0, CfgWr0, CfgRd1, CfgWr1, Msg, MsgD, Cpl, "
    "CplD\n"
    "  address=0x1000..0x1fff    a range, both ends included; numbers are decimal or 0x...\n"
    "  length>=256 tag!=5        numbers have < <= > >= as well\n"
    "  endpoint=0 direction=tx   tx is from the endpoint, rx towards it\n"
    "  requester=02:00.0 completer=02:00.0 target=02:00.0 offset=0x4 status=UR|CA time>=5000000 (ps)\n"
    "A TLP that has no such field does not match.\n"
    "\n"
    "Examples:\n"
    "  holdover trace run.tlp --limit 20                          the first TLPs\n"
    "  holdover trace run.tlp --from 380us --to 381us             a microsecond of them, found without reading the "
    "rest\n"
    "  holdover trace run.tlp --filter \"kind=CplD status!=SC\"     completions that refuse\n"
    "  holdover trace run.tlp --pcapng run.pcapng                 for packet viewers\n"
    "  holdover trace run.tlp --perfetto run.json                 for ui.perfetto.dev\n"
    "\n"
    "A file that is cut off is read up to the break, and then said to be broken.\n"
    "Exit codes: 0 all was read, 2 usage, or a file that is broken or of another version";

struct Request {
  std::string file;
  std::string filter;
  std::string from;
  std::string to;
  std::uint64_t limit = 0;  // 0: all
  bool payload = false;
  bool json = false;
  bool memory = false;
  std::string pcapng;
  std::string perfetto;
};

// A file that gets its name when it is complete, with what turns records into it.
class Export {
 public:
  Export(const char* option, std::filesystem::path path)
      : option_(option), path_(std::move(path)), partial_(bench::place_of(path_).string() + ".partial") {
    bench::require_writable(option, path_);
    out_.open(partial_, std::ios::binary | std::ios::trunc);
  }
  Export(const Export&) = delete;
  Export& operator=(const Export&) = delete;
  ~Export() {
    std::error_code ignored;
    if (!complete_) std::filesystem::remove(partial_, ignored);
  }

  template <typename Sink>
  void open() {
    sink_ = std::make_unique<Sink>(out_);
  }
  void take(const sim::TraceEntry& entry) {
    sink_->take(entry);
    require_good();
  }
  void finish() {
    sink_->finish();
    out_.close();
    require_good();
    std::filesystem::rename(partial_, bench::place_of(path_));
    complete_ = true;
  }

 private:
  void require_good() const {
    if (out_) return;
    throw Error(ErrorCode::Unavailable, option_ + ": " + path_.string() + " cannot be written; is its disk full?");
  }

  std::string option_;
  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::ofstream out_;
  std::unique_ptr<sim::TraceSink> sink_;
  bool complete_ = false;
};

std::optional<Time> time_of(const char* option, const std::string& text) {
  if (text.empty()) return {};
  const std::optional<Time> time = parse_time(text);
  if (!time) {
    throw Error(ErrorCode::InvalidArgument,
                std::string(option) + ": «" + text + "» is not possible; it takes " + std::string(kTimeForms));
  }
  return time;
}

std::string hexadecimal(const std::vector<std::byte>& bytes) {
  std::string text;
  char pair[3];
  for (const std::byte each : bytes) {
    std::snprintf(pair, sizeof pair, "%02x", static_cast<unsigned>(each));
    text += pair;
  }
  return text;
}

void print_line(const sim::TraceEntry& entry, bool payload) {
  const sim::TraceRecord& record = entry.record;
  char start[64];
  std::snprintf(start, sizeof start, "%11llu.%06llu us  endpoint %u  %s  ",
                static_cast<unsigned long long>(record.time.count() / 1'000'000),
                static_cast<unsigned long long>(record.time.count() % 1'000'000), record.endpoint,
                record.direction == sim::Direction::Rx ? "rx" : "tx");
  std::cout << start << (entry.tlp ? pcie::to_string(*entry.tlp) : std::string("no TLP that is known"));
  if (entry.tlp && entry.tlp->poisoned) std::cout << " poisoned";
  std::cout << '\n';
  if (payload) {
    for (std::size_t at = 0; at < record.payload.size(); at += 32) {
      const auto begin = record.payload.begin() + static_cast<std::ptrdiff_t>(at);
      const auto size = static_cast<std::ptrdiff_t>(std::min<std::size_t>(32, record.payload.size() - at));
      std::snprintf(start, sizeof start, "%24s+%03zx  ", "", at);
      std::cout << start << hexadecimal({begin, begin + size}) << '\n';
    }
  }
}

void print_json(const sim::TraceEntry& entry) {
  const sim::TraceRecord& record = entry.record;
  char header[64];
  std::snprintf(header, sizeof header, "[%u,%u,%u,%u]", record.header[0], record.header[1], record.header[2],
                record.header[3]);
  std::cout << "{\"time_ps\":" << record.time.count() << ",\"endpoint\":" << record.endpoint << ",\"direction\":\""
            << (record.direction == sim::Direction::Rx ? "rx" : "tx") << "\",\"header\":" << header << ",\"tlp\":\""
            << (entry.tlp ? pcie::to_string(*entry.tlp) : std::string()) << "\",\"payload\":\""
            << hexadecimal(record.payload) << "\"}\n";
}

std::uint64_t joined(std::uint32_t low, std::uint32_t high) { return low | (std::uint64_t{high} << 32); }

// A record of memory.
void print_memory_line(const sim::TraceRecord& record, const std::optional<pcie::Tlp>& tlp) {
  using Kind = sim::trace_format::RecordKind;
  char start[96];
  std::snprintf(start, sizeof start, "%11llu.%06llu us  ",
                static_cast<unsigned long long>(record.time.count() / 1'000'000),
                static_cast<unsigned long long>(record.time.count() % 1'000'000));
  std::cout << start;
  if (record.kind == Kind::Effect) {
    std::cout << "endpoint " << record.endpoint << "  in memory  "
              << (tlp ? pcie::to_string(*tlp) : std::string("no TLP")) << '\n';
    return;
  }
  const char* const what = record.kind == Kind::Store      ? "stored"
                           : record.kind == Kind::Register ? "register"
                                                           : "filled";
  std::snprintf(start, sizeof start, "processor   %s  0x%llx", what,
                static_cast<unsigned long long>(joined(record.header[0], record.header[1])));
  std::cout << start << ' ' << (record.kind == Kind::Fill ? std::size_t{4096} : record.payload.size()) << " B\n";
}

void print_memory_json(const sim::TraceRecord& record) {
  using Kind = sim::trace_format::RecordKind;
  std::cout << "{\"time_ps\":" << record.time.count();
  const auto& words = record.header;
  if (record.kind == Kind::Effect) {
    std::cout << ",\"memory\":\"effect\",\"endpoint\":" << record.endpoint << ",\"header\":[" << words[0] << ','
              << words[1] << ',' << words[2] << ',' << words[3] << "]}\n";
    return;
  }
  const char* const what = record.kind == Kind::Store ? "store" : record.kind == Kind::Register ? "register" : "fill";
  std::cout << ",\"memory\":\"" << what << "\",\"address\":" << joined(words[0], words[1]);
  if (record.kind == Kind::Fill) {
    std::cout << ",\"word\":" << joined(words[2], words[3]) << "}\n";
  } else {
    std::cout << ",\"payload\":\"" << hexadecimal(record.payload) << "\"}\n";
  }
}

// Each option's place is its own, and none of them the trace's.
void require_places(const Request& request) {
  const std::filesystem::path pcapng = request.pcapng;
  const std::filesystem::path perfetto = request.perfetto;
  for (const auto& [option, path] : {std::pair{"--pcapng", pcapng}, std::pair{"--perfetto", perfetto}}) {
    std::error_code ignored;
    if (path.empty() || !std::filesystem::equivalent(path, request.file, ignored)) continue;
    throw Error(ErrorCode::InvalidArgument, std::string(option) + ": " + path.string() +
                                                " is the trace that is read, and would be lost; name another file");
  }
  if (!pcapng.empty() && !perfetto.empty() && bench::place_of(pcapng) == bench::place_of(perfetto)) {
    throw Error(ErrorCode::InvalidArgument,
                "--perfetto: " + perfetto.string() + " is named for --pcapng too; give each its own file");
  }
}

int trace(const Request& request) {
  const sim::TraceFilter filter = [&request] {
    try {
      return sim::TraceFilter{request.filter};
    } catch (const Error& error) {
      throw Error(error.code(), std::string("--filter: ") + error.what());
    }
  }();
  const std::optional<Time> from = time_of("--from", request.from);
  const std::optional<Time> to = time_of("--to", request.to);
  if (from && to && *from > *to) {
    throw Error(ErrorCode::InvalidArgument, "--to: " + request.to + " lies before --from " + request.from);
  }
  require_places(request);
  sim::TraceReader reader{request.file};
  std::vector<std::unique_ptr<Export>> exports;
  if (!request.pcapng.empty()) {
    exports.push_back(std::make_unique<Export>("--pcapng", request.pcapng));
    exports.back()->open<sim::PcapngSink>();
  }
  if (!request.perfetto.empty()) {
    exports.push_back(std::make_unique<Export>("--perfetto", request.perfetto));
    exports.back()->open<sim::PerfettoSink>();
  }
  const bool prints = exports.empty() || request.json;
  const SignalsAreRequests signals;
  if (from) reader.seek(*from);
  if (request.memory) reader.include_memory();

  std::optional<Error> broken;
  std::uint64_t shown = 0;
  try {
    while (std::optional<sim::TraceRecord> record = reader.next()) {
      if (SignalsAreRequests::requested().load()) throw Error(ErrorCode::Interrupted, "nothing was exported");
      if (from && record->time < *from) continue;
      if (to && record->time > *to) break;
      const bool is_tlp = record->is_tlp();
      const sim::TraceEntry entry = sim::interpret(std::move(*record));
      if (!is_tlp) {
        if (request.json)
          print_memory_json(entry.record);
        else if (prints)
          print_memory_line(entry.record, entry.tlp);
        continue;
      }
      if (!filter.matches(entry)) continue;
      for (const auto& each : exports) each->take(entry);
      if (prints && request.json)
        print_json(entry);
      else if (prints)
        print_line(entry, request.payload);
      if (!std::cout) break;
      if (++shown == request.limit) break;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Corrupt) throw;
    broken = error;
  }
  for (const auto& each : exports) each->finish();
  require_written();
  if (!prints) std::cout << shown << " TLPs exported\n";
  if (broken) throw *broken;
  return 0;
}

}  // namespace

Command add_trace_command(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("trace", "Print a TLP trace, or turn it into formats of others");
  verb->footer(kFooter);
  const auto request = std::make_shared<Request>();
  verb->add_option("file", request->file, "the trace that `holdover run --trace FILE` wrote")->required();
  verb->add_option("--filter", request->filter, "Only the TLPs that match")->type_name("TERMS");
  verb->add_option("--from", request->from, "Only from this time on")->type_name("TIME");
  verb->add_option("--to", request->to, "Only up to this time")->type_name("TIME");
  verb->add_option("--limit", request->limit, "At most so many TLPs")->type_name("N")->check(whole_number(1));
  verb->add_flag("--payload", request->payload, "The payload below each line");
  verb->add_flag("--json", request->json, "A JSON object for each TLP, one to a line");
  verb->add_flag("--memory", request->memory,
                 "The records of memory as well, where `holdover run --trace-detail memory` wrote them");
  verb->add_option("--pcapng", request->pcapng, "Write pcapng instead of lines")->type_name("FILE");
  verb->add_option("--perfetto", request->perfetto, "Write Perfetto's trace events instead of lines")
      ->type_name("FILE");
  return {verb, [request] { return trace(*request); }};
}

}  // namespace holdover::cli
