// SPDX-License-Identifier: MIT
#include "bench/field/continuity.h"

#include <algorithm>
#include <utility>

#include "bench/ledger/scene.h"
#include "host/driver/endpoint_regs.h"

namespace holdover::bench {
namespace {

namespace regs = host::regs;

std::string n(std::uint64_t count) { return std::to_string(count); }

// One may fall on each end of the window.
constexpr std::uint64_t kLeastDue = 3;

bool running(const Look::Channel& channel) { return regs::channel::kControlRun.extract(channel.control) != 0; }

class Continuity {
 public:
  Continuity(const FieldState& state, const FieldObservation& seen, const Look& first, const Look& closed,
             const Look* ending)
      : state_(state),
        begin_(state.begin),
        seen_(seen),
        first_(first),
        closed_(closed),
        ending_(ending),
        last_(ending != nullptr ? *ending : closed),
        limit_(silence_limit(state)) {}

  ContinuitySeen judge() {
    heartbeat();
    for (unsigned i = 0; i < Look::kChannels; ++i) channel(i);
    const Look* const from[] = {&begin_, &closed_};
    const Look* const to[] = {&closed_, ending_};
    for (unsigned i = 0; i < 2 && to[i] != nullptr; ++i) {
      deadlines(*from[i], *to[i]);
      silence(*from[i], *to[i]);
    }
    if (ending_ != nullptr) after_update(*ending_);
    records(seen_.records, closed_.clock);
    records(seen_.late_records, last_.clock);
    describe();
    return result_;
  }

 private:
  void heartbeat() {
    if (first_.writer.running == 0 || closed_.writer.running == 0) lose("the heartbeat writer was stopped");
    if (first_.reader.running == 0 || closed_.reader.running == 0) lose("the heartbeat reader was stopped");
    const std::uint64_t due = due_between(begin_, closed_);
    if (closed_.writer.sequence < begin_.writer.sequence) {
      began_again(closed_, begin_);
    } else if (due < kLeastDue) {
      result_.gaps.push_back("the window had room for " + n(due) +
                             " heartbeat records; choose a shorter --heartbeat or a longer --after");
      return;
    } else if (closed_.writer.sequence == begin_.writer.sequence) {
      lose("the heartbeat stood still at record " + n(begin_.writer.sequence));
    } else {
      pace(begin_, closed_, "in the window");
    }
    if (closed_.reader.count <= begin_.reader.count) lose("the heartbeat reader read nothing in the window");
  }

  void began_again(const Look& at, const Look& before) {
    lose("the heartbeat's numbers began again at " + n(at.writer.sequence) + ", after " + n(before.writer.sequence),
         at.clock);
  }

  // Records that fall due between two looks.
  [[nodiscard]] std::uint64_t due_between(const Look& from, const Look& to) const {
    return (to.clock - from.clock) / std::max(begin_.writer.period, 1u);
  }

  void pace(const Look& from, const Look& to, const std::string& when) {
    constexpr std::uint64_t kWaiting = 18;  // records that may wait for the link, and the ends of the stretch
    const std::uint64_t due = due_between(from, to);
    const std::uint64_t numbers = to.writer.sequence - from.writer.sequence;
    if (numbers + kWaiting >= due && numbers <= due + kWaiting) return;
    lose(n(due) + " heartbeat records were due " + when + ", and " + n(numbers) + " were numbered", to.clock);
  }

  // Counted since the streams were started.
  void deadlines(const Look& from, const Look& to) {
    const bool told = &from != &begin_;
    if (to.writer.missed != 0 && !(told && to.writer.missed == from.writer.missed)) {
      lose("the endpoint missed " + n(to.writer.missed) + " heartbeat deadlines", to.clock);
    }
    if (to.reader.missed != 0 && !(told && to.reader.missed == from.reader.missed)) {
      lose("the heartbeat reader missed " + n(to.reader.missed) + " deadlines", to.clock);
    }
  }

  void channel(unsigned i) {
    const auto at = [i](const Look& look) -> const Look::Channel& { return look.channels[i]; };
    if (!running(at(begin_))) return;
    ++result_.channels;
    const std::string who = "channel " + n(i);
    if (!running(at(first_)) || !running(at(closed_))) lose(who + " was stopped or reset");
    stopped(i, closed_);
    if (at(first_).completed < at(begin_).completed || at(closed_).completed < at(first_).completed) {
      lose(who + " began to count again");
    } else if (at(closed_).completed <= at(state_.jump).completed) {
      lose(who + " moved nothing from the kexec on");
    }
  }

  void stopped(unsigned i, const Look& look) {
    const std::uint32_t status = look.channels[i].status;
    if (regs::channel::kStatusStopped.extract(status) == 0) return;
    lose("channel " + n(i) + " stopped with status " + n(regs::channel::kStatusError.extract(status)), look.clock);
  }

