// SPDX-License-Identifier: MIT
// The window in which any driver may bind.
#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "bench/ledger/scene.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/recorder.h"
#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

constexpr unsigned kKernelB = 1;

struct Case {
  std::string what;
  std::vector<std::string> policies;
};

struct Seen {
  std::optional<Time> window;  // from the scan's lookup to the retrieve of the file, or to its refusal
  std::uint64_t writes = 0;    // to the endpoint while kernel B binds drivers
  std::set<std::string> registers;
  bool harmed = false;
  bool retrieved = false;
};

Seen look(const Case& each, const Laboratory& laboratory, Answer& answer) {
  const RunOptions options = with(laboratory, "continuous", each.policies);
  answer.commands.push_back(command_line(options));
  Recorder recorder;
  const Report report = laboratory.run(options, recorder);

  Seen seen;
  const Recorder::Mark* const incoming = recorder.find(pcie::Step::FunctionIncoming, kKernelB);
  const Recorder::Mark* const retrieved = recorder.find(pcie::Step::FunctionRetrieved, kKernelB);
  const Recorder::Mark* const refused = recorder.find(pcie::Step::AgentFailed, kKernelB);
  const Recorder::Mark* const end = retrieved != nullptr ? retrieved : refused;
  if (incoming != nullptr && end != nullptr) seen.window = end->when.time - incoming->when.time;
  seen.retrieved = retrieved != nullptr;
  for (const Recorder::ConfigWrite& write : recorder.config_writes()) {
    if (write.when.kernel != kKernelB || write.when.phase != pcie::Phase::Bind || write.bridge) continue;
    ++seen.writes;
    seen.registers.insert(write.name);
  }
  seen.harmed = !undisturbed(report);
  answer.observations.push_back(
      {each.what,
       (seen.window ? "window of " + readable_time(*seen.window) : std::string("no window seen")) + ", " +
           counted(seen.writes, "write") + " to the endpoint while drivers bind" +
           (seen.registers.empty() ? "" : " (" + listed({seen.registers.begin(), seen.registers.end()}) + ")") +
           "; DMA: " + dma_text(report) + "; the file is " + (seen.retrieved ? "retrieved" : "refused")});
  return seen;
}

}  // namespace

Answer ask_q09(const Laboratory& laboratory) {
  Answer answer;
  const Seen own = look({"vfio-pci binds", {}}, laboratory, answer);
  if (!own.window || own.harmed || !own.retrieved) {
    answer.sentence = "Undecided: with the right driver " +
                      std::string(own.window ? "DMA was disturbed as well." : "no window was seen.");
    return answer;
  }
  const Seen foreign = look({"a foreign driver binds", {"driver=stub"}}, laboratory, answer);
  const Seen keeps =
      look({"a foreign driver that sets Bus Master Enable", {"driver=stub", "stub-bus-master=on"}}, laboratory, answer);
  const Seen by_name = look({"the same, the driver's name is checked", {"driver=stub", "binding-contract=driver-name"}},
                            laboratory, answer);
  const Seen by_schema =
      look({"the same, the schema is checked", {"driver=stub", "binding-contract=schema-guid"}}, laboratory, answer);
  const Seen late =
      look({"the same, probe is left out until retrieve", {"driver=stub", "entry-model=retrieve"}}, laboratory, answer);
  answer.decided = true;
  const std::string length =
      "from the lookup in the scan until user space retrieves the file, " + readable_time(*own.window) + " here";
  if (!foreign.harmed && !keeps.harmed) {
    answer.sentence = "The window lasts " + length + "; a foreign driver that bound in it did no harm.";
    return answer;
  }
  std::vector<std::string> own_writes;
  std::set_difference(foreign.registers.begin(), foreign.registers.end(), own.registers.begin(), own.registers.end(),
                      std::back_inserter(own_writes));
  std::vector<std::string> close;
  if (!by_name.harmed) close.emplace_back("the driver's name");
  if (!by_schema.harmed) close.emplace_back("the schema");
  if (!late.harmed) close.emplace_back("the entry model retrieve");
  answer.sentence = "The window lasts " + length + ". A foreign driver that binds in it writes " +
                    listed(own_writes, "nothing of its own") + " and stops the DMA" +
                    (keeps.harmed ? ", whatever it does to Bus Master Enable" : ", unless it sets Bus Master Enable") +
                    "; what keeps it out: " + listed(close, "nothing that was tried") + ".";
  return answer;
}

}  // namespace holdover::bench
