// SPDX-License-Identifier: MIT
// Throughput and latency of an endpoint over the machine, with the theory beside each value. docs/measurement.md says
// what each figure means.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "bench/measure/theory.h"
#include "bench/run.h"

namespace holdover::bench {

struct MeasureOptions {
  // Topology, profile, seed, width, channels, latencies, disturbances and completion time-out count; the rest does not.
  RunOptions machine;
  std::vector<std::string> tests{"BW_WR", "BW_RD", "LAT_MMIO_RD"};
  std::vector<std::uint32_t> sizes{64, 128, 256, 512, 1024, 2048, 4096, 16384, 65536};  // bytes
  unsigned depth = 64;                                                                  // descriptors in the ring
  Time duration{200'000'000};  // of each bandwidth, after the warm-up; simulated
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

struct MeasureReport {
  MeasureOptions options;
  sim::MachineConfig machine;
  LinkTheory link;
  EngineTheory engine;
  std::vector<BandwidthPoint> bandwidth;
  std::vector<LatencyPoint> latency;
  std::vector<std::string> alarms;  // why the figures cannot be trusted; empty: they can
  Time simulated;
  Cycles clocks;
  std::chrono::nanoseconds wall{0};
};

// What BW_WR and its like stand for; the names that `tests` may have.
[[nodiscard]] std::span<const TableEntry> measure_tests();
// Throws Error{InvalidArgument} with a sentence that names the option.
void validate(const MeasureOptions& options);
// Called before each point with its name; may be empty.
using MeasureProgress = std::function<void(const std::string& point)>;
// Throws what validate() throws, Error{Unavailable} where the endpoint does not move data, and Error{Interrupted} where
// options.machine.stop was set.
[[nodiscard]] MeasureReport measure(const MeasureOptions& options, const MachineFactory& factory,
                                    const MeasureProgress& progress = {});

void print(std::ostream& out, const MeasureReport& report);
[[nodiscard]] std::string to_json(const MeasureReport& report);
// 0, or 1 where something raised an alarm.
[[nodiscard]] int exit_code(const MeasureReport& report);

}  // namespace holdover::bench
