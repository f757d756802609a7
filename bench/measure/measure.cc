// SPDX-License-Identifier: MIT
#include "bench/measure/measure.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "bench/booted_machine.h"
#include "bench/ledger/config_ledger.h"
#include "bench/output_file.h"
#include "host/measure/measurement.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

using host::Measurement;
using std::chrono::nanoseconds;

constexpr std::array<TableEntry, 3> kTests{{
    {"BW_WR", "writes of the endpoint to the host, in Gb/s of data"},
    {"BW_RD", "reads of the endpoint from the host, in Gb/s of data"},
    {"LAT_MMIO_RD", "register reads of the host, 1 to 8 bytes, from the load to its value"},
}};
constexpr double kClockPeriod = 4.0;  // ns
// A register read on the wire: request with a 32-bit address, and a completion before its payload.
constexpr double kRegisterRequest = 20;
constexpr double kRegisterCompletion = 20;
// What a processor reads at once, in bytes.
constexpr std::array<unsigned, 4> kLoads{1, 2, 4, 8};

// What must not happen while something is measured.
class Alarms final : public sim::Witness {
 public:
  void on_violation(const sim::Violation& violation) override { add(violation.rule + ": " + violation.sentence); }
  void on_request_refused(Time, unsigned, sim::FunctionIndex, const pcie::Tlp& tlp, std::string_view reason) override {
    add(to_string(tlp) + " was refused: " + std::string(reason));
  }
  void on_iommu_fault(Time, pcie::RequesterId, Iova, bool, std::string_view reason) override {
    add("the IOMMU refused a request: " + std::string(reason));
  }

  [[nodiscard]] const std::vector<std::string>& all() const { return all_; }

 private:
  void add(std::string sentence) {
    constexpr std::size_t kMost = 10;
    if (all_.size() < kMost) all_.push_back(std::move(sentence));
  }
  std::vector<std::string> all_;
};

double quantile(const std::vector<nanoseconds>& sorted, unsigned percent) {
  const std::size_t index = (sorted.size() - 1) * percent / 100;
  return static_cast<double>(sorted[index].count());
}

// Links between the first endpoint and the root complex.
unsigned links_above(const sim::ObservedMachine& machine) {
  const std::vector<sim::FunctionInfo>& functions = machine.functions();
  const auto endpoint = std::find_if(functions.begin(), functions.end(),
                                     [](const auto& each) { return each.kind == sim::FunctionKind::Endpoint; });
  unsigned links = 0;
  for (auto port = endpoint->parent; port; port = functions[*port].parent) {
    links += functions[*port].kind == sim::FunctionKind::SwitchUpstream ? 0 : 1;
  }
  return links;
}

LatencyPoint register_read(const MeasureReport& report, Measurement& measurement, unsigned size) {
  std::vector<nanoseconds> times = measurement.register_reads(size, report.options.samples);
  std::sort(times.begin(), times.end());
  LatencyPoint point;
  point.test = "LAT_MMIO_RD";
  point.size = size;
  point.samples = report.options.samples;
  point.minimum = quantile(times, 0);
  point.median = quantile(times, 50);
  point.p95 = quantile(times, 95);
  point.p99 = quantile(times, 99);
  point.maximum = quantile(times, 100);
  point.mean = static_cast<double>(std::accumulate(times.begin(), times.end(), nanoseconds{0}).count()) /
               static_cast<double>(times.size());
  return point;
}

BandwidthPoint bandwidth(const MeasureReport& report, Measurement& measurement, const std::string& test,
                         std::uint32_t size) {
  host::TransferPlan plan;
  plan.to_host = test == "BW_WR";
  plan.bytes = size;
  plan.depth = report.options.depth;
  plan.duration = nanoseconds{report.options.duration.count() / 1000};
  const host::Throughput moved = measurement.transfer(plan);
  BandwidthPoint point;
  point.test = test;
  point.size = size;
  point.transfers = moved.transfers;
  point.duration_ns = static_cast<std::uint64_t>(moved.duration.count());
  point.measured = 8.0 * static_cast<double>(moved.bytes) / static_cast<double>(moved.duration.count());
  return point;
}

void measure_all(MeasureReport& report, host::System& system, const MeasureProgress& progress) {
  const MeasureOptions& options = report.options;
  Measurement measurement(system, nanoseconds{report.machine.endpoint.completion_timeout.count() / 1000});
  report.link.wide_addresses = measurement.wide_addresses();
  const auto next = [&](const std::string& point) {
    if (options.machine.stop != nullptr && *options.machine.stop) {
      throw Error(ErrorCode::Interrupted, "the measurement was stopped before " + point + "; no report was written");
    }
    if (progress) progress(point);
  };
  for (const std::string& test : options.tests) {
    if (test == "LAT_MMIO_RD") {
      for (const unsigned size : kLoads) {
        next(test + " " + std::to_string(size));
        report.latency.push_back(register_read(report, measurement, size));
      }
      continue;
    }
    for (const std::uint32_t size : options.sizes) {
      next(test + " " + std::to_string(size));
      report.bandwidth.push_back(bandwidth(report, measurement, test, size));
    }
  }
}

