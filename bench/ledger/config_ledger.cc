// SPDX-License-Identifier: MIT
#include "bench/ledger/config_ledger.h"

#include <bit>
#include <cstring>

#include "bench/ledger/config_rules.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;

std::uint32_t byte_mask(std::uint8_t enables) {
  std::uint32_t mask = 0;
  for (unsigned byte = 0; byte < 4; ++byte) {
    if (((enables >> byte) & 1) != 0) mask |= 0xffu << (8 * byte);
  }
  return mask;
}

std::string field_change(const NeverField& field, std::uint32_t before, std::uint32_t after) {
  const auto shift = static_cast<unsigned>(std::countr_zero(field.mask));
  if (std::popcount(field.mask) == 1) return field.name + ((after & field.mask) != 0 ? " set" : " cleared");
  return field.name + " changed from " + hex((before & field.mask) >> shift) + " to " +
         hex((after & field.mask) >> shift);
}

// Decoding and INTx, which are off while BARs are sized. A bridge's INTx Disable goes with the MSI of its port driver,
// which a kernel leaves off from its shutdown until its successor binds drivers.
std::uint32_t command_sizing(const ConfigShadow& function) {
  constexpr std::uint32_t kDecode = config::kCommandIo | config::kCommandMemory;
  return function.bridge() ? kDecode : kDecode | config::kCommandIntxDisable;
}

}  // namespace

ConfigShadow::ConfigShadow(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {
  bytes_.resize(4096);
  const pcie::ConfigReader read = [this](unsigned offset) { return at(offset); };
  power_ = pcie::find_capability(read, config::kCapPowerManagement);
  express_ = pcie::find_capability(read, config::kCapExpress);
  msi_ = pcie::find_capability(read, config::kCapMsi);
  msix_ = pcie::find_capability(read, config::kCapMsix);
  acs_ = pcie::find_extended_capability(read, config::kExtCapAcs);
  aer_ = pcie::find_extended_capability(read, config::kExtCapAer);
  dpc_ = pcie::find_extended_capability(read, config::kExtCapDpc);
}

std::uint32_t ConfigShadow::at(unsigned offset) const {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes_.data() + (offset & ~3u), sizeof value);
  return value;
}

void ConfigShadow::set(unsigned offset, std::uint32_t value) {
  std::memcpy(bytes_.data() + (offset & ~3u), &value, sizeof value);
}

bool ConfigShadow::bridge() const { return (std::to_integer<unsigned>(bytes_[config::kHeaderType]) & 0x7f) == 1; }

std::uint64_t ConfigShadow::bar0() const {
  const std::uint32_t low = at(config::kBar0);
  const std::uint64_t high = (low & 0x6) == 0x4 ? at(config::kBar0 + 4) : 0;
  return (high << 32) | (low & ~0xfu);
}

ConfigLedger::ConfigLedger(const Scene& scene, Evidence& evidence) : scene_(scene), evidence_(evidence) {}

void ConfigLedger::begin(std::vector<ConfigShadow> spaces) { shadows_ = std::move(spaces); }

void ConfigLedger::open_window(Time /*time*/, std::vector<ConfigShadow> spaces) {
  shadows_ = spaces;
  reference_ = std::move(spaces);
}

std::optional<unsigned> ConfigLedger::concerns(sim::FunctionIndex function) const {
  const std::uint32_t judged = scene_.endpoints_below(function) & scene_.judged_endpoints();
  if (judged == 0) return std::nullopt;
  return static_cast<unsigned>(std::countr_zero(judged));
}

std::string ConfigLedger::register_name(sim::FunctionIndex function, unsigned offset) const {
  const ConfigShadow& shadow = shadows_.at(function);
  if (offset < 0x40)
    return std::string(config::header_register_name(offset, shadow.bridge())) + " (" + hex(offset, 2) + ")";
  return "register " + hex(offset, 2);
}

void ConfigLedger::on_write(const sim::ConfigWrite& write) {
  if (write.function >= shadows_.size()) return;
  note_disruptions(write);
  const std::optional<unsigned> endpoint = concerns(write.function);
  if (endpoint) {
    if (writes_by_segment_.size() <= scene_.segment()) writes_by_segment_.resize(scene_.segment() + 1);
    ++writes_by_segment_[scene_.segment()];
  }
  if (endpoint && scene_.window_open() && !reference_.empty()) {
    ++writes_;
    judge_never(write, *endpoint);
    judge_sized(write, *endpoint);
    track_window(write);
    note_writer(write);
  }
  shadows_[write.function].set(write.offset, write.after);
}

