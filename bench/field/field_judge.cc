// SPDX-License-Identifier: MIT
#include "bench/field/field_judge.h"

#include <algorithm>
#include <set>

#include "bench/field/continuity.h"
#include "bench/field/monitor_history.h"
#include "bench/ledger/config_rules.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

std::string n(std::uint64_t count) { return std::to_string(count); }

class FieldJudge {
 public:
  FieldJudge(const FieldState& state, const FieldObservation& seen) : state_(state), begin_(state.begin), seen_(seen) {
    for (unsigned i = 0; i < kCheckCount; ++i) verdict_.checks[i].check = static_cast<Check>(i);
  }

  Verdict judge() {
    handover();
    at(Check::Iommu).status = CheckStatus::NotObservable;
    at(Check::Iommu).figure = "the endpoint sees IO virtual addresses only";
    if (seen_.first) follow(*seen_.first);
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
    result.first = Finding{time, seen_.phase, std::move(sentence), std::move(cause)};
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
    if (first.answers == 0 && hidden(first)) return;
    const Look& last = seen_.closed.value_or(first);
    const MonitorHistory early = history_between(state_.jump, first, state_.scratch, state_.interrupts_off != 0);
    const MonitorHistory whole = history_between(begin_, last, state_.scratch, state_.interrupts_off != 0);
    blind_ = early.blind.empty() ? whole.blind : early.blind;
    if (!blind_.empty()) return;
    for (const Incident& incident : whole.incidents) {
      if (cause_.empty()) {
        cause_ = incident.sentence;
        cause_clock_ = incident.clock;
      }
      find(incident.check, incident.clock, incident.sentence);
    }
    resets(whole);
    for (const MonitorHistory::Gap& each : whole.gaps) gap(each.check, each.reason);
    if (seen_.closed) {
      compare_configuration(*seen_.closed, seen_.closed->clock);
      configuration(whole);
      continuity(first, *seen_.closed);
      protocol(*seen_.closed);
    }
    if (seen_.closed && seen_.stopped && seen_.stopped->answers != 0) {
      interrupts(*seen_.closed, *seen_.stopped);
      memory(*seen_.stopped);
    }
  }

  // What explains a loss that shows at `clock`: what happened first, if it was before.
  std::string cause_at(std::uint64_t clock) const {
    return !cause_.empty() && (clock == 0 || cause_clock_ <= clock) ? cause_ : std::string();
  }

