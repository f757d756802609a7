// SPDX-License-Identifier: MIT
// What an experiment writes down of a run beside the report: marks, and what reached the functions, each with who was
// in charge.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/questions/question.h"

namespace holdover::bench {

class Recorder final : public Spectator {
 public:
  struct When {
    Time time;
    unsigned kernel = 0;  // 0: kernel A; while nobody runs, the next one
    pcie::Phase phase = pcie::Phase::Boot;
  };
  struct Mark {
    When when;
    pcie::Step step = pcie::Step::Begin;
    std::uint64_t value = 0;
  };
  // A request of the host at an endpoint's edge.
  struct Request {
    When when;
    unsigned endpoint = 0;
    pcie::TlpKind kind = pcie::TlpKind::MemoryRead;
    pcie::RequesterId target = 0;  // configuration requests
    std::uint64_t where = 0;       // configuration requests: byte offset of the double word; others: address
  };
  struct ConfigWrite {
    When when;
    std::string function;  // «endpoint 0»
    bool bridge = false;
    std::string name;  // of the register: «COMMAND»
    sim::ConfigWrite write;

    [[nodiscard]] bool changed() const { return write.before != write.after; }
  };
  struct Reset {
    When when;
    std::string function;
    sim::ResetKind kind = sim::ResetKind::Flr;
  };
  // Of one endpoint, as its configuration space says.
  struct Identity {
    std::uint32_t vendor_and_device = 0;
    std::uint32_t subsystem = 0;
    std::uint64_t serial_number = 0;  // 0 where it has none

    friend bool operator==(const Identity&, const Identity&) = default;
  };

  [[nodiscard]] const std::vector<Mark>& marks() const { return marks_; }
  [[nodiscard]] const std::vector<Request>& requests() const { return requests_; }
  [[nodiscard]] const std::vector<ConfigWrite>& config_writes() const { return config_writes_; }
  [[nodiscard]] const std::vector<Reset>& resets() const { return resets_; }
  // Accesses of devices that reached DRAM, in the order of time.
  [[nodiscard]] const std::vector<When>& dma() const { return dma_; }
  // When the console first said this; nothing where it never did.
  [[nodiscard]] std::optional<Time> time_of_line(std::string_view words) const;
  // The first line with these words; empty where there is none.
  [[nodiscard]] std::string line_with(std::string_view words) const;
  // Of endpoint 0, while its function was to be seen, each value once.
  [[nodiscard]] const std::vector<Identity>& identities() const { return identities_; }

  // By name of the function: where it answered under kernel A, when it was last looked at.
  [[nodiscard]] const std::map<std::string, pcie::RequesterId>& places() const { return places_; }

  // The first mark of this step under this kernel (and of this value).
  [[nodiscard]] const Mark* find(pcie::Step step, unsigned kernel,
                                 std::optional<std::uint64_t> value = std::nullopt) const;
  // When this kernel entered the phase first.
  [[nodiscard]] std::optional<Time> begin_of(pcie::Phase phase, unsigned kernel) const;
  // When user space under this kernel had finished what it was handed, or had given it up.
  [[nodiscard]] std::optional<Time> end_of_update(unsigned kernel) const;
  [[nodiscard]] bool said(std::string_view words) const { return time_of_line(words).has_value(); }

  void on_phase(Time time, pcie::Phase phase, pcie::Step step, std::uint64_t value) override;
  void on_console(Time time, std::string_view line) override;
  void on_jump(Time time, PhysicalAddress boot_parameters) override;
  void on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) override;
  void on_config_write(const sim::ConfigWrite& write) override;
  void on_memory_access(const sim::MemoryAccess& access) override;
  void on_reset(Time time, sim::FunctionIndex function, sim::ResetKind kind) override;
  void on_progress(const ProgressNote& note, const sim::ObservedMachine& machine) override;

 private:
  [[nodiscard]] When when(Time time) const { return {time, kernel_, phase_}; }

  unsigned kernel_ = 0;
  pcie::Phase phase_ = pcie::Phase::Boot;
  std::vector<Mark> marks_;
  std::vector<Request> requests_;
  std::vector<ConfigWrite> config_writes_;
  std::vector<Reset> resets_;
  std::vector<When> dma_;
  std::vector<std::pair<Time, std::string>> console_;
  std::vector<Identity> identities_;
  std::map<std::string, pcie::RequesterId> places_;
  struct Function {
    std::string name;
    bool bridge = false;
    std::function<std::string(unsigned)> register_name;
  };
  std::vector<Function> functions_;  // empty until the machine was looked at
};

}  // namespace holdover::bench
