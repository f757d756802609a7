// SPDX-License-Identifier: MIT
#include "bench/observer.h"

#include <algorithm>
#include <utility>

#include "bench/fault_table.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

// Longest unexplained silence before a run is given up.
constexpr Time kWatchdog{200'000'000};
// Pages that the new kernel has free are poisoned this often on average.
constexpr Time kPoisonInterval{250'000'000};
constexpr std::size_t kConsoleLines = 40;
// A bulk channel waits for a read as long as the endpoint does, and for its share of the bandwidth: the latter is
// declared, not derived.
constexpr Time kShare{40'000'000};

}  // namespace

Ledgers::Ledgers(const std::vector<sim::FunctionInfo>& functions, std::span<const std::byte> dram, Time machine_delay,
                 Time completion_timeout)
    : scene(functions),
      evidence(scene),
      memory(scene, evidence, dram),
      config(scene, evidence),
      identity(scene, evidence),
      translation(scene, evidence),
      requests(scene, evidence, completion_timeout),
      resets(scene, evidence),
      handover(scene, evidence),
      hazards(scene, dram),
      invariants(scene, evidence, config, memory, dram) {
  for (unsigned endpoint = 0; endpoint < scene.endpoint_count(); ++endpoint) {
    endpoints.emplace_back(endpoint, scene, evidence, machine_delay, completion_timeout + kShare);
  }
}

void Observer::attach(sim::ObservedMachine& machine, Time completion_timeout, PhysicalAddress boot_parameters) {
  machine_ = &machine;
  const Time delay = machine.silence_bound().total;
  ledgers_ = std::make_unique<Ledgers>(machine.functions(), machine.platform().dram(), delay, completion_timeout);
  ledgers_->evidence.set_slack(delay + Time{2'000'000});
  ledgers_->memory.enter_kernel(boot_parameters);
  ledgers_->config.begin(config_spaces());
  places_changed_ = true;
  settle();
}

std::vector<ConfigShadow> Observer::config_spaces() const {
  std::vector<ConfigShadow> spaces;
  for (sim::FunctionIndex function = 0; function < machine_->functions().size(); ++function) {
    spaces.emplace_back(machine_->config_space(function));
  }
  return spaces;
}

void Observer::settle() {
  if (spaces_changed_) {
    spaces_changed_ = false;
    ledgers_->config.begin(config_spaces());
    for (sim::FunctionIndex function = 0; function < machine_->functions().size(); ++function) {
      refresh_endpoint(machine_->platform().now(), function, ledgers_->config.shadow(function));
    }
  }
  if (!places_changed_) return;
  places_changed_ = false;
  for (sim::FunctionIndex function = 0; function < machine_->functions().size(); ++function) {
    ledgers_->scene.place(function, machine_->bdf(function));
  }
  ledgers_->invariants.on_places(machine_->platform().now());
}

void Observer::refresh_endpoint(Time time, sim::FunctionIndex function, const ConfigShadow& shadow) {
  const sim::FunctionInfo& info = ledgers_->scene.functions()[function];
  if (info.kind != sim::FunctionKind::Endpoint) return;
  EndpointLedger& endpoint = ledgers_->endpoints.at(info.endpoint);
  endpoint.set_bar0(shadow.bar0());
  if (!shadow.msix()) return;
  const std::uint32_t control = shadow.at(*shadow.msix()) >> 16;
  const bool master = (shadow.at(pcie::config::kCommand) & pcie::config::kCommandBusMaster) != 0;
  endpoint.interrupts().on_enable(time, master && (control & pcie::config::kMsixControlEnable) != 0 &&
                                            (control & pcie::config::kMsixControlFunctionMask) == 0);
}

void Observer::prepare_jump(Time time, PhysicalAddress boot_parameters) {
  settle();
  const HandoverImage image = decode_handover(machine_->platform().dram(), boot_parameters);
  ledgers_->invariants.on_jump(time, image);
  ledgers_->handover.on_jump(time, image, ledgers_->memory.free_pages().size());
  ledgers_->memory.on_jump(time, image.preserved);
  ledgers_->scene.on_jump(time);
  settle_window(time);
  strike_handover(time, boot_parameters);
  machine_->poison(image.preserved);
  ledgers_->memory.enter_kernel(boot_parameters);
  machine_->poison_from_time_to_time(kPoisonInterval, [this] { return ledgers_->memory.free_pages(); });
}