// The link as the host has set it up, and the theory of each point on it.
void compare(MeasureReport& report, const sim::ObservedMachine& machine) {
  const std::vector<sim::FunctionInfo>& functions = machine.functions();
  const auto endpoint = std::find_if(functions.begin(), functions.end(),
                                     [](const auto& each) { return each.kind == sim::FunctionKind::Endpoint; });
  const ConfigShadow space{machine.config_space(static_cast<sim::FunctionIndex>(endpoint - functions.begin()))};
  const std::uint32_t control = space.at(space.express().value() + pcie::config::kExpressDeviceControl);
  LinkTheory& link = report.link;
  link.generation = report.machine.link.generation;
  link.lanes = report.machine.link.lanes;
  link.max_payload = 128u << ((control >> 5) & 7);
  link.max_read_request = 128u << ((control >> 12) & 7);
  link.completion = link.max_payload;
  for (BandwidthPoint& point : report.bandwidth) {
    const bool write = point.test == "BW_WR";
    point.theory = write ? link.write(point.size) : link.read(point.size);
    point.engine = write ? report.engine.write(link, point.size) : report.engine.read(link, point.size);
    point.bound = write ? link.write_bound(point.size) : link.read_bound(point.size);
    if (point.measured <= point.bound) continue;
    report.alarms.push_back(point.test + " of " + std::to_string(point.size) +
                            " bytes is above what the link can carry");
  }
  const double propagation = static_cast<double>(report.machine.link.propagation.count()) / 1000;
  for (LatencyPoint& point : report.latency) {
    const double completion = kRegisterCompletion + (point.size == 8 ? 8 : 4);
    const double serialized = (kRegisterRequest + completion) * 8 / link.tlp_bandwidth();
    point.wire = links_above(machine) * (2 * propagation + serialized);
  }
}

void describe(MeasureReport& report) {
  const sim::MachineConfig& machine = report.machine;
  report.engine.beat = machine.endpoint.data_width / 8;
  report.engine.clock_period = kClockPeriod;
  report.engine.batch = std::min(report.engine.batch, report.options.depth);
}

}  // namespace

std::span<const TableEntry> measure_tests() { return kTests; }

void validate(const MeasureOptions& options) {
  const auto refuse = [](const std::string& sentence) { throw Error(ErrorCode::InvalidArgument, sentence); };
  RunOptions machine = options.machine;
  machine.isolation = Isolation::InProcess;
  validate(machine);
  if (options.tests.empty()) refuse("--tests: no test is asked for; it takes BW_WR, BW_RD and LAT_MMIO_RD");
  for (const std::string& test : options.tests) {
    if (std::none_of(kTests.begin(), kTests.end(), [&test](const TableEntry& each) { return each.name == test; })) {
      refuse("--tests: «" + test + "» is not possible; it takes BW_WR, BW_RD and LAT_MMIO_RD, separated by commas");
    }
  }
  if (options.depth < 1 || options.depth > Measurement::kMostDepth) {
    refuse("--depth: " + std::to_string(options.depth) + " is not possible; it takes 1 to " +
           std::to_string(Measurement::kMostDepth) + " descriptors");
  }
  const std::uint64_t most = Measurement::kMostWindow / options.depth;
  for (const std::uint32_t size : options.sizes) {
    if (size >= 1 && size <= most) continue;
    refuse("--sizes: " + std::to_string(size) + " is not possible; a ring of " + std::to_string(options.depth) +
           " descriptors takes 1 to " + std::to_string(most) + " bytes each");
  }
  if (options.duration < Time{1'000'000} || options.duration > Time{100'000'000'000}) {
    refuse("--duration: " + format_time(options.duration) + " is out of range; possible are 1us to 100ms");
  }
  constexpr unsigned kMostSamples = 1'000'000;
  if (options.samples < 1 || options.samples > kMostSamples) {
    refuse("--samples: " + std::to_string(options.samples) + " is not possible; it takes 1 to " +
           std::to_string(kMostSamples));
  }
  if (!options.json.empty()) require_writable("--json", options.json);
}

MeasureReport measure(const MeasureOptions& options, const MachineFactory& factory, const MeasureProgress& progress) {
  validate(options);
  const auto started = std::chrono::steady_clock::now();
  MeasureReport report;
  report.options = options;
  Alarms alarms;  // outlives the machine
  RunOptions whole_points = options.machine;
  whole_points.stop = nullptr;
  BootedMachine machine(whole_points, factory, &alarms);
  report.machine = machine.config();
  describe(report);
  machine.run([&](host::System& system) { measure_all(report, system, progress); });
  compare(report, machine.machine());
  report.alarms.insert(report.alarms.end(), alarms.all().begin(), alarms.all().end());
  report.simulated = machine.platform().now();
  report.clocks = machine.machine().cycles();
  report.wall = std::chrono::steady_clock::now() - started;
  if (!options.json.empty()) write_whole("--json", options.json, to_json(report));
  return report;
}

int exit_code(const MeasureReport& report) { return report.alarms.empty() ? 0 : 1; }

}  // namespace holdover::bench
