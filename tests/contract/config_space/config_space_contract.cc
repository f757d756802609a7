// SPDX-License-Identifier: MIT
#include "tests/contract/config_space/config_space_contract.h"

#include <bit>

#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host::contract {

// A binary without a way has none of these tests.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConfigSpaceContract);

namespace {

using namespace pcie::config;

TEST_P(ConfigSpaceContract, ItIsTheFunctionThatWasAskedFor) {
  EXPECT_EQ(function_->space().bdf(), function_->bdf());
  EXPECT_EQ(read(kVendorId, 4), 0x0d17'1172u);
  EXPECT_EQ(read(kHeaderType, 1) & 0x7f, 0u);
}

TEST_P(ConfigSpaceContract, ReadsOfEverySizeAgree) {
  for (unsigned offset = 0; offset < 256; offset += 4) {
    const std::uint32_t whole = read(offset, 4);
    for (unsigned byte = 0; byte < 4; ++byte) {
      EXPECT_EQ(read(offset + byte, 1), whole >> 8 * byte & 0xff) << offset + byte;
    }
    EXPECT_EQ(read(offset, 2), whole & 0xffff) << offset;
    EXPECT_EQ(read(offset + 2, 2), whole >> 16) << offset + 2;
  }
}

TEST_P(ConfigSpaceContract, TheWholeSpaceIsThere) {
  const auto dword = [this](unsigned offset) { return read(offset, 4); };
  EXPECT_TRUE(pcie::find_capability(dword, kCapPowerManagement));
  EXPECT_TRUE(pcie::find_capability(dword, kCapMsix));
  EXPECT_TRUE(pcie::find_capability(dword, kCapExpress));
  EXPECT_TRUE(pcie::find_extended_capability(dword, kExtCapAer));
  const auto monitor = pcie::find_extended_capability(dword, kExtCapVendor);
  ASSERT_TRUE(monitor);
  EXPECT_EQ(read(*monitor + 4, 2), 0x0d17u);
  EXPECT_EQ(read(kSpaceBytes - 4, 4), 0u);
}

TEST_P(ConfigSpaceContract, AWriteChangesTheBytesOfItsSizeAndNoOthers) {
  const std::uint32_t before = read(kInterruptLine, 4);
  write(kInterruptLine, 1, 0x5a);
  EXPECT_EQ(read(kInterruptLine, 4), (before & 0xffff'ff00) | 0x5a);
  write(kInterruptLine + 1, 1, 0xff);
  EXPECT_EQ(read(kInterruptLine, 4), (before & 0xffff'ff00) | 0x5a) << "Interrupt Pin is read-only";
  write(kInterruptLine, 2, 0xffa5);
  EXPECT_EQ(read(kInterruptLine, 4), (before & 0xffff'ff00) | 0xa5);
  write(kInterruptLine, 4, before);
  EXPECT_EQ(read(kInterruptLine, 4), before);
}

TEST_P(ConfigSpaceContract, WhatIsReadOnlyStays) {
  for (const unsigned offset : {kVendorId, kRevision, kSubsystemVendorId}) {
    const std::uint32_t before = read(offset, 4);
    write(offset, 4, ~before);
    EXPECT_EQ(read(offset, 4), before) << offset;
  }
}

TEST_P(ConfigSpaceContract, ABarOfAllOnesTellsItsSize) {
  const std::uint32_t before = read(kBar0, 4);
  write(kBar0, 4, 0xffff'ffff);
  const std::uint32_t ones = read(kBar0, 4);
  write(kBar0, 4, before);
  EXPECT_TRUE(std::has_single_bit(~(ones & ~0xfu) + 1)) << ones;
  EXPECT_EQ(read(kBar0, 4), before);
}

TEST_P(ConfigSpaceContract, EachWriteIsOneRequestWithTheByteEnablesOfItsSize) {
  if (!function_->writes()) GTEST_SKIP() << "nobody sees the requests of this way";
  write(kInterruptLine, 1, 0x11);
  write(kInterruptLine + 3, 1, 0x22);
  write(kInterruptLine + 2, 2, 0x3344);
  write(kInterruptLine, 4, 0x5566'7788);
  const std::vector<sim::ConfigWrite> seen = *function_->writes();
  ASSERT_EQ(seen.size(), 4u);
  const std::array<unsigned, 4> enables{0x1, 0x8, 0xc, 0xf};
  for (std::size_t index = 0; index < seen.size(); ++index) {
    EXPECT_EQ(seen[index].offset, kInterruptLine);
    EXPECT_EQ(seen[index].byte_enables, enables[index]);
  }
  EXPECT_EQ(seen[2].written & 0xffff'0000, 0x3344'0000u);
  EXPECT_EQ(seen[3].written, 0x5566'7788u);
}

TEST_P(ConfigSpaceContract, WhatIsNoAccessIsRefusedAndNeverBecomesOne) {
  struct Access {
    unsigned offset;
    unsigned size;
  };
  for (const Access access : {Access{0, 0}, Access{0, 3}, Access{0, 8}, Access{1, 2}, Access{2, 4}, Access{4095, 2},
                              Access{4096, 1}, Access{0xffff'fffc, 4}}) {
    for (const bool writes : {false, true}) {
      try {
        if (writes) {
          write(access.offset, access.size, 0);
        } else {
          (void)read(access.offset, access.size);
        }
        ADD_FAILURE() << access.size << " bytes at " << access.offset;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument) << error.what();
      }
    }
  }
  EXPECT_EQ(function_->writes().value_or(std::vector<sim::ConfigWrite>{}).size(), 0u);
}

}  // namespace
}  // namespace holdover::host::contract
