// SPDX-License-Identifier: MIT
#include <pybind11/pybind11.h>

#include "pcie/config_space.h"
#include "python/module.h"
#include "python/parts.h"

namespace holdover::python {
namespace {

host::Device& device_of(const DeviceHandle& handle, DevicePart& part) { return there(part.device, handle.name()); }

// Calls `work(device)`.
template <typename Work>
auto on(DeviceHandle& handle, Work work) {
  return handle.use([&](DevicePart& part, host::System&, Interruption&) { return work(device_of(handle, part)); });
}

std::uint32_t config_read(DeviceHandle& handle, std::uint64_t offset, unsigned size) {
  return on(handle, [&](host::Device& device) { return device.config_read(Bytes{offset}, size); });
}

void config_write(DeviceHandle& handle, std::uint64_t offset, std::uint32_t value, unsigned size) {
  on(handle, [&](host::Device& device) { device.config_write(Bytes{offset}, size, value); });
}

std::uint64_t load(DeviceHandle& handle, unsigned bar, std::uint64_t offset, unsigned size) {
  return on(handle, [&](host::Device& device) { return device.load(bar, Bytes{offset}, size); });
}

void write(DeviceHandle& handle, unsigned bar, std::uint64_t offset, std::uint32_t value) {
  on(handle, [&](host::Device& device) { device.write(bar, Bytes{offset}, value); });
}

void set_bus_master(DeviceHandle& handle, bool on_or_off) {
  on(handle, [&](host::Device& device) {
    if (on_or_off) {
      device.enable_bus_master();
      return;
    }
    constexpr std::uint32_t kBusMaster = 1u << 2;
    const Bytes offset{pcie::config::kCommand};
    device.config_write(offset, 2, device.config_read(offset, 2) & ~kBusMaster & 0xffffu);
  });
}

void attach(DeviceHandle& handle, SpaceHandle& space) {
  if (space.machine() != handle.machine()) refuse("an address space of another machine cannot be attached");
  handle.use([&](DevicePart& part, host::System&, Interruption&) {
    const std::shared_ptr<SpacePart>& other = space.part();
    device_of(handle, part).attach(there(other->space, space.name()));
    part.space = other;
  });
}

}  // namespace

std::unique_ptr<DeviceHandle> open_device(const std::shared_ptr<OwnedMachine>& machine, const std::string& name) {
  auto part = machine->use([&](host::System& system, Interruption&) {
    const auto opened = std::make_shared<DevicePart>();
    pcie::Bdf bdf;
    if (name.empty()) {
      const std::vector<pcie::Bdf> devices = system.devices();
      if (devices.empty()) {
        throw Error(ErrorCode::NotFound, "the machine has no function that a driver holds for user space");
      }
      bdf = devices.front();
    } else {
      bdf = pcie::Bdf::parse(name);
    }
    opened->name = bdf.to_string();
    opened->device = system.open_device(bdf);
    return machine->adopt(opened);
  });
  const std::string sentence = "the device at " + part->name;
  return std::make_unique<DeviceHandle>(machine, std::move(part), sentence);
}

void bind_device(py::module_& module) {
  py::class_<DeviceHandle>(module, "Device", made_by_others(),
                           "One PCI function as a user-space driver sees it (a VFIO device).\n\n"
                           "Made by Machine.open(). Use it with `with`, or call close().")
      .def_property_readonly(
          "bdf",
          [](DeviceHandle& handle) {
            return handle.use([](DevicePart& part, host::System&, Interruption&) { return part.name; });
          },
          "Segment, bus, device and function: '0000:01:00.0'.")
      .def(
          "config_read", &config_read, py::arg("offset"), py::arg("size") = 4,
          "Configuration space: 1, 2 or 4 bytes at a multiple of that, below 4096. All ones where the function rejects "
          "it. Raises InvalidArgument.")
      .def("config_write", &config_write, py::arg("offset"), py::arg("value"), py::arg("size") = 4,
           "The same, written.")
      .def("load", &load, py::arg("bar"), py::arg("offset"), py::arg("size") = 4,
           "One load of 1, 2, 4 or 8 bytes at a multiple of that. All ones where the device rejects it. Raises "
           "InvalidArgument outside of the BAR.")
      .def(
          "read", [](DeviceHandle& handle, unsigned bar, std::uint64_t offset) { return load(handle, bar, offset, 4); },
          py::arg("bar"), py::arg("offset"), "A register of 32 bits.")
      .def("write", &write, py::arg("bar"), py::arg("offset"), py::arg("value"),
           "A register of 32 bits. The write is posted: it may still be on its way when this returns.")
      .def(
          "bar_size",
          [](DeviceHandle& handle, unsigned bar) {
            return on(handle, [&](host::Device& device) { return device.bar_size(bar).count(); });
          },
          py::arg("bar"), "Bytes; 0 where there is no such BAR.")
      .def("attach", &attach, py::arg("space"), "From now on the device's requests go through this address space.")
      .def("set_bus_master", &set_bus_master, py::arg("enabled"),
           "Whether the device may issue requests (Bus Master Enable).")
      .def(
          "enable_interrupts",
          [](DeviceHandle& handle, unsigned count) {
            on(handle, [&](host::Device& device) { device.enable_interrupts(count); });
          },
          py::arg("count"), "MSI-X vectors 0 to count - 1. Raises Refused with ENOSPC where the function has fewer.")
      .def(
          "disable_interrupts",
          [](DeviceHandle& handle) { on(handle, [](host::Device& device) { device.disable_interrupts(); }); },
          "Switches MSI-X off.")
      .def(
          "take_interrupts",
          [](DeviceHandle& handle, unsigned vector) {
            return on(handle, [&](host::Device& device) { return device.take_interrupts(vector); });
          },
          py::arg("vector"), "Interrupts of this vector since the last call.")
      .def(
          "reset", [](DeviceHandle& handle) { on(handle, [](host::Device& device) { device.reset(); }); },
          "Function level reset; returns when the function is ready again.")
      .def("driver", &open_driver,
           "The endpoint's driver on this device: it uses the address space that is attached, or attaches one, and "
           "lets the device be bus "
           "master. One at a time. Raises NotFound where the function is no such endpoint.")
      .def(
          "close", [](DeviceHandle& handle) { handle.close(true); },
          "Closes the device file, which ends its driver as well. A second call does nothing.")
      .def("__enter__",
           [](py::object self) {
             self.cast<DeviceHandle&>().use([](DevicePart&, host::System&, Interruption&) {});
             return self;
           })
      .def("__exit__", [](DeviceHandle& handle, const py::args&) { handle.close(true); })
      .def("__repr__", [](const DeviceHandle& handle) { return "<Device " + handle.name() + ">"; });
}

}  // namespace holdover::python
