// SPDX-License-Identifier: MIT
// Q4: more functions than were present when the first was preserved, and what the ones that run see of it.
#include <algorithm>
#include <map>

#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/kernel_bench.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"
#include "host/kernel/pci/path.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

using host::kernel::LuoSession;
using host::kernel::PciPath;

// Present at the first preserve, and more than a page of entries beyond it.
constexpr std::uint64_t kPresent = 6;
constexpr unsigned kTried = 1200;

struct Filling {
  std::size_t recorded = 0;  // entries when the first function was refused, or all were taken
  int error = 0;             // of that function
  bool untouched = false;    // the table was the same before and after the refusal
  bool adopted = false;      // the next kernel finds every function that was taken
  int virtual_function = 0;  // answer for an SR-IOV VF
};

// Functions on the root bus beside the endpoint: each is one entry.
pcie::Bdf hot_added(unsigned number) {
  return pcie::Bdf::from_requester_id(static_cast<pcie::RequesterId>(0x1000 + number));
}

Filling fill(const SeriesVersion& version) {
  HandoverBench bench(version.rules, kPresent);
  require(HandoverBench::preserve(bench.create_session("s"), bench.left()) == 0, "a function is preserved");
  Filling filling;
  PciPath vf{hot_added(kTried), {}};
  vf.virtual_function = true;
  filling.virtual_function = bench.pci().preserve(vf);
  std::vector<pcie::Bdf> taken{kLeft};
  TableView before = bench.outgoing();
  for (unsigned number = 0; number < kTried && filling.error == 0; ++number) {
    before = bench.outgoing();
    filling.error = bench.pci().preserve(PciPath{hot_added(number), {}});
    if (filling.error == 0) taken.push_back(hot_added(number));
  }
  const TableView after = bench.outgoing();
  filling.recorded = after.counts.size();
  filling.untouched = filling.error == 0 || (after.counts == before.counts && after.nr_devices == before.nr_devices);
  if (bench.kexec(version.rules) != 0 || !bench.scan(taken).empty()) return filling;
  filling.adopted =
      std::all_of(taken.begin(), taken.end(), [&](pcie::Bdf function) { return bench.pci().is_incoming(function); });
  return filling;
}

std::string describe(const Filling& filling) {
  return "entries: " + std::to_string(filling.recorded) + ", then " + errno_text(filling.error) +
         (filling.untouched ? ", nothing changed" : ", the table changed") +
         (filling.adopted ? ", all of them adopted" : ", not all adopted") +
         "; a VF: " + errno_text(filling.virtual_function);
}

// ---- On a machine: an endpoint runs, another is plugged in ----

struct HotAdd {
  bool ran = false;
  bool found = false;
  int preserve = 0;
  unsigned writes_to_running = 0;  // from the hot-add to the refusal or success
  std::size_t writes_to_bridges = 0;
  bool command_same = false;
  bool incoming = false;  // the running one, in the next kernel
};

HotAdd hot_add(const Laboratory& laboratory, const std::string& command_line) {
  KernelBench bench(laboratory);
  bench.set_present(1, false);
  LuoSession* session = nullptr;
  const bool preserved = bench.boot(command_line) && bench.open(0) == 0 && bench.create_session("s", session) == 0 &&
                         bench.preserve(*session, 0) == 0;
  require(preserved, "an endpoint is preserved by the first kernel");
  HotAdd seen;
  const pcie::Bdf running = bench.bdf("endpoint 0");
  const std::uint32_t command = bench.config("endpoint 0", pcie::config::kCommand, 2);
  bench.begin_stage("hot-add");
  bench.set_present(1, true);
  bench.kernel().pci().rescan();
  const auto functions = bench.kernel().functions();
  const auto added =
      std::find_if(functions.begin(), functions.end(), [&](pcie::Bdf function) { return function != running; });
  seen.found = added != functions.end();
  if (!seen.found) return seen;
  // As its driver's file handler would: the function has no driver yet.
  seen.preserve =
      bench.kernel().live_update().pci().preserve(host::kernel::path_to(*bench.kernel().pci().find(*added)));
  bench.begin_stage("");
  seen.writes_to_running = bench.writes_to("endpoint 0", "hot-add");
  seen.writes_to_bridges =
      bench.writes("hot-add").size() - seen.writes_to_running - bench.writes_to("endpoint 1", "hot-add");
  seen.command_same = bench.config("endpoint 0", pcie::config::kCommand, 2) == command;
  seen.ran = bench.kexec(command_line) == 0;
  seen.incoming = seen.ran && bench.kernel().live_update().pci().is_incoming(running);
  return seen;
}

