// SPDX-License-Identifier: MIT
#include "python/driver_results.h"

#include "host/driver/endpoint_driver.h"
#include "python/module.h"

namespace holdover::python {

py::object status_of(unsigned status) {
  if (status > static_cast<unsigned>(host::DmaStatus::BadDescriptor)) return py::int_(status);
  return py::module_::import("holdover.machine").attr("DmaStatus")(status);
}

void bind_results(py::module_& module) {
  using host::ChannelStatistics;
  py::class_<ChannelStatistics>(module, "ChannelStatistics", made_by_others(),
                                "What a channel's registers count since its reset.")
      .def_readonly("running", &ChannelStatistics::running)
      .def_readonly("idle", &ChannelStatistics::idle, "Nothing is in hand.")
      .def_readonly("stopped", &ChannelStatistics::stopped, "It stopped at an error.")
      .def_property_readonly("error",
                             [](const ChannelStatistics& each) { return status_of(static_cast<unsigned>(each.error)); })
      .def_readonly("completed", &ChannelStatistics::completed, "Descriptors.")
      .def_readonly("bytes", &ChannelStatistics::bytes)
      .def_readonly("checked", &ChannelStatistics::checked, "Bytes that were compared with the pattern.")
      .def_readonly("mismatches", &ChannelStatistics::mismatches);
  using host::DmaCompletion;
  py::class_<DmaCompletion>(module, "Completion", made_by_others(), "What a channel reports of a descriptor.")
      .def_readonly("sequence", &DmaCompletion::sequence, "Number of the descriptor, modulo 2^32.")
      .def_property_readonly(
          "status", [](const DmaCompletion& each) { return status_of(each.status & 0xffu); }, "How it ended.")
      .def_readonly("length", &DmaCompletion::length, "Bytes that were moved.")
      .def_readonly("cookie", &DmaCompletion::cookie, "Of the descriptor.");
  using host::HeartbeatRecord;
  py::class_<HeartbeatRecord>(module, "HeartbeatRecord", made_by_others(), "One record of the heartbeat.")
      .def_readonly("sequence", &HeartbeatRecord::sequence, "From 0; records that were missed have their number.")
      .def_readonly("time", &HeartbeatRecord::time, "Clocks of the endpoint.")
      .def_readonly("missed", &HeartbeatRecord::missed, "Records that were missed until then.")
      .def_readonly("period", &HeartbeatRecord::period, "Clocks.")
      .def_readonly("check", &HeartbeatRecord::check, "Complement of sequence ^ time.");
  using host::HeartbeatWriterStatistics;
  py::class_<HeartbeatWriterStatistics>(module, "HeartbeatStatistics", made_by_others(),
                                        "What the heartbeat writer counts.")
      .def_readonly("running", &HeartbeatWriterStatistics::running)
      .def_readonly("sequence", &HeartbeatWriterStatistics::sequence, "Number of the next record.")
      .def_readonly("missed", &HeartbeatWriterStatistics::missed);
  using host::HeartbeatReaderStatistics;
  py::class_<HeartbeatReaderStatistics>(module, "HeartbeatReaderStatistics", made_by_others(),
                                        "What the heartbeat reader counts.")
      .def_readonly("running", &HeartbeatReaderStatistics::running)
      .def_readonly("count", &HeartbeatReaderStatistics::count, "Cells that were read.")
      .def_readonly("missed", &HeartbeatReaderStatistics::missed)
      .def_readonly("mismatches", &HeartbeatReaderStatistics::mismatches)
      .def_readonly("failed", &HeartbeatReaderStatistics::failed);
  using host::VectorStatistics;
  py::class_<VectorStatistics>(module, "VectorStatistics", made_by_others(),
                               "What the endpoint counts of one interrupt vector.")
      .def_readonly("events", &VectorStatistics::events)
      .def_readonly("coalesced", &VectorStatistics::coalesced, "Events that found the vector pending.")
      .def_readonly("messages", &VectorStatistics::messages)
      .def_readonly("pending", &VectorStatistics::pending);
}

}  // namespace holdover::python
