// SPDX-License-Identifier: MIT
#include "bench/measure/measure.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "bench/booted_machine.h"
#include "bench/output_file.h"
#include "host/device/link_status.h"
#include "host/device/register_block.h"
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

// Offset of the PCI Express capability, 0 where the function has none.
unsigned express_capability(host::Device& device) {
  namespace config = pcie::config;
  constexpr unsigned kMost = 48;  // capabilities that fit
  unsigned at = device.config_read(Bytes{config::kCapabilityPointer}, 1) & 0xfc;
  for (unsigned n = 0; at >= 0x40 && n < kMost; ++n) {
    const std::uint32_t header = device.config_read(Bytes{at}, 2);
    if ((header & 0xff) == config::kCapExpress) return at;
    at = (header >> 8) & 0xfc;
  }
  return 0;
}

// The link as it was negotiated and set up, and what the endpoint says of itself.
void describe(MeasureReport& report, host::Device& device) {
  namespace global = host::regs::global;
  const std::string who = device.bdf().to_string();
  const std::optional<host::LinkStatus> status = host::link_status(device);
  const unsigned express = express_capability(device);
  if (!status || express == 0) {
    throw Error(ErrorCode::NotFound, "the function at " + who + " says nothing of its link; there is no theory of it");
  }
  const std::uint32_t control = device.config_read(Bytes{express + pcie::config::kExpressDeviceControl}, 2);
  LinkTheory& link = report.link;
  link.generation = status->generation;
  link.lanes = status->lanes;
  link.max_payload = 128u << ((control & pcie::config::kDeviceControlMaxPayload) >> 5);
  link.max_read_request = 128u << ((control & pcie::config::kDeviceControlMaxReadRequest) >> 12);
  link.completion = link.max_payload;
  const host::RegisterBlock registers(device, 0);
  const std::uint32_t capabilities = registers.read(global::kCapabilities);
  report.endpoint = {who, 8 * global::kCapabilitiesDataBytes.extract(capabilities),
                     global::kCapabilitiesChannels.extract(capabilities),
                     static_cast<double>(registers.read(global::kClockPeriod)) / 1000};
  report.engine.beat = report.endpoint.data_width / 8;
  report.engine.clock_period = report.endpoint.clock_period;
  report.engine.batch = std::min(report.engine.batch, report.options.depth);
}

void measure_all(MeasureReport& report, host::System& system, const MeasureProgress& progress) {
  const MeasureOptions& options = report.options;
  Measurement measurement(system, nanoseconds{report.completion_timeout.count() / 1000});
  describe(report, measurement.device());
  report.link.wide_addresses = measurement.wide_addresses();
  const auto next = [&](const std::string& point) {
    if (options.machine.stop && options.machine.stop()) {
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

}  // namespace

std::span<const TableEntry> measure_tests() { return kTests; }

std::string_view to_string(TimeBase base) {
  switch (base) {
    case TimeBase::Simulated:
      return "simulated";
    case TimeBase::Device:
      return "device";
    case TimeBase::Wall:
      return "wall";
  }
  return "";
}

void validate(const MeasureOptions& options) {
  RunOptions machine = options.machine;
  machine.isolation = Isolation::InProcess;
  validate(machine);
  validate_points(options);
}

void validate_points(const MeasureOptions& options) {
  const auto refuse = [](const std::string& sentence) { throw Error(ErrorCode::InvalidArgument, sentence); };
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

void compare_with_theory(MeasureReport& report) {
  const LinkTheory& link = report.link;
  for (BandwidthPoint& point : report.bandwidth) {
    const bool write = point.test == "BW_WR";
    point.theory = write ? link.write(point.size) : link.read(point.size);
    point.engine = write ? report.engine.write(link, point.size) : report.engine.read(link, point.size);
    point.bound = write ? link.write_bound(point.size) : link.read_bound(point.size);
    if (point.measured <= point.bound) continue;
    report.alarms.push_back(point.test + " of " + std::to_string(point.size) +
                            " bytes is above what the link can carry");
  }
  const double propagation = report.machine ? static_cast<double>(report.machine->link.propagation.count()) / 1000 : 0;
  for (LatencyPoint& point : report.latency) {
    const double completion = kRegisterCompletion + (point.size == 8 ? 8 : 4);
    const double serialized = (kRegisterRequest + completion) * 8 / link.tlp_bandwidth();
    point.wire = report.links * (2 * propagation + serialized);
  }
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
  report.completion_timeout = report.machine->endpoint.completion_timeout;
  report.links = links_above(machine.machine());
  machine.run([&](host::System& system) { measure_all(report, system, progress); });
  compare_with_theory(report);
  report.alarms.insert(report.alarms.end(), alarms.all().begin(), alarms.all().end());
  report.simulated = machine.platform().now();
  report.clocks = machine.machine().cycles();
  report.wall = std::chrono::steady_clock::now() - started;
  if (!options.json.empty()) write_whole("--json", options.json, to_json(report));
  return report;
}

MeasureReport measure(const MeasureOptions& options, const MeasuredSystem& measured, const MeasureProgress& progress) {
  validate_points(options);
  const auto started = std::chrono::steady_clock::now();
  MeasureReport report;
  report.options = options;
  report.target = measured.name;
  report.time = measured.time;
  report.completion_timeout = measured.completion_timeout;
  measure_all(report, measured.system, progress);
  compare_with_theory(report);
  report.wall = std::chrono::steady_clock::now() - started;
  if (!options.json.empty()) write_whole("--json", options.json, to_json(report));
  return report;
}

int exit_code(const MeasureReport& report) { return report.alarms.empty() ? 0 : 1; }

}  // namespace holdover::bench
