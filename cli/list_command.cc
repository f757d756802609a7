// SPDX-License-Identifier: MIT
#include "cli/list_command.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/run.h"
#include "host/kernel/profile.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

using Rows = std::vector<std::pair<std::string_view, std::string_view>>;

template <typename Table>
Rows rows(const Table& table) {
  Rows all;
  for (const auto& entry : table) {
    all.emplace_back(entry.name, entry.sentence);
  }
  return all;
}

struct Section {
  std::string_view name;
  Rows (*rows)();
};
constexpr std::array<Section, 4> kSections{{
    {"scenarios", [] { return rows(bench::scenarios()); }},
    {"profiles", [] { return rows(host::kernel::profiles()); }},
    {"topologies", [] { return rows(sim::topologies()); }},
    {"faults", [] { return rows(bench::faults()); }},
}};

void print(std::ostream& out, const Rows& all) {
  std::size_t width = 0;
  for (const auto& [name, sentence] : all) {
    width = std::max(width, name.size());
  }
  for (const auto& [name, sentence] : all) {
    out << "  " << name << std::string(width - name.size() + 2, ' ') << sentence << '\n';
  }
}

}  // namespace

void list(std::ostream& out, const std::string& what) {
  bool found = false;
  for (const Section& section : kSections) {
    if (!what.empty() && section.name != what) {
      continue;
    }
    out << (found ? "\n" : "") << section.name << '\n';
    print(out, section.rows());
    found = true;
  }
  if (!found) {
    throw Error(ErrorCode::InvalidArgument,
                "list: «" + what + "» is not possible; it takes scenarios, profiles, topologies or faults");
  }
}

}  // namespace holdover::cli
