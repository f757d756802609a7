// SPDX-License-Identifier: MIT
#include "bench/field/field_judge.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "bench/field/continuity.h"
#include "bench/field/monitor_history.h"
#include "bench/ledger/config_rules.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

// Checks whose witness has to see until traffic was stopped.
constexpr std::array<Check, 6> kUntilTheEnd{Check::Continuity, Check::Memory,       Check::Configuration,
                                            Check::Interrupts, Check::ResetAndLink, Check::Protocol};

std::string n(std::uint64_t count) { return std::to_string(count); }

class FieldJudge {
 public:
  FieldJudge(const FieldState& state, const FieldObservation& seen) : state_(state), begin_(state.begin), seen_(seen) {
    for (unsigned i = 0; i < kCheckCount; ++i) verdict_.checks[i].check = static_cast<Check>(i);
  }

  Verdict judge() {
    at(Check::Iommu).status = CheckStatus::NotObservable;
    at(Check::Iommu).figure = "the endpoint sees IO virtual addresses only";
    if (seen_.first) follow(*seen_.first);
    handover();
    if (seen_.gone) {
      find(Check::Bdf, state_.jump.clock,
           "the function was at " + std::string(text_of(state_.bdf)) + ", and the host finds none there any more");
    }
    conclude();
    return verdict_;
  }

 private:
  CheckResult& at(Check check) { return verdict_.checks[static_cast<unsigned>(check)]; }

  void find(Check check, std::uint64_t clock, std::string sentence, std::string cause = {}) {
    CheckResult& result = at(check);
    ++result.finding_count;
    result.status = CheckStatus::Fail;
    const Time time = device_time(begin_, clock);
    if (result.first && result.first->time <= time) return;
    Finding finding{time, seen_.phase, std::move(sentence), std::move(cause)};
    finding.when = when(clock);
    result.first = std::move(finding);
  }

  // The witness looks now and then, and phases pass in between.
  [[nodiscard]] std::string when(std::uint64_t clock) const {
    const bool replaced = seen_.asked && !seen_.refused;
    if (seen_.closed && clock > seen_.closed->clock) return replaced ? "after the update" : "after the window";
    if (!replaced) return "in the window";
    if (clock <= state_.jump.clock) return "before the kexec";
    return seen_.first && clock >= seen_.first->clock ? "in stage 2" : "between the kexec and stage 2";
  }
  // All that this check asks for was looked at.
  void judged(Check check) { complete_.insert(check); }
  void gap(Check check, const std::string& reason) {
    complete_.erase(check);
    gaps_.insert(check);
    if (gap_.empty()) gap_ = std::string(to_string(check)) + ": " + reason;
  }

  void follow(const Look& first) {
    bdf();
    if (first.answers == 0 && hidden(first, state_.jump.clock)) return;
    const HistoryRules rules{state_.scratch, state_.interrupts_off != 0, false};
    std::vector<const Look*> looks{&begin_, &state_.jump, &first};
    if (seen_.closed) looks.push_back(&*seen_.closed);
    const MonitorHistory early = history_between({&state_.jump, &first}, rules);
    const MonitorHistory window = history_between(looks, rules);
    blind_ = early.blind.empty() ? window.blind : early.blind;
    if (early.blind.empty() && seen_.closed && seen_.closed->answers == 0 && hidden(*seen_.closed, first.clock)) {
      blind_.clear();
      return;
    }
    if (!blind_.empty()) return;
    blame(window);
    if (!seen_.closed) {
      resets(count_of_resets(window));
      return;
    }
    until_the_end(first, *seen_.closed, window);
  }

  // What happened from the end of the update to the end of traffic counts like what happened before.
  void until_the_end(const Look& first, const Look& closed, const MonitorHistory& window) {
    std::vector<const Look*> looks{&closed};
    for (const auto* const each : {&seen_.ending, &seen_.stopped}) {
      if (*each) looks.push_back(&**each);
    }
    const HistoryRules rules{closed.scratch, state_.interrupts_off != 0, true};
    const MonitorHistory late = history_between(looks, rules);
    // Only where the endpoint answers until then can it tell of that time.
    const Look& last = late.blind.empty() ? *looks.back() : closed;
    blame(late);
    resets(count_of_resets(window) + count_of_resets(late));
    compare_configuration(closed, begin_, closed.clock);
    compare_configuration(last, closed, last.clock);
    configuration(last.config_writes - begin_.config_writes);
    continuity(first, closed, &last == &closed || !seen_.ending ? nullptr : &*seen_.ending);
    protocol(last);
    if (!late.blind.empty()) {
      for (const Check each : kUntilTheEnd) gap(each, "after the update, " + late.blind);
      (void)hidden(*looks.back(), closed.clock);
    } else if (seen_.stopped) {
      interrupts(closed, *seen_.stopped);
      memory(*seen_.stopped);
    }
  }

