// SPDX-License-Identifier: MIT
#include "host/kernel/profile.h"

#include <gtest/gtest.h>

#include <set>

#include "host/kernel/hazard.h"
#include "host/kernel/policy.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

TEST(Profiles, AreFoundByNameAndTheFirstIsContinuous) {
  EXPECT_EQ(profiles().front().name, "continuous");
  for (const Profile& profile : profiles()) EXPECT_TRUE(find_profile(profile.name).has_value());
  EXPECT_FALSE(find_profile("stock").has_value());
}

TEST(Profiles, StockHandsNothingOver) {
  const Policies stock = find_profile("stock-7.3").value();
  EXPECT_FALSE(stock.live_update);
  EXPECT_EQ(stock.pci, PciSeries::None);
  EXPECT_EQ(stock.shutdown_bus_master, ShutdownBusMaster::All);
  EXPECT_EQ(stock.iommu_at_kexec, IommuAtKexec::TranslationOff);
}

TEST(Profiles, OnlyContinuousHasTheIommusPart) {
  for (const Profile& profile : profiles()) {
    EXPECT_EQ(profile.policies.iommu_part == IommuPart::Series, profile.name == "continuous") << profile.name;
  }
}

TEST(Profiles, ScaledDelaysAreAThousandth) {
  Policies policies;
  EXPECT_EQ(scaled(100_ms, policies), 100_us);
  policies.delays = Delays::Real;
  EXPECT_EQ(scaled(100_ms, policies), 100_ms);
}

TEST(Policies, HaveUniqueNamesAndValues) {
  std::set<std::string_view> names;
  for (const Policy& policy : policies()) {
    EXPECT_TRUE(names.insert(policy.name).second) << policy.name;
    EXPECT_EQ(find_policy(policy.name), &policy);
    EXPECT_GE(policy.values.size(), 2u) << policy.name;
    std::set<std::string_view> values;
    for (const PolicyValue& value : policy.values) EXPECT_TRUE(values.insert(value.name).second) << policy.name;
  }
  EXPECT_EQ(find_policy("bus-number"), nullptr);
}

TEST(Policies, EachValueIsTakenAndNothingElseChanges) {
  for (const Profile& profile : profiles()) {
    for (const Policy& policy : policies()) {
      for (const PolicyValue& value : policy.values) {
        Policies changed = profile.policies;
        change_policy(changed, std::string(policy.name) + "=" + std::string(value.name));
        EXPECT_EQ(policy.value_of(changed), value.name);
        for (const Policy& other : policies()) {
          const bool rule_of_series = policy.name == "pci-series" && other.name.starts_with("pci-");
          if (&other != &policy && !rule_of_series) {
            EXPECT_EQ(other.get(changed), other.get(profile.policies)) << other.name;
          }
        }
      }
    }
  }
}

TEST(Policies, PciSeriesSetsEveryRuleAndOneRuleCanBeChangedAfterIt) {
  Policies policies;
  change_policy(policies, "pci-series=v4");
  EXPECT_EQ(policies.pci, PciSeries::V4);
  EXPECT_EQ(policies.pci_rules, rules_of(PciSeries::V4));
  change_policy(policies, "pci-retrieve-failure=panic");
  PciLiveUpdateRules expected = rules_of(PciSeries::V4);
  expected.failure = PciFailure::Panic;
  EXPECT_EQ(policies.pci_rules, expected);
}

TEST(Profiles, EachVersionOfThePciSeriesHasOne) {
  constexpr PciSeries kVersions[] = {PciSeries::V3, PciSeries::V4, PciSeries::V5, PciSeries::V6,
                                     PciSeries::V7, PciSeries::V8, PciSeries::V9};
  for (unsigned index = 0; index < 7; ++index) {
    const Policies policies = find_profile("pci-v" + std::to_string(3 + index)).value();
    EXPECT_EQ(policies.pci, kVersions[index]);
    EXPECT_EQ(policies.pci_rules, rules_of(kVersions[index]));
    EXPECT_EQ(policies.shutdown_bus_master, index == 0 ? ShutdownBusMaster::All : ShutdownBusMaster::NotOutgoing);
  }
}

TEST(Policies, RefuseWhatDoesNotExistInOneSentence) {
  Policies policies;
  const auto refusal = [&](const char* assignment) {
    try {
      change_policy(policies, assignment);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refusal("bus-number=keep").find("no policy «bus-number»; there are live-update"), std::string::npos);
  EXPECT_NE(refusal("bus-numbers=kept").find("cannot be «kept»; it takes keep, reassign"), std::string::npos);
  EXPECT_NE(refusal("bus-numbers").find("cannot be «»"), std::string::npos);
  EXPECT_NE(refusal("").find("no policy «»"), std::string::npos);
}

TEST(Hazards, HaveUniqueNamesAndASentence) {
  std::set<std::string_view> names;
  for (const Hazard& hazard : hazards()) {
    EXPECT_TRUE(names.insert(hazard.name).second) << hazard.name;
    EXPECT_EQ(hazard.sentence.back(), '.') << hazard.name;
    EXPECT_EQ(find_hazard(hazard.name), &hazard);
  }
  EXPECT_EQ(find_hazard("H999"), nullptr);
}

TEST(Hazards, ChangeExactlyWhatTheySay) {
  Policies policies;
  find_hazard("H014")->apply(policies);
  EXPECT_TRUE(policies.mistakes.endpoint_loses_bus_master);
  EXPECT_FALSE(policies.mistakes.bridge_loses_bus_master);
  find_hazard("H025")->apply(policies);
  EXPECT_EQ(policies.iommu_at_kexec, IommuAtKexec::TranslationOff);
  EXPECT_EQ(policies.iommu_at_boot, IommuAtBoot::Adopt);
}

}  // namespace
}  // namespace holdover::host::kernel
