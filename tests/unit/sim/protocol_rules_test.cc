// SPDX-License-Identifier: MIT
// Every rule is broken by a planted deviation, found by that rule alone, and held by the nearest legal neighbour.
#include "sim/protocol_rules.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/sim/protocol/rule_case.h"

namespace holdover::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using rule_cases::RuleCase;

std::vector<RuleCase> all_cases() {
  std::vector<RuleCase> all;
  for (const auto& group : {rule_cases::format_cases(), rule_cases::request_cases(), rule_cases::config_request_cases(),
                            rule_cases::message_cases(), rule_cases::completion_cases(), rule_cases::flow_cases()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

TEST(ProtocolRules, EachHasOneDeviationAndOneNearMissHere) {
  std::multiset<std::string_view> tried;
  for (const RuleCase& deviation : all_cases()) tried.insert(deviation.rule);
  std::multiset<std::string_view> existing;
  for (const RuleGroup& group : rule_groups()) {
    for (const ProtocolRule& rule : group.rules) {
      EXPECT_FALSE(rule.clause.empty()) << rule.name;
      const bool judged_elsewhere = rule.scope == RuleScope::Tracker || rule.scope == RuleScope::Link;
      EXPECT_EQ(rule.holds == nullptr, judged_elsewhere) << rule.name;
      existing.insert(rule.name);
    }
  }

  EXPECT_EQ(tried, existing);
  EXPECT_GE(existing.size(), 93u);
}

// HOLDOVER_WRITE_DOCS=1 in the environment writes the page anew.
TEST(ProtocolRules, TheirPageIsFresh) {
  const char* const path = HOLDOVER_PROTOCOL_RULES_PAGE;
  if (std::getenv("HOLDOVER_WRITE_DOCS") != nullptr) std::ofstream{path} << rules_page();
  std::stringstream page;
  page << std::ifstream{path}.rdbuf();

  EXPECT_EQ(page.str(), rules_page()) << "write it anew: HOLDOVER_WRITE_DOCS=1 and this test";
}

class EachRule : public ProtocolCheckerTest, public ::testing::WithParamInterface<RuleCase> {};

TEST_P(EachRule, AloneFindsItsViolation) {
  GetParam().violate(*this);

  EXPECT_THAT(broken(), ElementsAre(GetParam().rule));
}

TEST_P(EachRule, LetsItsNearMissPass) {
  GetParam().near_miss(*this);

  EXPECT_THAT(broken(), IsEmpty());
}

std::string case_name(const ::testing::TestParamInfo<RuleCase>& info) {
  std::string name = info.param.rule;
  for (char& letter : name) {
    if (letter == '-') letter = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Table, EachRule, ::testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace holdover::sim
