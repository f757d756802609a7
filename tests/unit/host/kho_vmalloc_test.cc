// SPDX-License-Identifier: MIT
// Claims about virtually contiguous areas over a kexec: every byte survives at its place, broken chains are refused.
#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/kho/vmalloc.h"
#include "tests/unit/host/kho_fixture.h"

namespace holdover::host::kernel {
namespace {

using kho_abi::VmallocSer;
using testing::kPage;

class KhoVmalloc : public KhoFixture {
 protected:
  // An area whose bytes tell where they stand.
  VmallocArea area(std::uint64_t pages) {
    VmallocArea area = allocate_vmalloc(*pages_, pages * kPageSize).value();
    std::swap(area.folios.front(), area.folios.back());  // not physically contiguous
    for (std::uint64_t page = 0; page < pages; ++page) {
      write_vmalloc(*pages_, area, page * kPage + kPage / 2, std::as_bytes(std::span(&page, 1)));
    }
    return area;
  }
  std::uint64_t mark_of(const VmallocArea& area, std::uint64_t page) {
    std::uint64_t mark = 0;
    read_vmalloc(*pages_, area, page * kPage + kPage / 2, std::as_writable_bytes(std::span(&mark, 1)));
    return mark;
  }
};

TEST_F(KhoVmalloc, AnAreaOfManyChunksComesBackInItsOrder) {
  const VmallocArea old = area(1100);
  VmallocSer handed;
  ASSERT_EQ(preserve_vmalloc(kho(), old, handed), 0);
  EXPECT_EQ(decode_vmalloc(memory_.dram(), handed)->chunks.size(), 3u) << "511 pages in a chunk of one page";
  kexec();

  const auto restored = restore_vmalloc(kho(), handed);
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ(restored->folios, old.folios);
  for (std::uint64_t page = 0; page < 1100; ++page) ASSERT_EQ(mark_of(*restored, page), page);
  EXPECT_EQ(restore_vmalloc(kho(), handed), std::nullopt) << "one shot";
}

TEST_F(KhoVmalloc, FoliosOfAnOrderStayOfThatOrder) {
  VmallocArea old{{allocate(4, 4), allocate(4, 4)}, 2, kho_abi::kVmallocAlloc | kho_abi::kVmallocHuge};
  VmallocSer handed;
  ASSERT_EQ(preserve_vmalloc(kho(), old, handed), 0);
  EXPECT_EQ(handed.total_pages, 8u);
  kexec();
  EXPECT_EQ(restore_vmalloc(kho(), handed)->order, 2u);
}

TEST_F(KhoVmalloc, RefusedAreasLeaveNothingPreserved) {
  VmallocArea old = area(3);
  VmallocSer handed;
  old.flags = 0x80;
  EXPECT_EQ(preserve_vmalloc(kho(), old, handed), EOPNOTSUPP);
  old.flags = kho_abi::kVmallocAlloc;
  EXPECT_EQ(preserve_vmalloc(kho(), VmallocArea{}, handed), EINVAL);
  old.folios.push_back(PhysicalAddress{memory_.parameters().kho_scratch});
  const std::uint64_t free = pages_->free_pages();
  EXPECT_EQ(preserve_vmalloc(kho(), old, handed), EINVAL);
  EXPECT_FALSE(kho().is_preserved(old.folios[0], 0));
  EXPECT_LE(free - pages_->free_pages(), 2u) << "nodes of the tree may stay";
}

TEST_F(KhoVmalloc, UnpreserveLeavesNothingInTheTree) {
  const VmallocArea old = area(600);
  const auto folios = [&] { return decode_kho(memory_.dram(), kho().fdt())->folios.size(); };
  const std::size_t before = folios();
  VmallocSer handed;
  ASSERT_EQ(preserve_vmalloc(kho(), old, handed), 0);
  EXPECT_EQ(folios(), before + 602);
  unpreserve_vmalloc(kho(), old, handed);
  EXPECT_EQ(folios(), before);
}

TEST_F(KhoVmalloc, BrokenChainsAreRefusedAndNothingIsRestored) {
  const VmallocArea old = area(600);
  VmallocSer handed;
  ASSERT_EQ(preserve_vmalloc(kho(), old, handed), 0);
  kexec();
  const auto intact = load<kho_abi::VmallocChunk>(memory_.dram(), handed.first);
  const std::size_t waiting = kho().unrestored();
  const auto refused = [&](auto change) {
    kho_abi::VmallocChunk chunk = intact;
    VmallocSer head = handed;
    change(chunk, head);
    store(memory_.dram(), handed.first, chunk);
    const bool nothing = !restore_vmalloc(kho(), head).has_value();
    return nothing && kho().unrestored() == waiting;
  };
  EXPECT_TRUE(refused([&](auto& chunk, auto&) { chunk.next = handed.first; })) << "a cycle";
  EXPECT_TRUE(refused([&](auto& chunk, auto&) { chunk.next = 0; })) << "too short";
  EXPECT_TRUE(refused([&](auto& chunk, auto&) { chunk.next += 8; })) << "no page";
  EXPECT_TRUE(refused([&](auto& chunk, auto&) { chunk.folios[3] = memory_.dram().size(); })) << "beyond DRAM";
  EXPECT_TRUE(refused([&](auto& chunk, auto&) { chunk.folios[3] = chunk.folios[4]; })) << "the same page twice";
  EXPECT_TRUE(refused([&](auto& chunk, auto&) { chunk.folios[3] = handed.first; })) << "a chunk as a page";
  EXPECT_TRUE(refused([&](auto&, auto& head) { head.order = 1; })) << "another order";
  EXPECT_TRUE(refused([&](auto&, auto& head) { head.total_pages = 0; }));
  EXPECT_TRUE(refused([&](auto&, auto& head) { head.total_pages = ~0u; }));
  EXPECT_TRUE(refused([&](auto&, auto& head) { head.flags = 0x10; }));
  EXPECT_FALSE(refused([](auto&, auto&) {}));
}

}  // namespace
}  // namespace holdover::host::kernel