void Observer::strike_handover(Time time, PhysicalAddress boot_parameters) {
  for (const HandoverDamage& damage : std::exchange(damages_, {})) {
    if (!damage.strike(machine_->platform().dram(), boot_parameters)) continue;
    struck_.emplace(damage.entry.name);
    ledgers_->evidence.disrupt(time, ~0u, Rank::Fault, Evidence::kTraffic,
                               "machine fault " + std::string(damage.entry.name) + " in what was handed over");
  }
}

void Observer::settle_window(Time time) {
  Ledgers& all = *ledgers_;
  if (all.scene.window_begin() && !window_opened_) {
    window_opened_ = true;
    settle();
    window_spaces_ = config_spaces();
    all.config.open_window(time, window_spaces_);
    all.identity.open_window(time);
    for (EndpointLedger& endpoint : all.endpoints) endpoint.interrupts().open_window(endpoint.registers());
  }
  if (all.scene.window_end() && !window_closed_) {
    window_closed_ = true;
    settle();
    const std::vector<ConfigShadow> spaces = config_spaces();
    const bool complete = all.scene.find(pcie::Step::WindowEnd) != nullptr;
    all.config.close_window(time, spaces, complete);
    for (EndpointLedger& endpoint : all.endpoints) {
      if (complete) endpoint.interrupts().close_window(time, endpoint.registers());
    }
    all.identity.close_window(time);
    all.requests.judge_error_bits(time, window_spaces_, spaces);
    all.memory.compare(time, "when the window closed");
  }
}

void Observer::end(Time time, unsigned updates) {
  settle();
  settle_window(time);
  const bool stopped = ledgers_->scene.find(pcie::Step::TrafficStopped) != nullptr;
  for (EndpointLedger& endpoint : ledgers_->endpoints) endpoint.on_end(time, stopped);
  ledgers_->requests.on_end(time, stopped);
  ledgers_->handover.on_end(time, updates);
  ledgers_->invariants.on_end();
}

std::optional<std::string> Observer::stuck(Time now) const {
  const Ledgers& all = *ledgers_;
  if (!all.scene.traffic_expected()) return std::nullopt;
  const std::uint32_t judged = all.scene.judged_endpoints();
  for (unsigned endpoint = 0; endpoint < all.endpoints.size(); ++endpoint) {
    const EndpointLedger& ledger = all.endpoints[endpoint];
    if (((judged >> endpoint) & 1) == 0 || !ledger.heartbeat().running()) continue;
    const Time last = std::max(ledger.heartbeat().last_sign(), ledger.last_sign());
    if (now <= last + kWatchdog) continue;
    const Time slack{5'000'000};
    if (all.evidence.explained(endpoint, last > slack ? last - slack : Time{0})) continue;
    return "engine stuck: endpoint " + std::to_string(endpoint) + " has sent nothing since " + readable_time(last);
  }
  return std::nullopt;
}

bool Observer::going_down() const {
  const Scene& scene = ledgers_->scene;
  return scene.phase() == pcie::Phase::Halt || scene.find(pcie::Step::AgentFailed) != nullptr ||
         scene.find(pcie::Step::Panic) != nullptr;
}

std::optional<unsigned> Observer::endpoint_at(pcie::RequesterId requester) const {
  const Scene& scene = ledgers_->scene;
  const auto function = scene.function_at(requester);
  if (!function || scene.functions()[*function].kind != sim::FunctionKind::Endpoint) return std::nullopt;
  return scene.functions()[*function].endpoint;
}

void Observer::on_phase(Time time, pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  if (!ledgers_) return;
  last_mark_ = time;
  if (!pcie::in_any_phase(step) && phase != ledgers_->scene.phase()) {
    ledgers_->config.on_phase_end(time);
    for (EndpointLedger& endpoint : ledgers_->endpoints) endpoint.on_time(time);
  }
  ledgers_->hazards.look(time);
  ledgers_->scene.on_phase(time, phase, step, value);
  ledgers_->invariants.on_mark(ledgers_->scene.marks().back());
  if (step == pcie::Step::TrafficStopped) ledgers_->memory.compare(time, "when traffic had stopped");
}

void Observer::on_console(Time time, std::string_view line) {
  if (console_.size() == kConsoleLines) console_.pop_front();
  console_.push_back("[" + readable_time(time) + "] " + std::string(line));
}

void Observer::on_jump(Time time, PhysicalAddress /*boot_parameters*/) {
  last_mark_ = time;
  if (ledgers_) ledgers_->scene.on_jump(time);
}

