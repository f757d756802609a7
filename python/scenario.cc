// SPDX-License-Identifier: MIT
// Scenarios, and the names that can be asked for. A report crosses as its record (bench/report.schema.json).
#include "python/scenario.h"

#include <pybind11/stl.h>

#include <sstream>

#include "bench/fault_table.h"
#include "cli/run_options.h"
#include "cli/run_request.h"
#include "cli/time_text.h"
#include "host/kernel/policy.h"
#include "pcie/error.h"
#include "python/errors.h"
#include "python/interruption.h"
#include "python/module.h"

namespace holdover::python {
namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

template <typename Table>
Names names(const Table& table) {
  Names all;
  for (const auto& entry : table) all.emplace_back(entry.name, entry.sentence);
  return all;
}

std::vector<std::tuple<std::string, std::string, Names>> policies() {
  std::vector<std::tuple<std::string, std::string, Names>> all;
  for (const host::kernel::Policy& policy : host::kernel::policies()) {
    all.emplace_back(policy.name, policy.sentence, names(policy.values));
  }
  return all;
}

std::vector<std::tuple<std::string, std::string, std::string, bool>> run_options() {
  std::vector<std::tuple<std::string, std::string, std::string, bool>> all;
  for (const cli::OptionEntry& entry : cli::run_options()) {
    all.emplace_back(entry.name, entry.value, entry.sentence, entry.repeats);
  }
  return all;
}

// The record and the table of a run.
std::pair<std::string, std::string> run(const Settings& settings, const py::object& progress) {
  bench::RunOptions options = compose(settings);
  Interruption interruption;
  options.stop = [&interruption] { return interruption.asked(); };
  const bench::Progress report_progress = [&](const bench::ProgressNote& note) {
    interruption.tell(progress, [&] {
      return py::make_tuple(std::string(pcie::to_string(note.phase)), note.now.count(), note.clocks.count());
    });
  };
  try {
    const OthersRun others_run;
    const bench::Report report = bench::run(options, sim::build_machine, report_progress);
    std::ostringstream table;
    bench::print(table, report, false);
    return {to_json(report), table.str()};
  } catch (const Error&) {
    interruption.rethrow();
    throw;
  }
}

}  // namespace

bench::RunOptions compose(const Settings& settings) {
  cli::RunRequest request;
  for (const auto& [name, text] : settings) {
    if (name == "config") {
      request.config = text;
      continue;
    }
    if (cli::find_run_option(name) == nullptr) refuse("there is no option «" + name + "»");
    request.settings.emplace_back(name, text);
  }
  return cli::compose(request);
}

Time time_of(const py::object& value, const char* what) {
  if (py::isinstance<py::str>(value)) {
    if (const std::optional<Time> time = cli::parse_time(value.cast<std::string>())) return *time;
  } else if (py::isinstance<py::int_>(value) && !py::isinstance<py::bool_>(value)) {
    try {
      return Time{value.cast<std::uint64_t>()};
    } catch (const py::cast_error&) {
      // Negative, or beyond 64 bits.
    }
  }
  refuse(std::string(what) + ": «" + py::str(value).cast<std::string>() + "» is not possible; it takes " +
         std::string(cli::kTimeForms) + ", or a whole number of picoseconds");
}

void bind_scenarios(py::module_& module) {
  module.def("run", &run, py::arg("settings"), py::arg("progress"));
  module.def(
      "validate", [](const Settings& settings) { bench::validate(compose(settings)); }, py::arg("settings"));
  module.def(
      "command_line", [](const Settings& settings) { return bench::command_line(compose(settings)); },
      py::arg("settings"));
  module.def(
      "check_faults", [](const std::vector<std::string>& faults) { (void)bench::select_faults(faults); },
      py::arg("faults"));
  module.def("run_options", &run_options);
  module.def("scenarios", [] { return names(bench::scenarios()); });
  module.def("faults", [] { return names(bench::faults()); });
  module.def("profiles", [] { return names(host::kernel::profiles()); });
  module.def("policies", &policies);
  module.def("topologies", [] { return names(sim::topologies()); });
  module.def("endpoints", [] { return names(sim::endpoints()); });
  module.def("disturbances", [] { return names(sim::disturbances()); });
}

}  // namespace holdover::python