  void blame(const MonitorHistory& history) {
    for (const Incident& incident : history.incidents) {
      if (cause_.empty()) {
        cause_ = incident.sentence;
        cause_clock_ = incident.clock;
      }
      find(incident.check, incident.clock, incident.sentence);
    }
    for (const MonitorHistory::Gap& each : history.gaps) gap(each.check, each.reason);
  }

  // What explains a loss that shows at `clock`: what happened first, if it was before.
  std::string cause_at(std::uint64_t clock) const {
    return !cause_.empty() && cause_clock_ <= clock ? cause_ : std::string();
  }

  void continuity(const Look& first, const Look& closed, const Look* ending) {
    const ContinuitySeen streams = judge_continuity(state_, seen_, first, closed, ending);
    for (const ContinuitySeen::Loss& loss : streams.losses) {
      find(Check::Continuity, loss.clock, loss.sentence, cause_at(loss.clock));
    }
    CheckResult& result = at(Check::Continuity);
    result.figure = streams.figure;
    result.numbers = streams.numbers;
    if (streams.channels != 0 && ending != nullptr && seen_.stopped) judged(Check::Continuity);
    for (const std::string& each : streams.gaps) gap(Check::Continuity, each);
  }

  void memory(const Look& stopped) {
    CheckResult& result = at(Check::Memory);
    std::uint64_t checked = 0;
    for (unsigned i = 0; i < Look::kChannels; ++i) {
      const Look::Channel& each = stopped.channels[i];
      checked += each.checked;
      if (each.mismatches == 0) continue;
      find(Check::Memory, stopped.clock,
           "channel " + n(i) + " was given " + n(each.mismatches) + " wrong bytes to read", cause_at(stopped.clock));
    }
    if (stopped.reader.mismatches != 0) {
      find(Check::Memory, stopped.clock,
           "the heartbeat reader was given " + n(stopped.reader.mismatches) + " wrong cells to read",
           cause_at(stopped.clock));
    }
    if (seen_.memory && seen_.memory->wrong != 0)
      find(Check::Memory, stopped.clock, seen_.memory->first, cause_at(stopped.clock));
    const std::uint64_t compared = seen_.memory ? seen_.memory->bytes : 0;
    result.figure = n(compared >> 10) + " KiB compared, " + n(checked >> 10) +
                    " KiB checked by the endpoint; accesses to foreign pages: not observable here";
    result.numbers = {{"bytes_compared", compared}, {"bytes_checked_by_endpoint", checked}};
    if (compared != 0) judged(Check::Memory);
  }

  // Whether the registers are out of reach because of what configuration space says: decoding, addresses, power.
  // `clock`: when they last were not.
  bool hidden(const Look& look, std::uint64_t clock) {
    namespace config = pcie::config;
    const ConfigShadow before = shadow_of(begin_);
    if (look.config[0] != begin_.config[0]) return false;
    bool hides = false;
    const auto compare = [&](unsigned offset, std::uint32_t mask) {
      if (((look.config[offset / 4] ^ begin_.config[offset / 4]) & mask) == 0) return;
      changed(offset, look.config[offset / 4], begin_.config[offset / 4], clock);
      hides = true;
    };
    compare(config::kCommand, config::kCommandMemory);
    compare(config::kBar0, ~0u);
    compare(config::kBar0 + 4, ~0u);
    if (before.power()) compare(*before.power() + config::kPmControl, config::kPmStateMask);
    return hides;
  }

  void changed(unsigned offset, std::uint32_t is, std::uint32_t was, std::uint64_t clock) {
    find(Check::Configuration, clock,
         std::string(pcie::config::header_register_name(offset, false)) + (offset < 0x40 ? " (offset " : " (") +
             hex(offset, 3) + ") reads " + hex(is, 8) + " and was " + hex(was, 8));
  }

  // Everything must be as when the window opened; what was not so at `told` is told already.
  void compare_configuration(const Look& look, const Look& told, std::uint64_t clock) {
    const ConfigShadow before = shadow_of(begin_);
    for (unsigned offset = 0; offset < pcie::config::kSpaceBytes; offset += 4) {
      const std::uint32_t was = begin_.config[offset / 4];
      const std::uint32_t is = look.config[offset / 4];
      const std::uint32_t compared = ~exempt_bits(before, offset);
      if (((was ^ is) & compared) == 0 || ((told.config[offset / 4] ^ is) & compared) == 0) continue;
      changed(offset, is, was, clock);
    }
  }

