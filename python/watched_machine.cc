// SPDX-License-Identifier: MIT
#include "python/watched_machine.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace holdover::python {
namespace {

constexpr Time kSlice{20'000'000};

class WatchedPlatform final : public pcie::Platform {
 public:
  WatchedPlatform(pcie::Platform& platform, std::function<Interruption*()> interruption, std::function<Time()> patience)
      : platform_(platform), interruption_(std::move(interruption)), patience_(std::move(patience)) {}

  [[nodiscard]] std::uint32_t config_read(pcie::Bdf function, Bytes offset, unsigned size) override {
    return platform_.config_read(function, offset, size);
  }
  void config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override {
    platform_.config_write(function, offset, size, value);
  }
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size) override {
    return platform_.mmio_read(address, size);
  }
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override {
    platform_.mmio_write(address, size, value);
  }
  [[nodiscard]] std::span<std::byte> dram() override { return platform_.dram(); }
  [[nodiscard]] std::optional<std::uint8_t> take_interrupt() override { return platform_.take_interrupt(); }
  [[nodiscard]] Time now() override { return platform_.now(); }
  void wait(Time duration) override {
    for (Time left = duration; left > Time{0};) {
      if (is_to_end()) throw Left{};
      const Time slice = std::min(left, kSlice);
      platform_.wait(slice);
      left -= slice;
    }
  }
  void jump(PhysicalAddress boot_parameters) override { platform_.jump(boot_parameters); }
  void console(std::string_view line) override { platform_.console(line); }
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override { platform_.mark(phase, step, value); }

 private:
  // A kernel on its way down is not left a second time.
  [[nodiscard]] bool is_to_end() {
    Interruption* const interruption = interruption_();
    if (interruption == nullptr || std::uncaught_exceptions() != 0 || !interruption->asked()) {
      asked_.reset();
      return false;
    }
    const Time now = platform_.now();
    if (!asked_) asked_ = now;
    return now - *asked_ >= patience_();
  }

  pcie::Platform& platform_;
  std::function<Interruption*()> interruption_;
  std::function<Time()> patience_;
  std::optional<Time> asked_;  // when the call that is under way was first seen to be asked to end
};

class WatchedMachine final : public sim::ObservedMachine {
 public:
  WatchedMachine(std::unique_ptr<sim::ObservedMachine> machine, std::function<Interruption*()> interruption,
                 std::function<Time()> patience)
      : machine_(std::move(machine)), platform_(machine_->platform(), std::move(interruption), std::move(patience)) {}

  [[nodiscard]] pcie::Platform& platform() override { return platform_; }
  [[nodiscard]] const std::vector<sim::FunctionInfo>& functions() const override { return machine_->functions(); }
  [[nodiscard]] pcie::Bdf bdf(sim::FunctionIndex function) const override { return machine_->bdf(function); }
  [[nodiscard]] std::vector<std::byte> config_space(sim::FunctionIndex function) const override {
    return machine_->config_space(function);
  }
  [[nodiscard]] std::optional<PhysicalAddress> translate(sim::FunctionIndex endpoint, Iova iova,
                                                         bool write) const override {
    return machine_->translate(endpoint, iova, write);
  }
  [[nodiscard]] sim::SilenceBound silence_bound() const override { return machine_->silence_bound(); }
  [[nodiscard]] int dram_descriptor() const override { return machine_->dram_descriptor(); }
  [[nodiscard]] Cycles cycles() const override { return machine_->cycles(); }
  [[nodiscard]] std::string dump() const override { return machine_->dump(); }
  void poison(const std::vector<bool>& keep) override { machine_->poison(keep); }
  void poison_from_time_to_time(Time interval, std::function<std::vector<std::uint64_t>()> free_pages) override {
    machine_->poison_from_time_to_time(interval, std::move(free_pages));
  }
  void close_files() override { machine_->close_files(); }

 private:
  std::unique_ptr<sim::ObservedMachine> machine_;
  WatchedPlatform platform_;
};

}  // namespace

bench::MachineFactory watched(std::function<Interruption*()> interruption, std::function<Time()> patience) {
  return [interruption = std::move(interruption), patience = std::move(patience)](
             const sim::MachineConfig& config, sim::Witness& witness) -> std::unique_ptr<sim::ObservedMachine> {
    return std::make_unique<WatchedMachine>(sim::build_machine(config, witness), interruption, patience);
  };
}

}  // namespace holdover::python
