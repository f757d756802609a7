// SPDX-License-Identifier: MIT
// Claims about memfds in a live update: what survives, what is refused, and that a preserved file keeps its shape.
#include "host/kernel/mm/memfd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/kho/vmalloc.h"
#include "host/kernel/luo/handlers/memory_handler.h"
#include "tests/unit/host/luo_user.h"

namespace holdover::host::kernel {
namespace {

using memory_abi::MemorySer;

// Only memfds are restored here.
class MemoryObjects : public KernelObjects {
 public:
  MemoryObjects(PageAllocator& pages, FileTable& files) : pages_(pages), files_(files) {}
  IommuState iommu_state() const override { return {}; }
  MemoryFile* restore_memory(const MemoryState& state) override {
    restored = state;
    if (!is_contiguous(state)) return nullptr;
    return &files_.add(std::make_unique<kernel::Memfd>(pages_, state));
  }
  AddressSpaceFile& restore_address_space(const AddressSpaceState&) override { std::abort(); }
  DeviceFile* restore_device(const DeviceState&) override { return nullptr; }
  PciPath path(pcie::Bdf) const override { return {}; }
  std::uint64_t pci_functions() const override { return 0; }

  std::optional<MemoryState> restored;

 private:
  PageAllocator& pages_;
  FileTable& files_;
};

// A file of any shape.
class ShapedFile : public MemoryFile {
 public:
  MemoryState state() const override { return memory; }
  bool huge() const override { return false; }
  void set_frozen(bool) override {}

  MemoryState memory;
};

class Memfd : public LuoUser {
 protected:
  Memfd() { start_driver(); }
  ~Memfd() override { end_kernel(); }

  void start_driver() {
    objects_ = std::make_unique<MemoryObjects>(*pages_, *files_);
    memory_handler_ = std::make_unique<MemoryHandler>(*kho_, *objects_, policies_);
    ASSERT_EQ(luo_->register_handler(*memory_handler_), 0);
  }
  void kexec() {
    LuoUser::kexec();
    start_driver();
  }
  int open(Bytes size, bool huge = false, bool close_on_exec = true) {
    return descriptors_->install(files_->add(kernel::Memfd::create(*pages_, size, huge)), close_on_exec);
  }
  kernel::Memfd& file(int descriptor) { return dynamic_cast<kernel::Memfd&>(*descriptors_->find(descriptor)); }
  // The file under token 1 of session «s», in the next kernel.
  kernel::Memfd& come_back() {
    kexec();
    EXPECT_EQ(retrieve(retrieve_session(), 1, &descriptor_), 0);
    return file(descriptor_);
  }
  MemorySer& header(std::uint64_t handle) { return *reinterpret_cast<MemorySer*>(&memory_.dram()[handle]); }
  // A folio of its own for a shaped file.
  MemoryFolio folio(std::uint64_t index, unsigned order) {
    const std::uint64_t count = std::uint64_t{1} << order;
    return {index, pages_->allocate(count, PageState::Dma, count).value(), order};
  }

