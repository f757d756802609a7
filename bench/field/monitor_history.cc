// SPDX-License-Identifier: MIT
#include "bench/field/monitor_history.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "bench/ledger/config_ledger.h"
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
bool allowed(const Sticky& sticky, bool interrupts_off) {
  if (is(sticky.bit, monitor::kStickyMemoryFell)) return true;
  return interrupts_off && is(sticky.bit, monitor::kStickyMsixDisabled);
}

class History {
 public:
  History(const Look& before, const Look& after, std::uint32_t scratch, bool interrupts_off)
      : before_(before), after_(after), scratch_(scratch), interrupts_off_(interrupts_off) {
    std::vector<std::byte> bytes(sizeof(after.config));
    std::memcpy(bytes.data(), before.config.data(), bytes.size());
    space_ = ConfigShadow(std::move(bytes));
  }

  MonitorHistory tell() {
    history_.config_writes = after_.config_writes - before_.config_writes;
    history_.blind = blindness();
    if (!history_.blind.empty()) return history_;
    const bool logged = host::regs::global::kCapabilitiesConfigEvents.extract(after_.capabilities) != 0;
    log_whole_ = logged && history_.config_writes <= Look::kLogEntries;
    for (const Sticky& each : kSticky) judge(each);
    const bool told = std::any_of(history_.incidents.begin(), history_.incidents.end(),
                                  [](const Incident& each) { return each.check == Check::ResetAndLink; });
    if (!told && after_.scratch != scratch_) {
      history_.incidents.push_back(
          {Check::ResetAndLink, after_.clock,
           "the function was reset: SCRATCH holds " + hex(after_.scratch, 8) + " in place of " + hex(scratch_, 8)});
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
    if (allowed(sticky, interrupts_off_)) return;
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

  template <typename Visit>
  void for_each_write(const Visit& visit) const {
    const std::uint32_t kept = std::min<std::uint32_t>(history_.config_writes, Look::kLogEntries);
    for (std::uint32_t i = kept; i > 0; --i) {
      const std::uint32_t number = after_.config_writes - i;
      visit(number, after_.log[number % Look::kLogEntries]);
    }
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

  const Look& before_;
  const Look& after_;
  std::uint32_t scratch_;
  bool interrupts_off_;
  bool log_whole_ = false;
  ConfigShadow space_;
  MonitorHistory history_;
};

}  // namespace

MonitorHistory history_between(const Look& before, const Look& after, std::uint32_t scratch, bool interrupts_off) {
  return History(before, after, scratch, interrupts_off).tell();
}

}  // namespace holdover::bench
