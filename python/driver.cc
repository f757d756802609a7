// SPDX-License-Identifier: MIT
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "python/arrays.h"
#include "python/driver_results.h"
#include "python/module.h"
#include "python/scenario.h"
#include "python/streams.h"

namespace holdover::python {
namespace {

using host::EndpointDriver;

py::array heartbeat_records(DriverHandle& handle) {
  auto [bytes, owner] = on(handle, [&](EndpointDriver&, DriverPart& part, host::System&, Interruption&) {
    return std::pair(heartbeat_ring(part), std::make_unique<ArrayOwner>(handle.machine(), part.rings));
  });
  return array_over<host::HeartbeatRecord>(bytes, std::move(owner), false);
}

}  // namespace

void bind_driver(py::module_& module) {
  PYBIND11_NUMPY_DTYPE(host::HeartbeatRecord, sequence, time, missed, period, check);
  bind_results(module);
  using Handle = DriverHandle;
  py::class_<Handle>(module, "Driver", made_by_others(),
                     "The driver of the Holdover endpoint: DMA channels, heartbeat, interrupts.\n\n"
                     "Made by Device.driver(). Use it with `with`, or call close().")
      .def_property_readonly(
          "channels",
          [](Handle& handle) {
            return on(handle, [](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              return driver.channels();
            });
          },
          "DMA channels of the endpoint.")
      .def_property_readonly(
          "vectors",
          [](Handle& handle) {
            return on(handle, [](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              return driver.vectors();
            });
          },
          "Interrupt vectors of the endpoint.")
      .def("buffer", &make_buffer, py::arg("size"), py::arg("device_writes") = true,
           "Memory of whole pages that this device reaches; Memory.iova says where.")
      .def(
          "copy_to_card",
          [](Handle& handle, MemoryHandle& buffer, std::uint64_t card_address, std::optional<std::uint64_t> length,
             std::uint64_t offset,
             unsigned channel) { return status_of(copy(handle, true, buffer, card_address, length, offset, channel)); },
          py::arg("buffer"), py::arg("card_address") = 0, py::kw_only(), py::arg("length") = py::none(),
          py::arg("offset") = 0, py::arg("channel") = 0,
          "Moves `length` bytes (by default all) from `offset` of a buffer to card memory, and returns the DmaStatus "
          "as a "
          "number. Takes the channel for itself. Raises Unavailable where no completion comes.")
      .def(
          "copy_to_host",
          [](Handle& handle, MemoryHandle& buffer, std::uint64_t card_address, std::optional<std::uint64_t> length,
             std::uint64_t offset, unsigned channel) {
            return status_of(copy(handle, false, buffer, card_address, length, offset, channel));
          },
          py::arg("buffer"), py::arg("card_address") = 0, py::kw_only(), py::arg("length") = py::none(),
          py::arg("offset") = 0, py::arg("channel") = 0, "The other way round.")
      .def("configure", &configure, py::arg("channel"), py::arg("direction"), py::kw_only(), py::arg("entries") = 64,
           py::arg("cyclic") = false, py::arg("pattern") = false, py::arg("seed") = 0, py::arg("vector") = py::none(),
           py::arg("moderation") = 1,
           "Resets a channel and gives it a ring. direction: 'to-card' or 'to-host'. cyclic: the ring runs for ever. "
           "pattern: bytes come from the generator, or go to the checker, in place of card memory. vector: announces "
           "every `moderation` completions.")
      .def(
          "start",
          [](Handle& handle, unsigned channel) {
            on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
              DriverPart::Channel& state = configured(part, channel);
              driver.start(channel);
              state.running = true;
            });
          },
          py::arg("channel"), "Sets RUN.")
      .def(
          "stop",
          [](Handle& handle, unsigned channel) {
            on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
              DriverPart::Channel& state = configured(part, channel);
              state.running = false;
              state.copies = false;
              driver.stop(channel);
            });
          },
          py::arg("channel"), "Returns when nothing is in hand. Raises Unavailable where that takes too long.")
      .def(
          "submit",
          [](Handle& handle, unsigned channel, std::uint64_t host_address, std::uint64_t card_address,
             std::uint32_t length, bool interrupt, std::uint32_t cookie) {
            return on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
              configured(part, channel).copies = false;
              return driver.submit(channel, descriptor_of(host_address, card_address, length, interrupt, cookie));
            });
          },
          py::arg("channel"), py::arg("host_address"), py::arg("card_address"), py::arg("length"), py::kw_only(),
          py::arg("interrupt") = false, py::arg("cookie") = 0,
          "Makes a descriptor ready and rings the doorbell; False where the ring is full. host_address is an IOVA.")
      .def(
          "put",
          [](Handle& handle, unsigned channel, unsigned slot, std::uint64_t host_address, std::uint64_t card_address,
             std::uint32_t length, bool interrupt, std::uint32_t cookie) {
            on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
              const DriverPart::Channel& state = configured(part, channel);
              if (state.running) refuse("channel " + std::to_string(channel) + " runs; stop() it before put()");
              if (slot >= state.entries) {
                refuse("slot " + std::to_string(slot) + " is not there; the ring has " + std::to_string(state.entries));
              }
              driver.put(channel, slot, descriptor_of(host_address, card_address, length, interrupt, cookie));
            });
          },
          py::arg("channel"), py::arg("slot"), py::arg("host_address"), py::arg("card_address"), py::arg("length"),
          py::kw_only(), py::arg("interrupt") = false, py::arg("cookie") = 0,
          "Fills a slot of a cyclic ring that stands still.")
      .def(
          "poll",
          [](Handle& handle, unsigned channel) -> py::object {
            const std::optional<host::DmaCompletion> record =
                on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
                  configured(part, channel);
                  return driver.poll(channel);
                });
            return record ? py::cast(*record) : py::object(py::none());
          },
          py::arg("channel"), "The next Completion, None where there is none yet.")
      .def(
          "channel_statistics",
          [](Handle& handle, unsigned channel) {
            return on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
              channel_of(part, channel);
              return driver.channel_statistics(channel);
            });
          },
          py::arg("channel"), "ChannelStatistics, read from the registers.")
      .def(
          "start_heartbeat",
          [](Handle& handle, const py::object& period, unsigned entries, std::optional<unsigned> vector,
             unsigned interrupt_every) {
            start_heartbeat(handle, time_of(period, "period"), entries, vector, interrupt_every);
          },
          py::arg("period") = "2us", py::kw_only(), py::arg("entries") = 256, py::arg("vector") = py::none(),
          py::arg("interrupt_every") = 1,
          "The endpoint writes a numbered, time-stamped record into a ring at this pace. vector: announces every "
          "`interrupt_every` records.")
      .def(
          "stop_heartbeat",
          [](Handle& handle) {
            on(handle, [](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              driver.stop_heartbeat_writer();
            });
          },
          "No record is under way when it returns.")
      .def(
          "heartbeat",
          [](Handle& handle, std::uint64_t sequence) -> py::object {
            const std::optional<host::HeartbeatRecord> record =
                on(handle, [&](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
                  (void)heartbeat_ring(part);
                  return driver.heartbeat(sequence);
                });
            return record ? py::cast(*record) : py::object(py::none());
          },
          py::arg("sequence"),
          "The HeartbeatRecord of that number as it lies in the ring; None where the slot holds another.")
      .def("heartbeat_records", &heartbeat_records,
           "The ring as a structured array (sequence, time, missed, period, check) that follows what the endpoint "
           "writes: no "
           "copy. It cannot be written.")
      .def(
          "heartbeat_statistics",
          [](Handle& handle) {
            return on(handle, [](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              return driver.heartbeat_writer_statistics();
            });
          },
          "HeartbeatStatistics, read from the registers.")
      .def(
          "start_heartbeat_reader",
          [](Handle& handle, const py::object& period, unsigned entries, std::uint32_t seed) {
            start_heartbeat_reader(handle, time_of(period, "period"), entries, seed);
          },
          py::arg("period") = "2us", py::kw_only(), py::arg("entries") = 256, py::arg("seed") = 0,
          "The endpoint reads a table of the pattern cell by cell at this pace, and checks it.")
      .def(
          "stop_heartbeat_reader",
          [](Handle& handle) {
            on(handle, [](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              driver.stop_heartbeat_reader();
            });
          },
          "Returns when its last read has ended.")
      .def(
          "heartbeat_reader_statistics",
          [](Handle& handle) {
            return on(handle, [](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              return driver.heartbeat_reader_statistics();
            });
          },
          "HeartbeatReaderStatistics, read from the registers.")
      .def(
          "enable_interrupts",
          [](Handle& handle, unsigned count) {
            on(handle, [&](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              if (count > driver.vectors()) require_vector(driver, count - 1);
              driver.enable_interrupts(count);
            });
          },
          py::arg("count"), "MSI-X vectors 0 to count - 1.")
      .def(
          "take_interrupts",
          [](Handle& handle, unsigned vector) {
            return on(handle, [&](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              return driver.take_interrupts(vector);
            });
          },
          py::arg("vector"), "Interrupts of this vector since the last call.")
      .def(
          "vector_statistics",
          [](Handle& handle, unsigned vector) {
            return on(handle, [&](EndpointDriver& driver, DriverPart&, host::System&, Interruption&) {
              require_vector(driver, vector);
              return driver.vector_statistics(vector);
            });
          },
          py::arg("vector"), "VectorStatistics, read from the registers.")
      .def(
          "stop_all",
          [](Handle& handle) {
            on(handle, [](EndpointDriver& driver, DriverPart& part, host::System&, Interruption&) {
              for (DriverPart::Channel& each : part.channels) each.running = each.copies = false;
              driver.stop_all();
            });
          },
          "Stops every stream that runs.")
      .def(
          "close", [](Handle& handle) { handle.close(true); },
          "Forgets the driver; streams that run go on until the device is reset or closed. A second call does nothing.")
      .def("__enter__",
           [](py::object self) {
             self.cast<Handle&>().use([](DriverPart&, host::System&, Interruption&) {});
             return self;
           })
      .def("__exit__", [](Handle& handle, const py::args&) { handle.close(true); })
      .def("__repr__", [](const Handle& handle) { return "<Driver " + handle.name() + ">"; });
}

}  // namespace holdover::python
