// SPDX-License-Identifier: MIT
// Which hazards strike a function on its way through each kernel: an endpoint with MSI-X on, directly below a root
// port, behind VT-d, in the hands of vfio-pci.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/bench_run.h"

namespace holdover::bench::testing {
namespace {

struct List {
  const char* profile;
  const char* hazards;
};

void PrintTo(const List& list, std::ostream* out) { *out << list.profile; }

// Every stock kernel does these: to bus mastering, to the port and its services, to interrupt controller and IOMMU, to
// configuration space at the scan, and when the driver takes the function. All but H102 and H112 are known to strike
// always; those two are harmless consequences: the port's own MSI, and INTx Disable, which goes with MSI-X.
constexpr const char* kStock =
    "H014 H015 H017 H024 H025 H032 H035 H048 H056 H057 H058 H059 H061 H068 H073 H074 H078 H081 H085 H095 H102 H108 "
    "H110 "
    "H111 H112 H115";

constexpr List kLists[] = {
    {"stock-6.1", kStock},
    {"stock-6.12", kStock},
    {"stock-7.2", kStock},
    {"stock-7.3", kStock},
    // Bus mastering stays (H014, H015), but freeze resets the function and leaves decoding off, so that nothing is left
    // for H057, and interrupts had to be off before it (H009), so that nothing is left for H073.
    {"pci-v9+vfio-v5",
     "H006 H007 H009 H017 H024 H025 H032 H035 H048 H056 H058 H059 H061 H068 H074 H078 H081 H085 H095 H102 H108 H110 "
     "H111"},
    // What no series prevents, done so that it disturbs nothing.
    {"continuous", "H017 H024 H048 H056 H057 H058 H059 H061 H068 H074 H078 H081 H095 H102 H108 H115"},
};

class HazardList : public ::testing::TestWithParam<List> {};

TEST_P(HazardList, IsWhatTheProfileDoes) {
  RunOptions options = short_run();
  options.profile = GetParam().profile;
  const Report report = run(options, [](const sim::MachineConfig& asked, sim::Witness& witness) {
    sim::MachineConfig config = asked;
    config.endpoint.pme = true;
    return sim::build_machine(config, witness);
  });
  std::string seen;
  for (const HazardSighting& hazard : report.hazards) seen += (seen.empty() ? "" : " ") + std::string(hazard.name);
  EXPECT_EQ(seen, GetParam().hazards) << text_of(report);
  EXPECT_EQ(report.verdict.outcome == Outcome::Pass, std::string(GetParam().profile) == "continuous");
}

std::string name_of(const ::testing::TestParamInfo<List>& list) {
  std::string name = list.param.profile;
  for (char& c : name) {
    if (c == '-' || c == '.' || c == '+') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Profiles, HazardList, ::testing::ValuesIn(kLists), name_of);

}  // namespace
}  // namespace holdover::bench::testing
