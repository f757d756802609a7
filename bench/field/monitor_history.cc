// SPDX-License-Identifier: MIT
#include "bench/field/monitor_history.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bench/ledger/config_ledger.h"
#include "bench/ledger/config_rules.h"
#include "bench/ledger/scene.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;
namespace monitor = host::regs::monitor;

// What a bit of STICKY says, and the field of configuration space that the host would have written for it.
struct Sticky {
  host::regs::Field bit;
  Check check;
  const char* sentence;
};
constexpr std::array<Sticky, 8> kSticky{{
    {monitor::kStickyBusMasterFell, Check::Configuration, "bus master enable was cleared"},
    {monitor::kStickyMemoryFell, Check::Configuration, "memory space enable was cleared"},
    {monitor::kStickyFlr, Check::ResetAndLink, "the function was reset (FLR)"},
    {monitor::kStickyD3hot, Check::Configuration, "the function was put into D3hot"},
    {monitor::kStickyBdfChanged, Check::Bdf, "the captured bus or device number changed"},
    {monitor::kStickyMsixDisabled, Check::Configuration, "MSI-X enable was cleared"},
    {monitor::kStickyHotReset, Check::ResetAndLink, "the link was reset (hot reset)"},
    {monitor::kStickyLinkDown, Check::ResetAndLink, "the link went down"},
}};

bool is(const host::regs::Field& field, const host::regs::Field& other) { return field.shift == other.shift; }

// Memory decode may go for a moment while a kernel sizes BARs, and a kernel that is asked to may switch MSI-X off.
bool allowed(const Sticky& sticky, const HistoryRules& rules) {
  if (is(sticky.bit, monitor::kStickyMemoryFell)) return true;
  return rules.interrupts_off && !rules.updated && is(sticky.bit, monitor::kStickyMsixDisabled);
}

// Fields of which a sticky bit tells.
bool has_sticky_bit(const NeverField& field, const ConfigShadow& space) {
  return field.interrupts || field.command ||
         (field.offset == config::kCommand && field.mask == config::kCommandBusMaster) ||
         (space.power() && field.offset == *space.power() + config::kPmControl);
}

bool whole_address(const LoggedWrite& write) {
  constexpr std::uint32_t kAll = 0xf;
  return write.offset >= config::kBar0 && write.offset < config::kBar0 + 24 && write.byte_enables == kAll;
}

class History {
 public:
  History(const std::vector<const Look*>& looks, const HistoryRules& rules)
      : looks_(looks), before_(*looks.front()), after_(*looks.back()), rules_(rules), space_(shadow_of(before_)) {}

  MonitorHistory tell() {
    history_.config_writes = after_.config_writes - before_.config_writes;
    history_.blind = blindness();
    if (!history_.blind.empty()) return history_;
    const bool logged = host::regs::global::kCapabilitiesConfigEvents.extract(after_.capabilities) != 0;
    log_whole_ = logged;
    if (logged) gather_log();
    for (const Sticky& each : kSticky) judge(each);
    for_each_write([this](std::uint32_t number, const LoggedWrite& write) { judge_write(number, write); });
    const bool told = std::any_of(history_.incidents.begin(), history_.incidents.end(),
                                  [](const Incident& each) { return each.check == Check::ResetAndLink; });
    if (!told && after_.scratch != rules_.scratch) {
      history_.incidents.push_back({Check::ResetAndLink, after_.clock,
                                    "the function was reset: SCRATCH holds " + hex(after_.scratch, 8) +
                                        " in place of " + hex(rules_.scratch, 8)});
    }
    std::stable_sort(history_.incidents.begin(), history_.incidents.end(),
                     [](const Incident& a, const Incident& b) { return a.clock < b.clock; });
    return history_;
  }

 private:
  // A fundamental reset and a loss of power clear the monitor, and its clock with it.
  std::string blindness() const {
    const std::string lost = "; what the monitor had seen is lost";
    if (after_.answers == 0) return "the endpoint does not answer at BAR 0, so its monitor tells nothing";
    if (host::regs::global::kCapabilitiesMonitor.extract(after_.capabilities) == 0) {
      return "this build of the endpoint has no monitor";
    }
    if (after_.clock < before_.clock) {
      return "the endpoint had a fundamental reset or lost power: its clock went back from " +
             std::to_string(before_.clock) + " to " + std::to_string(after_.clock) + lost;
    }
    if ((before_.sticky & ~after_.sticky) != 0) {
      return "the endpoint had a fundamental reset or lost power: STICKY went from " + hex(before_.sticky, 2) + " to " +
             hex(after_.sticky, 2) + lost;
    }
    return {};
  }

  void judge(const Sticky& sticky) {
    if (allowed(sticky, rules_)) return;
    const std::uint32_t mask = sticky.bit.mask();
    if ((after_.sticky & mask) == 0) return;
    if ((before_.sticky & mask) == 0) {
      const std::uint64_t clock = after_.sticky_clock[sticky.bit.shift];
      history_.incidents.push_back({sticky.check, clock, sticky.sentence + by_write(clock)});
      return;
    }
    // SCRATCH tells of resets, and the function's place of its number.
    if (sticky.check == Check::ResetAndLink || sticky.check == Check::Bdf) return;
    if (!log_whole_) {
      // The agent's own doing; what became of the events check 6 knows.
      if (rules_.interrupts_off && is(sticky.bit, monitor::kStickyMsixDisabled)) return;
      history_.gaps.push_back({sticky.check, std::string(sticky.sentence) + " before the update already, and of the " +
                                                 std::to_string(history_.config_writes) +
                                                 " configuration writes since then the log does not hold all"});
      return;
    }
    for_each_write([&](std::uint32_t number, const LoggedWrite& write) {
      if (does(sticky, write)) {
        history_.incidents.push_back({sticky.check, write.clock, sticky.sentence + name(number, write)});
      }
    });
  }