  // What of the streams was still well when the window closed.
  void after_update(const Look& ending) {
    const auto late = [&](std::string sentence) { lose(std::move(sentence), ending.clock); };
    const std::string when = "after the update";
    if (closed_.writer.running != 0 && ending.writer.running == 0) late("the heartbeat writer was stopped " + when);
    if (closed_.reader.running != 0 && ending.reader.running == 0) late("the heartbeat reader was stopped " + when);
    const bool long_enough = device_time(ending, ending.clock - closed_.clock) >= seen_.patience;
    if (ending.writer.sequence < closed_.writer.sequence) {
      began_again(ending, closed_);
    } else if (long_enough && ending.writer.sequence == closed_.writer.sequence) {
      late("the heartbeat stood still " + when + ", at record " + n(ending.writer.sequence));
    } else {
      pace(closed_, ending, when);
    }
    if (ending.reader.count < closed_.reader.count || (long_enough && ending.reader.count == closed_.reader.count)) {
      late("the heartbeat reader read nothing " + when);
    }
    for (unsigned i = 0; i < Look::kChannels; ++i) {
      const Look::Channel& was = closed_.channels[i];
      const Look::Channel& is = ending.channels[i];
      if (!running(was)) continue;
      if (!running(is)) late("channel " + n(i) + " was stopped or reset " + when);
      if (regs::channel::kStatusStopped.extract(was.status) == 0) stopped(i, ending);
      if (is.completed < was.completed) {
        late("channel " + n(i) + " began to count again " + when);
      } else if (long_enough && is.completed == was.completed) {
        late("channel " + n(i) + " moved nothing " + when);
      }
    }
    if (!seen_.standstill.empty()) late(seen_.standstill);
  }

  void silence(const Look& from, const Look& to) {
    const Time longest = device_time(begin_, to.longest_silence);
    if (limit_.limit == Time{0} || longest <= limit_.limit) return;
    if (&from != &begin_ && to.longest_silence == from.longest_silence) return;
    lose("the endpoint was silent for " + readable_time(longest) + ", longer than " + readable_time(limit_.limit),
         to.clock);
  }

  void records(const std::optional<RecordsSeen>& seen, std::uint64_t otherwise) {
    if (!seen) return;
    const std::uint64_t clock = seen->clock != 0 ? seen->clock : otherwise;
    if (seen->first_lost) {
      lose("heartbeat record " + n(*seen->first_lost) + " left the endpoint and is not in memory (" + n(seen->lost) +
               " of " + n(seen->checked) + ")",
           clock);
    }
    if (seen->off_deadline) {
      lose("heartbeat record " + n(*seen->off_deadline) + " has a time stamp off its deadline", clock);
    }
  }

  void describe() {
    const Time longest = device_time(begin_, last_.longest_silence);
    std::uint64_t checked = seen_.records ? seen_.records->checked : 0;
    std::uint64_t lost = seen_.records ? seen_.records->lost : 0;
    if (seen_.late_records) {
      // The last record of the window is looked at twice.
      const bool twice = seen_.records && seen_.late_records->first < seen_.records->end;
      checked += seen_.late_records->checked - (twice ? 1 : 0);
      lost += seen_.late_records->lost;
    }
    const std::uint64_t records = last_.writer.sequence - std::min(last_.writer.sequence, begin_.writer.sequence);
    result_.figure = n(records) + " records, " + n(last_.writer.missed) + " missed, longest silence " +
                     readable_time(longest) + " of " + readable_time(limit_.limit) + " on the link; " +
                     n(checked - lost) + " found in memory; " + n(result_.channels) + " channels";
    result_.numbers = {{"records", records},
                       {"missed", last_.writer.missed},
                       {"records_checked", checked},
                       {"records_lost", lost},
                       {"longest_silence_ps", longest.count()},
                       {"silence_limit_ps", limit_.limit.count()},
                       {"steady_silence_ps", limit_.steady.count()},
                       {"reader_cells", last_.reader.count - std::min(last_.reader.count, begin_.reader.count)},
                       {"channels", result_.channels}};
    if (limit_.limit == Time{0}) result_.gaps.emplace_back("the steady traffic was too short for a silence limit");
    if (!seen_.records) {
      result_.gaps.emplace_back("the heartbeat's ring was not read");
    } else {
      whole(*seen_.records, "the window; choose a longer --heartbeat");
    }
    if (seen_.late_records)
      whole(*seen_.late_records, "the time after it; choose a longer --heartbeat or a shorter --after");
  }

  void whole(const RecordsSeen& seen, const std::string& of_what) {
    if (seen.all_checked()) return;
    result_.gaps.push_back("the heartbeat's ring holds " + n(seen.checked) + " of the " + n(seen.end - seen.first) +
                           " records of " + of_what);
  }

  void lose(std::string sentence) { lose(std::move(sentence), closed_.clock); }
  void lose(std::string sentence, std::uint64_t clock) { result_.losses.push_back({clock, std::move(sentence)}); }

  const FieldState& state_;
  const Look& begin_;
  const FieldObservation& seen_;
  const Look& first_;
  const Look& closed_;
  const Look* ending_;
  const Look& last_;
  SilenceLimit limit_;
  ContinuitySeen result_;
};

}  // namespace

SilenceLimit silence_limit(const FieldState& state) {
  SilenceLimit limit;
  limit.steady = device_time(state.begin, state.begin.longest_silence);
  limit.records = state.begin.writer.sequence;
  limit.declared = state.silence_limit_ps != 0;
  limit.limit = limit.declared ? Time{state.silence_limit_ps} : limit.steady * 2;
  return limit;
}

ContinuitySeen judge_continuity(const FieldState& state, const FieldObservation& seen, const Look& first,
                                const Look& closed, const Look* ending) {
  return Continuity(state, seen, first, closed, ending).judge();
}

}  // namespace holdover::bench