  void configuration(std::uint32_t writes) {
    at(Check::Configuration).figure =
        "1 function compared as the host reads it, " + n(writes) + " writes; bridges: not observable here";
    at(Check::Configuration).numbers = {{"functions", 1}, {"writes", writes}};
    if (seen_.stopped && gaps_.count(Check::Configuration) == 0) judged(Check::Configuration);
  }

  void bdf() {
    const std::string before(text_of(state_.bdf));
    const std::string found = seen_.found ? seen_.found->to_string() : "nowhere";
    if (found != before) {
      find(Check::Bdf, seen_.first->clock, "the function was at " + before + " and is at " + found);
    }
    at(Check::Bdf).figure = "at " + found + ", as before the kexec";
    if (found != before) at(Check::Bdf).figure = "at " + found + ", before the kexec at " + before;
    judged(Check::Bdf);
  }

  static std::uint64_t count_of_resets(const MonitorHistory& history) {
    return static_cast<std::uint64_t>(
        std::count_if(history.incidents.begin(), history.incidents.end(),
                      [](const Incident& each) { return each.check == Check::ResetAndLink; }));
  }

  void resets(std::uint64_t count) {
    at(Check::ResetAndLink).figure =
        n(count) + " seen by the monitor; SCRATCH " + (count == 0 ? "kept its value" : "was looked at");
    if (seen_.closed && seen_.stopped) judged(Check::ResetAndLink);
  }

  void interrupts(const Look& closed, const Look& stopped) {
    CheckResult& result = at(Check::Interrupts);
    Look::Vector sum;
    std::uint64_t used = 0;
    for (unsigned i = 0; i < Look::kVectors; ++i) {
      const Look::Vector& each = stopped.vectors[i];
      sum.events += each.events;
      sum.coalesced += each.coalesced;
      sum.messages += each.messages;
      if (begin_.vectors[i].messages == 0) continue;
      ++used;
      const std::uint32_t waiting = (stopped.pending >> i) & 1;
      const std::uint32_t kept = each.coalesced + each.messages + waiting;
      if (each.events != kept) {
        find(Check::Interrupts, stopped.clock,
             n(each.events - kept) + " of " + n(each.events) + " events on vector " + n(i) + " became no message",
             cause_at(stopped.clock));
      } else if (waiting != 0) {
        find(Check::Interrupts, stopped.clock, "an event on vector " + n(i) + " still waits in its pending bit",
             cause_at(stopped.clock));
      }
      if (each.messages == state_.jump.vectors[i].messages && each.events != state_.jump.vectors[i].events) {
        find(Check::Interrupts, stopped.clock, "vector " + n(i) + " has sent no message since the kexec",
             cause_at(stopped.clock));
      }
    }
    if (seen_.missed_messages != 0) {
      find(Check::Interrupts, stopped.clock, n(seen_.missed_messages) + " vectors or events stayed silent at the host",
           cause_at(stopped.clock));
    }
    if (!seen_.unheard.empty()) find(Check::Interrupts, stopped.clock, seen_.unheard, cause_at(stopped.clock));
    enabled(closed);
    enabled(stopped);
    result.figure = n(sum.events) + " events on " + n(used) + " vectors = " + n(sum.messages) + " messages + " +
                    n(sum.coalesced) + " coalesced";
    result.numbers = {
        {"vectors", used}, {"events", sum.events}, {"messages", sum.messages}, {"coalesced", sum.coalesced}};
    if (used != 0) judged(Check::Interrupts);
  }

  // What could fire when the window opened can fire afterwards.
  void enabled(const Look& look) {
    const std::optional<unsigned> msix = shadow_of(begin_).msix();
    if (!msix) return;
    constexpr std::uint32_t kEnable = std::uint32_t{pcie::config::kMsixControlEnable} << 16;
    if ((begin_.config[*msix / 4] & kEnable) == 0 || (look.config[*msix / 4] & kEnable) != 0) return;
    find(Check::Interrupts, look.clock, "MSI-X is off and was on", cause_at(look.clock));
  }

