// SPDX-License-Identifier: MIT
// The machine: everything that outlives a kernel. Composition root of sim; owns all parts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pcie/platform.h"
#include "sim/fault_plan.h"
#include "sim/host_memory.h"
#include "sim/interrupt_controller.h"
#include "sim/iommu.h"
#include "sim/memory_recorder.h"
#include "sim/protocol_checker.h"
#include "sim/random.h"
#include "sim/root_complex.h"
#include "sim/scheduler.h"
#include "sim/topology.h"
#include "sim/trace.h"
#include "sim/witness.h"

namespace holdover::sim {

class Machine final : public ObservedMachine, private pcie::Platform, private ClockHandler, private EventHandler {
 public:
  // `witness` outlives the machine, and so does `memory`, which requests of endpoints reach instead of DRAM. Throws as
  // build_machine() says.
  Machine(const MachineConfig& config, Witness& witness, const EndpointFactory& make_endpoint,
          RequestMemory* memory = nullptr);
  ~Machine() override;

  [[nodiscard]] pcie::Platform& platform() override { return *this; }
  [[nodiscard]] const std::vector<FunctionInfo>& functions() const override { return topology_.functions(); }
  [[nodiscard]] pcie::Bdf bdf(FunctionIndex function) const override { return topology_.bdf(function); }
  [[nodiscard]] std::vector<std::byte> config_space(FunctionIndex function) const override;
  [[nodiscard]] std::optional<PhysicalAddress> translate(FunctionIndex endpoint, Iova iova, bool write) const override;
  [[nodiscard]] SilenceBound silence_bound() const override;
  // For tests: what a port was told that no register shows.
  [[nodiscard]] const Bridge& bridge(FunctionIndex port) const { return *topology_.bridges().at(port); }
  [[nodiscard]] int dram_descriptor() const override { return memory_.descriptor(); }
  [[nodiscard]] Cycles cycles() const override { return scheduler_.cycles(); }
  [[nodiscard]] std::string dump() const override;
  void poison(const std::vector<bool>& keep) override;
  void poison_from_time_to_time(Time interval, std::function<std::vector<std::uint64_t>()> free_pages) override;
  void close_files() override;

 private:
  // pcie::Platform.
  [[nodiscard]] std::uint32_t config_read(pcie::Bdf function, Bytes offset, unsigned size) override;
  void config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size) override;
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override;
  [[nodiscard]] std::span<std::byte> dram() override { return memory_.bytes(); }
  [[nodiscard]] std::optional<std::uint8_t> take_interrupt() override { return interrupts_.take(); }
  [[nodiscard]] Time now() override { return scheduler_.now(); }
  void wait(Time duration) override;
  void jump(PhysicalAddress boot_parameters) override;
  void console(std::string_view line) override;
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override;

  void on_clock() override;
  void on_event(std::uint64_t argument) override;
  // The processor stands still for as long as this lives.
  class Turn {
   public:
    explicit Turn(std::optional<MemoryRecorder>& recorder) : recorder_(recorder) {
      if (recorder_) recorder_->processor_stops();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (recorder_) recorder_->processor_resumes();
    }

   private:
    std::optional<MemoryRecorder>& recorder_;
  };
  [[nodiscard]] PlatformState platform_state() const;
  [[nodiscard]] MemoryRecorder* make_recorder(bool own_memory);
  void poison_page(std::uint64_t page);
  void begin_phase(pcie::Phase phase);
  void strike_timed_faults();
  void poison_free_pages();

  MachineConfig config_;
  Witness& witness_;
  Scheduler scheduler_;
  HostMemory memory_;
  Iommu iommu_;
  InterruptController interrupts_;
  FaultPlan faults_;
  std::optional<ProtocolChecker> checker_;
  std::optional<TraceWriter> trace_;
  std::optional<MemoryRecorder> recorder_;
  RootComplex root_;
  Topology topology_;

  Random poison_times_;
  Time poison_interval_;
  std::function<std::vector<std::uint64_t>()> free_pages_;
  std::uint32_t poison_epoch_ = 0;
  bool finished_ = false;         // the end of the run was judged
  bool traffic_stopped_ = false;  // no request may be under way at the end
};

}  // namespace holdover::sim
