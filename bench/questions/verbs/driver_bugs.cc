// SPDX-License-Identifier: MIT
// Q6: calls that a correct driver never makes, while a correct one has a function preserved.
#include <algorithm>
#include <cerrno>

#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"

namespace holdover::bench {
namespace {

using host::kernel::LuoSession;

struct Bug {
  bool said = false;        // the kernel wrote a line
  bool named = false;       // with the function in it
  bool harmed = false;      // the record of another function's path is less than before, or gone
  bool harm_named = false;  // and a bridge that lost a count was named
  std::vector<std::string> lines;
  TableView before;
  TableView after;
};

// What `act` of a bad driver does to the record of the others.
template <typename Act>
Bug watch(HandoverBench& bench, pcie::Bdf function, const Act& act) {
  Bug bug;
  bench.clear_console();
  bug.before = bench.outgoing();
  act();
  bug.after = bench.outgoing();
  bug.lines = bench.console();
  const auto names = [&](pcie::Bdf which) {
    return std::any_of(bug.lines.begin(), bug.lines.end(),
                       [&](const std::string& line) { return line.find(which.to_string()) != std::string::npos; });
  };
  bug.said = !bug.lines.empty();
  bug.named = names(function);
  for (const auto& [recorded, count] : bug.before.counts) {
    const auto now = bug.after.counts.find(recorded);
    if (now != bug.after.counts.end() && now->second >= count) continue;
    bug.harmed = true;
    bug.harm_named = bug.harm_named || names(recorded);
  }
  return bug;
}

std::string describe(const Bug& bug) {
  std::string text = bug.before.to_string() + " became " + bug.after.to_string();
  for (const std::string& line : bug.lines) text += "; «" + line + "»";
  return text;
}

Answer examine_q06(const SeriesVersions& versions) {
  Answer answer;
  std::vector<std::string> silent;
  std::vector<std::string> nameless;
  std::vector<std::string> harmed;
  std::vector<std::string> harm_unnamed;
  std::vector<std::string> twice_accepted;
  std::vector<std::string> reachable;
  for (const SeriesVersion& version : versions) {
    // Nothing but the left endpoint is preserved; the driver of the right one unpreserves it.
    HandoverBench bench(version.rules);
    LuoSession& session = bench.create_session("s");
    require(HandoverBench::preserve(session, bench.left()) == 0, "a function is preserved");
    const Bug stray = watch(bench, kRight, [&] { bench.pci().unpreserve(right_path()); });
    answer.observations.push_back({version.name + ", unpreserve without preserve", describe(stray)});

    HandoverBench empty(version.rules);
    const Bug none = watch(empty, kRight, [&] { empty.pci().unpreserve(right_path()); });
    answer.observations.push_back({version.name + ", unpreserve where no file is preserved", describe(none)});

    HandoverBench again(version.rules);
    LuoSession& first = again.create_session("first");
    LuoSession& second = again.create_session("second");
    require(HandoverBench::preserve(first, again.left()) == 0, "a function is preserved");
    int error = 0;
    const Bug twice = watch(again, kLeft, [&] { error = again.pci().preserve(left_path()); });
    answer.observations.push_back({version.name + ", preserve twice", errno_text(error) + ", " + describe(twice)});

    // User space tries the same: another token, another session, a token in use.
    const TableView before = again.outgoing();
    const int other_session = HandoverBench::preserve(second, again.left());
    const int other_token = first.preserve(&again.left(), 1);
    const int same_token = HandoverBench::preserve(first, again.left());
    const bool refused = other_session == EBUSY && other_token == EBUSY && same_token == EEXIST &&
                         again.outgoing().counts == before.counts && again.console().empty();
    answer.observations.push_back({version.name + ", user space preserves the file twice",
                                   "in another session " + errno_text(other_session) + ", under another token " +
                                       errno_text(other_token) + ", under the same token " + errno_text(same_token)});

    if (!stray.said || !none.said) silent.push_back(version.name);
    if ((stray.said && !stray.named) || (none.said && !none.named)) nameless.push_back(version.name);
    if (stray.harmed) harmed.push_back(version.name);
    if (stray.harmed && !stray.harm_named) harm_unnamed.push_back(version.name);
    if (error != EBUSY || twice.harmed || twice.after.counts != twice.before.counts) {
      twice_accepted.push_back(version.name);
    }
    if (!refused) reachable.push_back(version.name);
  }

  answer.decided = !versions.empty();
  answer.sentence = reachable.empty() ? "User space reaches neither: LUO refuses the file before the driver is called. "
                                      : "User space reaches the PCI core with it in " + join(reachable) + ". ";
  answer.sentence += twice_accepted.empty() ? "A driver that preserves twice gets EBUSY, and nothing changes. "
                                            : "Preserving twice changes the table in " + join(twice_accepted) + ". ";
  if (silent.empty() && nameless.empty()) {
    answer.sentence += "Unpreserve without preserve is answered by a line that names the function";
  } else {
    answer.sentence += "Unpreserve without preserve goes unsaid in " + join(silent) +
                       " and is said without the function's name in " + join(nameless);
  }
  if (harmed.empty()) {
    answer.sentence += " and does no harm to others.";
  } else {
    answer.sentence += "; it takes a count from the bridges of another endpoint in " + join(harmed) + ", ";
    answer.sentence += harm_unnamed.empty() ? "and the line names them."
                                            : "and no line of " + join(harm_unnamed) + " names those bridges.";
  }
  return answer;
}

}  // namespace

Answer ask_q06(const SeriesVersions& versions) {
  return settle([&] { return examine_q06(versions); });
}

Answer ask_q06(const Laboratory&) { return ask_q06(posted_versions()); }

}  // namespace holdover::bench
