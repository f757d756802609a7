// SPDX-License-Identifier: MIT
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "python/module.h"
#include "python/parts.h"
#include "python/scenario.h"

namespace holdover::python {
namespace {

using MachineHandle = std::shared_ptr<OwnedMachine>;

// Simulated time between two questions for Ctrl-C.
constexpr std::uint64_t kSliceNs = 20'000;

void wait(const MachineHandle& machine, const py::object& duration) {
  const std::uint64_t all = (time_of(duration, "duration").count() + 999) / 1000;
  machine->use([&](host::System& system, Interruption& interruption) {
    for (std::uint64_t left = all; left > 0 && !interruption.asked();) {
      const std::uint64_t slice = std::min(left, kSliceNs);
      system.wait(std::chrono::nanoseconds{static_cast<std::int64_t>(slice)});
      left -= slice;
    }
  });
}

std::vector<std::string> names(const std::vector<pcie::Bdf>& functions) {
  std::vector<std::string> all;
  all.reserve(functions.size());
  for (const pcie::Bdf& each : functions) all.push_back(each.to_string());
  return all;
}

const char* to_string(sim::FunctionKind kind) {
  switch (kind) {
    case sim::FunctionKind::RootPort:
      return "root port";
    case sim::FunctionKind::SwitchUpstream:
      return "switch upstream port";
    case sim::FunctionKind::SwitchDownstream:
      return "switch downstream port";
    case sim::FunctionKind::Endpoint:
      return "endpoint";
  }
  return "";
}

std::vector<std::tuple<std::string, std::string, std::string>> functions(const MachineHandle& machine) {
  return machine->look([](bench::BootedMachine& booted, Interruption&) {
    std::vector<std::tuple<std::string, std::string, std::string>> all;
    sim::FunctionIndex index = 0;
    for (const sim::FunctionInfo& each : booted.machine().functions()) {
      all.emplace_back(each.name, to_string(each.kind), booted.machine().bdf(index++).to_string());
    }
    return all;
  });
}

py::bytes config_space(const MachineHandle& machine, const std::string& function) {
  const std::vector<std::byte> space = machine->look([&](bench::BootedMachine& booted, Interruption&) {
    std::string possible;
    for (sim::FunctionIndex index = 0; index < booted.machine().functions().size(); ++index) {
      const std::string& name = booted.machine().functions()[index].name;
      if (name == function) return booted.machine().config_space(index);
      possible += (possible.empty() ? "" : ", ") + name;
    }
    throw Error(ErrorCode::NotFound, "the machine has no function «" + function + "»; there are: " + possible);
  });
  return {reinterpret_cast<const char*>(space.data()), space.size()};
}

void require_config(std::uint64_t offset, unsigned size) {
  if ((size == 1 || size == 2 || size == 4) && offset % size == 0 && offset + size <= 4096) return;
  refuse("configuration space has no register of " + std::to_string(size) + " bytes at offset " +
         std::to_string(offset));
}

std::uint32_t config_read(const MachineHandle& machine, const std::string& bdf, std::uint64_t offset, unsigned size) {
  const pcie::Bdf function = pcie::Bdf::parse(bdf);
  require_config(offset, size);
  return machine->look([&](bench::BootedMachine& booted, Interruption&) {
    return booted.platform().config_read(function, Bytes{offset}, size);
  });
}

void config_write(const MachineHandle& machine, const std::string& bdf, std::uint64_t offset, std::uint32_t value,
                  unsigned size) {
  const pcie::Bdf function = pcie::Bdf::parse(bdf);
  require_config(offset, size);
  machine->use([&](host::System& system, Interruption&) { system.write_config(function, Bytes{offset}, size, value); });
}

void enter_phase(const MachineHandle& machine, const std::string& name) {
  std::string possible;
  for (unsigned index = 0; index < pcie::kPhaseCount; ++index) {
    const auto phase = static_cast<pcie::Phase>(index);
    if (pcie::to_string(phase) == name) {
      machine->use([&](host::System& system, Interruption&) { system.mark(phase, pcie::Step::Begin, 0); });
      return;
    }
    possible += (possible.empty() ? "" : ", ") + std::string(pcie::to_string(phase));
  }
  refuse("phase: «" + name + "» is not possible; it takes " + possible);
}

}  // namespace

void bind_machine(py::module_& module) {
  py::class_<Alarms::Alarm>(module, "Alarm", made_by_others(), "Something that no machine in order does.")
      .def_readonly("time_ps", &Alarms::Alarm::time_ps, "Simulated time, in picoseconds.")
      .def_readonly("rule", &Alarms::Alarm::rule, "Of docs/protocol-rules.md where one was broken; else empty.")
      .def_readonly("sentence", &Alarms::Alarm::sentence)
      .def("__repr__", [](const Alarms::Alarm& alarm) {
        return "<Alarm " + std::to_string(alarm.time_ps) + " ps " + alarm.rule + " " + alarm.sentence + ">";
      });

  py::class_<OwnedMachine, MachineHandle>(
      module, "Machine", "A machine with Verilated endpoints, and a kernel that booted on it and stays.")
      .def(py::init([](const Settings& settings) { return std::make_shared<OwnedMachine>(compose(settings)); }),
           py::arg("settings"))
      .def("wait", &wait, py::arg("duration"),
           "Lets simulated time pass: '10us', or picoseconds, rounded up to nanoseconds. Ctrl-C ends it early.")
      .def_property_readonly(
          "now_ps",
          [](const MachineHandle& machine) {
            return machine->look(
                [](bench::BootedMachine& booted, Interruption&) { return booted.platform().now().count(); });
          },
          "Simulated time, in picoseconds. It passes inside calls, and nowhere else.")
      .def_property_readonly(
          "clocks",
          [](const MachineHandle& machine) {
            return machine->look(
                [](bench::BootedMachine& booted, Interruption&) { return booted.machine().cycles().count(); });
          },
          "Clocks of the endpoints since the start.")
      .def_property_readonly(
          "devices",
          [](const MachineHandle& machine) {
            return machine->use([](host::System& system, Interruption&) { return names(system.devices()); });
          },
          "Functions that open() takes: '0000:01:00.0', in ascending order.")
      .def_property_readonly("functions", &functions,
                             "Every function of the machine, bridges too: name, kind, and what reaches it by now.")
      .def("open", &open_device, py::arg("bdf") = "",
           "The Device of that function; the first one where it is left out. Raises NotFound, or Refused with EBUSY "
           "while it is open.")
      .def("memory", &open_memory, py::arg("size"),
           "Memory of whole pages, zeroed. Raises Refused with ENOMEM where there is no more.")
      .def("address_space", &open_space, "An empty AddressSpace.")
      .def("config_space", &config_space, py::arg("function"),
           "The 4096 bytes of configuration space of a function by its name ('endpoint 0'), as they are: no TLP, no "
           "time.")
      .def("config_read", &config_read, py::arg("bdf"), py::arg("offset"), py::arg("size") = 4,
           "A configuration read of any function, bridges too: 1, 2 or 4 bytes. All ones where none answers.")
      .def("config_write", &config_write, py::arg("bdf"), py::arg("offset"), py::arg("value"), py::arg("size") = 4,
           "A configuration write past any driver, as setpci does it. Raises NotFound.")
      .def("enter_phase", &enter_phase, py::arg("name"),
           "Marks the begin of a phase of docs/scenarios.md: faults of the machine strike some time after theirs.")
      .def_property_readonly(
          "alarms",
          [](const MachineHandle& machine) {
            return machine->look([&](bench::BootedMachine&, Interruption&) { return machine->alarms().all(); });
          },
          "Broken protocol rules, requests that a bridge refused, and faults of the IOMMU, the first thousand of them.")
      .def_property_readonly(
          "console",
          [](const MachineHandle& machine) {
            return machine->look([&](bench::BootedMachine&, Interruption&) { return machine->alarms().console(); });
          },
          "Lines of the kernel's console with their time in picoseconds, the first ten thousand of them.")
      .def(
          "dump",
          [](const MachineHandle& machine) {
            return machine->look([](bench::BootedMachine& booted, Interruption&) { return booted.machine().dump(); });
          },
          "What people need when nothing moves: tags, credits, ring heads and the last TLPs of each endpoint.")
      .def_property_readonly("closed", [](const MachineHandle& machine) { return machine->closed(); })
      .def(
          "close", [](const MachineHandle& machine) { machine->close(); },
          "Closes all that was opened on it, and completes trace, waveform and DRAM files: without this none of them "
          "is "
          "there. A second call does nothing. Raises Unavailable where a file cannot be completed.")
      .def("__enter__",
           [](py::object self) {
             self.cast<const MachineHandle&>()->look([](bench::BootedMachine&, Interruption&) {});
             return self;
           })
      .def("__exit__", [](const MachineHandle& machine, const py::args&) { machine->close(); });
}

}  // namespace holdover::python
