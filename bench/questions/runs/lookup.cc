// SPDX-License-Identifier: MIT
// Does the lookup come before the first write?
#include <map>
#include <optional>
#include <set>

#include "bench/ledger/scene.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/recorder.h"
#include "bench/questions/runs/run_figures.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

constexpr unsigned kKernelB = 1;

// Of one function that was handed over, under the new kernel.
struct Seen {
  std::optional<Time> lookup;
  std::optional<Time> first_write;
  std::string first_register;
  std::uint64_t writes_before = 0;
  std::uint64_t resets_before = 0;
};

// By name: those that kernel A recorded and kernel B touched or found.
std::map<std::string, Seen> by_function(const Recorder& recorder,
                                        const std::map<std::string, pcie::RequesterId>& places) {
  std::map<std::string, Seen> all;
  for (const auto& [name, id] : places) {
    if (recorder.find(pcie::Step::FunctionPreserved, 0, id) == nullptr) continue;
    Seen& seen = all[name];
    if (const auto* mark = recorder.find(pcie::Step::FunctionIncoming, kKernelB, id)) seen.lookup = mark->when.time;
  }
  const auto before_lookup = [](const Seen& seen, Time time) { return !seen.lookup || time < *seen.lookup; };
  for (const Recorder::ConfigWrite& write : recorder.config_writes()) {
    const auto found = all.find(write.function);
    if (found == all.end() || write.when.kernel != kKernelB) continue;
    Seen& seen = found->second;
    if (!seen.first_write) {
      seen.first_write = write.when.time;
      seen.first_register = write.name;
    }
    if (before_lookup(seen, write.when.time)) ++seen.writes_before;
  }
  for (const Recorder::Reset& reset : recorder.resets()) {
    const auto found = all.find(reset.function);
    if (found == all.end() || reset.when.kernel != kKernelB) continue;
    if (before_lookup(found->second, reset.when.time)) ++found->second.resets_before;
  }
  return all;
}

// Configuration reads of endpoint 0 before its lookup.
std::pair<std::uint64_t, std::set<std::uint64_t>> reads_before(const Recorder& recorder, Time lookup) {
  std::uint64_t count = 0;
  std::set<std::uint64_t> offsets;
  for (const Recorder::Request& request : recorder.requests()) {
    if (request.endpoint != 0 || request.when.kernel != kKernelB || request.when.time >= lookup) continue;
    if (request.kind != pcie::TlpKind::ConfigRead0) continue;
    ++count;
    offsets.insert(request.where);
  }
  return {count, offsets};
}

}  // namespace

Answer ask_q11(const Laboratory& laboratory) {
  Answer answer;
  RunOptions options = with(laboratory, "continuous");
  options.topology = "switch";
  answer.commands.push_back(command_line(options));
  Recorder recorder;
  const Report report = laboratory.run(options, recorder);
  const std::map<std::string, Seen> all = by_function(recorder, recorder.places());

  std::vector<std::string> late;
  std::vector<std::string> never;
  for (const auto& [name, seen] : all) {
    const bool early = seen.writes_before != 0 || seen.resets_before != 0;
    if (early) late.push_back(name);
    if (!early && !seen.lookup) never.push_back(name);
    std::string text = seen.lookup ? "looked up at " + readable_time(*seen.lookup) : std::string("never looked up");
    if (seen.resets_before != 0) text += ", reset before that";
    if (!seen.first_write) {
      text += ", never written to";
    } else if (early) {
      text += ", first write (" + seen.first_register + ") at " + readable_time(*seen.first_write);
    } else {
      text +=
          ", first write (" + seen.first_register + ") " + readable_time(*seen.first_write - *seen.lookup) + " later";
    }
    answer.observations.push_back({name, text});
  }
  bool identity_alone = false;
  if (const auto endpoint = all.find("endpoint 0"); endpoint != all.end() && endpoint->second.lookup) {
    const auto [count, offsets] = reads_before(recorder, *endpoint->second.lookup);
    identity_alone = count != 0 && offsets == std::set<std::uint64_t>{pcie::config::kVendorId};
    std::vector<std::string> names;
    for (const std::uint64_t offset : offsets) names.push_back(hex(offset, 3));
    answer.observations.push_back({"endpoint 0: read before the lookup",
                                   counted(count, "configuration read") + " (" + listed(names, "no register") + ")"});
  }
  answer.observations.push_back({"the run", outcome(report)});
  if (all.empty() || !never.empty()) {
    answer.sentence = "Undecided: " + (all.empty() ? std::string("nothing was handed over.")
                                                   : listed(never) + " never looked up by the new kernel.");
    return answer;
  }
  answer.decided = true;
  answer.sentence = late.empty() ? "Yes: each of the " + counted(all.size(), "function") +
                                       " that were handed over is looked up before the new kernel writes to it" +
                                       (identity_alone ? ", when it has read nothing but vendor and device." : ".")
                                 : "No: " + listed(late) + " is written to or reset before its lookup.";
  return answer;
}

}  // namespace holdover::bench
