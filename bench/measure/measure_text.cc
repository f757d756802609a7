// SPDX-License-Identifier: MIT
#include <array>
#include <cstdio>
#include <ostream>
#include <string>

#include "bench/measure/measure.h"

namespace holdover::bench {

void print(std::ostream& out, const MeasureReport& report) {
  std::array<char, 240> line{};
  const LinkTheory& link = report.link;
  std::snprintf(line.data(), line.size(),
                "Gen%u x%u, MPS %u, MRRS %u, %u-bit endpoint, %s, ring of %u; %s time, Gb/s of data\n", link.generation,
                link.lanes, link.max_payload, link.max_read_request, report.endpoint.data_width,
                report.machine ? report.machine->topology.c_str() : report.target.c_str(), report.options.depth,
                std::string(to_string(report.time)).c_str());
  out << line.data();
  if (!report.bandwidth.empty()) {
    out << "\ntest        size  transfers  measured  with rings     ratio    theory     bound\n";
  }
  for (const BandwidthPoint& point : report.bandwidth) {
    std::snprintf(line.data(), line.size(), "%-8s %7u %10llu %9.3f %11.3f %8.1f%% %9.3f %9.3f\n", point.test.c_str(),
                  point.size, static_cast<unsigned long long>(point.transfers), point.measured, point.engine,
                  100 * point.measured / point.engine, point.theory, point.bound);
    out << line.data();
  }
  if (!report.latency.empty()) {
    out << "\ntest         size   samples      min   median     mean      p95      p99      max     wire  (ns)\n";
  }
  for (const LatencyPoint& point : report.latency) {
    std::snprintf(line.data(), line.size(), "%-11s %5u %9u %8.0f %8.0f %8.1f %8.0f %8.0f %8.0f %8.1f\n",
                  point.test.c_str(), point.size, point.samples, point.minimum, point.median, point.mean, point.p95,
                  point.p99, point.maximum, point.wire);
    out << line.data();
  }
  for (const std::string& alarm : report.alarms) out << "ALARM: " << alarm << "\n";
  const double wall = std::chrono::duration<double>(report.wall).count();
  if (!report.machine) return;
  std::snprintf(
      line.data(), line.size(), "\nsimulated %.3f ms, %llu clocks, wall time %.1f s, %.0f thousand clocks per second\n",
      static_cast<double>(report.simulated.count()) / 1e9, static_cast<unsigned long long>(report.clocks.count()), wall,
      static_cast<double>(report.clocks.count()) / wall / 1000);
  out << line.data();
}

}  // namespace holdover::bench
