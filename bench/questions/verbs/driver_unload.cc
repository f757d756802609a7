// SPDX-License-Identifier: MIT
// Q20: the only driver goes away while sessions of it are pending, before the jump and after it.
#include <cerrno>

#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"

namespace holdover::bench {
namespace {

using host::kernel::LuoSession;

struct Unload {
  int error = 0;       // of unregistering the handler
  bool table = false;  // still there
  std::uint64_t held = 0;
};

std::string describe(const Unload& unload) {
  return errno_text(unload.error) +
         (unload.table ? ", the table stays with " + count_of(unload.held, "reference") : ", no table");
}

Unload unload_outgoing(HandoverBench& bench) {
  Unload unload;
  unload.error = bench.luo().unregister_handler(bench.driver());
  unload.table = bench.outgoing().there;
  unload.held = bench.luo().outgoing_count(bench.pci());
  return unload;
}

Unload unload_incoming(HandoverBench& bench) {
  Unload unload;
  unload.error = bench.luo().unregister_handler(bench.driver());
  unload.table = bench.incoming().there;
  unload.held = bench.luo().incoming_count(bench.pci());
  return unload;
}

void hand_over(HandoverBench& bench, const SeriesVersion& version) {
  require(HandoverBench::preserve(bench.create_session("s"), bench.left()) == 0, "a function is preserved");
  require(bench.kexec(version.rules) == 0 && bench.scan().empty(), "the next kernel boots and scans its buses");
}

Answer examine_q20(const SeriesVersions& versions) {
  Answer answer;
  std::vector<std::string> refused;      // both sides, while sessions hold files
  std::vector<std::string> unprotected;  // gone before the first open of the device node
  std::vector<std::string> freed;        // by going away
  std::vector<std::string> leaked;       // nobody gives it back although no session is left
  std::vector<std::string> untied;       // the FLB alone is taken from the driver
  for (const SeriesVersion& version : versions) {
    HandoverBench old_kernel(version.rules);
    LuoSession& session = old_kernel.create_session("s");
    require(HandoverBench::preserve(session, old_kernel.left()) == 0, "a function is preserved");
    const Unload outgoing = unload_outgoing(old_kernel);
    session.close();
    const Unload closed = unload_outgoing(old_kernel);

    HandoverBench unopened(version.rules);
    hand_over(unopened, version);
    const Unload early = unload_incoming(unopened);
    const int open = unopened.luo().open();

    HandoverBench opened(version.rules);
    hand_over(opened, version);
    LuoSession* const incoming_session = opened.retrieve_session("s");
    require(incoming_session != nullptr, "a session is retrieved");
    const Unload incoming = unload_incoming(opened);

    HandoverBench apart(version.rules);
    LuoSession& held = apart.create_session("s");
    require(HandoverBench::preserve(held, apart.left()) == 0, "a function is preserved");
    const int untie = apart.luo().unregister_flb(apart.driver(), apart.pci());
    held.close();
    const bool orphan = apart.outgoing().there;

    answer.observations.push_back({version.name + ", old kernel, session pending", describe(outgoing)});
    answer.observations.push_back({version.name + ", old kernel, session closed", describe(closed)});
    answer.observations.push_back({version.name + ", new kernel, device node never opened",
                                   describe(early) + ", then the first open is " + errno_text(open)});
    answer.observations.push_back({version.name + ", new kernel, session pending", describe(incoming)});
    answer.observations.push_back({version.name + ", the FLB alone is taken from the driver, session pending",
                                   errno_text(untie) + (orphan ? ", the table outlives the last file" : ", no table")});
    if (outgoing.error == EBUSY && incoming.error == EBUSY) refused.push_back(version.name);
    if (early.error == 0 && early.table && open != 0) unprotected.push_back(version.name);
    const bool took_along = (outgoing.error == 0 && !outgoing.table) || (early.error == 0 && !early.table) ||
                            (incoming.error == 0 && !incoming.table);
    if (took_along) freed.push_back(version.name);
    if (closed.error == 0 && closed.table) leaked.push_back(version.name);
    if (untie == 0 && orphan) untied.push_back(version.name);
  }
  answer.decided = !versions.empty();
  answer.sentence = freed.empty() ? "No: in no version does a driver that goes away take the table along."
                                  : "Yes, in " + join(freed) + ": the table goes with the driver.";
  if (!refused.empty())
    answer.sentence += " While sessions hold its files it cannot go (EBUSY) in " + join(refused) + ".";
  if (!unprotected.empty()) {
    answer.sentence +=
        " Before the first open of the device node nobody knows whose files they are: the driver goes, the table "
        "stays, and the open fails, in " +
        join(unprotected) + ".";
  }
  if (!leaked.empty()) answer.sentence += " With all sessions closed the table is still there in " + join(leaked) + ".";
  if (!untied.empty()) {
    answer.sentence +=
        " A driver that unregisters the FLB alone leaves a table that no file gives back in " + join(untied) + ".";
  }
  return answer;
}

}  // namespace

Answer ask_q20(const SeriesVersions& versions) {
  return settle([&] { return examine_q20(versions); });
}

Answer ask_q20(const Laboratory&) { return ask_q20(posted_versions()); }

}  // namespace holdover::bench
