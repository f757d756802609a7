// SPDX-License-Identifier: MIT
// Claims about what LUO hands over, and about what comes in broken.
#include "host/kernel/luo/luo.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/panic.h"
#include "tests/unit/host/luo_fixture.h"

namespace holdover::host::kernel {
namespace {

class LuoHandover : public LuoTest {};

TEST_F(LuoHandover, SessionsFilesAndHandlesSurvive) {
  ASSERT_EQ(session("first").preserve(&a_, 7), 0);
  ASSERT_EQ(session("second").preserve(&b_, 7), 0);
  ASSERT_EQ(luo_->freeze(), 0);

  const auto handed = decode_live_update(memory_.dram(), kho_->fdt()).value();
  EXPECT_EQ(handed.number, 1u);
  ASSERT_EQ(handed.sessions.size(), 2u);
  EXPECT_EQ(handed.sessions[1].name, "second");
  EXPECT_EQ(handed.sessions[1].files[0].compatible, "fake-v1");
  EXPECT_EQ(handed.sessions[1].files[0].token, 7u);
  EXPECT_EQ(handed.sessions[1].files[0].handle, 1008u) << "freeze may replace the handle";

  jump();
  boot();
  EXPECT_EQ(luo_->liveupdate_number(), 1u);
  KernelFile* file = nullptr;
  EXPECT_EQ(retrieved("second").retrieve(7, file), 0);
  EXPECT_EQ(handler_.retrieved_handle, 1008u);
  EXPECT_EQ(file, &handler_.file_made);
}

TEST_F(LuoHandover, CountThatDoesNotMatchTheBlocksIsEio) {
  ASSERT_EQ(session().preserve(&a_, 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  const auto luo = decode_kho(memory_.dram(), PhysicalAddress{memory_.parameters().kho_fdt})->subtrees[0];
  const auto header = load<luo_abi::LuoSer>(memory_.dram(), luo.data.raw());
  const auto chain = decode_blocks(memory_.dram(), PhysicalAddress{header.sessions}, sizeof(luo_abi::SessionSer));
  auto entry = load<luo_abi::SessionSer>(memory_.dram(), chain->entries[0]);
  entry.count = 2;
  store(memory_.dram(), chain->entries[0], entry);
  boot();
  EXPECT_EQ(luo_->open(), EIO);
}

TEST_F(LuoHandover, SessionNameThatComesTwiceIsEio) {
  session("a");
  session("b");
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  const auto luo = decode_kho(memory_.dram(), PhysicalAddress{memory_.parameters().kho_fdt})->subtrees[0];
  const auto header = load<luo_abi::LuoSer>(memory_.dram(), luo.data.raw());
  const auto chain = decode_blocks(memory_.dram(), PhysicalAddress{header.sessions}, sizeof(luo_abi::SessionSer));
  auto entry = load<luo_abi::SessionSer>(memory_.dram(), chain->entries[1]);
  entry.name[0] = 'a';
  store(memory_.dram(), chain->entries[1], entry);
  boot();
  EXPECT_EQ(luo_->open(), EIO);
  EXPECT_EQ(luo_->open(), EIO) << "and every later one";
}

TEST_F(LuoHandover, BlobThatIsTooShortPanics) {
  ASSERT_EQ(luo_->freeze(), 0);
  const auto luo = decode_kho(memory_.dram(), kho_->fdt())->subtrees[0];
  ASSERT_EQ(kho_->remove_subtree(luo.data), 0);
  ASSERT_EQ(kho_->add_subtree(luo_abi::kSubtree, luo.data, 31_B), 0);
  jump();
  EXPECT_THROW(boot(), Panic);
}

TEST_F(LuoHandover, KernelWithoutALuoEntryBootsNormally) {
  const auto luo = decode_kho(memory_.dram(), kho_->fdt())->subtrees[0];
  ASSERT_EQ(kho_->remove_subtree(luo.data), 0);
  jump();
  boot();
  EXPECT_EQ(luo_->liveupdate_number(), 0u);
  EXPECT_EQ(luo_->open(), 0);
}

TEST_F(LuoHandover, AnotherVersionPanics) {
  jump();
  const auto luo = decode_kho(memory_.dram(), PhysicalAddress{memory_.parameters().kho_fdt})->subtrees[0];
  memory_.dram()[luo.data.raw() + 5] = std::byte{'4'};
  EXPECT_THROW(boot(), Panic);
}

TEST_F(LuoHandover, EveryLiveUpdateCounts) {
  for (std::uint64_t number = 1; number <= 3; ++number) {
    ASSERT_EQ(luo_->freeze(), 0);
    jump();
    boot();
    EXPECT_EQ(luo_->liveupdate_number(), number);
  }
}

TEST_F(LuoHandover, LayoutHasItsNumbers) {
  EXPECT_EQ(sizeof(luo_abi::SessionSer), 80u);
  EXPECT_EQ(sizeof(luo_abi::FileSer), 64u);
  EXPECT_EQ(sizeof(luo_abi::FlbSer), 64u);
}

// Damage to what LUO handed over ends in EIO or a panic, never in a crash or an endless loop.
TEST_F(LuoHandover, DamagedHandoverNeverCrashes) {
  LuoSession& s = session();
  ASSERT_EQ(s.preserve(&a_, 1), 0);
  ASSERT_EQ(s.preserve(&b_, 2), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  jump();
  const PhysicalAddress fdt{memory_.parameters().kho_fdt};
  const auto tree = decode_kho(memory_.dram(), fdt).value();
  const std::vector<std::byte> intact(memory_.dram().begin(), memory_.dram().end());
  testing::Sequence random(2);
  unsigned noticed = 0;
  for (unsigned round = 0; round < 300; ++round) {
    std::copy(intact.begin(), intact.end(), memory_.dram().begin());
    const PhysicalAddress page = tree.folios[random.below(tree.folios.size())].address;
    if (page != fdt) {
      const std::uint64_t value = random.below(2) == 0 ? random.next() : random.below(4096) * testing::kPage;
      store(memory_.dram(), page.raw() + random.below(24) * 8, value);
    }
    static_cast<void>(decode_live_update(memory_.dram(), fdt));
    try {
      boot();
      noticed += luo_->open() == 0 ? 0 : 1;
    } catch (const Panic&) {
      ++noticed;
    }
  }
  EXPECT_GT(noticed, 30u);
}

}  // namespace
}  // namespace holdover::host::kernel
