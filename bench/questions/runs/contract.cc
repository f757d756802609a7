// SPDX-License-Identifier: MIT
// What should a new kernel's driver share with the old one's: a name, a schema, the file handler's compatible string?
#include <array>

#include "bench/ledger/scene.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/recorder.h"
#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

constexpr unsigned kKernelB = 1;

struct Model {
  std::string_view name;
  std::string_view contract;
  bool string_changes = false;  // the handler's string goes with the layout
};
constexpr std::array kModels{
    Model{"no check", "binding-contract=none"},
    Model{"the driver's name", "binding-contract=driver-name"},
    Model{"the schema GUID", "binding-contract=schema-guid"},
    Model{"the compatible string of the file handler", "binding-contract=none", true},
};

struct Change {
  std::string_view name;
  std::string_view driver;
  bool layout = false;      // that of saved state is another
  bool acceptable = false;  // the driver can take the function over
};
constexpr std::array kChanges{
    Change{"another layout under the same name", "driver=same-name", true, false},
    Change{"another layout under another name", "driver=schema-2", true, false},
    Change{"a driver that is no VFIO driver", "driver=stub", false, false},
    Change{"the same layout under another name", "driver=renamed", false, true},
};

enum class End { Passed, Refused, Damaged, Unclear };

struct Ending {
  End end = End::Unclear;
  std::string text;
};

Ending look(const Model& model, const Change& change, const Laboratory& laboratory, Answer& answer) {
  RunOptions options = with(laboratory, "continuous");
  options.to = "continuous:" + std::string(model.contract) + ":" + std::string(change.driver) +
               (model.string_changes && change.layout ? ":device-handler=v2" : "");
  options.from = "continuous";
  answer.commands.push_back(command_line(options));
  Recorder recorder;
  const Report report = laboratory.run(options, recorder);
  const bool disturbed = !undisturbed(report);
  if (report.verdict.outcome == bench::Outcome::Pass) return {End::Passed, "taken over"};
  if (disturbed) return {End::Damaged, "damage: " + reason(report)};
  if (recorder.said("is refused: it is not what")) return {End::Refused, "refused when the driver binds"};
  if (recorder.find(pcie::Step::NoHandover, kKernelB) != nullptr) {
    return {End::Refused, "refused when user space opens /dev/liveupdate, every session with it"};
  }
  return {End::Unclear, outcome(report)};
}

struct Score {
  unsigned damaged = 0;
  unsigned needless = 0;  // refused what could have been taken over
  bool unclear = false;
};

}  // namespace

Answer ask_q14(const Laboratory& laboratory) {
  Answer answer;
  std::vector<std::string> right;
  std::string sentence;
  bool unclear = false;
  for (const Model& model : kModels) {
    Score score;
    for (const Change& change : kChanges) {
      const Ending seen = look(model, change, laboratory, answer);
      answer.observations.push_back({std::string(model.name) + "; " + std::string(change.name), seen.text});
      if (seen.end == End::Damaged) ++score.damaged;
      if (seen.end == End::Refused && change.acceptable) ++score.needless;
      score.unclear = score.unclear || seen.end == End::Unclear || (seen.end == End::Passed && !change.acceptable);
    }
    unclear = unclear || score.unclear;
    if (score.damaged == 0 && score.needless == 0) {
      right.emplace_back(model.name);
      continue;
    }
    sentence += (sentence.empty() ? " With " : "; with ") + std::string(model.name) + " " +
                counted(score.damaged, "change") + " damaged the running function, and " +
                counted(score.needless, "change") + " met a refusal without need";
  }
  if (unclear) {
    answer.sentence = "Undecided: at least one update ended in none of the expected ways.";
    return answer;
  }
  answer.decided = true;
  answer.sentence =
      (right.empty() ? "None of them" : "What lets a driver bind exactly where it can take over: " + listed(right)) +
      "." + sentence + (sentence.empty() ? "" : ".");
  return answer;
}

}  // namespace holdover::bench
