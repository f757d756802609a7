// SPDX-License-Identifier: MIT
// Claims about the file handlers together: memory, address spaces and devices over one kexec and over several.
#include <gtest/gtest.h>

#include <cerrno>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/live_update_core.h"
#include "host/kernel/panic.h"
#include "tests/unit/host/fake_objects.h"
#include "tests/unit/host/successive_kernels.h"

namespace holdover::host::kernel {
namespace {

using testing::FakeDevice;
using testing::FakeMemory;
using testing::FakeObjects;
using testing::FakeSpace;
using testing::kPort;

constexpr pcie::Bdf kFunction{0, 1, 0, 0};
constexpr std::uint64_t kRings = 2;
constexpr std::uint64_t kData = 3;
constexpr std::uint64_t kSpace = 10;
constexpr std::uint64_t kDevice = 20;

class HandlersTest : public ::testing::Test {
 protected:
  HandlersTest() {
    boot();
    objects_->unit = {BusAddress{0xfed9'0000}, table(), {}, table()};
    objects_->unit.structure_pages = {objects_->unit.root_table, table()};
    AddressSpaceState space{5, table(), {}, true};
    space.table_pages = {space.root, table(), table(), table()};
    objects_->spaces.push_back(std::make_unique<FakeSpace>(space));
    objects_->memories.push_back(std::make_unique<FakeMemory>(dma(3), 3));
    objects_->memories.push_back(std::make_unique<FakeMemory>(dma(17), 17));
    objects_->devices.push_back(
        std::make_unique<FakeDevice>(DeviceState{{kFunction, {kPort}, false, false}, true, 5, 4, true, {}}));
  }
  ~HandlersTest() override { core_.reset(); }

  PhysicalAddress table() { return pages_->allocate(1, PageState::PageTable).value(); }
  PhysicalAddress dma(std::uint64_t count) { return pages_->allocate(count, PageState::Dma).value(); }

  void boot() {
    core_.reset();
    objects_ = std::make_unique<FakeObjects>();
    pages_ = memory_.begin_kernel();
    core_ = std::make_unique<LiveUpdateCore>(*pages_, memory_.parameters(), policies_, *objects_, nullptr,
                                             [this](std::string_view line) { console_.emplace_back(line); });
  }
  // A kernel that adopts the IOMMU, scans, and takes the sessions over.
  void boot_and_scan() {
    boot();
    if (const IncomingIommu* incoming = core_->iommu().incoming()) objects_->unit = incoming->unit;
    static_cast<void>(core_->pci().setup_device(kPort));
    static_cast<void>(core_->pci().setup_device(kFunction));
    static_cast<void>(core_->bindings().incoming(kFunction));
  }
  LuoSession& session() {
    LuoSession* session = nullptr;
    EXPECT_EQ(core_->luo().create_session("vm", session), 0);
    return *session;
  }
  int preserve_all(LuoSession& s) {
    for (const auto& [file, token] :
         std::vector<std::pair<KernelFile*, std::uint64_t>>{{objects_->memories[0].get(), kRings},
                                                            {objects_->memories[1].get(), kData},
                                                            {objects_->spaces[0].get(), kSpace},
                                                            {objects_->devices[0].get(), kDevice}}) {
      if (const int error = s.preserve(file, token); error != 0) return error;
    }
    return 0;
  }
  void jump() { memory_.jump(core_->kho().fdt()); }
  LuoSession& retrieved() {
    EXPECT_EQ(core_->luo().open(), 0);
    LuoSession* session = nullptr;
    EXPECT_EQ(core_->luo().retrieve_session("vm", session), 0);
    return *session;
  }
  static int retrieve_all(LuoSession& s) {
    for (const std::uint64_t token : {kRings, kData, kSpace, kDevice}) {
      KernelFile* file = nullptr;
      if (const int error = s.retrieve(token, file); error != 0) return error;
    }
    return 0;
  }

  testing::Memory memory_;
  Policies policies_;
  std::vector<std::string> console_;
  std::unique_ptr<PageAllocator> pages_;
  std::unique_ptr<FakeObjects> objects_;
  std::unique_ptr<LiveUpdateCore> core_;
};

TEST_F(HandlersTest, EverythingComesBackAtTheSamePages) {
  const FakeMemory data(objects_->memories[1]->first(), 17);
  const AddressSpaceState space = objects_->spaces[0]->state();
  store(memory_.dram(), data.first().raw() + 16 * 4096, std::uint64_t{1234});
  ASSERT_EQ(preserve_all(session()), 0);
  EXPECT_TRUE(objects_->spaces[0]->preserved);
  ASSERT_EQ(core_->luo().freeze(), 0);
  jump();
  boot_and_scan();

  const IncomingIommu& iommu = *core_->iommu().incoming();
  ASSERT_EQ(iommu.domains.size(), 1u);
  EXPECT_EQ(iommu.domains[0].domain_id, 5u);
  EXPECT_EQ(iommu.attachments, (std::vector<std::pair<pcie::Bdf, std::uint16_t>>{{kFunction, std::uint16_t{5}}}));
  EXPECT_EQ(pages_->state(iommu.unit.root_table), PageState::PageTable);
  EXPECT_EQ(pages_->state(space.table_pages[3]), PageState::PageTable);

  ASSERT_EQ(retrieve_all(retrieved()), 0);
  EXPECT_EQ(objects_->memories[1]->first(), data.first());
  EXPECT_EQ(objects_->memories[1]->page_count(), 17u);
  EXPECT_EQ(load<std::uint64_t>(memory_.dram(), data.first().raw() + 16 * 4096), 1234u);
  EXPECT_EQ(pages_->state(data.first()), PageState::Dma);
  EXPECT_EQ(objects_->spaces[0]->state().table_pages, space.table_pages);
  EXPECT_EQ(objects_->devices[0]->device.interrupt_vectors, 4u);
  EXPECT_EQ(objects_->devices[0]->device.domain_id, 5u);
}

TEST_F(HandlersTest, TheBindingOfADeviceIsKnownBeforeAnySessionIsOpen) {
  const SchemaGuid schema{1, 2, 3};
  objects_->devices[0]->device.binding = {"vfio-pci", schema};
  ASSERT_EQ(preserve_all(session()), 0);
  ASSERT_EQ(core_->luo().freeze(), 0);
  jump();
  boot();
  const SavedBinding* const binding = core_->bindings().incoming(kFunction);
  ASSERT_NE(binding, nullptr);
  EXPECT_EQ(binding->driver, "vfio-pci");
  EXPECT_EQ(binding->schema, schema);
  EXPECT_EQ(core_->bindings().incoming(kPort), nullptr);
}

TEST_F(HandlersTest, ADriverNameThatIsTooLongIsRefusedAndEverythingUndone) {
  objects_->devices[0]->device.binding.driver = std::string(32, 'x');
  EXPECT_EQ(preserve_all(session()), EINVAL);
  EXPECT_FALSE(core_->pci().is_outgoing(kFunction));
}

TEST_F(HandlersTest, FinishLeavesNothingOfTheHandoverBehind) {
  ASSERT_EQ(preserve_all(session()), 0);
  ASSERT_EQ(core_->luo().freeze(), 0);
  jump();
  boot_and_scan();
  LuoSession& s = retrieved();
  ASSERT_EQ(retrieve_all(s), 0);
  ASSERT_EQ(s.finish(), 0);
  EXPECT_FALSE(core_->pci().is_incoming(kFunction));
  // What stays in use: the files, the IOMMU's tables, and the old FDT page that no subtree user owns.
  EXPECT_EQ(core_->kho().unrestored(), 1u);
  std::uint64_t in_use = 0;
  for (std::uint64_t page = 0; page < memory_.dram().size() / 4096; ++page) {
    const PageState state = pages_->state(PhysicalAddress{page * 4096});
    in_use += state == PageState::Dma || state == PageState::PageTable ? 1 : 0;
  }
  EXPECT_EQ(in_use, 3u + 17u + 2u + 4u + 1u);
}

TEST_F(HandlersTest, UpdatesCanFollowEachOther) {
  ASSERT_EQ(preserve_all(session()), 0);
  for (unsigned update = 1; update <= 4; ++update) {
    ASSERT_EQ(core_->luo().freeze(), 0);
    jump();
    boot_and_scan();
    EXPECT_EQ(core_->luo().liveupdate_number(), update);
    LuoSession& s = retrieved();
    ASSERT_EQ(retrieve_all(s), 0);
    ASSERT_EQ(s.finish(), 0);
    ASSERT_EQ(preserve_all(session()), 0);
  }
  EXPECT_TRUE(console_.empty()) << console_.front();
}

TEST_F(HandlersTest, ClosingTheSessionGivesEverythingBack) {
  LuoSession& warm = session();
  ASSERT_EQ(preserve_all(warm), 0);
  warm.close();  // nodes of the tree stay
  const std::uint64_t before = pages_->free_pages();
  LuoSession& s = session();
  ASSERT_EQ(preserve_all(s), 0);
  EXPECT_LT(pages_->free_pages(), before);
  s.close();
  EXPECT_EQ(pages_->free_pages(), before);
  EXPECT_FALSE(objects_->spaces[0]->preserved);
  EXPECT_TRUE(console_.empty()) << console_.front();
  EXPECT_FALSE(core_->pci().is_outgoing(kFunction));
}

TEST_F(HandlersTest, DeviceNeedsItsAddressSpacePreservedFirst) {
  LuoSession& s = session();
  EXPECT_EQ(s.preserve(objects_->devices[0].get(), kDevice), EINVAL);
  EXPECT_FALSE(core_->pci().is_outgoing(kFunction)) << "undone";
  objects_->devices[0]->device.dma_owner = false;
  EXPECT_EQ(s.preserve(objects_->devices[0].get(), kDevice), EINVAL);
  objects_->devices[0]->device.attached = false;
  EXPECT_EQ(s.preserve(objects_->devices[0].get(), kDevice), EOPNOTSUPP);
}

TEST_F(HandlersTest, DeviceMustBeRetrievedBeforeFinish) {
  ASSERT_EQ(preserve_all(session()), 0);
  ASSERT_EQ(core_->luo().freeze(), 0);
  jump();
  boot_and_scan();
  LuoSession& s = retrieved();
  EXPECT_EQ(s.finish(), EBUSY);
  KernelFile* file = nullptr;
  ASSERT_EQ(s.retrieve(kDevice, file), 0);
  EXPECT_EQ(s.finish(), 0) << "memory that nobody wants is freed";
  EXPECT_EQ(core_->kho().unrestored(), 1u);
}

TEST_F(HandlersTest, FunctionThatTheScanDidNotFindIsEnodev) {
  ASSERT_EQ(preserve_all(session()), 0);
  ASSERT_EQ(core_->luo().freeze(), 0);
  jump();
  boot_and_scan();
  objects_->function_there = false;
  KernelFile* file = nullptr;
  EXPECT_EQ(retrieved().retrieve(kDevice, file), ENODEV);
}

TEST_F(HandlersTest, TablesAddedBeforeTheJumpAreHandedOverToo) {
  ASSERT_EQ(preserve_all(session()), 0);
  const PhysicalAddress added = table();
  objects_->unit.structure_pages.push_back(added);
  ASSERT_EQ(core_->luo().freeze(), 0);
  jump();
  boot_and_scan();
  EXPECT_EQ(objects_->unit.structure_pages.back(), added);
}

TEST_F(HandlersTest, AFileThatCannotBePreservedHasNoHandler) {
  objects_->devices[0]->preservable = false;
  EXPECT_EQ(preserve_all(session()), ENOENT);
}

TEST_F(HandlersTest, AVirtualFunctionHasNoHandler) {
  objects_->devices[0]->device.path.virtual_function = true;
  EXPECT_EQ(preserve_all(session()), ENOENT);
  EXPECT_FALSE(core_->pci().is_outgoing(kFunction));
}

TEST_F(HandlersTest, RefusedFreezeOfTheDeviceKeepsEverythingPreserved) {
  objects_->devices[0]->freeze_errno = EINVAL;
  ASSERT_EQ(preserve_all(session()), 0);
  EXPECT_EQ(core_->luo().freeze(), EINVAL);
  EXPECT_TRUE(core_->pci().is_outgoing(kPort));
  EXPECT_TRUE(objects_->spaces[0]->preserved);
  EXPECT_EQ(core_->luo().outgoing().front()->file_count(), 4u);
}

TEST_F(HandlersTest, AFreezeThatFailsBehindTheDeviceComesTooLateForIt) {
  policies_.mistakes.freeze_fails = true;
  LuoSession& s = session();
  ASSERT_EQ(preserve_all(s), 0);
  objects_->memories.push_back(std::make_unique<FakeMemory>(dma(2), 2));
  ASSERT_EQ(s.preserve(objects_->memories.back().get(), 1), 0);
  EXPECT_EQ(core_->luo().freeze(), EINVAL);
  EXPECT_EQ(objects_->devices[0]->freezes, 1);
  EXPECT_EQ(core_->luo().outgoing().front()->file_count(), 5u);
}

TEST_F(HandlersTest, ForgottenDataPageIsNotInTheTree) {
  policies_.mistakes.data_buffer_not_preserved = true;
  ASSERT_EQ(preserve_all(session()), 0);
  ASSERT_EQ(core_->luo().freeze(), 0);
  const auto preserved = decode_preserved_pages(memory_.dram(), core_->kho().fdt()).value();
  const std::uint64_t first = objects_->memories[1]->first().raw() / 4096;
  EXPECT_FALSE(preserved[first]);
  EXPECT_TRUE(preserved[first + 1]);
  EXPECT_TRUE(preserved[objects_->memories[0]->first().raw() / 4096]);
  jump();
  boot_and_scan();
  KernelFile* file = nullptr;
  EXPECT_EQ(retrieved().retrieve(kData, file), EIO);
}

TEST_F(HandlersTest, ForgottenRingPageIsNotInTheTree) {
  policies_.mistakes.ring_not_preserved = true;
  LuoSession& s = session();
  ASSERT_EQ(preserve_all(s), 0);
  const auto preserved = decode_preserved_pages(memory_.dram(), core_->kho().fdt()).value();
  EXPECT_FALSE(preserved[objects_->memories[0]->first().raw() / 4096]);
  EXPECT_TRUE(preserved[objects_->memories[1]->first().raw() / 4096]);
  s.close();
  EXPECT_TRUE(console_.empty()) << "the mistake is consistent";
}

TEST_F(HandlersTest, ForgottenPageTableGoesUnnoticedByTheNewKernel) {
  policies_.mistakes.page_table_not_preserved = true;
  ASSERT_EQ(preserve_all(session()), 0);
  ASSERT_EQ(core_->luo().freeze(), 0);
  const auto preserved = decode_preserved_pages(memory_.dram(), core_->kho().fdt()).value();
  const std::vector<PhysicalAddress> tables = objects_->spaces[0]->state().table_pages;
  EXPECT_FALSE(preserved[tables.back().raw() / 4096]);
  jump();
  boot_and_scan();
  EXPECT_EQ(core_->iommu().incoming()->domains[0].table_pages.size(), tables.size() - 1);
  EXPECT_NE(pages_->state(tables.back()), PageState::PageTable) << "it is anybody's now";
}

TEST_F(HandlersTest, TablePageThatIsNamedAndNotPreservedStopsTheNewKernel) {
  ASSERT_EQ(preserve_all(session()), 0);
  ASSERT_EQ(core_->luo().freeze(), 0);
  core_->kho().unpreserve_folio(objects_->spaces[0]->state().table_pages.back(), 0);
  jump();
  EXPECT_THROW(boot_and_scan(), Panic);
}

TEST_F(HandlersTest, KernelWithoutLiveUpdateHandsNothingOver) {
  policies_.live_update = false;
  policies_.pci = PciSeries::None;
  boot();
  EXPECT_EQ(core_->luo().open(), ENOENT);
  EXPECT_EQ(core_->kho().fdt(), PhysicalAddress{0});
  EXPECT_EQ(core_->luo().freeze(), 0);
  EXPECT_EQ(core_->iommu().incoming(), nullptr);
  EXPECT_FALSE(core_->pci().had_incoming());
}

// Damage anywhere in what was handed over ends in an errno, a panic or an ordinary boot, never in a crash.
TEST_F(HandlersTest, DamagedHandoverNeverCrashesAKernel) {
  ASSERT_EQ(preserve_all(session()), 0);
  ASSERT_EQ(core_->luo().freeze(), 0);
  const PhysicalAddress fdt = core_->kho().fdt();
  const KhoTree tree = decode_kho(memory_.dram(), fdt).value();
  std::vector<PhysicalAddress> targets = tree.structure;
  for (const PreservedFolio& folio : tree.folios) {
    if (folio.order == 0) targets.push_back(folio.address);
  }
  jump();
  const std::vector<std::byte> intact(memory_.dram().begin(), memory_.dram().end());
  testing::Sequence random(4);
  unsigned noticed = 0;
  for (unsigned round = 0; round < 400; ++round) {
    std::copy(intact.begin(), intact.end(), memory_.dram().begin());
    const PhysicalAddress page = targets[random.below(targets.size())];
    const std::uint64_t value = random.below(3) == 0 ? random.next() : random.below(4200) * 4096;
    store(memory_.dram(), page.raw() + random.below(12) * 8, value);
    try {
      boot_and_scan();
      LuoSession* s = nullptr;
      const bool works = core_->luo().open() == 0 && core_->luo().retrieve_session("vm", s) == 0 &&
                         retrieve_all(*s) == 0 && s->finish() == 0;
      noticed += works ? 0 : 1;
    } catch (const Panic&) {
      ++noticed;
    }
  }
  EXPECT_GT(noticed, 50u);
}

}  // namespace
}  // namespace holdover::host::kernel
