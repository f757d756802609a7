// SPDX-License-Identifier: MIT
// Tables whose bytes were changed: the outcome is that of the version, and never a crash.
#include <gtest/gtest.h>

#include "tests/unit/host/pci_series_fixture.h"

namespace holdover::host::kernel {
namespace {

using namespace testing;

class PciBrokenTable : public EveryPciSeries {
 protected:
  // Hands both functions over, damages the table, boots the same version and scans. Whether that panicked.
  bool panics_after(const std::function<void()>& damage) {
    memory_ = Memory();
    boot(GetParam());
    LuoSession& s = session();
    EXPECT_EQ(s.preserve(&left_, 1), 0);
    EXPECT_EQ(s.preserve(&right_, 2), 0);
    freeze();
    damage();
    jump(GetParam());
    return panics([&] { scan(); });
  }
  // A table that cannot be used: an ordinary boot until v6, a panic since v7.
  void expect_unusable(const char* what, const std::function<void()>& damage) {
    EXPECT_EQ(panics_after(damage), since(PciSeries::V7)) << what;
    EXPECT_FALSE(pci_->is_incoming(kLeft)) << what;
    if (before(PciSeries::V7)) {
      EXPECT_EQ(lines_with("cannot be used"), 1u) << what;
      EXPECT_EQ(lines_with("goes on as if there were none"), 1u) << what;
    }
  }
  [[nodiscard]] std::uint64_t nr_devices_at() const {
    return handed_.data + pci_nr_devices_offset(rules_of(GetParam()).layout);
  }
  [[nodiscard]] std::uint64_t first_block() {
    return load<std::uint64_t>(memory_.dram(), handed_.data + (since(PciSeries::V8) ? 8 : 4));
  }
  template <typename Value>
  void put(std::uint64_t at, Value value) {
    store(memory_.dram(), at, value);
  }
};
// What only some versions have.
class PciBrokenTableSinceV7 : public PciBrokenTable {};
class PciBrokenTableV3 : public PciBrokenTable {};

TEST_P(PciBrokenTable, ThatWasNotPreserved) {
  expect_unusable("unpreserved", [this] { kho_->unpreserve_folio(PhysicalAddress{handed_.data}, 0); });
}

TEST_P(PciBrokenTable, ThatIsTruncated) {
  if (before(PciSeries::V7)) {
    expect_unusable("an array longer than its pages", [this] { put(handed_.data, std::uint32_t{600}); });
  } else {
    expect_unusable("a block that was not preserved",
                    [this] { kho_->unpreserve_folio(PhysicalAddress{first_block()}, 0); });
  }
}

TEST_P(PciBrokenTable, ThatLeavesDram) {
  if (before(PciSeries::V7)) {
    expect_unusable("room for more than DRAM", [this] { put(handed_.data, std::uint32_t{0xffff'ffff}); });
    return;
  }
  const unsigned at = since(PciSeries::V8) ? 8 : 4;
  for (const std::uint64_t address : {std::uint64_t{1} << 40, std::uint64_t{12}, ~std::uint64_t{0xfff}}) {
    expect_unusable("blocks elsewhere", [&] { put(handed_.data + at, address); });
  }
}

TEST_P(PciBrokenTableSinceV7, WithAChainThatIsCyclicOrMiscounted) {
  expect_unusable("cyclic", [this] { put(first_block(), first_block()); });
  expect_unusable("empty block", [this] { put(first_block() + 8, std::uint64_t{0}); });
  expect_unusable("overfull block", [this] { put(first_block() + 8, std::uint64_t{511}); });
  expect_unusable("next outside DRAM", [this] { put(first_block(), std::uint64_t{1} << 50); });
}

TEST_P(PciBrokenTableV3, WithMoreInUseThanRoom) {
  expect_unusable("7 of 6", [this] { put(nr_devices_at(), std::uint64_t{7}); });
}

// Nobody compares the number in the header with the entries before they are finished.
TEST_P(PciBrokenTable, WithAWrongNumberOfDevicesPanicsAtTheEndSinceV8) {
  EXPECT_FALSE(panics_after([this] { put(nr_devices_at(), std::uint32_t{1}); }));
  EXPECT_TRUE(pci_->is_incoming(kLeft));
  EXPECT_EQ(pci_->is_incoming(kRight), since(PciSeries::V4)) << "v3 searches the first entries only";
  LuoSession& s = retrieved();
  for (const std::uint64_t token : {1u, 2u}) {
    KernelFile* file = nullptr;
    static_cast<void>(s.retrieve(token, file));
  }
  EXPECT_EQ(panics([&] { static_cast<void>(s.finish()); }), since(PciSeries::V8));
}

TEST_P(PciBrokenTable, WithZeroDevicesLosesTheBusNumbersInV3AndFromV6ToV8) {
  EXPECT_FALSE(panics_after([this] { put(nr_devices_at(), std::uint32_t{0}); }));
  const bool keeps = GetParam() == PciSeries::V4 || GetParam() == PciSeries::V5 || GetParam() == PciSeries::V9;
  EXPECT_EQ(pci_->keep_bus_numbers(kRootPort, nullptr, 0), keeps);
}

TEST_P(PciBrokenTableV3, ThatIsUnsortedIsNotFoundByV3) {
  EXPECT_FALSE(panics_after([this] {
    const auto first = load<std::uint64_t>(memory_.dram(), handed_.data + 16);
    put(handed_.data + 16, load<std::uint64_t>(memory_.dram(), handed_.data + 24));
    put(handed_.data + 24, first);
  }));
  EXPECT_FALSE(pci_->is_incoming(kLeft) && pci_->is_incoming(kRight));
}

TEST_P(PciBrokenTable, WithADomainThatDoesNotExistIsNeverFinished) {
  EXPECT_FALSE(panics_after([this] {
    const auto table = read_pci_table(memory_.dram(), PhysicalAddress{handed_.data}, rules_of(GetParam()).layout);
    for (const PciTableEntry& entry : table->entries) {
      if (entry.bdf == kRight.requester_id()) put(entry.offset, std::uint32_t{0x10000});
    }
  }));
  EXPECT_TRUE(pci_->is_incoming(kLeft));
  EXPECT_FALSE(pci_->is_incoming(kRight));
}

// Bits anywhere in the header and the entries: a scan and a finish end, one way or the other.
TEST_P(PciBrokenTable, WithFlippedBitsNeverCrashesAKernelOrTheBench) {
  Sequence random(static_cast<std::uint64_t>(GetParam()));
  unsigned panicked = 0;
  unsigned unused = 0;
  for (unsigned round = 0; round < 150; ++round) {
    const bool panic = panics_after([&] {
      const std::uint64_t page = since(PciSeries::V7) && random.below(2) == 0 ? first_block() : handed_.data;
      for (std::uint64_t flips = 1 + random.below(3); flips > 0; --flips) {
        const std::uint64_t byte = page + random.below(40);
        put(byte, static_cast<std::uint8_t>(load<std::uint8_t>(memory_.dram(), byte) ^ 1u << random.below(8)));
      }
      std::string why;
      static_cast<void>(decode_pci_table(memory_.dram(), PhysicalAddress{handed_.data}, handed_.name, &why));
    });
    panicked += panic ? 1 : 0;
    unused += lines_with("cannot be used");
    if (panic) continue;
    static_cast<void>(panics([&] {
      LuoSession& s = retrieved();
      for (const std::uint64_t token : {1u, 2u}) {
        KernelFile* file = nullptr;
        static_cast<void>(s.retrieve(token, file));
      }
      static_cast<void>(s.finish());
    }));
  }
  EXPECT_EQ(panicked != 0, since(PciSeries::V7));
  EXPECT_GT(unused, 10u);
}

INSTANTIATE_TEST_SUITE_P(, PciBrokenTable, ::testing::ValuesIn(kEverySeries), series_name);
INSTANTIATE_TEST_SUITE_P(, PciBrokenTableSinceV7, ::testing::ValuesIn(series(PciSeries::V7, PciSeries::V9)),
                         series_name);
INSTANTIATE_TEST_SUITE_P(, PciBrokenTableV3, ::testing::ValuesIn(series(PciSeries::V3, PciSeries::V3)), series_name);

}  // namespace
}  // namespace holdover::host::kernel
