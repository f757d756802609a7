// SPDX-License-Identifier: MIT
// Throughput and latency of an endpoint, with the theory beside each value: of a machine of ours, or of whatever system
// is given. docs/measurement.md says what each figure means.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "bench/measure/theory.h"
#include "bench/run.h"
#include "host/system.h"

namespace holdover::bench {

// By which clock. One report has one.
enum class TimeBase : std::uint8_t {
  Simulated,  // of our machine
  Device,     // of a simulation behind a socket, as it tells it
  Wall,       // of the processor
};
[[nodiscard]] std::string_view to_string(TimeBase base);  // «simulated»

struct MeasureOptions {
  // For a machine of ours: topology, profile, seed, width, channels, latencies, disturbances and completion time-out
  // count; the rest does not.
  RunOptions machine;
  std::vector<std::string> tests{"BW_WR", "BW_RD", "LAT_MMIO_RD"};
  std::vector<std::uint32_t> sizes{64, 128, 256, 512, 1024, 2048, 4096, 16384, 65536};  // bytes
  unsigned depth = 64;                                                                  // descriptors in the ring
  Time duration{200'000'000};  // of each bandwidth, after the warm-up
  unsigned samples = 1000;     // register reads of each size
  std::filesystem::path json;
};

// Measured over whole descriptors between two completion records.
struct BandwidthPoint {
  std::string test;  // BW_WR, BW_RD
  std::uint32_t size = 0;
  std::uint64_t transfers = 0;
  std::uint64_t duration_ns = 0;
  double measured = 0;  // Gb/s
  double theory = 0;    // pcie-bench: the link alone
  double engine = 0;    // the same with descriptors, records and the endpoint's streams
  double bound = 0;     // no result is above
};

struct LatencyPoint {
  std::string test;   // LAT_MMIO_RD
  unsigned size = 0;  // of the load: 1, 2, 4 or 8 bytes
  unsigned samples = 0;
  double minimum = 0;  // ns, as all of these
  double mean = 0;
  double median = 0;
  double p95 = 0;
  double p99 = 0;
  double maximum = 0;
  double wire = 0;  // what request and answer take on the links alone
};

// What the endpoint says of itself.
struct MeasuredEndpoint {
  std::string bdf;
  unsigned data_width = 0;  // bits
  unsigned channels = 0;
  double clock_period = 0;  // ns
};

struct MeasureReport {
  MeasureOptions options;
  std::string target;  // empty: a machine of ours
  TimeBase time = TimeBase::Simulated;
  std::optional<sim::MachineConfig> machine;  // of ours
  MeasuredEndpoint endpoint;
  Time completion_timeout;
  LinkTheory link;
  EngineTheory engine;
  std::vector<BandwidthPoint> bandwidth;
  std::vector<LatencyPoint> latency;
  std::vector<std::string> alarms;  // why the figures cannot be trusted; empty: they can
  unsigned links = 1;               // between the root complex and the endpoint, as far as they are known
  Time simulated;                   // of a machine of ours
  Cycles clocks;                    // of it
  std::chrono::nanoseconds wall{0};
};

// What BW_WR and its like stand for; the names that `tests` may have.
[[nodiscard]] std::span<const TableEntry> measure_tests();
// Throws Error{InvalidArgument} with a sentence that names the option.
void validate(const MeasureOptions& options);
// What of it concerns no machine of ours.
void validate_points(const MeasureOptions& options);
// Called before each point with its name; may be empty.
using MeasureProgress = std::function<void(const std::string& point)>;
// Throws what validate() throws, Error{Unavailable} where the endpoint does not move data, and Error{Interrupted} where
// options.machine.stop said so.
[[nodiscard]] MeasureReport measure(const MeasureOptions& options, const MachineFactory& factory,
                                    const MeasureProgress& progress = {});

// What is measured in place of a machine of ours: its first function that can be opened.
struct MeasuredSystem {
  std::string name;  // «vfio:0000:01:00.0»
  host::System& system;
  TimeBase time = TimeBase::Wall;
  Time completion_timeout{10'000'000'000};
};
// The same over it. Of `options.machine` only `stop`, version and commit count.
[[nodiscard]] MeasureReport measure(const MeasureOptions& options, const MeasuredSystem& measured,
                                    const MeasureProgress& progress = {});

// Puts the theory of the report's link beside each point, and an alarm where one is above the bound.
void compare_with_theory(MeasureReport& report);

void print(std::ostream& out, const MeasureReport& report);
[[nodiscard]] std::string to_json(const MeasureReport& report);
// 0, or 1 where something raised an alarm.
[[nodiscard]] int exit_code(const MeasureReport& report);

}  // namespace holdover::bench
