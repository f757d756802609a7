// SPDX-License-Identifier: MIT
// The door of the bench: what can be asked of a run, and what comes back.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/hazards.h"
#include "bench/verdict.h"
#include "pcie/units.h"
#include "sim/witness.h"

namespace holdover::bench {

enum class Isolation : std::uint8_t {
  InProcess,  // kernels are objects of this process
  Process,    // kernels are processes; the jump is an execve of the next kernel image
};
enum class Jump : std::uint8_t {
  Kexec,
  Crash,  // a panic enters a crash kernel, as in kdump: nothing is shut down, nothing handed over
  None,   // control: the window opens and closes under one kernel
};

// In a chain, when a kernel finishes what it was handed.
enum class FinishOrder : std::uint8_t {
  BeforePreserve,
  AfterPreserve,  // its functions are incoming and outgoing at once
};

// What the agent does with interrupts before it asks for the kexec.
enum class InterruptsAtFreeze : std::uint8_t {
  Keep,
  Off,  // switched off, and on again after the update, as the posted VFIO series demands it
};

struct RunOptions {
  std::string scenario = "continuity";
  std::string profile = "continuous";
  // Kernels of their own (bench/kernels.h): the first, the one after it; or all of them, separated by commas.
  std::string from;
  std::string to;
  std::string chain;
  std::vector<std::string> policies;  // «name=value»: what is changed of every kernel (host/kernel/policy.h)
  FinishOrder finish = FinishOrder::BeforePreserve;
  std::string topology = "direct";
  std::string link = "gen3x8";        // all links of the machine; sim::select_link()
  std::string endpoint = "holdover";  // which device the straps make of the endpoints; sim::endpoints()
  std::string aspm = "off";           // what firmware leaves enabled on links: off, l0s, l1, all
  std::uint64_t seed = 1;
  Isolation isolation = Isolation::Process;
  Jump jump = Jump::Kexec;
  std::optional<InterruptsAtFreeze> interrupts_at_freeze;  // none: Off where a kernel that is replaced demands it
  Time blackout = Time{1'000'000'000};                     // 1 ms; at most 1 s
  Time before = Time{200'000'000};                         // steady traffic before the first preserve
  Time after = Time{200'000'000};                          // steady traffic after the last finish
  std::vector<std::string> faults;                         // names of faults()

  // The endpoints and their traffic. The defaults that EndpointConfig and Disturbance have are these.
  unsigned width = sim::EndpointConfig{}.data_width;   // bits
  unsigned channels = sim::EndpointConfig{}.channels;  // of DMA
  // Bytes that the endpoints support; none: as many as the endpoint has.
  std::optional<unsigned> max_payload;
  std::string bulk;            // «c2h,h2c»: directions of the bulk channels; empty: one each way, as far as there
  std::uint32_t transfer = 0;  // bytes of every descriptor; 0: a mixture
  Time heartbeat = Time{2'000'000};  // period of the records
  std::string disturb = "all";       // sim::select_disturbances()
  Time read_latency_min = sim::Disturbance{}.read_latency_min;
  Time read_latency_max = sim::Disturbance{}.read_latency_max;
  Time write_latency_max = sim::Disturbance{}.write_latency_max;
  // Programmed by the driver; none: as long as EndpointConfig says, or as an answer may take where that is longer.
  std::optional<Time> completion_timeout;

  // Outputs; empty: none.
  std::filesystem::path json;
  std::filesystem::path junit;
  std::filesystem::path trace;
  bool trace_memory = false;   // with records of all that touches DRAM
  std::filesystem::path dram;  // DRAM at the end
  std::filesystem::path wave;
  Time wave_from = Time{0};
  std::optional<Time> wave_to;

  // Process isolation: executable of the first kernel image (empty: own_image), and of the next one where it is another
  // version.
  std::filesystem::path kernel_image;
  std::filesystem::path next_image;
  // The kernel image that comes with this program.
  std::filesystem::path own_image;
  // The files that some of these options came from, which no output may replace.
  std::vector<std::filesystem::path> sources;

  // Asked very often, by the thread that runs: once it says yes, the run ends with Error{Interrupted} soon after. Never
  // throws; empty: nobody stops it.
  std::function<bool()> stop;

  // For the report, and how the replay command starts.
  std::string program = "holdover";
  std::string version;
  std::string commit;
};

struct TableEntry {
  std::string_view name;
  std::string_view sentence;
};
[[nodiscard]] std::span<const TableEntry> scenarios();
// Those of them in which something is handed over: a kernel with live update passes them.
[[nodiscard]] std::span<const TableEntry> update_scenarios();
// Hazards of the kernel (host/kernel/hazard.h), then faults of the machine, then what others do to a function that is
// handed over (host/agent/interference.h).
[[nodiscard]] std::span<const TableEntry> faults();

// One line of the terminal table.
struct PhaseRow {
  pcie::Phase phase = pcie::Phase::Boot;
  std::string host;  // «kernel A», «nobody», «kernel B»
  Time begin;
  Time end;
  Cycles clocks;              // of the endpoints
  std::uint64_t records = 0;  // heartbeat records that reached memory
  std::optional<Time>
      longest_silence;  // between two records, ending in this phase; nothing where fewer than one gap ended in it
  std::uint64_t config_writes = 0;  // to functions on the path of preserved endpoints
};

struct Report {
  RunOptions options;
  sim::MachineConfig machine;
  Verdict verdict;
  std::vector<PhaseRow> phases;
  sim::SilenceBound silence_bound;  // without the heartbeat period
  Time silence_limit;               // heartbeat period + silence_bound.total; 0 where no heartbeat ran
  Time window_begin;
  Time window_end;
  Time simulated;                    // simulated time at the end
  Cycles clocks;                     // endpoint clocks at the end
  std::chrono::nanoseconds wall{0};  // wall time of the run, the only wall-clock figure
  std::uint64_t tlps = 0;            // at the endpoints' edges, both directions
  // What is known to happen to devices on the way, as far as it did: «H014» with who, where and when first.
  std::vector<HazardSighting> hazards;
  std::vector<std::string> notes;    // what the reader must know: scaled delays, …
  std::vector<std::string> console;  // last lines of the host's console
  std::string dump;                  // of the machine, where a watchdog ended the run
  std::string replay;  // command that repeats the run with a waveform around the first finding; empty on PASS
};

struct ProgressNote {
  Time now;
  pcie::Phase phase = pcie::Phase::Boot;
  Cycles clocks;
};
// Called a few times per simulated 100 us; may be empty.
using Progress = std::function<void(const ProgressNote&)>;
using MachineFactory = std::function<std::unique_ptr<sim::ObservedMachine>(const sim::MachineConfig&, sim::Witness&)>;

// Throws Error{InvalidArgument} with one sentence that names the option and lists what is possible: unknown names,
// impossible combinations, numbers out of range. Error{Unavailable} for output paths that cannot be written.
void validate(const RunOptions& options);

// «kexec», «crash», «none».
[[nodiscard]] std::string_view to_string(Jump jump);

// The machine of a run, without faults and files.
[[nodiscard]] sim::MachineConfig machine_config(const RunOptions& options);
// With them.
[[nodiscard]] sim::MachineConfig whole_machine_config(const RunOptions& options);

// Bytes that the endpoints of a run support.
[[nodiscard]] unsigned max_payload(const RunOptions& options);
// What the agent of a run does with interrupts. Throws as kernels() does.
[[nodiscard]] InterruptsAtFreeze interrupts_at_freeze(const RunOptions& options);

// Simulated time that the host of a run may take from one mark to the next: what the options make it wait, and whatever
// its kernels are bound to wait at each of the machine's `functions`. Throws as kernels() does.
[[nodiscard]] Time host_patience(const RunOptions& options, std::size_t functions);

// How many bulk channels each endpoint is asked to run in each direction.
struct BulkChannels {
  unsigned to_host = 0;
  unsigned to_card = 0;
};
// Throws Error{InvalidArgument} where `bulk` is no list of directions.
[[nodiscard]] BulkChannels bulk_channels(const RunOptions& options);

// Validates, runs, judges, and writes the files that the options name (each under a temporary name first, then
// renamed). Throws what validate() throws before anything has started, and Error{Interrupted} when `stop` said so;
// neither leaves a process, a shared memory object or a file behind.
[[nodiscard]] Report run(const RunOptions& options, const MachineFactory& factory, const Progress& progress = {});

// 0 PASS, 1 FAIL, 3 INCONCLUSIVE.
[[nodiscard]] int exit_code(const Report& report);
// The table for people. On FAIL the last line is the replay command.
void print(std::ostream& out, const Report& report, bool colour);
// The record: bench/report.schema.json.
[[nodiscard]] std::string to_json(const Report& report);
[[nodiscard]] std::string to_junit(const Report& report);
// The image that a run in process isolation begins with.
[[nodiscard]] const std::filesystem::path& first_image(const RunOptions& options);
// The command that asks for these options, with every option that differs from its default.
[[nodiscard]] std::string command_line(const RunOptions& options);

// «250us», «1ms»: exact, the form that --blackout accepts.
[[nodiscard]] std::string format_time(Time time);

}  // namespace holdover::bench
