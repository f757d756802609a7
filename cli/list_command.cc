// SPDX-License-Identifier: MIT
#include "cli/list_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/questions/question.h"
#include "bench/run.h"
#include "host/kernel/policy.h"
#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

using Rows = std::vector<std::pair<std::string, std::string_view>>;

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
Rows policy_rows() {
  Rows all;
  for (const host::kernel::Policy& policy : host::kernel::policies()) {
    all.emplace_back(policy.name, policy.sentence);
    for (const host::kernel::PolicyValue& value : policy.values) {
      all.emplace_back("  " + std::string(value.name), value.sentence);
    }
  }
  return all;
}

Rows question_rows() {
  Rows all;
  for (const bench::Question& question : bench::questions()) all.emplace_back(question.name, question.question);
  return all;
}

constexpr std::array<Section, 9> kSections{{
    {"scenarios", [] { return rows(bench::scenarios()); }},
    {"profiles", [] { return rows(host::kernel::profiles()); }},
    {"policies", policy_rows},
    {"topologies", [] { return rows(sim::topologies()); }},
    {"endpoints", [] { return rows(sim::endpoints()); }},
    {"disturbances", [] { return rows(sim::disturbances()); }},
    {"faults", [] { return rows(bench::faults()); }},
    {"hazards", [] { return rows(bench::observable_hazards()); }},
    {"questions", question_rows},
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

// `what` is empty for all of them.
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
    throw Error(ErrorCode::InvalidArgument, "list: «" + what +
                                                "» is not possible; it takes scenarios, profiles, policies, "
                                                "topologies, endpoints, disturbances, faults, hazards or questions");
  }
}

}  // namespace

std::vector<std::string> names_in_list(const std::string& section) {
  std::vector<std::string> names;
  for (const Section& each : kSections) {
    if (each.name != section) continue;
    std::string above;
    for (const auto& [name, sentence] : each.rows()) {
      if (name.rfind("  ", 0) == 0) {
        if (!names.empty() && names.back() == above) names.pop_back();
        names.push_back(above + "=" + name.substr(2));
      } else {
        above = name;
        names.push_back(name);
      }
    }
  }
  return names;
}

Command add_list_command(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("list", "Names that can be asked for, each with a sentence");
  const auto what = std::make_shared<std::string>();
  verb->add_option("what", *what,
                   "scenarios, profiles, policies, topologies, endpoints, disturbances, faults, hazards or questions; "
                   "all of them where it is left out");
  return {verb, [what] {
            list(std::cout, *what);
            require_written();
            return 0;
          }};
}

}  // namespace holdover::cli
