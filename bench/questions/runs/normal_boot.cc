// SPDX-License-Identifier: MIT
// Is an ordinary boot a safe answer to a table that cannot be read?
#include <array>

#include "bench/ledger/scene.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/recorder.h"
#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

constexpr std::array<std::string_view, 7> kSeries{"v3", "v4", "v5", "v6", "v7", "v8", "v9"};
constexpr std::string_view kFault = "lost-pci-table";

struct Seen {
  bool table_failed = false;  // kernel B found a table and could not use it
  bool stopped = false;       // it panicked
  bool disturbed = false;
  std::uint64_t writes = 0;  // of kernel B to endpoints
};

// Whatever else can be handed over is, so that nothing but the table decides. The next kernel's command line asks for
// what the series has to protect against.
RunOptions options_for(std::string_view series, const Laboratory& laboratory) {
  RunOptions options = laboratory.options();
  options.from = "continuous";
  options.to = "continuous:bus-numbers=reassign";
  // Before what else is changed of its rules.
  options.policies.insert(options.policies.begin(), "pci-series=" + std::string(series));
  return options;
}

Seen look(std::string_view series, const Laboratory& laboratory, Answer& answer) {
  RunOptions options = options_for(series, laboratory);
  options.faults.emplace_back(kFault);
  answer.commands.push_back(command_line(options));
  Recorder recorder;
  const Report report = laboratory.run(options, recorder);

  Seen seen;
  seen.table_failed = recorder.said("the handed-over table");
  seen.stopped = recorder.find(pcie::Step::Panic, 1) != nullptr;
  seen.disturbed = !undisturbed(report);
  for (const Recorder::ConfigWrite& write : recorder.config_writes()) {
    if (write.when.kernel == 1 && !write.bridge) ++seen.writes;
  }
  std::string text = seen.stopped ? "kernel B stops" : "an ordinary boot";
  text += ", " + counted(seen.writes, "configuration write") + " to the endpoint; ";
  if (seen.stopped) {
    text += "DMA goes on for " + readable_time(time_of(report, Check::Handover, "dma_after_panic_ps")) + " of the " +
            readable_time(options.after) + " that were watched, " +
            counted(number(report, Check::Handover, "strays_after_panic"), "access") + " to foreign pages";
  } else {
    text += outcome(report) + "; " + dma_text(report);
  }
  answer.observations.push_back({"series " + std::string(series), text});
  return seen;
}

}  // namespace

Answer ask_q08(const Laboratory& laboratory) {
  Answer answer;
  std::vector<std::string> damaged;
  std::vector<std::string> lucky;
  std::vector<std::string> stopped;
  std::vector<std::string> unclear;
  for (const std::string_view series : kSeries) {
    const std::string name(series);
    const Seen seen = look(series, laboratory, answer);
    const bool control = undisturbed(laboratory.run(options_for(series, laboratory)));
    if (!control) answer.observations.back().seen += "; disturbed with a table that can be read, too";
    if (!seen.table_failed || (seen.stopped && (seen.disturbed || seen.writes != 0))) {
      unclear.push_back(name);
    } else if (seen.stopped) {
      stopped.push_back(name);
    } else if (!seen.disturbed) {
      lucky.push_back(name);
    } else {
      (control ? damaged : unclear).push_back(name);
    }
  }
  answer.decided = true;
  const std::string stop = "With " + listed(stopped, "none") +
                           " the new kernel stops before it writes to the function, which runs on in its "
                           "own pages.";
  const std::string open = unclear.empty() ? "" : " Nothing follows for " + listed(unclear) + ".";
  if (!damaged.empty()) {
    answer.sentence = "No: with " + listed(damaged) +
                      " the new kernel boots as ever, and DMA that a table would have kept alive is damaged. " +
                      (lucky.empty() ? "" : "With " + listed(lucky) + " it was not. ") + stop + open;
  } else if (!lucky.empty()) {
    answer.sentence =
        "Yes as far as seen: with " + listed(lucky) + " DMA did not notice an ordinary boot. " + stop + open;
  } else if (!stopped.empty()) {
    answer.sentence = "No version tries: " + stop + open;
  } else {
    answer.decided = false;
    answer.sentence = "Undecided: no version met a table that it could not use." + open;
  }
  return answer;
}

}  // namespace holdover::bench
