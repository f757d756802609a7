// SPDX-License-Identifier: MIT
// Who keeps a function from being released while it is handed over?
#include <algorithm>
#include <array>

#include "bench/ledger/scene.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/recorder.h"
#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

struct Point {
  std::string_view when;
  std::string_view unbind;
  std::string_view rmmod;
  std::string_view death;
};
constexpr std::array kPoints{
    Point{"between preserve and the kexec", "unbind-preserved", "rmmod-preserved", "agent-dies-preserved"},
    Point{"between probe and retrieve", "unbind-incoming", "rmmod-incoming", "agent-dies-incoming"},
    Point{"between retrieve and finish", "unbind-retrieved", "rmmod-retrieved", "agent-dies-retrieved"},
};

struct Seen {
  bool struck = false;
  bool refused = false;
  bool stops = false;  // DMA ends within the time that it should go on
};

Seen look(const std::string& what, std::string_view fault, const Laboratory& laboratory, Answer& answer) {
  RunOptions options = with(laboratory, "continuous");
  options.faults.emplace_back(fault);
  answer.commands.push_back(command_line(options));
  Recorder recorder;
  const Report report = laboratory.run(options, recorder);

  Seen seen;
  const std::string words = "interference " + std::string(fault) + ": ";
  const std::optional<Time> when = recorder.time_of_line(words);
  std::string text = "it never came to it";
  if (when) {
    seen.struck = true;
    const std::string line = recorder.line_with(words);
    text = line.substr(line.find(words) + words.size());
    if (text.ends_with('.')) text.pop_back();
    seen.refused = text.find("refused") != std::string::npos;
    // A stream that lives is seen in any tenth of this.
    const Time end = *when + options.after / 2;
    bool alive = false;
    for (const Recorder::When& access : recorder.dma()) {
      alive = alive || (access.time > *when + options.after / 4 && access.time <= end);
    }
    seen.stops = !alive;
    const auto resets = std::count_if(recorder.resets().begin(), recorder.resets().end(), [&](const auto& reset) {
      return reset.when.time >= *when && reset.when.time <= end;
    });
    text += seen.stops ? "; DMA stops" : "; DMA goes on";
    if (resets != 0) text += ", " + counted(static_cast<std::uint64_t>(resets), "reset");
  }
  if (const Recorder::Mark* gave_up = recorder.find(pcie::Step::AgentFailed, 1);
      gave_up != nullptr && gave_up->value != 0) {
    text += "; the next kernel refuses the file with " + errno_name(static_cast<int>(gave_up->value));
  } else if (const Recorder::Mark* none = recorder.find(pcie::Step::NoHandover, 1)) {
    text += "; nothing is handed over (" + errno_name(static_cast<int>(none->value)) + ")";
  }
  answer.observations.push_back({what, text + "; the run: " + outcome(report)});
  return seen;
}

}  // namespace

Answer ask_q12(const Laboratory& laboratory) {
  Answer answer;
  std::vector<std::string> kept;
  std::vector<std::string> released;
  std::vector<std::string> death_stops;
  std::vector<std::string> death_survived;
  bool struck = true;
  for (const Point& point : kPoints) {
    const std::string when(point.when);
    const Seen unbound = look("the driver is unbound " + when, point.unbind, laboratory, answer);
    const Seen removed = look("its module is removed " + when, point.rmmod, laboratory, answer);
    const Seen dead = look("the agent dies " + when, point.death, laboratory, answer);
    struck = struck && unbound.struck && removed.struck && dead.struck;
    (unbound.refused && removed.refused ? kept : released).push_back(when);
    (dead.stops ? death_stops : death_survived).push_back(when);
  }
  const Seen closed = look("the agent closes its files but not the session, and the driver is unbound",
                           "close-preserved", laboratory, answer);
  if (!struck || !closed.struck) {
    answer.sentence = "Undecided: not every interference took place.";
    return answer;
  }
  answer.decided = true;
  answer.sentence =
      "Whoever holds the device file: " + listed(kept, "never") + " unbind and module removal are refused" +
      (closed.refused ? ", the reference of the session being enough" : "") + ". " +
      (released.empty()
           ? "There is no moment in which nobody does."
           : "Nobody does " + listed(released) + ": the driver goes, and what it left runs on unattended.") +
      " When the agent dies, DMA stops " + listed(death_stops, "never") + " and goes on " +
      listed(death_survived, "never") + ".";
  return answer;
}

}  // namespace holdover::bench
