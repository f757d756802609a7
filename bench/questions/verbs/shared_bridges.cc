// SPDX-License-Identifier: MIT
// Q5 and Q15: two endpoints below one switch, handed over and given back in every order.
#include <algorithm>
#include <array>

#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"

namespace holdover::bench {
namespace {

using host::kernel::LuoSession;
using host::kernel::PciRecords;

constexpr std::array kShared{kRootPort, kUpstreamPort};

unsigned count_in(const TableView& table, pcie::Bdf function) {
  const auto entry = table.counts.find(function);
  return entry == table.counts.end() ? 0 : entry->second;
}

// Whether both bridges count the endpoints in the table that are below them.
bool counts_endpoints(const TableView& table) {
  const unsigned endpoints = std::min(1u, count_in(table, kLeft)) + std::min(1u, count_in(table, kRight));
  return std::all_of(kShared.begin(), kShared.end(),
                     [&](pcie::Bdf bridge) { return count_in(table, bridge) == endpoints; });
}

struct Released {
  bool counted = true;           // each bridge counted the endpoints below it at every step
  bool shared_survived = true;   // the bridges of both were recorded while one endpoint was
  bool other_survived = true;    // and so was that endpoint
  bool table_to_the_end = true;  // the table was there for the other endpoint's release
  bool empty_at_the_end = true;
  std::vector<std::string> warnings;
  std::vector<Observation> steps;
};

void note(Released& released, const std::string& what, const TableView& table) {
  released.steps.push_back({what, table.to_string()});
}

void take_warnings(const HandoverBench& bench, const SeriesVersion& version, Released& released) {
  for (const std::string& line : bench.console()) {
    released.steps.push_back({version.name + ", the kernel says", line});
    released.warnings.push_back(line);
  }
}

// Old kernel: both are preserved, and unpreserved one after the other.
void unpreserve_both(const SeriesVersion& version, bool left_first, Released& released) {
  HandoverBench bench(version.rules);
  LuoSession& left = bench.create_session("left");
  LuoSession& right = bench.create_session("right");
  require(HandoverBench::preserve(left, bench.left()) == 0, "a function is preserved");
  released.counted &= counts_endpoints(bench.outgoing());
  require(HandoverBench::preserve(right, bench.right()) == 0, "a function is preserved");
  released.counted &= counts_endpoints(bench.outgoing());
  note(released, version.name + ", both preserved", bench.outgoing());
  (left_first ? left : right).close();
  const TableView one = bench.outgoing();
  note(released, version.name + ", " + (left_first ? "left" : "right") + " unpreserved", one);
  released.counted &= counts_endpoints(one);
  for (const pcie::Bdf bridge : kShared) released.shared_survived &= count_in(one, bridge) != 0;
  released.other_survived &= count_in(one, left_first ? kRight : kLeft) == 1;
  (left_first ? right : left).close();
  released.empty_at_the_end &= !bench.outgoing().there;
  take_warnings(bench, version, released);
}

// New kernel: both are incoming, and finished one after the other.
void finish_both(const SeriesVersion& version, bool left_first, bool bridges, Released& released) {
  HandoverBench bench(version.rules);
  require(HandoverBench::preserve(bench.create_session("left"), bench.left()) == 0, "a function is preserved");
  require(HandoverBench::preserve(bench.create_session("right"), bench.right()) == 0, "a function is preserved");
  if (bench.kexec(version.rules) != 0 || !bench.scan().empty()) {
    released.other_survived = false;
    return;
  }
  const auto finish = [&](const char* name, const FunctionFile& file) {
    LuoSession* const session = bench.retrieve_session(name);
    if (session == nullptr || HandoverBench::retrieve(*session, file) != 0) return;
    static_cast<void>(HandoverBench::panic_of([&] { static_cast<void>(session->finish()); }));
  };
  finish(left_first ? "left" : "right", left_first ? bench.left() : bench.right());
  note(released, version.name + ", " + (left_first ? "left" : "right") + " finished, still incoming", bench.incoming());
  released.other_survived &= bench.pci().is_incoming(left_first ? kRight : kLeft);
  if (bridges) {
    released.counted &= counts_endpoints(bench.incoming());
    for (const pcie::Bdf bridge : kShared) released.shared_survived &= bench.pci().is_incoming(bridge);
  }
  released.table_to_the_end &= bench.incoming().there;
  finish(left_first ? "right" : "left", left_first ? bench.right() : bench.left());
  released.empty_at_the_end &= !bench.incoming().there && bench.incoming_functions().empty();
  take_warnings(bench, version, released);
}

// ---- Q5 ----

struct Orders {
  unsigned steps = 0;
  unsigned early = 0;      // the table went while a function was recorded
  unsigned stays = 0;      // it was there although no file was preserved
  unsigned uncounted = 0;  // it was held by another count than that of the files
};

void look(HandoverBench& bench, unsigned files, Orders& orders) {
  ++orders.steps;
  const TableView table = bench.outgoing();
  const std::uint64_t held = bench.luo().outgoing_count(bench.pci());
  if (files != 0 && !table.there) ++orders.early;
  for (const std::string& line : bench.console()) {
    if (line.find("goes away while functions are recorded") != std::string::npos) ++orders.early;
  }
  bench.clear_console();
  if (files == 0 && table.there) ++orders.stays;
  if (held != files) ++orders.uncounted;
}

// All that user space can do: two files in one session or two, in both orders, each session closed in both orders, and
// a file that is preserved once more in between.
void every_order(const SeriesVersion& version, Orders& orders) {
  for (const bool together : {true, false}) {
    for (const bool left_first : {true, false}) {
      for (const bool first_closed_first : {true, false}) {
        HandoverBench bench(version.rules);
        FunctionFile& first = left_first ? bench.left() : bench.right();
        FunctionFile& second = left_first ? bench.right() : bench.left();
        LuoSession& a = bench.create_session("a");
        LuoSession& b = bench.create_session("b");
        require(HandoverBench::preserve(a, first) == 0, "a function is preserved");
        look(bench, 1, orders);
        static_cast<void>(HandoverBench::preserve(b, first));
        look(bench, 1, orders);
        require(HandoverBench::preserve(together ? a : b, second) == 0, "a function is preserved");
        look(bench, 2, orders);
        (first_closed_first ? a : b).close();
        look(bench, together ? (first_closed_first ? 0u : 2u) : 1u, orders);
        (first_closed_first ? b : a).close();
        look(bench, 0, orders);
      }
    }
  }
}

// A driver reports a function for which no file is preserved; the last file goes.
bool driver_makes_it_early(const SeriesVersion& version) {
  HandoverBench bench(version.rules);
  LuoSession& session = bench.create_session("s");
  require(HandoverBench::preserve(session, bench.left()) == 0, "a function is preserved");
  if (bench.pci().preserve(right_path()) != 0) return false;
  session.close();
  return !bench.outgoing().there && bench.console().size() == 1;
}

Answer examine_q05(const SeriesVersions& versions) {
  Answer answer;
  std::vector<std::string> early;
  std::vector<std::string> stays;
  std::vector<std::string> by_driver;
  unsigned steps = 0;
  for (const SeriesVersion& version : versions) {
    Orders orders;
    every_order(version, orders);
    steps += orders.steps;
    if (orders.early != 0) early.push_back(version.name);
    if (orders.stays != 0) stays.push_back(version.name);
    if (driver_makes_it_early(version)) by_driver.push_back(version.name);
    answer.observations.push_back(
        {version.name + ", steps of user space",
         std::to_string(orders.steps) + ", table gone early at " + std::to_string(orders.early) +
             ", there without a file at " + std::to_string(orders.stays) +
             ", held by another count than that of the files at " + std::to_string(orders.uncounted)});
  }
  answer.observations.push_back(
      {"a driver reports a function without a file: table gone with it in, and one line", join(by_driver)});
  answer.decided = !versions.empty();
  if (!early.empty()) {
    answer.sentence = "User space can make the table go while functions are recorded in it, in " + join(early) + ".";
  } else if (!stays.empty()) {
    answer.sentence = "The table never goes too early, but in " + join(stays) +
                      " it stays when the last file is unpreserved, and what user space closed is handed over.";
  } else {
    answer.sentence = "In none of " + count_of(steps, "step") +
                      " of user space does the table go while a function is recorded, and it always goes with the last "
                      "file.";
  }
  if (!by_driver.empty()) {
    answer.sentence +=
        " A driver can do it: one that reports a function without a file of its own loses the record in " +
        join(by_driver) + ", and the kernel says so in one line.";
  }
  return answer;
}

Answer examine_q15(const SeriesVersions& versions) {
  Answer answer;
  std::vector<std::string> alone;
  std::vector<std::string> survives;
  std::vector<std::string> lost;
  std::vector<std::string> warned;
  std::string first_warning;
  bool counted = true;
  for (const SeriesVersion& version : versions) {
    const bool bridges = version.rules.records == PciRecords::WithBridges;
    Released released;
    for (const bool left_first : {true, false}) {
      unpreserve_both(version, left_first, released);
      finish_both(version, left_first, bridges, released);
    }
    answer.observations.insert(answer.observations.end(), released.steps.begin(), released.steps.end());
    const bool whole = released.other_survived && released.table_to_the_end && released.empty_at_the_end;
    if (!bridges) {
      alone.push_back(version.name);
    } else if (released.shared_survived && whole) {
      survives.push_back(version.name);
    }
    if (bridges) counted &= released.counted;
    if (!whole || (bridges && !released.shared_survived)) lost.push_back(version.name);
    if (!released.warnings.empty()) warned.push_back(version.name);
    if (first_warning.empty() && !released.warnings.empty()) first_warning = released.warnings.front();
  }
  answer.decided = !survives.empty() || !lost.empty();
  if (!survives.empty()) {
    answer.sentence = counted
                          ? "The count of a bridge is the number of endpoints below it that are handed over, and a "
                            "shared bridge outlives the first of two to be released, in both orders, in "
                          : "A shared bridge outlives the first of two endpoints to be released, though its count is "
                            "not always the number of endpoints below it, in ";
    answer.sentence += join(survives) + ".";
  }
  const auto add = [&](const std::string& sentence) {
    answer.sentence += (answer.sentence.empty() ? "" : " ") + sentence;
  };
  if (!alone.empty()) add("No bridge is recorded in " + join(alone) + ".");
  if (!lost.empty()) add("What the second endpoint needs goes with the first in " + join(lost) + ".");
  if (!warned.empty()) add("The kernel warns on the way in " + join(warned) + " («" + first_warning + "»).");
  return answer;
}

}  // namespace

Answer ask_q05(const SeriesVersions& versions) {
  return settle([&] { return examine_q05(versions); });
}

Answer ask_q15(const SeriesVersions& versions) {
  return settle([&] { return examine_q15(versions); });
}

Answer ask_q05(const Laboratory&) { return ask_q05(posted_versions()); }

Answer ask_q15(const Laboratory&) { return ask_q15(posted_versions()); }

}  // namespace holdover::bench
