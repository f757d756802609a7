// SPDX-License-Identifier: MIT
// A kernel of any version hands over to a kernel of any version: what the second one makes of the table of the first.
#include <gtest/gtest.h>

#include "tests/unit/host/pci_series_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace testing;

// Nothing: another string, a boot as if nothing had been handed over. Empty: the string is the same and the layout is
// not, and what is read names no function. Panic: the same, and what is read cannot be a table.
enum class Outcome { Incoming, Nothing, Empty, Panic };

// From each version (row) to each (column), v3 to v9.
constexpr Outcome I = Outcome::Incoming;
constexpr Outcome N = Outcome::Nothing;
constexpr Outcome E = Outcome::Empty;
constexpr Outcome P = Outcome::Panic;
constexpr Outcome kExpected[7][7] = {
    {I, N, N, N, N, N, N},  // v3: pci-v1
    {N, I, I, N, P, N, N},  // v4: pci-v2
    {N, I, I, N, P, N, N},  // v5: pci-v2
    {N, N, N, I, N, N, N},  // v6: pci-v3
    {N, E, E, N, I, N, N},  // v7: pci-v2
    {N, N, N, N, N, I, I},  // v8: pci, version 1
    {N, N, N, N, N, I, I},  // v9: pci, version 1
};

using Pair = std::tuple<PciSeries, PciSeries>;

class PciMatrix : public SuccessivePciKernels, public ::testing::TestWithParam<Pair> {
 protected:
  PciMatrix() : SuccessivePciKernels(std::get<0>(GetParam())) {}
  static Outcome expected() {
    const auto row = static_cast<unsigned>(std::get<0>(GetParam())) - static_cast<unsigned>(PciSeries::V3);
    const auto column = static_cast<unsigned>(std::get<1>(GetParam())) - static_cast<unsigned>(PciSeries::V3);
    return kExpected[row][column];
  }
};

TEST_P(PciMatrix, SecondKernelDoesWhatItsVersionSays) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  const PciSeries second = std::get<1>(GetParam());
  kexec(second);
  EXPECT_EQ(panics([&] { scan(); }), expected() == Outcome::Panic);
  EXPECT_EQ(pci_->is_incoming(kLeft), expected() == Outcome::Incoming);
  if (expected() == Outcome::Panic) return;
  EXPECT_EQ(pci_->check_retrieve(kLeft) == 0, expected() == Outcome::Incoming);
  // Numbers are kept where functions are incoming; v4 and v5 ask only whether there is a table.
  EXPECT_EQ(pci_->keep_bus_numbers(kRootPort, nullptr, 0), expected() != Outcome::Nothing);
  LuoSession& session = retrieved();
  KernelFile* file = nullptr;
  static_cast<void>(session.retrieve(1, file));
  if (expected() != Outcome::Incoming) return;
  EXPECT_EQ(session.finish(), 0);
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_EQ(pci_->incoming_nr_devices(), 0u);
}

// In each pair the bench reads the table under its own name, whatever the second kernel makes of it.
TEST_P(PciMatrix, BenchReadsTheTableOfEveryVersion) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  freeze();
  EXPECT_TRUE(is_pci_table(handed_.name));
  EXPECT_EQ(counts().size(), std::get<0>(GetParam()) == PciSeries::V3 ? 1u : 4u);
  EXPECT_EQ(counts()[kLeft], 1u);
}

TEST_P(PciMatrix, KernelWithoutTheSeriesFindsNothing) {
  ASSERT_EQ(session().preserve(&left_, 1), 0);
  freeze();
  memory_.jump(kho_->fdt());
  boot(std::optional<PciLiveUpdateRules>());
  scan();
  EXPECT_FALSE(pci_->is_incoming(kLeft));
  EXPECT_FALSE(pci_->had_incoming());
  EXPECT_FALSE(pci_->keep_bus_numbers(kRootPort, nullptr, 0));
  EXPECT_EQ(pci_->preserve(left_.path), EOPNOTSUPP);
}

std::string pair_name(const ::testing::TestParamInfo<Pair>& info) {
  const auto name = [](PciSeries series) { return "V" + std::to_string(static_cast<unsigned>(series) + 2); };
  return name(std::get<0>(info.param)) + "To" + name(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(, PciMatrix,
                         ::testing::Combine(::testing::ValuesIn(kEverySeries), ::testing::ValuesIn(kEverySeries)),
                         pair_name);

}  // namespace
}  // namespace holdover::host::kernel
