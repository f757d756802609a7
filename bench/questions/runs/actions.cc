// SPDX-License-Identifier: MIT
#include "bench/questions/runs/actions.h"

#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

bool inside(const Recorder::When& when, Stretch stretch) {
  return when.kernel == stretch.kernel && when.phase == stretch.phase;
}

std::string names(const std::map<std::string, unsigned>& writes) {
  std::string text;
  for (const auto& [name, count] : writes) {
    text += (text.empty() ? "" : ", ") + name + (count == 1 ? "" : " (" + std::to_string(count) + ")");
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace

Traffic traffic_in(const Recorder& recorder, Stretch stretch) {
  Traffic traffic;
  for (const Recorder::ConfigWrite& write : recorder.config_writes()) {
    if (inside(write.when, stretch)) ++(write.bridge ? traffic.bridge_writes : traffic.endpoint_writes)[write.name];
  }
  for (const Recorder::Request& request : recorder.requests()) {
    if (inside(request.when, stretch) && request.kind == pcie::TlpKind::MemoryWrite) ++traffic.register_writes;
  }
  return traffic;
}

std::string to_string(const Traffic& traffic) {
  return "endpoint: " + names(traffic.endpoint_writes) + "; bridges: " + names(traffic.bridge_writes) + "; " +
         (traffic.register_writes == 0 ? "no" : std::to_string(traffic.register_writes)) + " MMIO writes";
}

Effect try_action(const Action& action, const std::vector<std::string>& policies, Stretch stretch,
                  const Laboratory& laboratory, Answer& answer) {
  RunOptions options = with(laboratory, "continuous", policies);
  if (!action.policy.empty()) options.policies.emplace_back(action.policy);
  if (!action.fault.empty()) options.faults.emplace_back(action.fault);
  answer.commands.push_back(command_line(options));
  Recorder recorder;
  const Report report = laboratory.run(options, recorder);

  Effect effect;
  effect.what = action.what;
  effect.traffic = traffic_in(recorder, stretch);
  effect.stops_dma = !undisturbed(report);
  effect.loses_interrupts = failed(report, Check::Interrupts);
  effect.decided = report.verdict.outcome != Outcome::Inconclusive;
  std::string text = effect.stops_dma ? "DMA is disturbed: " + dma_text(report) : std::string("DMA does not notice");
  if (effect.loses_interrupts) text += "; interrupts are lost";
  if (effect.hurts()) text += "; " + reason(report);
  answer.observations.push_back({effect.what, text});
  return effect;
}

SortedActions sort_actions(const Action& nothing, std::span<const Action> actions, Stretch stretch,
                           const std::string& traffic, const std::string& otherwise, const Laboratory& laboratory,
                           Answer& answer) {
  SortedActions sorted;
  const Effect base = try_action(nothing, {}, stretch, laboratory, answer);
  answer.observations.push_back({traffic, to_string(base.traffic)});
  if (base.hurts() || !base.decided) {
    answer.sentence = "Undecided: the update is disturbed without any of these actions.";
    return sorted;
  }
  sorted.decided = true;
  for (const Action& action : actions) {
    const Effect effect = try_action(action, {}, stretch, laboratory, answer);
    if (!effect.hurts()) {
      sorted.harmless.push_back(effect.what);
      continue;
    }
    const Effect other = try_action(action, {"entry-model=retrieve"}, stretch, laboratory, answer);
    answer.observations.back().what += ", " + otherwise;
    (other.hurts() ? sorted.kept : sorted.avoided).push_back(effect.what);
  }
  return sorted;
}

}  // namespace holdover::bench