  Policies policies_;
  int descriptor_ = -1;
  std::unique_ptr<MemoryObjects> objects_;
  std::unique_ptr<MemoryHandler> memory_handler_;
};

TEST_F(Memfd, ContentsSurviveAtTheSamePages) {
  const int memory = open(17 * kPageSize);
  const PhysicalAddress first = file(memory).first();
  file(memory).bytes()[16 * 4096 + 5] = std::byte{0x5a};
  ASSERT_EQ(preserve(create(), memory, 1), 0);
  kernel::Memfd& back = come_back();
  EXPECT_EQ(back.first(), first);
  EXPECT_EQ(back.bytes()[16 * 4096 + 5], std::byte{0x5a});
  EXPECT_EQ(pages_->state(first + 16 * kPageSize), PageState::Dma);
}

TEST_F(Memfd, SizeSurvivesToTheByte) {
  const int memory = open(3 * kPageSize);
  ASSERT_EQ(file(memory).truncate(5001_B), 0);
  ASSERT_EQ(preserve(create(), memory, 1), 0);
  EXPECT_EQ(come_back().bytes().size(), 5001u);
}

TEST_F(Memfd, EmptyFileSurvives) {
  const int memory = open(kPageSize);
  ASSERT_EQ(file(memory).truncate(0_B), 0);
  ASSERT_EQ(preserve(create(), memory, 1), 0);
  EXPECT_EQ(come_back().bytes().size(), 0u);
}

TEST_F(Memfd, PositionAndStatusFlagsSurviveAsTheyAreAtFreeze) {
  const int memory = open(kPageSize);
  ASSERT_EQ(preserve(create(), memory, 1), 0);
  file(memory).seek(123_B);
  file(memory).set_flags(O_APPEND | O_NONBLOCK);
  const MemoryState back = come_back().state();
  EXPECT_EQ(back.position, 123_B);
  EXPECT_EQ(back.flags, static_cast<std::uint32_t>(O_APPEND | O_NONBLOCK));
}

TEST_F(Memfd, SealsSurviveAndHold) {
  const int memory = open(2 * kPageSize);
  ASSERT_EQ(file(memory).add_seals(kSealGrow | kSealShrink | kSealWrite), 0);
  ASSERT_EQ(preserve(create(), memory, 1), 0);
  kernel::Memfd& back = come_back();
  EXPECT_EQ(back.state().seals, kSealGrow | kSealShrink | kSealWrite);
  EXPECT_EQ(back.truncate(kPageSize), EPERM);
  EXPECT_EQ(back.punch_hole(0_B, 8_B), EPERM);
  EXPECT_EQ(back.add_seals(kSealSeal), 0);
  EXPECT_EQ(back.add_seals(kSealExec), EPERM);
  EXPECT_EQ(back.add_seals(0x40), EINVAL);
}

TEST_F(Memfd, CloseOnExecBelongsToTheDescriptorAndDoesNotSurvive) {
  const int memory = open(kPageSize, false, false);
  ASSERT_EQ(preserve(create(), memory, 1), 0);
  (void)come_back();
  EXPECT_TRUE(descriptors_->close_on_exec(descriptor_)) << "as LUO opens every descriptor";
}

TEST_F(Memfd, HugetlbIsRefused) { EXPECT_EQ(preserve(create(), open(kPageSize, true), 1), ENOENT); }

TEST_F(Memfd, UnknownSealsAreEopnotsupp) {
  ShapedFile shaped;
  shaped.memory.seals = 0x40;
  EXPECT_EQ(preserve(create(), shaped, 1), EOPNOTSUPP);
}

TEST_F(Memfd, UnknownSealsOfTheOldKernelAreEopnotsuppForEver) {
  ASSERT_EQ(preserve(create(), open(kPageSize), 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  const std::uint64_t handle = decode_live_update(memory_.dram(), kho_->fdt())->sessions[0].files[0].handle;
  header(handle).seals = 0x80;
  jump();
  end_kernel();
  boot();
  start_process();
  start_driver();
  const int session = retrieve_session();
  EXPECT_EQ(retrieve(session, 1), EOPNOTSUPP);
  EXPECT_EQ(retrieve(session, 1), EOPNOTSUPP);
}

TEST_F(Memfd, TooLargeIsEfbig) {
  ShapedFile shaped;
  shaped.memory.size = (std::uint64_t{1} << 32) * kPageSize;
  EXPECT_EQ(preserve(create(), shaped, 1), EFBIG);
}

TEST_F(Memfd, WhilePreservedItNeitherGrowsNorShrinksNorGetsHoles) {
  const int memory = open(2 * kPageSize);
  ASSERT_EQ(file(memory).truncate(6000_B), 0);
  const int session = create();
  ASSERT_EQ(preserve(session, memory, 1), 0);
  EXPECT_EQ(file(memory).truncate(7000_B), EPERM);
  EXPECT_EQ(file(memory).truncate(5000_B), EPERM);
  EXPECT_EQ(file(memory).punch_hole(0_B, 4096_B), EPERM);
  EXPECT_EQ(file(memory).truncate(6000_B), 0) << "nothing changes";
  ASSERT_EQ(close(session), 0);
  EXPECT_EQ(file(memory).truncate(7000_B), 0);
  EXPECT_EQ(file(memory).punch_hole(0_B, 4096_B), 0);
}

TEST_F(Memfd, RefusedPreserveLeavesTheFileAlone) {
  const int memory = open(700 * kPageSize);
  const int session = create();
  ASSERT_EQ(preserve(session, open(kPageSize), 2), 0);
  std::vector<PhysicalAddress> taken;
  while (pages_->free_pages() > 1) taken.push_back(pages_->allocate(1, PageState::Kernel).value());
  EXPECT_EQ(preserve(session, memory, 1), ENOMEM);
  EXPECT_EQ(file(memory).truncate(5000_B), 0);
  EXPECT_FALSE(kho_->is_preserved(file(memory).first(), 0));
  for (const PhysicalAddress page : taken) pages_->free(page, 1);
}

TEST_F(Memfd, WhatAFileLosesAndGainsAgainReadsAsZero) {
  const int memory = open(2 * kPageSize);
  file(memory).bytes()[5000] = std::byte{1};
  ASSERT_EQ(file(memory).truncate(100_B), 0);
  ASSERT_EQ(file(memory).truncate(8192_B), 0);
  EXPECT_EQ(file(memory).bytes()[5000], std::byte{0});
  EXPECT_EQ(file(memory).truncate(8193_B), ENOMEM);
  EXPECT_EQ(file(memory).punch_hole(8192_B, 1_B), EINVAL);
}

// The format has room for them, also where the kernel's own files have none.
TEST_F(Memfd, HolesAndScatteredFoliosAreInWhatIsHandedOver) {
  ShapedFile shaped;
  shaped.memory.size = 40 * kPageSize;
  shaped.memory.folios = {folio(0, 2), folio(17, 0), folio(24, 3)};
  ASSERT_EQ(preserve(create(), shaped, 1), 0);
  kexec();
  const std::uint64_t waiting = kho_->unrestored();
  const std::uint64_t free = pages_->free_pages();
  const int session = retrieve_session();
  EXPECT_EQ(retrieve(session, 1), EOPNOTSUPP) << "assumed: this kernel's files are contiguous";
  EXPECT_EQ(objects_->restored->folios, shaped.memory.folios);
  EXPECT_EQ(objects_->restored->size, 40 * kPageSize);
  EXPECT_LT(kho_->unrestored(), waiting);
  EXPECT_GE(pages_->free_pages(), free + 13) << "nothing is left behind";
}

TEST_F(Memfd, FinishWithoutRetrieveFreesThePages) {
  ASSERT_EQ(preserve(create(), open(17 * kPageSize), 1), 0);
  kexec();
  const int session = retrieve_session();
  const std::uint64_t free = pages_->free_pages();
  ASSERT_EQ(finish(session), 0);
  EXPECT_GE(pages_->free_pages(), free + 17);
}

TEST_F(Memfd, CloseOfTheSessionGivesEveryPageBack) {
  const int memory = open(600 * kPageSize);
  const int warm = create("warm");
  ASSERT_EQ(preserve(warm, memory, 1), 0);
  ASSERT_EQ(close(warm), 0);
  const std::uint64_t free = pages_->free_pages();
  const int session = create();
  ASSERT_EQ(preserve(session, memory, 1), 0);
  ASSERT_EQ(close(session), 0);
  EXPECT_EQ(pages_->free_pages(), free);
}

// Whatever stands in the header and in the list: an error or a file, and the page map stays right.
TEST_F(Memfd, DamagedFilesAreEioOrEopnotsuppAndNeverACrash) {
  ASSERT_EQ(preserve(create(), open(21 * kPageSize), 1), 0);
  ASSERT_EQ(luo_->freeze(), 0);
  const std::uint64_t handle = decode_live_update(memory_.dram(), kho_->fdt())->sessions[0].files[0].handle;
  jump();
  const std::vector<std::byte> intact(memory_.dram().begin(), memory_.dram().end());
  const std::uint64_t list = load<kho_abi::VmallocChunk>(memory_.dram(), header(handle).folios.first).folios[0];
  const std::uint64_t chunk = header(handle).folios.first;
  testing::Sequence random(3);
  unsigned refused = 0;
  for (unsigned round = 0; round < 300; ++round) {
    end_kernel();
    std::copy(intact.begin(), intact.end(), memory_.dram().begin());
    const std::uint64_t page = std::array{handle, list, chunk}[random.below(3)];
    const std::uint64_t value = random.below(2) == 0 ? random.next() : random.below(4096) * testing::kPage;
    store(memory_.dram(), page + random.below(6) * 8, value);
    boot();
    start_process();
    start_driver();
    const int error = retrieve(retrieve_session(), 1);
    EXPECT_TRUE(error == 0 || error == EIO || error == EOPNOTSUPP) << error;
    refused += error == 0 ? 0 : 1;
  }
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace holdover::host::kernel
