// SPDX-License-Identifier: MIT
#include "cli/board_report.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

namespace holdover::cli {

void print(std::ostream& out, const host::BoardCheck& check) {
  out << "board at " << check.bdf.to_string() << "; nothing was changed\n\n";
  for (const host::BoardFact& fact : check.facts) {
    std::array<char, 64> head{};
    std::snprintf(head.data(), head.size(), "%-21s %-8s", fact.subject.c_str(),
                  std::string(to_string(fact.state)).c_str());
    out << head.data() << ' ' << fact.sentence << '\n';
    for (const std::string& command : fact.commands) out << std::string(31, ' ') << "# " << command << '\n';
  }
  const std::string target = "vfio:" + check.bdf.to_string();
  out << "\nwhat `holdover board run " << target << "` will do\n"
      << "  --stage 1  open the function (VFIO resets it), map memory for it, start its streams, preserve memory,\n"
      << "             address space and device in a session of /dev/liveupdate, write --state FILE, and enter the\n"
      << "             next kernel by reboot(KEXEC) without stopping a service: stop them before\n"
      << "  --stage 2  retrieve the session under the next kernel, finish it, and tell the verdict\n\n"
      << (check.ready() ? "everything that is needed is there\n" : "something is missing\n");
}

std::string to_json(const host::BoardCheck& check) {
  using Json = nlohmann::ordered_json;
  Json facts = Json::array();
  for (const host::BoardFact& fact : check.facts) {
    facts.push_back({{"subject", fact.subject},
                     {"state", to_string(fact.state)},
                     {"sentence", fact.sentence},
                     {"commands", fact.commands}});
  }
  const Json json{{"schema_version", 1}, {"bdf", check.bdf.to_string()}, {"ready", check.ready()}, {"facts", facts}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdover::cli