  void protocol(const Look& last) {
    CheckResult& result = at(Check::Protocol);
    const std::uint32_t bad = last.rx_bad_completions - begin_.rx_bad_completions;
    const std::uint32_t timeouts = last.timeouts - begin_.timeouts;
    const std::uint32_t failed = last.reader.failed - begin_.reader.failed;
    if (bad != 0) {
      find(Check::Protocol, last.clock, n(bad) + " completions came that were not successful, poisoned or not expected",
           cause_at(last.clock));
    }
    if (timeouts != 0) find(Check::Protocol, last.clock, n(timeouts) + " reads were given up", cause_at(last.clock));
    if (failed != 0)
      find(Check::Protocol, last.clock, n(failed) + " reads of the heartbeat reader failed", cause_at(last.clock));
    // Where one was set already it cannot tell of the next.
    const std::string before = error_bits(shadow_of(begin_));
    if (!before.empty()) {
      gap(Check::Protocol, "error bits of the function were set before the window and could not be cleared: " + before);
    } else {
      error_bits_since(last);
    }
    const std::uint32_t reads = last.tx_reads - begin_.tx_reads;
    result.figure = n(reads) + " reads, " + n(bad) + " bad completions, " + n(timeouts) +
                    " time-outs; rules of single TLPs: not observable here";
    result.numbers = {{"reads", reads}, {"bad_completions", bad}, {"timeouts", timeouts}};
    if (reads != 0 && before.empty() && seen_.stopped) judged(Check::Protocol);
  }

  // A kernel that boots clears them.
  void error_bits_since(const Look& last) {
    for (const Look* const look : {&state_.jump, &*seen_.first, &*seen_.closed, &last}) {
      const std::string errors = look->answers == 0 ? std::string() : error_bits(shadow_of(*look));
      if (errors.empty()) continue;
      find(Check::Protocol, look->clock, "the function's error bits say " + errors, cause_at(look->clock));
      return;
    }
  }

  void handover() {
    CheckResult& result = at(Check::Handover);
    const std::uint64_t clock = seen_.first ? seen_.first->clock : state_.jump.clock;
    if (!seen_.asked) {
      result.status = CheckStatus::NotApplicable;
      result.figure = "nothing was replaced";
      if (!seen_.failure.empty()) gap_ = "the agent gave up: " + seen_.failure;
      return;
    }
    if (seen_.refused) find(Check::Handover, clock, "the kernel refused the kexec with errno " + n_of(*seen_.refused));
    if (seen_.no_handover) {
      find(Check::Handover, clock, "no handover: no session came back (errno " + n_of(*seen_.no_handover) + ")");
    }
    if (!seen_.failure.empty()) {
      std::uint64_t end = clock;
      for (const auto* const look : {&seen_.closed, &seen_.ending}) {
        if (*look) end = std::max(end, (*look)->clock);
      }
      find(Check::Handover, end, "the agent gave up: " + seen_.failure, cause_at(end));
    }
    result.figure = seen_.closed ? "session and files retrieved, and finished; the kernel's tables: not observable here"
                                 : "the session did not come to its end";
    if (seen_.closed) judged(Check::Handover);
  }

  static std::string n_of(int error) { return std::to_string(error); }

  void conclude() {
    for (const Check check : complete_) {
      CheckResult& result = at(check);
      if (result.status == CheckStatus::NotJudged) result.status = CheckStatus::Pass;
    }
    for (const CheckResult& result : verdict_.checks) {
      if (result.first && (!verdict_.first || result.first->time < verdict_.first->time)) verdict_.first = result.first;
    }
    const std::string failed = checks_with(verdict_, CheckStatus::Fail);
    const std::string open = checks_with(verdict_, CheckStatus::NotJudged);
    if (!blind_.empty()) {
      verdict_.reason = blind_;
    } else if (!failed.empty()) {
      verdict_.outcome = Outcome::Fail;
      verdict_.headline = "FAIL (" + failed + "): ";
      verdict_.headline += seen_.refused ? "update refused: errno " + n_of(*seen_.refused) + ", step freeze"
                           : verdict_.first->cause.empty() ? verdict_.first->sentence
                                                           : verdict_.first->cause;
      return;
    } else if (!open.empty()) {
      verdict_.reason = gap_.empty() ? "a witness saw nothing: " + open : gap_;
    } else {
      verdict_.outcome = Outcome::Pass;
      verdict_.headline = pass_headline(verdict_);
      return;
    }
    verdict_.outcome = Outcome::Inconclusive;
    verdict_.headline = "INCONCLUSIVE: " + verdict_.reason;
  }

  const FieldState& state_;
  const Look& begin_;
  const FieldObservation& seen_;
  Verdict verdict_;
  std::set<Check> complete_;
  std::set<Check> gaps_;
  std::string gap_;
  std::string blind_;
  std::string cause_;
  std::uint64_t cause_clock_ = 0;
};

}  // namespace

Verdict judge_field(const FieldState& state, const FieldObservation& seen) { return FieldJudge(state, seen).judge(); }

}  // namespace holdover::bench
