// SPDX-License-Identifier: MIT
// The machine behind a server: a whole one, whose requests of endpoints reach the memory of a client, and the one
// function in it that is served.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/vfio_user/client_memory.h"
#include "serve/vfio_user/firmware.h"
#include "serve/vfio_user/function.h"
#include "sim/witness.h"

namespace holdover::serve {

using MachineFactory =
    std::function<std::unique_ptr<sim::ObservedMachine>(const sim::MachineConfig&, sim::Witness&, sim::RequestMemory&)>;

class ServedMachine final : public Function, private sim::Witness {
 public:
  // Serves endpoint `endpoint` of the topology. Throws Error{InvalidArgument} where there is none, and as the factory
  // does.
  ServedMachine(const sim::MachineConfig& config, unsigned endpoint, const MachineFactory& factory);
  ~ServedMachine() override;

  [[nodiscard]] ClientMemory& memory() { return memory_; }
  // Null: nobody is told.
  void set_listener(FunctionListener* listener) { listener_ = listener; }

  [[nodiscard]] std::uint32_t config_read(unsigned offset, unsigned size) override;
  void config_write(unsigned offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t load(unsigned bar, std::uint64_t offset, unsigned size) override;
  void store(unsigned bar, std::uint64_t offset, unsigned size, std::uint64_t value) override;
  [[nodiscard]] const std::vector<FunctionBar>& bars() const override { return found_.bars; }
  [[nodiscard]] InterruptMessage message(unsigned vector) const override;
  [[nodiscard]] pcie::RequesterId requester() const override { return found_.bdf.requester_id(); }
  [[nodiscard]] Time now() override { return platform_->now(); }
  void wait(Time duration) override;

  [[nodiscard]] Cycles cycles() const { return machine_->cycles(); }
  // What a broken protocol rule said first; empty where none was broken.
  [[nodiscard]] const std::string& violation() const { return violation_; }
  // Completes the trace; time must not pass afterwards.
  void close_files() { machine_->close_files(); }

 private:
  void on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) override;
  void on_message(Time time, pcie::RequesterId requester, std::uint64_t address, std::uint32_t data,
                  std::uint8_t vector, sim::MessageOutcome outcome) override;
  void on_violation(const sim::Violation& violation) override;
  [[nodiscard]] BusAddress address_of(unsigned bar, std::uint64_t offset) const;
  void take_interrupts();

  unsigned endpoint_;
  ClientMemory memory_;
  FunctionListener* listener_ = nullptr;
  std::string violation_;
  std::unique_ptr<sim::ObservedMachine> machine_;
  pcie::Platform* platform_ = nullptr;
  FoundFunction found_;
};

}  // namespace holdover::serve
