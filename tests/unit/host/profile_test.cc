// SPDX-License-Identifier: MIT
#include "host/kernel/profile.h"

#include <gtest/gtest.h>

#include <set>

#include "host/kernel/hazard.h"

namespace holdover::host::kernel {
namespace {

TEST(Profiles, AreFoundByNameAndTheFirstIsContinuous) {
  ASSERT_EQ(profiles().size(), 3u);
  EXPECT_EQ(profiles().front().name, "continuous");
  for (const Profile& profile : profiles()) EXPECT_TRUE(find_profile(profile.name).has_value());
  EXPECT_FALSE(find_profile("stock").has_value());
}

TEST(Profiles, StockHandsNothingOver) {
  const Policies stock = find_profile("stock-7.3").value();
  EXPECT_FALSE(stock.live_update);
  EXPECT_EQ(stock.pci, PciSeries::None);
  EXPECT_EQ(stock.shutdown_bus_master, ShutdownBusMaster::Clear);
  EXPECT_EQ(stock.iommu_at_kexec, IommuAtKexec::TranslationOff);
}

TEST(Profiles, ScaledDelaysAreAThousandth) {
  Policies policies;
  EXPECT_EQ(scaled(100_ms, policies), 100_us);
  policies.delays = Delays::Real;
  EXPECT_EQ(scaled(100_ms, policies), 100_ms);
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
