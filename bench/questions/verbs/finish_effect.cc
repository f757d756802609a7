// SPDX-License-Identifier: MIT
// Q3: a scan of the buses and a function that is plugged again, each before finish and after it.
#include <algorithm>
#include <map>

#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/kernel_bench.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"

namespace holdover::bench {
namespace {

using host::kernel::LuoSession;

// ---- Bus scans, on a machine ----

struct Rescan {
  std::size_t writes = 0;
  unsigned to_endpoint = 0;
  pcie::Bdf endpoint;  // where it is afterwards
};

struct Scans {
  bool ran = false;
  pcie::Bdf handed_over;
  Rescan before;
  Rescan after;
  int retrieve_after = 0;
};

Rescan rescan(KernelBench& bench, const std::string& stage) {
  bench.begin_stage(stage);
  bench.kernel().pci().rescan();
  bench.begin_stage("");
  return {bench.writes(stage).size(), bench.writes_to("endpoint 0", stage), bench.bdf("endpoint 0")};
}

Scans scan_around_finish(const Laboratory& laboratory, const std::string& command_line) {
  KernelBench bench(laboratory);
  LuoSession* session = nullptr;
  const bool preserved = bench.boot(command_line) && bench.open(0) == 0 && bench.create_session("s", session) == 0 &&
                         bench.preserve(*session, 0) == 0;
  require(preserved, "an endpoint is preserved by the first kernel");
  Scans scans;
  scans.handed_over = bench.bdf("endpoint 0");
  if (bench.kexec(command_line) != 0 || bench.retrieve_session("s", session) != 0) return scans;
  if (bench.retrieve(*session, 0) != 0) return scans;
  scans.before = rescan(bench, "before");
  if (session->finish() != 0) return scans;
  scans.retrieve_after = bench.retrieve(*session, 0);
  scans.after = rescan(bench, "after");
  scans.ran = true;
  return scans;
}

std::string describe(const Rescan& rescan) {
  return count_of(rescan.writes, "configuration write") + ", " + std::to_string(rescan.to_endpoint) +
         " of them to the endpoint, which is at " + rescan.endpoint.to_string();
}

// ---- Plugging again ----

struct Replug {
  bool before = false;  // incoming when it is found again before finish
  bool after = false;   // the same after it, while the other endpoint's table is still there
};

Replug replug(const SeriesVersion& version) {
  const auto found_again = [&](bool finished) {
    HandoverBench bench(version.rules);
    require(HandoverBench::preserve(bench.create_session("left"), bench.left()) == 0, "a function is preserved");
    require(HandoverBench::preserve(bench.create_session("right"), bench.right()) == 0, "a function is preserved");
    require(bench.kexec(version.rules) == 0 && bench.scan().empty(), "the next kernel boots and scans its buses");
    LuoSession* const session = bench.retrieve_session("left");
    require(session != nullptr && HandoverBench::retrieve(*session, bench.left()) == 0, "a function is retrieved");
    if (finished) require(session->finish() == 0, "a session is finished");
    bench.pci().cleanup_device(left_path());
    return bench.pci().setup_device(kLeft);
  };
  return {found_again(false), found_again(true)};
}

Answer examine_q03(const Laboratory& laboratory, const NamedKernels& kernels, const SeriesVersions& versions) {
  Answer answer;
  std::vector<std::string> ends;   // with finish the numbers are free
  std::vector<std::string> stays;  // they stay
  std::vector<std::string> never;  // they were not kept before either
  bool ran = !kernels.empty() && !versions.empty();
  for (const NamedKernel& kernel : kernels) {
    const Scans scans = scan_around_finish(laboratory, kernel.command_line);
    ran = ran && scans.ran;
    answer.observations.push_back({kernel.name + ", rescan before finish", describe(scans.before)});
    answer.observations.push_back({kernel.name + ", rescan after finish", describe(scans.after)});
    answer.observations.push_back({kernel.name + ", retrieve after finish", errno_text(scans.retrieve_after)});
    if (scans.before.endpoint != scans.handed_over) {
      never.push_back(kernel.name);
    } else {
      (scans.after.endpoint == scans.handed_over ? stays : ends).push_back(kernel.name);
    }
  }
  std::vector<std::string> forgets;   // incoming when plugged again before finish, not after it
  std::vector<std::string> always;    // both times
  std::vector<std::string> not_once;  // neither
  for (const SeriesVersion& version : versions) {
    const Replug seen = replug(version);
    answer.observations.push_back({version.name + ", function plugged again",
                                   std::string("before finish ") + (seen.before ? "incoming" : "not incoming") +
                                       ", after it " + (seen.after ? "incoming" : "not incoming")});
    (seen.after ? always : seen.before ? forgets : not_once).push_back(version.name);
  }
  answer.decided = ran;
  const auto add = [&](const std::string& sentence) {
    answer.sentence += (answer.sentence.empty() ? "" : " ") + sentence;
  };
  if (!ends.empty()) {
    add("Yes: the bus numbers are free after the last finish, so that a rescan which assigns them anew moves the "
        "running "
        "endpoint, in " +
        join(ends) + ".");
  }
  if (!stays.empty())
    add("A rescan after finish leaves the numbers alone as one before it does in " + join(stays) + ".");
  if (!never.empty()) add("A rescan moves the endpoint even before finish in " + join(never) + ".");
  if (!forgets.empty()) {
    add("A function that is plugged again is incoming once more before finish, and an ordinary one after it, in " +
        join(forgets) + ".");
  }
  if (!not_once.empty()) add("It is an ordinary one both times in " + join(not_once) + ".");
  if (!always.empty()) {
    add("It is incoming even after its finish, as long as the table is there, in " + join(always) + ".");
  }
  return answer;
}

}  // namespace

Answer ask_q03(const Laboratory& laboratory, const NamedKernels& kernels, const SeriesVersions& versions) {
  return settle([&] { return examine_q03(laboratory, kernels, versions); });
}

Answer ask_q03(const Laboratory& laboratory) {
  // v6 to v8 have one rule for bus numbers.
  NamedKernels kernels;
  for (const char* name : {"v3", "v4", "v5", "v8", "v9"}) {
    kernels.push_back({name, std::string("profile=pci-") + name + " policy=bus-numbers=reassign"});
  }
  return ask_q03(laboratory, kernels, posted_versions());
}

}  // namespace holdover::bench
