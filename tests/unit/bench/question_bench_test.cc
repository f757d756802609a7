// SPDX-License-Identifier: MIT
// What the experiments of open questions stand on.
#include <gtest/gtest.h>

#include "bench/questions/verbs/kernel_bench.h"
#include "pcie/config_space.h"
#include "tests/support/bench_run.h"

namespace holdover::bench {
namespace {

using namespace pcie::config;

Laboratory laboratory() { return {testing::short_run(), sim::build_machine}; }

TEST(KernelBench, HandsARunningEndpointOverVerbByVerb) {
  KernelBench bench(laboratory());
  ASSERT_TRUE(bench.boot("profile=pci-v9")) << bench.panic();
  ASSERT_EQ(bench.open(0), 0);
  host::kernel::LuoSession* session = nullptr;
  ASSERT_EQ(bench.create_session("s", session), 0);
  ASSERT_EQ(bench.preserve(*session, 0), 0);
  bench.begin_stage("boot");
  const pcie::Bdf before = bench.bdf("endpoint 0");
  ASSERT_EQ(bench.kexec("profile=pci-v9"), 0) << bench.panic();
  bench.begin_stage("");
  EXPECT_EQ(bench.bdf("endpoint 0"), before);
  EXPECT_TRUE(bench.kernel().live_update().pci().is_incoming(before));
  EXPECT_GT(bench.writes_to("endpoint 0", "boot"), 0u);
  EXPECT_EQ(bench.writes("boot").empty(), false);
  EXPECT_NE(bench.config("endpoint 0", kCommand, 2) & kCommandBusMaster, 0u);
  EXPECT_EQ(bench.config("endpoint 1", kCommand, 2) & kCommandBusMaster, 0u);
  ASSERT_EQ(bench.retrieve_session("s", session), 0);
  ASSERT_EQ(bench.retrieve(*session, 0), 0);
  EXPECT_EQ(session->finish(), 0);
  EXPECT_FALSE(bench.kernel().live_update().pci().is_incoming(before));
}

TEST(KernelBench, AnEmptySlotIsFoundFilledByARescan) {
  KernelBench bench(laboratory());
  bench.set_present(1, false);
  ASSERT_TRUE(bench.boot("profile=pci-v9")) << bench.panic();
  EXPECT_EQ(bench.kernel().functions().size(), 1u);
  bench.set_present(1, true);
  bench.kernel().pci().rescan();
  EXPECT_EQ(bench.kernel().functions().size(), 2u);
}

}  // namespace
}  // namespace holdover::bench
