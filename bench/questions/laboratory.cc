// SPDX-License-Identifier: MIT
#include <optional>

#include "bench/questions/question.h"

namespace holdover::bench {
namespace {

// Two hear what happens: the bench first.
class Tee final : public sim::Witness {
 public:
  Tee(sim::Witness& bench, sim::Witness& other) : bench_(bench), other_(other) {}

  void on_phase(Time time, pcie::Phase phase, pcie::Step step, std::uint64_t value) override {
    bench_.on_phase(time, phase, step, value);
    other_.on_phase(time, phase, step, value);
  }
  void on_console(Time time, std::string_view line) override {
    bench_.on_console(time, line);
    other_.on_console(time, line);
  }
  void on_jump(Time time, PhysicalAddress boot_parameters) override {
    bench_.on_jump(time, boot_parameters);
    other_.on_jump(time, boot_parameters);
  }
  void on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) override {
    bench_.on_tlp(time, endpoint, direction, tlp);
    other_.on_tlp(time, endpoint, direction, tlp);
  }
  void on_request_refused(Time time, unsigned endpoint, sim::FunctionIndex where, const pcie::Tlp& tlp,
                          std::string_view reason) override {
    bench_.on_request_refused(time, endpoint, where, tlp, reason);
    other_.on_request_refused(time, endpoint, where, tlp, reason);
  }
  void on_config_write(const sim::ConfigWrite& write) override {
    bench_.on_config_write(write);
    other_.on_config_write(write);
  }
  void on_memory_access(const sim::MemoryAccess& access) override {
    bench_.on_memory_access(access);
    other_.on_memory_access(access);
  }
  void on_platform(Time time, const sim::PlatformState& before, const sim::PlatformState& after) override {
    bench_.on_platform(time, before, after);
    other_.on_platform(time, before, after);
  }
  void on_iommu_fault(Time time, pcie::RequesterId requester, Iova iova, bool write, std::string_view reason) override {
    bench_.on_iommu_fault(time, requester, iova, write, reason);
    other_.on_iommu_fault(time, requester, iova, write, reason);
  }
  void on_event(Time time, unsigned endpoint, unsigned vector, bool coalesced) override {
    bench_.on_event(time, endpoint, vector, coalesced);
    other_.on_event(time, endpoint, vector, coalesced);
  }
  void on_message(Time time, pcie::RequesterId requester, std::uint64_t address, std::uint32_t data,
                  std::uint8_t vector, sim::MessageOutcome outcome) override {
    bench_.on_message(time, requester, address, data, vector, outcome);
    other_.on_message(time, requester, address, data, vector, outcome);
  }
  void on_reset(Time time, sim::FunctionIndex function, sim::ResetKind kind) override {
    bench_.on_reset(time, function, kind);
    other_.on_reset(time, function, kind);
  }
  void on_link(Time time, sim::FunctionIndex port, bool up) override {
    bench_.on_link(time, port, up);
    other_.on_link(time, port, up);
  }
  void on_violation(const sim::Violation& violation) override {
    bench_.on_violation(violation);
    other_.on_violation(violation);
  }
  void on_fault(Time time, const sim::MachineFault& fault) override {
    bench_.on_fault(time, fault);
    other_.on_fault(time, fault);
  }

 private:
  sim::Witness& bench_;
  sim::Witness& other_;
};

}  // namespace

Report Laboratory::run(const RunOptions& options, Spectator& spectator) const {
  if (progress_) progress_(command_line(options));
  std::optional<Tee> tee;  // outlives the machine
  const sim::ObservedMachine* machine = nullptr;
  const MachineFactory heard = [&](const sim::MachineConfig& config, sim::Witness& witness) {
    auto built = factory_(config, tee.emplace(witness, spectator));
    machine = built.get();
    return built;
  };
  return bench::run(options, heard, [&](const ProgressNote& note) { spectator.on_progress(note, *machine); });
}

}  // namespace holdover::bench
