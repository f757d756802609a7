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

class Continuity {
 public:
  Continuity(const FieldState& state, const FieldObservation& seen, const Look& first, const Look& closed)
      : state_(state), begin_(state.begin), seen_(seen), first_(first), closed_(closed), limit_(silence_limit(state)) {}

  ContinuitySeen judge() {
    heartbeat();
    for (unsigned i = 0; i < Look::kChannels; ++i) channel(i);
    silence();
    records();
    describe();
    return result_;
  }

 private:
  void heartbeat() {
    if (first_.writer.running == 0 || closed_.writer.running == 0) lose(0, "the heartbeat writer was stopped");
    if (first_.reader.running == 0 || closed_.reader.running == 0) lose(0, "the heartbeat reader was stopped");
    if (closed_.writer.sequence < begin_.writer.sequence) {
      lose(0, "the heartbeat's numbers began again at " + n(closed_.writer.sequence) + ", after " +
                  n(begin_.writer.sequence));
    } else if (due() < kLeastDue) {
      result_.gaps.push_back("the window had room for " + n(due()) +
                             " heartbeat records; choose a shorter --heartbeat or a longer --after");
      return;
    } else if (closed_.writer.sequence == begin_.writer.sequence) {
      lose(0, "the heartbeat stood still at record " + n(begin_.writer.sequence));
    } else {
      pace();
    }
    if (closed_.writer.missed != 0) lose(0, "the endpoint missed " + n(closed_.writer.missed) + " heartbeat deadlines");
    if (closed_.reader.missed != 0) lose(0, "the heartbeat reader missed " + n(closed_.reader.missed) + " deadlines");
    if (closed_.reader.count <= begin_.reader.count) lose(0, "the heartbeat reader read nothing in the window");
  }

  // Records that fall due in the window.
  [[nodiscard]] std::uint64_t due() const {
    return (closed_.clock - begin_.clock) / std::max(begin_.writer.period, 1u);
  }

  void pace() {
    constexpr std::uint64_t kWaiting = 18;  // records that may wait for the link, and the ends of the window
    const std::uint64_t numbers = closed_.writer.sequence - begin_.writer.sequence;
    if (numbers + kWaiting >= due() && numbers <= due() + kWaiting) return;
    lose(0, n(due()) + " heartbeat records were due in the window, and " + n(numbers) + " were numbered");
  }

  void channel(unsigned i) {
    if (regs::channel::kControlRun.extract(begin_.channels[i].control) == 0) return;
    ++result_.channels;
    const std::string who = "channel " + n(i);
    const auto run = [](const Look::Channel& each) { return regs::channel::kControlRun.extract(each.control) != 0; };
    if (!run(first_.channels[i]) || !run(closed_.channels[i])) lose(0, who + " was stopped or reset");
    const std::uint32_t status = closed_.channels[i].status;
    if (regs::channel::kStatusStopped.extract(status) != 0) {
      lose(0, who + " stopped with status " + n(regs::channel::kStatusError.extract(status)));
    }
    if (first_.channels[i].completed < begin_.channels[i].completed) {
      lose(0, who + " began to count again");
    } else if (closed_.channels[i].completed <= state_.jump.channels[i].completed) {
      lose(0, who + " moved nothing from the kexec on");
    }
  }

  void silence() {
    const Time longest = device_time(begin_, closed_.longest_silence);
    if (limit_.limit == Time{0} || longest <= limit_.limit) return;
    lose(0, "the endpoint was silent for " + readable_time(longest) + ", longer than " + readable_time(limit_.limit));
  }

  void records() {
    if (!seen_.records) return;
    const RecordsSeen& records = *seen_.records;
    if (records.first_lost) {
      lose(records.clock, "heartbeat record " + n(*records.first_lost) + " left the endpoint and is not in memory (" +
                              n(records.lost) + " of " + n(records.checked) + ")");
    }
    if (records.off_deadline) {
      lose(records.clock, "heartbeat record " + n(*records.off_deadline) + " has a time stamp off its deadline");
    }
  }

  void describe() {
    const Time longest = device_time(begin_, closed_.longest_silence);
    const std::uint64_t checked = seen_.records ? seen_.records->checked : 0;
    const std::uint64_t lost = seen_.records ? seen_.records->lost : 0;
    const std::uint64_t records = closed_.writer.sequence - std::min(closed_.writer.sequence, begin_.writer.sequence);
    result_.figure = n(records) + " records, " + n(closed_.writer.missed) + " missed, longest silence " +
                     readable_time(longest) + " of " + readable_time(limit_.limit) + " on the link; " +
                     n(checked - lost) + " found in memory; " + n(result_.channels) + " channels";
    result_.numbers = {{"records", records},
                       {"missed", closed_.writer.missed},
                       {"records_checked", checked},
                       {"records_lost", lost},
                       {"longest_silence_ps", longest.count()},
                       {"silence_limit_ps", limit_.limit.count()},
                       {"steady_silence_ps", limit_.steady.count()},
                       {"reader_cells", closed_.reader.count - std::min(closed_.reader.count, begin_.reader.count)},
                       {"channels", result_.channels}};
    if (limit_.limit == Time{0}) result_.gaps.emplace_back("the steady traffic was too short for a silence limit");
    if (!seen_.records) {
      result_.gaps.emplace_back("the heartbeat's ring was not read");
    } else if (!seen_.records->all_checked()) {
      result_.gaps.push_back("the heartbeat's ring holds " + n(checked) + " of the " +
                             n(seen_.records->end - seen_.records->first) +
                             " records of the window; choose a longer --heartbeat");
    }
  }

  void lose(std::uint64_t clock, std::string sentence) { result_.losses.push_back({clock, std::move(sentence)}); }

  const FieldState& state_;
  const Look& begin_;
  const FieldObservation& seen_;
  const Look& first_;
  const Look& closed_;
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
                                const Look& closed) {
  return Continuity(state, seen, first, closed).judge();
}

}  // namespace holdover::bench
