// SPDX-License-Identifier: MIT
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <sstream>

#include "bench/measure/measure.h"
#include "pcie/error.h"
#include "python/interruption.h"
#include "python/module.h"
#include "python/scenario.h"
#include "python/watched_machine.h"

namespace holdover::python {
namespace {

// The record and the table of a measurement.
std::pair<std::string, std::string> measure(const Settings& settings, const std::vector<std::string>& tests,
                                            const std::vector<std::uint32_t>& sizes, unsigned depth,
                                            const py::object& duration, unsigned samples, const py::object& progress) {
  bench::MeasureOptions options;
  options.machine = compose(settings);
  options.tests = tests;
  options.sizes = sizes;
  options.depth = depth;
  options.duration = time_of(duration, "duration");
  options.samples = samples;
  Interruption interruption;
  options.machine.stop = [&interruption] { return interruption.asked(); };
  const bench::MeasureProgress report_progress = [&](const std::string& point) {
    interruption.tell(progress, [&] { return py::make_tuple(point); });
  };
  try {
    const OthersRun others_run;
    const bench::MeasureReport report =
        bench::measure(options, watched([&] { return &interruption; }, [] { return Time{0}; }), report_progress);
    std::ostringstream table;
    bench::print(table, report);
    return {to_json(report), table.str()};
  } catch (const Left&) {
    interruption.rethrow();
    throw Error(ErrorCode::Interrupted, "the measurement was stopped; no report was written");
  } catch (const Error&) {
    interruption.rethrow();
    throw;
  }
}

}  // namespace

void bind_measurement(py::module_& module) {
  module.def("measure", &measure, py::arg("settings"), py::arg("tests"), py::arg("sizes"), py::arg("depth"),
             py::arg("duration"), py::arg("samples"), py::arg("progress"));
  module.def("measure_tests", [] {
    std::vector<std::pair<std::string, std::string>> all;
    for (const bench::TableEntry& entry : bench::measure_tests()) all.emplace_back(entry.name, entry.sentence);
    return all;
  });
}

}  // namespace holdover::python