  // What may not change even for a moment, as far as the log has it.
  void judge_write(std::uint32_t number, const LoggedWrite& write) {
    const std::uint32_t was = space_.at(write.offset & 0xffc);
    const auto find = [&](const std::string& what) {
      history_.incidents.push_back({Check::Configuration, write.clock, what + name(number, write)});
    };
    for (const NeverField& field : never_fields(space_)) {
      // The rest breaks nothing by itself, and parts of it may be read-only.
      if (field.offset != write.offset || field.explains == 0 || has_sticky_bit(field, space_)) continue;
      if (((write.data ^ was) & field.mask & lanes(write.byte_enables)) != 0) find(field.name + " was changed");
    }
    const std::optional<SizedRegister> sized = sized_register(space_, write.offset);
    if (!sized || !whole_address(write) || (write.data & sized->mask) == sized->test) return;
    constexpr std::uint32_t kType = 0xf;
    if (((write.data ^ was) & (upper_half(write.offset) ? ~0u : ~kType)) != 0) {
      find(std::string(config::header_register_name(write.offset, false)) + " was moved");
    }
  }

  // Of the BAR before it.
  bool upper_half(unsigned offset) const {
    constexpr std::uint32_t kKind = 0x7;
    constexpr std::uint32_t kWide = 0x4;
    unsigned at = config::kBar0;
    while (at < offset) at += (space_.at(at) & kKind) == kWide ? 8 : 4;
    return at != offset;
  }

  static std::uint32_t lanes(std::uint32_t byte_enables) {
    std::uint32_t mask = 0;
    for (unsigned lane = 0; lane < 4; ++lane) mask |= ((byte_enables >> lane) & 1) != 0 ? 0xffu << (8 * lane) : 0;
    return mask;
  }

  void gather_log() {
    std::uint32_t next = before_.config_writes;
    for (auto look = looks_.begin() + 1; look != looks_.end(); ++look) {
      if ((*look)->answers == 0) continue;
      const std::uint32_t fresh = (*look)->config_writes - next;
      const std::uint32_t kept = std::min<std::uint32_t>(fresh, Look::kLogEntries);
      log_whole_ = log_whole_ && fresh == kept;
      for (std::uint32_t i = kept; i > 0; --i) {
        const std::uint32_t number = (*look)->config_writes - i;
        log_.emplace_back(number, (*look)->log[number % Look::kLogEntries]);
      }
      next = (*look)->config_writes;
    }
  }

  template <typename Visit>
  void for_each_write(const Visit& visit) const {
    for (const auto& [number, write] : log_) visit(number, write);
  }

  // Whether the write did what the bit stands for.
  bool does(const Sticky& sticky, const LoggedWrite& write) const {
    const auto clears = [&](unsigned offset, std::uint32_t mask) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(mask)) / 8;
      return write.offset == offset && ((write.byte_enables >> lane) & 1) != 0 && (write.data & mask) == 0;
    };
    if (is(sticky.bit, monitor::kStickyBusMasterFell)) return clears(config::kCommand, config::kCommandBusMaster);
    if (is(sticky.bit, monitor::kStickyMsixDisabled)) {
      return space_.msix() && clears(*space_.msix(), std::uint32_t{config::kMsixControlEnable} << 16);
    }
    return is(sticky.bit, monitor::kStickyD3hot) && space_.power() &&
           write.offset == *space_.power() + config::kPmControl && (write.byte_enables & 1) != 0 &&
           (write.data & config::kPmStateMask) == config::kPmStateMask;
  }

  static std::string name(std::uint32_t number, const LoggedWrite& write) {
    return " by configuration write " + std::to_string(number) + " (" + hex(write.data, 8) + " to offset " +
           hex(write.offset, 3) + ", byte enables " + hex(write.byte_enables, 1) + ")";
  }
  // The write at this clock, where the log still has it.
  std::string by_write(std::uint64_t clock) const {
    constexpr std::uint64_t kApart = 4;  // clocks between the write and its effect
    std::string found;
    for_each_write([&](std::uint32_t number, const LoggedWrite& write) {
      if (write.clock <= clock && clock - write.clock <= kApart) found = name(number, write);
    });
    return found;
  }

  const std::vector<const Look*>& looks_;
  const Look& before_;
  const Look& after_;
  HistoryRules rules_;
  bool log_whole_ = false;
  std::vector<std::pair<std::uint32_t, LoggedWrite>> log_;  // number and write
  ConfigShadow space_;
  MonitorHistory history_;
};

}  // namespace

MonitorHistory history_between(const std::vector<const Look*>& looks, const HistoryRules& rules) {
  return History(looks, rules).tell();
}

}  // namespace holdover::bench
