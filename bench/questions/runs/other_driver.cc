// SPDX-License-Identifier: MIT
// A function that was preserved under one driver, bound to another.
#include <optional>

#include "bench/ledger/scene.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/recorder.h"
#include "bench/questions/runs/run_figures.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

constexpr unsigned kKernelB = 1;

struct Seen {
  bool harmed = false;
  bool retrieved = false;
  bool refused_to_bind = false;
  std::string mark;  // what shows at the device
};

// The first thing that a running function must not see: a reset, or Bus Master Enable cleared.
std::string mark_at_device(const Recorder& recorder) {
  // Files that are closed at the end reset the function, and may.
  const auto over = [end = recorder.end_of_update(kKernelB)](Time time) { return end && time >= *end; };
  std::optional<Recorder::When> first;
  std::string text;
  for (const Recorder::ConfigWrite& write : recorder.config_writes()) {
    if (write.when.kernel != kKernelB || over(write.write.time) || write.bridge ||
        write.write.offset != pcie::config::kCommand)
      continue;
    if ((write.write.before & ~write.write.after & pcie::config::kCommandBusMaster) == 0) continue;
    first = write.when;
    text = "COMMAND becomes " + hex(write.write.after & 0xffff, 4) + " in phase " +
           std::string(pcie::to_string(write.when.phase));
    break;
  }
  for (const Recorder::Reset& reset : recorder.resets()) {
    if (reset.when.kernel != kKernelB || over(reset.when.time)) continue;
    if (!first) return "a reset in phase " + std::string(pcie::to_string(reset.when.phase));
    return text + ", and a reset follows";
  }
  return text;
}

Seen look(const std::string& what, const std::vector<std::string>& policies, const Laboratory& laboratory,
          Answer& answer) {
  const RunOptions options = with(laboratory, "continuous", policies);
  answer.commands.push_back(command_line(options));
  Recorder recorder;
  const Report report = laboratory.run(options, recorder);
  Seen seen;
  seen.harmed = !undisturbed(report);
  seen.retrieved = recorder.find(pcie::Step::FunctionRetrieved, kKernelB) != nullptr;
  seen.refused_to_bind = recorder.said("is refused: it is not what the function was handed over with");
  seen.mark = mark_at_device(recorder);
  answer.observations.push_back(
      {what, std::string(seen.refused_to_bind ? "the driver may not bind; " : "the driver binds; ") +
                 (seen.retrieved ? "the file is retrieved; " : "the file is not retrieved; ") +
                 "at the device: " + (seen.mark.empty() ? "nothing" : seen.mark) + "; DMA: " + dma_text(report)});
  return seen;
}

}  // namespace

Answer ask_q13(const Laboratory& laboratory) {
  Answer answer;
  const Seen own = look("the driver it was preserved under", {}, laboratory, answer);
  if (own.harmed || !own.retrieved || own.refused_to_bind) {
    answer.sentence = "Undecided: the update goes wrong with the driver that the function was preserved under.";
    return answer;
  }
  const Seen foreign = look("a driver that initializes what it gets", {"driver=stub"}, laboratory, answer);
  const Seen layout = look("one that reads another layout of saved state", {"driver=schema-2"}, laboratory, answer);
  const Seen checked =
      look("the same, the binding is checked", {"driver=schema-2", "binding-contract=schema-guid"}, laboratory, answer);
  answer.decided = true;
  if (!foreign.harmed && !layout.harmed) {
    answer.sentence = foreign.refused_to_bind && layout.refused_to_bind
                          ? "Another driver may not bind: the function runs on, and nobody retrieves it."
                          : "No harm was seen with another driver.";
    return answer;
  }
  answer.sentence = "Nothing in the core stops it, and only the device shows it.";
  if (foreign.harmed) answer.sentence += " A driver that initializes what it gets: " + foreign.mark + ".";
  if (layout.harmed) answer.sentence += " One that reads another layout of saved state: " + layout.mark + ".";
  answer.sentence += checked.harmed
                         ? " A check of the binding did not help."
                         : " With the binding checked before the probe the function runs on, and its file is " +
                               std::string(checked.retrieved ? "retrieved." : "refused.");
  return answer;
}

}  // namespace holdover::bench
