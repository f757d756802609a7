// SPDX-License-Identifier: MIT
// The bench's eyes: takes everything the machine shows, and hands each thing to the ledgers that judge it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/handover_damage.h"
#include "bench/ledger/config_ledger.h"
#include "bench/ledger/endpoint_ledger.h"
#include "bench/ledger/evidence.h"
#include "bench/ledger/handover_ledger.h"
#include "bench/ledger/hazard_census.h"
#include "bench/ledger/identity_ledger.h"
#include "bench/ledger/invariants/invariant_ledger.h"
#include "bench/ledger/memory_ledger.h"
#include "bench/ledger/request_ledger.h"
#include "bench/ledger/reset_ledger.h"
#include "bench/ledger/scene.h"
#include "bench/ledger/translation_ledger.h"
#include "sim/witness.h"

namespace holdover::bench {

// All that is written down in one run.
struct Ledgers {
  Ledgers(const std::vector<sim::FunctionInfo>& functions, std::span<const std::byte> dram, Time machine_delay,
          Time completion_timeout);

  Scene scene;
  Evidence evidence;
  std::vector<EndpointLedger> endpoints;
  MemoryLedger memory;
  ConfigLedger config;
  IdentityLedger identity;
  TranslationLedger translation;
  RequestLedger requests;
  ResetLedger resets;
  HandoverLedger handover;
  HazardCensus hazards;
  InvariantLedger invariants;
};

class Observer final : public sim::Witness {
 public:
  // Until attach() nothing is written down: the machine is being built.
  // `completion_timeout`: what the endpoints' driver sets it to.
  void attach(sim::ObservedMachine& machine, Time completion_timeout, PhysicalAddress boot_parameters);

  // What will be done to the first handover, once it has been read.
  void damage(std::vector<HandoverDamage> damages) { damages_ = std::move(damages); }

  // The host is between two calls: brings what cannot be read inside a callback up to date.
  void settle();
  // The host is about to leave kernel A for the image with this page: reads what it hands over and poisons the rest.
  void prepare_jump(Time time, PhysicalAddress boot_parameters);
  // A mark was made; opens or closes the window.
  void settle_window(Time time);
  // The run is over. `updates`: how many there were to be.
  void end(Time time, unsigned updates);

  // Why the run should be given up: an endpoint that should stream has sent nothing for long, and nothing seen explains
  // it.
  [[nodiscard]] std::optional<std::string> stuck(Time now) const;
  // The host has said that it is about to end.
  [[nodiscard]] bool going_down() const;
  // Names of the faults of the machine that have struck.
  [[nodiscard]] const std::set<std::string, std::less<>>& struck() const { return struck_; }
  [[nodiscard]] Time last_mark() const { return last_mark_; }
  [[nodiscard]] const std::deque<std::string>& console() const { return console_; }
  [[nodiscard]] Ledgers& ledgers() { return *ledgers_; }
  [[nodiscard]] const Ledgers& ledgers() const { return *ledgers_; }

  // While set, TLPs throw Interruption once `asked` says yes: only where no destructor can be under way.
  struct Interruption {};
  void interrupt_when(std::function<bool()> asked) { asked_ = std::move(asked); }

  void on_phase(Time time, pcie::Phase phase, pcie::Step step, std::uint64_t value) override;
  void on_console(Time time, std::string_view line) override;
  void on_jump(Time time, PhysicalAddress boot_parameters) override;
  void on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) override;
  void on_request_refused(Time time, unsigned endpoint, sim::FunctionIndex where, const pcie::Tlp& tlp,
                          std::string_view reason) override;
  void on_config_write(const sim::ConfigWrite& write) override;
  void on_memory_access(const sim::MemoryAccess& access) override;
  void on_platform(Time time, const sim::PlatformState& before, const sim::PlatformState& after) override;
  void on_iommu_fault(Time time, pcie::RequesterId requester, Iova iova, bool write, std::string_view reason) override;
  void on_event(Time time, unsigned endpoint, unsigned vector, bool coalesced) override;
  void on_message(Time time, pcie::RequesterId requester, std::uint64_t address, std::uint32_t data,
                  std::uint8_t vector, sim::MessageOutcome outcome) override;
  void on_reset(Time time, sim::FunctionIndex function, sim::ResetKind kind) override;
  void on_link(Time time, sim::FunctionIndex port, bool up) override;
  void on_violation(const sim::Violation& violation) override;
  void on_fault(Time time, const sim::MachineFault& fault) override;

 private:
  [[nodiscard]] std::vector<ConfigShadow> config_spaces() const;
  [[nodiscard]] std::optional<unsigned> endpoint_at(pcie::RequesterId requester) const;
  void strike_handover(Time time, PhysicalAddress boot_parameters);
  void refresh_endpoint(Time time, sim::FunctionIndex function, const ConfigShadow& shadow);

  sim::ObservedMachine* machine_ = nullptr;
  std::unique_ptr<Ledgers> ledgers_;
  std::function<bool()> asked_;
  std::vector<HandoverDamage> damages_;
  std::set<std::string, std::less<>> struck_;
  bool places_changed_ = false;
  bool spaces_changed_ = false;
  bool window_opened_ = false;
  bool window_closed_ = false;
  std::vector<ConfigShadow> window_spaces_;
  Time last_mark_;
  std::deque<std::string> console_;
};

}  // namespace holdover::bench