void ConfigLedger::note_writer(const sim::ConfigWrite& write) {
  LastWrite& last = last_write_[{write.function, write.offset}];
  last.who = "last written " + hex(write.written & byte_mask(write.byte_enables), 8) + " by " +
             std::string(scene_.host()) + ", phase " + std::string(pcie::to_string(scene_.phase())) + ", " +
             readable_time(write.time);
  const std::uint32_t changed = write.before ^ write.after;
  last.left_by_shutdown &= ~changed;
  if (scene_.phase() == pcie::Phase::Shutdown) last.left_by_shutdown |= changed;
}

std::uint32_t ConfigLedger::not_come_to(Register where) const {
  const auto& [function, offset] = where;
  const ConfigShadow& reference = reference_[function];
  std::uint32_t bits = reference.msix() == offset ? std::uint32_t{config::kMsixControlFunctionMask} << 16 : 0;
  const auto writer = last_write_.find(where);
  if (writer == last_write_.end() || sized_register(reference, offset)) return bits;
  std::uint32_t left = writer->second.left_by_shutdown;
  if (offset == config::kCommand) left &= ~command_sizing(reference);
  for (const NeverField& field : never_fields(reference)) {
    if (field.offset == offset && !declared(field)) left &= ~field.mask;
  }
  return bits | left;
}

bool ConfigLedger::declared(const NeverField& field) const { return field.interrupts && scene_.interrupts_off(); }

// Acts that explain losses are noted for every function, judged or not: a neighbour's reset may be the cause.
void ConfigLedger::note_disruptions(const sim::ConfigWrite& write) {
  for (const NeverField& field : never_fields(shadows_[write.function])) {
    if (field.offset != write.offset || field.explains == 0 || declared(field)) continue;
    const bool commanded = field.command && (write.written & field.mask & byte_mask(write.byte_enables)) != 0;
    const std::uint32_t fell = write.before & ~write.after & field.mask;
    const bool disrupts = std::popcount(field.mask) == 1 && field.name != "secondary bus reset"
                              ? fell != 0
                              : ((write.before ^ write.after) & field.mask) != 0;
    if (!commanded && !disrupts) continue;
    evidence_.disrupt(write.time, scene_.endpoints_below(write.function), Rank::Act,
                      static_cast<Evidence::Checks>(field.explains | Evidence::checks({Check::Configuration})),
                      (commanded ? field.name + " written" : field_change(field, write.before, write.after)) + " at " +
                          scene_.describe(write.function));
  }
}

void ConfigLedger::judge_never(const sim::ConfigWrite& write, unsigned endpoint) {
  for (const NeverField& field : never_fields(shadows_[write.function])) {
    if (field.offset != write.offset || declared(field)) continue;
    const bool commanded = field.command && (write.written & field.mask & byte_mask(write.byte_enables)) != 0;
    if (!commanded && ((write.before ^ write.after) & field.mask) == 0) continue;
    Evidence::Observation observation;
    observation.time = write.time;
    observation.since = write.time;
    observation.endpoint = endpoint;
    observation.invariant = field.invariant;
    observation.sentence = (commanded ? field.name + " written" : field_change(field, write.before, write.after)) +
                           " at " + scene_.describe(write.function) + ", which may never change in the window";
    evidence_.find(Check::Configuration, std::move(observation));
  }
}

// A register that is sized may only be told its test value, and then what it was before.
void ConfigLedger::judge_sized(const sim::ConfigWrite& write, unsigned endpoint) {
  const ConfigShadow& reference = reference_[write.function];
  const std::optional<SizedRegister> sized = sized_register(reference, write.offset);
  const std::uint32_t compared = ~exempt_bits(reference, write.offset);
  if (!sized || ((write.after ^ write.before) & compared) == 0) return;
  if (((write.after ^ reference.at(write.offset)) & compared) == 0) return;
  if ((write.written & sized->mask) == sized->test) return;
  evidence_.find(Check::Configuration, write.time, endpoint,
                 register_name(write.function, write.offset) + " of " + scene_.describe(write.function) +
                     " moved from " + hex(reference.at(write.offset), 8) + " to " + hex(write.after, 8));
}