std::string describe(const HotAdd& seen) {
  return std::string(seen.found ? "found" : "not found") + ", preserve " + errno_text(seen.preserve) + "; " +
         count_of(seen.writes_to_running, "configuration write") + " to the running endpoint and " +
         std::to_string(seen.writes_to_bridges) + " to bridges; it is " + (seen.incoming ? "" : "not ") +
         "incoming in the next kernel";
}

Answer examine_q04(const Laboratory& laboratory, const NamedKernels& kernels, const SeriesVersions& versions) {
  Answer answer;
  std::map<std::string, std::vector<std::string>> full;  // by what refuses the first function too many
  std::vector<std::string> unlimited;
  std::vector<std::string> damaged;
  bool exact = true;
  bool virtual_functions = false;
  for (const SeriesVersion& version : versions) {
    const Filling filling = fill(version);
    answer.observations.push_back({version.name + ", " + std::to_string(kPresent) + " present", describe(filling)});
    if (filling.error == 0) {
      unlimited.push_back(version.name);
    } else {
      full[errno_text(filling.error)].push_back(version.name);
      exact = exact && filling.recorded == kPresent;
    }
    if (!filling.untouched || !filling.adopted) damaged.push_back(version.name);
    virtual_functions = virtual_functions || filling.virtual_function == 0;
  }
  std::vector<std::string> touched;
  bool ran = !kernels.empty() && !versions.empty();
  for (const NamedKernel& kernel : kernels) {
    const HotAdd seen = hot_add(laboratory, kernel.command_line);
    answer.observations.push_back({kernel.name + ", endpoint plugged in beside one that runs", describe(seen)});
    ran = ran && seen.found && seen.ran;
    if (seen.writes_to_running != 0 || !seen.command_same || !seen.incoming) touched.push_back(kernel.name);
  }
  answer.decided = ran;
  const auto add = [&](const std::string& sentence) {
    answer.sentence += (answer.sentence.empty() ? "" : " ") + sentence;
  };
  std::vector<std::string> refusals;
  refusals.reserve(full.size());
  for (const auto& [error, names] : full) refusals.push_back("with " + error + " in " + join(names));
  if (!full.empty()) {
    add(std::string(exact ? "Once as many are recorded as were present at the first preserve, the next is refused "
                          : "At some entry the next is refused ") +
        join(refusals) + ".");
  }
  if (!unlimited.empty()) {
    add("There is no such limit in " + join(unlimited) + ": " + std::to_string(kTried) + " more are taken.");
  }
  add(damaged.empty() ? "A refusal leaves the table as it is, and all that was taken is adopted."
                      : "The table suffers in " + join(damaged) + ".");
  add(touched.empty() ? "The endpoint that runs sees no configuration write meanwhile, and is handed over."
                      : "The endpoint that runs is touched or lost in " + join(touched) + ".");
  add(virtual_functions ? "Virtual functions are taken." : "Virtual functions are refused, room or not.");
  return answer;
}

}  // namespace

Answer ask_q04(const Laboratory& laboratory, const NamedKernels& kernels, const SeriesVersions& versions) {
  return settle([&] { return examine_q04(laboratory, kernels, versions); });
}

Answer ask_q04(const Laboratory& laboratory) {
  const NamedKernels kernels{{"v3", "profile=pci-v3"}, {"v6", "profile=pci-v6"}, {"v9", "profile=pci-v9"}};
  return ask_q04(laboratory, kernels, posted_versions());
}

}  // namespace holdover::bench
