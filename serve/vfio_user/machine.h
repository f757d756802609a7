// SPDX-License-Identifier: MIT
// The machine behind a server: a whole one, whose requests of endpoints reach the memory of a client, and the one
// function in it that is served.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/vfio_user/client_memory.h"
#include "serve/vfio_user/firmware.h"
#include "serve/vfio_user/function.h"
#include "sim/witness.h"

namespace holdover::serve {

using MachineFactory =
    std::function<std::unique_ptr<sim::ObservedMachine>(const sim::MachineConfig&, sim::Witness&, sim::RequestMemory&)>;

// Rules that an endpoint breaks by doing what it was told to: whose premise is that software aims no DMA at the
// interrupt window and lets it wait for answers as long as this machine may take.
struct Misuse {
  std::uint64_t count = 0;
  std::string first;  // what was said of the first
};

class ServedMachine final : public Function, private sim::Witness {
 public:
  // Serves endpoint `endpoint` of the topology. Throws Error{InvalidArgument} where there is none, and as the factory
  // does.
  ServedMachine(const sim::MachineConfig& config, unsigned endpoint, const MachineFactory& factory);
  ~ServedMachine() override;

  [[nodiscard]] ClientMemory& memory() { return memory_; }
  // Null: nobody is told. Misuse begins anew.
  void set_listener(FunctionListener* listener);

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
  // What a rule said first that the endpoint has broken; empty where it has broken none.
  [[nodiscard]] const std::string& violation() const { return violation_; }
  // Of the client that is there.
  [[nodiscard]] const Misuse& misuse() const { return misuse_; }
  // Completes the trace; time must not pass afterwards.
  void close_files() { machine_->close_files(); }

 private:
  void on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) override;
  void on_message(Time time, pcie::RequesterId requester, std::uint64_t address, std::uint32_t data,
                  std::uint8_t vector, sim::MessageOutcome outcome) override;
  void on_violation(const sim::Violation& violation) override;
  [[nodiscard]] BusAddress address_of(unsigned bar, std::uint64_t offset) const;
  [[nodiscard]] bool told_to(std::string_view rule) const;
  void note_store(unsigned bar, std::uint64_t offset, unsigned size, std::uint64_t value);
  void settle();

  unsigned endpoint_;
  Time completion_timeout_;  // no answer of the machine takes longer
  ClientMemory memory_;
  FunctionListener* listener_ = nullptr;
  std::string violation_;
  Misuse misuse_;
  bool impatient_ = false;  // the endpoint was told to wait for answers less long than the machine may take
  std::unique_ptr<sim::ObservedMachine> machine_;
  pcie::Platform* platform_ = nullptr;
  FoundFunction found_;
};

}  // namespace holdover::serve