  void continuity(const Look& first, const Look& closed) {
    const ContinuitySeen streams = judge_continuity(state_, seen_, first, closed);
    for (const ContinuitySeen::Loss& loss : streams.losses) {
      find(Check::Continuity, loss.clock == 0 ? closed.clock : loss.clock, loss.sentence, cause_at(loss.clock));
    }
    CheckResult& result = at(Check::Continuity);
    result.figure = streams.figure;
    result.numbers = streams.numbers;
    if (streams.channels != 0 && seen_.stopped) judged(Check::Continuity);
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
           "channel " + n(i) + " was given " + n(each.mismatches) + " wrong bytes to read", cause_at(0));
    }
    if (stopped.reader.mismatches != 0) {
      find(Check::Memory, stopped.clock,
           "the heartbeat reader was given " + n(stopped.reader.mismatches) + " wrong cells to read", cause_at(0));
    }
    if (seen_.memory && seen_.memory->wrong != 0) find(Check::Memory, stopped.clock, seen_.memory->first, cause_at(0));
    const std::uint64_t compared = seen_.memory ? seen_.memory->bytes : 0;
    result.figure = n(compared >> 10) + " KiB compared, " + n(checked >> 10) +
                    " KiB checked by the endpoint; accesses to foreign pages: not observable here";
    result.numbers = {{"bytes_compared", compared}, {"bytes_checked_by_endpoint", checked}};
    if (compared != 0) judged(Check::Memory);
  }

  // Whether the registers are out of reach because of what configuration space says: decoding, addresses, power.
  bool hidden(const Look& first) {
    namespace config = pcie::config;
    const ConfigShadow before = shadow_of(begin_);
    if (first.config[0] != begin_.config[0]) return false;
    bool hides = false;
    const auto compare = [&](unsigned offset, std::uint32_t mask) {
      if (((first.config[offset / 4] ^ begin_.config[offset / 4]) & mask) == 0) return;
      changed(offset, first.config[offset / 4], begin_.config[offset / 4], state_.jump.clock);
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

  void compare_configuration(const Look& closed, std::uint64_t clock) {
    const ConfigShadow before = shadow_of(begin_);
    for (unsigned offset = 0; offset < pcie::config::kSpaceBytes; offset += 4) {
      const std::uint32_t was = begin_.config[offset / 4];
      const std::uint32_t is = closed.config[offset / 4];
      if (((was ^ is) & ~exempt_bits(before, offset)) != 0) changed(offset, is, was, clock);
    }
  }

  void configuration(const MonitorHistory& history) {
    at(Check::Configuration).figure = "1 function compared as the host reads it, " + n(history.config_writes) +
                                      " writes in the window; bridges: not observable here";
    at(Check::Configuration).numbers = {{"functions", 1}, {"writes", history.config_writes}};
    if (gaps_.count(Check::Configuration) == 0) judged(Check::Configuration);
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

  void resets(const MonitorHistory& history) {
    const auto count = std::count_if(history.incidents.begin(), history.incidents.end(),
                                     [](const Incident& each) { return each.check == Check::ResetAndLink; });
    at(Check::ResetAndLink).figure = n(static_cast<std::uint64_t>(count)) + " seen by the monitor; SCRATCH " +
                                     (count == 0 ? "kept its value" : "was looked at");
    if (seen_.closed) judged(Check::ResetAndLink);
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
             cause_at(0));
      } else if (waiting != 0) {
        find(Check::Interrupts, stopped.clock, "an event on vector " + n(i) + " still waits in its pending bit",
             cause_at(0));
      }
      if (each.messages == state_.jump.vectors[i].messages && each.events != state_.jump.vectors[i].events) {
        find(Check::Interrupts, stopped.clock, "vector " + n(i) + " has sent no message since the kexec", cause_at(0));
      }
    }
    if (seen_.missed_messages != 0) {
      find(Check::Interrupts, stopped.clock, n(seen_.missed_messages) + " vectors or events stayed silent at the host",
           cause_at(0));
    }
    enabled(closed);
    result.figure = n(sum.events) + " events on " + n(used) + " vectors = " + n(sum.messages) + " messages + " +
                    n(sum.coalesced) + " coalesced";
    result.numbers = {
        {"vectors", used}, {"events", sum.events}, {"messages", sum.messages}, {"coalesced", sum.coalesced}};
    if (used != 0) judged(Check::Interrupts);
  }

  // What could fire when the window opened can fire when it closes.
  void enabled(const Look& closed) {
    const std::optional<unsigned> msix = shadow_of(begin_).msix();
    if (!msix) return;
    constexpr std::uint32_t kEnable = std::uint32_t{pcie::config::kMsixControlEnable} << 16;
    if ((begin_.config[*msix / 4] & kEnable) == 0 || (closed.config[*msix / 4] & kEnable) != 0) return;
    find(Check::Interrupts, closed.clock, "MSI-X is off and was on", cause_at(0));
  }

  void protocol(const Look& closed) {
    CheckResult& result = at(Check::Protocol);
    const std::uint32_t bad = closed.rx_bad_completions - begin_.rx_bad_completions;
    const std::uint32_t timeouts = closed.timeouts - begin_.timeouts;
    const std::uint32_t failed = closed.reader.failed - begin_.reader.failed;
    if (bad != 0) {
      find(Check::Protocol, closed.clock,
           n(bad) + " completions came that were not successful, poisoned or not expected", cause_at(0));
    }
    if (timeouts != 0) find(Check::Protocol, closed.clock, n(timeouts) + " reads were given up", cause_at(0));
    if (failed != 0)
      find(Check::Protocol, closed.clock, n(failed) + " reads of the heartbeat reader failed", cause_at(0));
    // Where one was set already it cannot tell of the next.
    const std::string before = error_bits(shadow_of(begin_));
    const std::string errors = error_bits(shadow_of(closed));
    if (!before.empty()) {
      gap(Check::Protocol, "error bits of the function were set before the window and could not be cleared: " + before);
    } else if (!errors.empty()) {
      find(Check::Protocol, closed.clock, "the function's error bits say " + errors, cause_at(0));
    }
    const std::uint32_t reads = closed.tx_reads - begin_.tx_reads;
    result.figure = n(reads) + " reads, " + n(bad) + " bad completions, " + n(timeouts) +
                    " time-outs; rules of single TLPs: not observable here";
    result.numbers = {{"reads", reads}, {"bad_completions", bad}, {"timeouts", timeouts}};
    if (reads != 0 && before.empty()) judged(Check::Protocol);
  }

  void handover() {
    CheckResult& result = at(Check::Handover);
    const std::uint64_t clock = seen_.first ? seen_.first->clock : state_.jump.clock;
    if (!seen_.asked) {
      result.status = CheckStatus::NotApplicable;
      result.figure = "nothing was replaced";
      return;
    }
    if (seen_.refused) find(Check::Handover, clock, "the kernel refused the kexec with errno " + n_of(*seen_.refused));
    if (seen_.no_handover) {
      find(Check::Handover, clock, "no handover: no session came back (errno " + n_of(*seen_.no_handover) + ")");
    }
    if (!seen_.failure.empty()) find(Check::Handover, clock, "the agent gave up: " + seen_.failure, cause_at(0));
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
