// SPDX-License-Identifier: MIT
// Q19: enumeration, registration of drivers and the agent in every order that a boot and a hot-plug can bring.
#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"

namespace holdover::bench {
namespace {

using host::kernel::LuoSession;

enum class Order {
  ScanFirst,    // enumeration, then the driver, then the agent
  DriverFirst,  // the driver is there when enumeration comes
  AgentFirst,   // the agent asks before enumeration has found the function
};

struct Seen {
  std::vector<pcie::Bdf> incoming;  // after enumeration
  int retrieve = 0;                 // the agent's first attempt
  int finish = 0;
  int later = 0;  // where the first attempt failed: another one after enumeration
  std::string panic;
  bool clean = false;  // at the end nothing is incoming and the table is given back
  std::vector<std::string> lines;
};

// Two attempts of the agent, the second only where the first was refused.
void attempt(HandoverBench& bench, LuoSession& session, Seen& seen) {
  seen.retrieve = HandoverBench::retrieve(session, bench.left());
  const std::string panic = HandoverBench::panic_of([&] { seen.finish = session.finish(); });
  if (seen.panic.empty()) seen.panic = panic;
}

Seen run(const SeriesVersion& version, Order order) {
  HandoverBench bench(version.rules);
  require(HandoverBench::preserve(bench.create_session("s"), bench.left()) == 0, "a function is preserved");
  require(bench.kexec(version.rules, false) == 0, "the next kernel boots");
  Seen seen;
  const auto enumerate = [&] {
    const std::string panic = bench.scan();
    if (seen.panic.empty()) seen.panic = panic;
    seen.incoming = bench.incoming_functions();
  };
  if (order == Order::ScanFirst) enumerate();
  require(bench.register_driver() == 0, "a driver is registered");
  if (order == Order::DriverFirst) enumerate();
  LuoSession* const session = bench.retrieve_session("s");
  require(session != nullptr, "a session is retrieved");
  attempt(bench, *session, seen);
  if (order == Order::AgentFirst && seen.panic.empty()) {
    enumerate();
    if (seen.finish != 0 && seen.panic.empty()) {
      seen.later = HandoverBench::retrieve(*session, bench.left());
      const std::string panic = HandoverBench::panic_of([&] { seen.finish = session->finish(); });
      if (seen.panic.empty()) seen.panic = panic;
    }
  }
  seen.clean = seen.panic.empty() && seen.finish == 0 && bench.incoming_functions().empty() && !bench.incoming().there;
  seen.lines = bench.console();
  return seen;
}

// Hot-plug: the right endpoint is found when the left one, which shares bridges with it, has been finished.
Seen plug_late(const SeriesVersion& version) {
  HandoverBench bench(version.rules);
  require(HandoverBench::preserve(bench.create_session("left"), bench.left()) == 0, "a function is preserved");
  require(HandoverBench::preserve(bench.create_session("right"), bench.right()) == 0, "a function is preserved");
  require(bench.kexec(version.rules) == 0, "the next kernel boots");
  Seen seen;
  const auto give_back = [&](const char* name, const FunctionFile& file) {
    LuoSession* const session = bench.retrieve_session(name);
    require(session != nullptr, "a session is retrieved");
    seen.retrieve = HandoverBench::retrieve(*session, file);
    const std::string panic = HandoverBench::panic_of([&] { seen.finish = session->finish(); });
    if (seen.panic.empty()) seen.panic = panic;
  };
  seen.panic = bench.scan({kRootPort, kUpstreamPort, kLeftPort, kLeft});
  if (seen.panic.empty()) give_back("left", bench.left());
  if (seen.panic.empty()) seen.panic = bench.scan({kRightPort, kRight});
  seen.incoming = bench.incoming_functions();
  if (seen.panic.empty()) give_back("right", bench.right());
  seen.clean = seen.panic.empty() && seen.finish == 0 && bench.console().empty() &&
               bench.incoming_functions().empty() && !bench.incoming().there;
  seen.lines = bench.console();
  return seen;
}

std::string describe(const Seen& seen) {
  std::string text = "incoming " + count_of(seen.incoming.size(), "function") + ", retrieve " +
                     errno_text(seen.retrieve) + (seen.later == 0 ? "" : ", later " + errno_text(seen.later)) +
                     ", finish " + errno_text(seen.finish) + (seen.clean ? ", all given back" : ", not given back");
  if (!seen.panic.empty()) text += ", panic: " + seen.panic;
  for (const std::string& line : seen.lines) text += "; «" + line + "»";
  return text;
}

Answer examine_q19(const SeriesVersions& versions) {
  Answer answer;
  std::vector<std::string> order_matters;
  std::vector<std::string> sticky;
  std::vector<std::string> recovers;
  std::vector<std::string> accepted;
  std::vector<std::string> late_found;
  std::vector<std::string> late_lost;
  for (const SeriesVersion& version : versions) {
    const Seen scan_first = run(version, Order::ScanFirst);
    const Seen driver_first = run(version, Order::DriverFirst);
    const Seen agent_first = run(version, Order::AgentFirst);
    answer.observations.push_back({version.name + ", enumeration, driver, agent", describe(scan_first)});
    answer.observations.push_back({version.name + ", driver, enumeration, agent", describe(driver_first)});
    answer.observations.push_back({version.name + ", driver, agent, enumeration", describe(agent_first)});
    const Seen late = plug_late(version);
    answer.observations.push_back({version.name + ", an endpoint found after its neighbour's finish", describe(late)});
    (late.clean ? late_found : late_lost).push_back(version.name);
    const bool same = scan_first.incoming == driver_first.incoming && !scan_first.incoming.empty() &&
                      scan_first.clean && driver_first.clean;
    if (!same) order_matters.push_back(version.name);
    if (agent_first.retrieve == 0) {
      accepted.push_back(version.name);
    } else if (agent_first.later == agent_first.retrieve && !agent_first.clean) {
      sticky.push_back(version.name);
    } else if (agent_first.clean) {
      recovers.push_back(version.name);
    }
  }
  answer.decided = !versions.empty() && accepted.size() + sticky.size() + recovers.size() == versions.size();
  answer.sentence = order_matters.empty()
                        ? "The table is read and given back alike whether enumeration or the driver comes first."
                        : "It matters whether enumeration or the driver comes first in " + join(order_matters) + ".";
  if (!late_found.empty()) {
    answer.sentence += " An endpoint that is found late, after its neighbour was finished, is given back as well in " +
                       join(late_found) + ".";
  }
  if (!late_lost.empty()) {
    answer.sentence += " An endpoint that is found late is not given back in order in " + join(late_lost) + ".";
  }
  if (!sticky.empty()) {
    answer.sentence +=
        " An agent that asks before enumeration has found the function is refused for ever: the refusal sticks, and "
        "the table is never given back, in " +
        join(sticky) + ".";
  }
  if (!accepted.empty()) {
    answer.sentence += " An agent that asks before enumeration gets the file all the same in " + join(accepted) + ".";
  }
  if (!recovers.empty()) answer.sentence += " Such an agent succeeds later in " + join(recovers) + ".";
  return answer;
}

}  // namespace

Answer ask_q19(const SeriesVersions& versions) {
  return settle([&] { return examine_q19(versions); });
}

Answer ask_q19(const Laboratory&) { return ask_q19(posted_versions()); }

}  // namespace holdover::bench