void ConfigLedger::track_window(const sim::ConfigWrite& write) {
  const ConfigShadow& reference = reference_[write.function];
  std::uint32_t compared = ~exempt_bits(reference, write.offset);
  if (scene_.interrupts_off() && write.offset == config::kCommand)
    compared &= ~std::uint32_t{config::kCommandIntxDisable};
  const Register where{write.function, write.offset};
  const bool equal = ((write.after ^ reference.at(write.offset)) & compared) == 0;
  const auto found = away_.find(where);
  if (!equal && found == away_.end()) {
    away_.emplace(where, Away{write.time, false});
    ++momentary_;
  } else if (equal && found != away_.end()) {
    const Time length = write.time - found->second.since;
    away_.erase(found);
    if (length > longest_) {
      longest_ = length;
      longest_where_ = register_name(write.function, write.offset) + " of " + scene_.functions()[write.function].name;
    }
  }
}

void ConfigLedger::on_phase_end(Time time) {
  if (!scene_.window_open()) return;
  // INTx Disable comes and goes with MSI-X.
  const std::uint32_t with_interrupts = scene_.interrupts_off() ? std::uint32_t{config::kCommandIntxDisable} : 0;
  for (auto& [where, away] : away_) {
    const auto& [function, offset] = where;
    const bool sized = sized_register(reference_[function], offset).has_value();
    const std::uint32_t changed = shadows_[function].at(offset) ^ reference_[function].at(offset);
    const std::uint32_t bound = command_sizing(reference_[function]) & ~with_interrupts;
    const bool command = offset == config::kCommand && (changed & bound) != 0;
    if (away.reported || (!sized && !command)) continue;
    away.reported = true;
    const std::optional<unsigned> endpoint = concerns(function);
    if (!endpoint) continue;
    Evidence::Observation observation;
    observation.time = away.since;
    observation.since = away.since;
    observation.endpoint = *endpoint;
    observation.sentence = register_name(function, offset) + " of " + scene_.describe(function) +
                           (sized ? " was sized" : " was changed") + " and not written back by the end of phase " +
                           std::string(pcie::to_string(scene_.phase())) + ", " + readable_time(time);
    observation.cause = last_write_.at(where).who;
    evidence_.find(Check::Configuration, std::move(observation));
    if (!sized) continue;
    evidence_.disrupt(
        time, scene_.endpoints_below(function), Rank::Act, Evidence::checks({Check::Protocol, Check::Handover}),
        register_name(function, offset) + " of " + scene_.describe(function) + " sized and not written back");
  }
}

void ConfigLedger::close_window(Time time, std::vector<ConfigShadow> spaces, bool complete) {
  if (reference_.empty()) return;
  for (sim::FunctionIndex function = 0; function < spaces.size(); ++function) {
    const std::optional<unsigned> endpoint = concerns(function);
    if (!endpoint) continue;
    ++functions_;
    const ConfigShadow& before = reference_[function];
    for (unsigned offset = 0; offset < config::kSpaceBytes; offset += 4) {
      std::uint32_t differs = (before.at(offset) ^ spaces[function].at(offset)) & ~exempt_bits(before, offset);
      if (!complete) differs &= ~not_come_to({function, offset});
      if (differs == 0) continue;
      Evidence::Observation observation;
      observation.time = time;
      observation.since = *scene_.window_begin();
      observation.endpoint = *endpoint;
      observation.sentence = register_name(function, offset) + " of " + scene_.describe(function) + " is " +
                             hex(spaces[function].at(offset), 8) + " after the update and was " +
                             hex(before.at(offset), 8) + " before it";
      const auto writer = last_write_.find({function, offset});
      if (writer != last_write_.end()) observation.cause = writer->second.who;
      evidence_.find(Check::Configuration, std::move(observation));
    }
  }
  shadows_ = std::move(spaces);
}

std::uint64_t ConfigLedger::writes_in(std::size_t segment) const {
  return segment < writes_by_segment_.size() ? writes_by_segment_[segment] : 0;
}

}  // namespace holdover::bench
