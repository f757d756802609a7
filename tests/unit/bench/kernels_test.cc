// SPDX-License-Identifier: MIT
// Which kernels a run has, from what is asked for.
#include "bench/kernels.h"

#include <gtest/gtest.h>

#include "bench/ledger/scene.h"
#include "bench/run.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

std::vector<std::string> names(const RunOptions& options) {
  std::vector<std::string> all;
  for (const KernelChoice& kernel : kernels(options)) all.push_back(to_string(kernel));
  return all;
}

std::string refusal(const RunOptions& options) {
  try {
    (void)kernels(options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    return error.what();
  }
  return {};
}

using Names = std::vector<std::string>;

TEST(Kernels, AreTwoOfOneProfileByDefault) { EXPECT_EQ(names({}), (Names{"continuous", "continuous"})); }

TEST(Kernels, FromAndToReplaceTheProfileOfOne) {
  RunOptions options;
  options.profile = "pci-v9";
  options.to = "stock-7.3";
  EXPECT_EQ(names(options), (Names{"pci-v9", "stock-7.3"}));
  options.from = "continuous:delays=real";
  EXPECT_EQ(names(options), (Names{"continuous:delays=real", "stock-7.3"}));
}

TEST(Kernels, AChainNamesAllOfThem) {
  RunOptions options;
  options.chain = "continuous,pci-v9:bus-numbers=reassign,continuous";
  EXPECT_EQ(names(options), (Names{"continuous", "pci-v9:bus-numbers=reassign", "continuous"}));
  options.to = "pci-v9";
  EXPECT_EQ(refusal(options).find("--chain names every kernel"), 0u);
  options.to.clear();
  options.chain = "continuous";
  EXPECT_EQ(refusal(options).find("--chain: continuous is one kernel"), 0u);
  options.chain = "continuous,";
  EXPECT_EQ(refusal(options).find("--chain: there is no «»"), 0u);
}

TEST(Kernels, ACommonPolicyGivesWayToAKernelsOwn) {
  RunOptions options;
  options.policies = {"delays=real", "bus-numbers=reassign"};
  options.to = "pci-v9:delays=scaled";
  EXPECT_EQ(names(options),
            (Names{"continuous:delays=real:bus-numbers=reassign", "pci-v9:bus-numbers=reassign:delays=scaled"}));
  EXPECT_EQ(policies_of(kernels(options)[1]).delays, host::kernel::Delays::Scaled);
}

TEST(Kernels, RefuseWhatDoesNotExistAndNameTheOption) {
  RunOptions options;
  options.from = "pci-v10";
  EXPECT_EQ(refusal(options).find("--from: there is no «pci-v10»; there are: continuous"), 0u);
  options.from = "pci-v9:delays";
  EXPECT_NE(refusal(options).find("--from: The policy «delays» cannot be «»"), std::string::npos);
  options.from = "pci-v9:delays=real:delays=real";
  EXPECT_NE(refusal(options).find("delays is given twice"), std::string::npos);
  options.from.clear();
  options.policies = {"delay=real"};
  EXPECT_EQ(refusal(options).find("--policy: There is no policy «delay»"), 0u);
}

TEST(Kernels, HaveLettersForNames) {
  EXPECT_EQ(kernel_name(0), "kernel A");
  EXPECT_EQ(kernel_name(25), "kernel Z");
  EXPECT_EQ(kernel_name(26), "kernel AA");
  EXPECT_EQ(kernel_name(52), "kernel BA");
}

}  // namespace
}  // namespace holdover::bench
