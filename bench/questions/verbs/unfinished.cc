// SPDX-License-Identifier: MIT
// Q16: finish that nobody calls, by a driver's omission or by user space's, and the update after it.
#include <algorithm>

#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"

namespace holdover::bench {
namespace {

using host::kernel::LuoSession;
using host::kernel::PageState;

enum class Omission {
  Driver,     // LUO finishes the file, the driver does not tell the PCI core
  UserSpace,  // the session is retrieved and never finished
};

struct Left {
  std::string panic;
  bool table = false;      // still there
  std::uint64_t held = 0;  // references on it
  bool page_in_use = false;
  std::size_t marked = 0;      // functions that are still incoming
  bool keeps_numbers = false;  // a rescan would leave bus numbers alone
  // The update after it, in which another endpoint is handed over.
  int freeze = 0;
  bool handed_on = false;  // the old table's page is preserved once more
  std::string next_panic;
  bool next_right = false;  // the next kernel gets what this one preserved, and nothing else
};

Left omit(const SeriesVersion& version, Omission omission) {
  HandoverBench bench(version.rules);
  require(HandoverBench::preserve(bench.create_session("s"), bench.left()) == 0, "a function is preserved");
  require(bench.kexec(version.rules) == 0 && bench.scan().empty(), "the next kernel boots and scans its buses");
  const PhysicalAddress page = bench.incoming_page();
  LuoSession* const session = bench.retrieve_session("s");
  require(session != nullptr && HandoverBench::retrieve(*session, bench.left()) == 0, "a function is retrieved");
  Left left;
  if (omission == Omission::Driver) {
    bench.driver().finishes = false;
    left.panic = HandoverBench::panic_of([&] { require(session->finish() == 0, "a session is finished"); });
    bench.driver().finishes = true;
  }
  left.table = bench.incoming().there;
  left.held = bench.luo().incoming_count(bench.pci());
  left.page_in_use = bench.kho().pages().state(page) != PageState::Free;
  left.marked = bench.incoming_functions().size();
  if (!left.panic.empty()) return left;  // nothing of this kernel runs any more
  left.keeps_numbers = bench.pci().keep_bus_numbers(kRootPort, nullptr, 0);

  require(HandoverBench::preserve(bench.create_session("next"), bench.right()) == 0, "a function is preserved");
  left.freeze = bench.freeze();
  if (left.freeze != 0) return left;
  left.handed_on = left.page_in_use && bench.kho().is_preserved(page, 0);
  bench.jump(version.rules);
  left.next_panic = bench.scan();
  const std::vector<pcie::Bdf> incoming = bench.incoming_functions();
  const auto is = [&](pcie::Bdf function) {
    return std::find(incoming.begin(), incoming.end(), function) != incoming.end();
  };
  left.next_right = left.next_panic.empty() && is(kRight) && !is(kLeft);
  return left;
}

std::string describe(const Left& left) {
  if (!left.panic.empty()) return "panic: " + left.panic;
  std::string text = left.table ? "the table stays, held by " + count_of(left.held, "reference") : "the table is freed";
  text += left.page_in_use ? ", its page in use" : ", its page free";
  text += "; " + count_of(left.marked, "function") + " still incoming; bus numbers are " +
          (left.keeps_numbers ? "kept" : "not kept") + "; next freeze " + errno_text(left.freeze);
  text += left.handed_on ? ", the old table handed on" : ", the old table not handed on";
  if (!left.next_panic.empty()) return text + ", the next kernel panics: " + left.next_panic;
  return text + ", the next kernel gets " + (left.next_right ? "what was preserved anew" : "something else");
}

Answer examine_q16(const SeriesVersions& versions) {
  Answer answer;
  std::vector<std::string> panics;
  std::vector<std::string> leaks;
  std::vector<std::string> freed;
  std::vector<std::string> stays;
  std::vector<std::string> next_fails;
  for (const SeriesVersion& version : versions) {
    const Left driver = omit(version, Omission::Driver);
    answer.observations.push_back({version.name + ", the driver never finishes", describe(driver)});
    if (!driver.panic.empty()) {
      panics.push_back(version.name);
    } else if (driver.table) {
      leaks.push_back(version.name);
    } else {
      freed.push_back(version.name);
    }
    const Left user = omit(version, Omission::UserSpace);
    answer.observations.push_back({version.name + ", user space never finishes", describe(user)});
    if (user.table && user.panic.empty()) stays.push_back(version.name);
    const bool next_right = (driver.next_right || !driver.panic.empty()) && user.next_right;
    if (!next_right || driver.handed_on || user.handed_on) next_fails.push_back(version.name);
  }
  answer.decided = !versions.empty() && stays.size() == versions.size();
  const auto add = [&](const std::string& sentence) {
    answer.sentence += (answer.sentence.empty() ? "" : " ") + sentence;
  };
  if (!leaks.empty()) {
    add("Where a driver never finishes, the table leaks until the next jump in " + join(leaks) + ".");
  }
  if (!freed.empty()) {
    add("It is freed with the last file, while functions are still marked incoming, in " + join(freed) + ".");
  }
  if (!panics.empty()) add("The kernel panics when the last file is finished in " + join(panics) + ".");
  if (!stays.empty()) {
    add("Where user space never finishes, the table stays as long as the kernel does in " + join(stays) + ".");
  }
  add(next_fails.empty() ? "The next update hands over what is preserved anew, and nothing of the old table."
                         : "The next update is disturbed by it in " + join(next_fails) + ".");
  return answer;
}

}  // namespace

Answer ask_q16(const SeriesVersions& versions) {
  return settle([&] { return examine_q16(versions); });
}

Answer ask_q16(const Laboratory&) { return ask_q16(posted_versions()); }

}  // namespace holdover::bench