void Observer::on_tlp(Time time, unsigned endpoint, sim::Direction direction, const pcie::Tlp& tlp) {
  if (asked_ && asked_()) throw Interruption{};
  if (!ledgers_) return;
  if (direction == sim::Direction::Tx) {
    ledgers_->identity.on_transmit(time, endpoint, tlp);
    ledgers_->invariants.on_transmit(time, endpoint, tlp);
    ledgers_->requests.on_transmit(time, endpoint, tlp);
    ledgers_->endpoints.at(endpoint).on_transmit(time, tlp);
  } else {
    ledgers_->requests.on_receive(time, endpoint, tlp);
    ledgers_->endpoints.at(endpoint).on_receive(time, tlp);
  }
}

void Observer::on_request_refused(Time time, unsigned endpoint, sim::FunctionIndex where, const pcie::Tlp& tlp,
                                  std::string_view reason) {
  if (ledgers_) ledgers_->requests.on_refused(time, endpoint, where, tlp, reason);
}

void Observer::on_config_write(const sim::ConfigWrite& write) {
  if (!ledgers_) return;
  const sim::FunctionInfo& info = ledgers_->scene.functions().at(write.function);
  if (ledgers_->scene.window_open() && !window_spaces_.empty() && info.kind == sim::FunctionKind::Endpoint) {
    ConfigShadow was = ledgers_->config.shadow(write.function);
    was.set(write.offset, write.before);
    ConfigShadow is = was;
    is.set(write.offset, write.after);
    ledgers_->requests.judge_cleared_errors(write.time, info.endpoint, window_spaces_[write.function], was, is);
  }
  ledgers_->hazards.on_config_write(write, ledgers_->config.shadow(write.function));
  ledgers_->invariants.on_config_write(write);
  ledgers_->config.on_write(write);
  places_changed_ = true;
  refresh_endpoint(write.time, write.function, ledgers_->config.shadow(write.function));
}

void Observer::on_memory_access(const sim::MemoryAccess& access) {
  if (!ledgers_) return;
  const ByteRun run = enabled_run(access);
  ledgers_->translation.on_access(access);
  ledgers_->memory.on_access(access, run);
  ledgers_->endpoints.at(access.endpoint).on_memory_access(access, run);
}

void Observer::on_platform(Time time, const sim::PlatformState& before, const sim::PlatformState& after) {
  if (ledgers_) ledgers_->hazards.on_platform(time, before, after);
}

void Observer::on_iommu_fault(Time time, pcie::RequesterId requester, Iova iova, bool write, std::string_view reason) {
  if (ledgers_) ledgers_->translation.on_fault(time, requester, iova, write, reason);
}

void Observer::on_event(Time time, unsigned endpoint, unsigned vector, bool coalesced) {
  if (ledgers_) ledgers_->endpoints.at(endpoint).interrupts().on_event(time, vector, coalesced);
}

void Observer::on_message(Time time, pcie::RequesterId requester, std::uint64_t address, std::uint32_t data,
                          std::uint8_t /*vector*/, sim::MessageOutcome outcome) {
  if (!ledgers_) return;
  if (const auto endpoint = endpoint_at(requester)) {
    ledgers_->endpoints.at(*endpoint).interrupts().on_message(time, address, data, outcome);
  }
}

void Observer::on_reset(Time time, sim::FunctionIndex function, sim::ResetKind kind) {
  if (!ledgers_) return;
  ledgers_->resets.on_reset(time, function, kind);
  places_changed_ = true;
  spaces_changed_ = true;
  const sim::FunctionInfo& info = ledgers_->scene.functions().at(function);
  if (info.kind == sim::FunctionKind::Endpoint) ledgers_->endpoints.at(info.endpoint).on_reset();
}

void Observer::on_link(Time time, sim::FunctionIndex port, bool up) {
  if (ledgers_) ledgers_->resets.on_link(time, port, up);
}

void Observer::on_violation(const sim::Violation& violation) {
  if (ledgers_) ledgers_->requests.on_violation(violation);
}

void Observer::on_fault(Time time, const sim::MachineFault& fault) {
  if (!ledgers_) return;
  struck_.emplace(fault_name(fault.kind));
  ledgers_->evidence.disrupt(
      time, 1u << fault.endpoint, Rank::Fault, Evidence::kTraffic,
      "machine fault " + std::string(fault_name(fault.kind)) + " at endpoint " + std::to_string(fault.endpoint));
}

}  // namespace holdover::bench
