// SPDX-License-Identifier: MIT
// Host memory as NumPy arrays, and the address spaces that devices reach it through.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "python/arrays.h"
#include "python/module.h"
#include "python/parts.h"

namespace holdover::python {
namespace {

// Whole pages that lie inside 48 bits.
void require_range(const char* what, std::uint64_t first, std::uint64_t size) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 48;
  if (first % kPageSize.count() == 0 && size % kPageSize.count() == 0 && size > 0 && size <= kLimit &&
      first <= kLimit - size) {
    return;
  }
  refuse(std::string(what) + " of " + std::to_string(size) + " bytes at " + std::to_string(first) +
         " is not possible; it takes whole pages of 4096 bytes below 2^48");
}

std::uint64_t map(SpaceHandle& space, MemoryHandle& memory, std::optional<std::uint64_t> iova, std::uint64_t offset,
                  std::optional<std::uint64_t> size, bool device_writes) {
  if (space.machine() != memory.machine()) refuse("memory of another machine cannot be mapped");
  return space.use([&](SpacePart& part, host::System& system, Interruption&) {
    const std::shared_ptr<MemoryPart>& source = memory.part();
    const std::uint64_t all = there(source->memory, memory.name()).bytes().size();
    if (offset > all) refuse(memory.name() + " ends before offset " + std::to_string(offset));
    const Bytes bytes{size.value_or(all - offset)};
    require_range("a mapping", offset, bytes.count());
    const Iova first = iova ? Iova{*iova} : system.allocate_iova(bytes);
    require_range("a mapping", first.raw(), bytes.count());
    there(part.space, space.name()).map(*source->memory, Bytes{offset}, first, bytes, device_writes);
    part.mapped.push_back(source);
    return first.raw();
  });
}

void unmap(SpaceHandle& space, std::uint64_t iova, std::uint64_t size) {
  require_range("an unmapping", iova, size);
  space.use([&](SpacePart& part, host::System&, Interruption&) {
    there(part.space, space.name()).unmap(Iova{iova}, Bytes{size});
  });
}

}  // namespace

std::shared_ptr<MemoryPart> make_memory(OwnedMachine& machine, host::System& system, std::uint64_t size) {
  if (size == 0 || size % kPageSize.count() != 0) {
    refuse("memory of " + std::to_string(size) + " bytes is not possible; it takes whole pages of 4096 bytes");
  }
  const auto part = std::make_shared<MemoryPart>();
  part->memory = system.create_memory(Bytes{size});
  return machine.adopt(part);
}

std::unique_ptr<MemoryHandle> open_memory(const std::shared_ptr<OwnedMachine>& machine, std::uint64_t size) {
  return std::make_unique<MemoryHandle>(
      machine, machine->use([&](host::System& system, Interruption&) { return make_memory(*machine, system, size); }),
      "the memory of " + std::to_string(size) + " bytes");
}

std::unique_ptr<SpaceHandle> open_space(const std::shared_ptr<OwnedMachine>& machine) {
  return std::make_unique<SpaceHandle>(machine, machine->use([&](host::System& system, Interruption&) {
    const auto part = std::make_shared<SpacePart>();
    part->space = system.create_address_space();
    return machine->adopt(part);
  }),
                                       "the address space");
}

void bind_memory(py::module_& module) {
  py::class_<MemoryHandle>(module, "Memory", made_by_others(),
                           "Host memory of a machine, in whole pages, that its devices can reach once it is mapped.\n\n"
                           "Made by Machine.memory() or Driver.buffer(). Use it with `with`, or call close().")
      .def_property_readonly(
          "array",
          [](MemoryHandle& memory) {
            auto [bytes, owner] = memory.use([&memory](MemoryPart& part, host::System&, Interruption&) {
              return std::pair(there(part.memory, memory.name()).bytes(),
                               std::make_unique<ArrayOwner>(memory.machine(), memory.part()));
            });
            return array_over<std::uint8_t>(bytes, std::move(owner), true);
          },
          "All of it as a NumPy array of uint8 that can be written: no copy, the device sees what is stored. Each "
          "array "
          "keeps the memory alive, also past close() of the memory and of the machine; nothing moves in it then.")
      .def_property_readonly(
          "size",
          [](MemoryHandle& memory) {
            return memory.use([&memory](MemoryPart& part, host::System&, Interruption&) {
              return there(part.memory, memory.name()).bytes().size();
            });
          },
          "Bytes.")
      .def_property_readonly(
          "iova",
          [](MemoryHandle& memory) -> std::optional<std::uint64_t> {
            const std::optional<Iova> iova =
                memory.use([](MemoryPart& part, host::System&, Interruption&) { return part.iova; });
            return iova ? std::optional(iova->raw()) : std::nullopt;
          },
          "Address by which a driver's device reaches it (Driver.buffer()); None where no driver mapped it.")
      .def(
          "close", [](MemoryHandle& memory) { memory.close(false); },
          "Gives it back as soon as nothing maps it and no array looks at it. A second call does nothing.")
      .def("__enter__",
           [](py::object self) {
             self.cast<MemoryHandle&>().use([](MemoryPart&, host::System&, Interruption&) {});
             return self;
           })
      .def("__exit__", [](MemoryHandle& memory, const py::args&) { memory.close(false); });

  py::class_<SpaceHandle>(module, "AddressSpace", made_by_others(),
                          "A set of mappings that a device's requests go through (an IOMMU domain).\n\n"
                          "Made by Machine.address_space(). Use it with `with`, or call close().")
      .def("map", &map, py::arg("memory"), py::kw_only(), py::arg("iova") = py::none(), py::arg("offset") = 0,
           py::arg("size") = py::none(), py::arg("device_writes") = true,
           "Maps `size` bytes of `memory` from `offset` on (by default all of it) at `iova` (by default a free range), "
           "whole pages, and returns the IOVA. device_writes: whether devices may write there.\n\n"
           "Raises Refused with EEXIST where the range is taken, InvalidArgument where it is none.")
      .def("unmap", &unmap, py::arg("iova"), py::arg("size"),
           "Takes a range of whole pages away; what is not mapped is passed over.")
      .def(
          "close", [](SpaceHandle& space) { space.close(false); },
          "Gives it back as soon as no device is attached to it. A second call does nothing.")
      .def("__enter__",
           [](py::object self) {
             self.cast<SpaceHandle&>().use([](SpacePart&, host::System&, Interruption&) {});
             return self;
           })
      .def("__exit__", [](SpaceHandle& space, const py::args&) { space.close(false); });
}

}  // namespace holdover::python
