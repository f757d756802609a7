// SPDX-License-Identifier: MIT
// The kernel's sysfs without any file system: which cycles an access becomes, and how texts and numbers are
// read and written.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "host/kernel/sysfs/file.h"
#include "host/kernel/sysfs/format.h"
#include "host/kernel/sysfs/pci_config.h"
#include "tests/support/fake_platform.h"

namespace holdover::host::kernel::sysfs {
namespace {

using Cycle = std::pair<std::uint64_t, unsigned>;  // offset or address, size

// Notes every cycle. Byte n of what it answers is n.
class NotingPlatform : public holdover::testing::FakePlatform {
 public:
  [[nodiscard]] std::uint32_t config_read(pcie::Bdf, Bytes offset, unsigned size) override {
    return static_cast<std::uint32_t>(note(offset.count(), size));
  }
  void config_write(pcie::Bdf, Bytes offset, unsigned size, std::uint32_t value) override {
    (void)note(offset.count(), size);
    values.push_back(value);
  }
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size) override {
    return note(address.raw(), size);
  }
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override {
    (void)note(address.raw(), size);
    values.push_back(value);
  }

  std::vector<Cycle> cycles;
  std::vector<std::uint64_t> values;

 private:
  std::uint64_t note(std::uint64_t at, unsigned size) {
    cycles.emplace_back(at, size);
    std::uint64_t value = 0;
    for (unsigned byte = 0; byte < size; ++byte) value |= ((at + byte) & 0xff) << 8 * byte;
    return value;
  }
};

class ConfigAttribute : public ::testing::Test {
 protected:
  ConfigAttribute() { device_.extended_space = true; }

  Transfer read(std::uint64_t offset, std::size_t size) {
    platform_.cycles.clear();
    bytes_.assign(size, std::byte{0xee});
    return OpenAttribute(config_attribute(device_)).read(offset, bytes_);
  }
  Transfer write(std::uint64_t offset, const std::vector<unsigned>& bytes) {
    platform_.cycles.clear();
    platform_.values.clear();
    bytes_.clear();
    for (const unsigned byte : bytes) bytes_.push_back(static_cast<std::byte>(byte));
    return OpenAttribute(config_attribute(device_)).write(offset, bytes_);
  }

  NotingPlatform platform_;
  PciDevice device_{platform_, pcie::Bdf{0, 3, 0, 0}};
  std::vector<std::byte> bytes_;
};

TEST_F(ConfigAttribute, AnAlignedAccessIsOneCycleOfItsSize) {
  for (const unsigned size : {1u, 2u, 4u}) {
    EXPECT_EQ(read(8, size).bytes, size);
    EXPECT_EQ(platform_.cycles, (std::vector<Cycle>{{8, size}}));
    EXPECT_EQ(write(8, std::vector<unsigned>(size, 0xa5)).bytes, size);
    EXPECT_EQ(platform_.cycles, (std::vector<Cycle>{{8, size}}));
  }
}

TEST_F(ConfigAttribute, AnAccessIsSplitAsLinuxSplitsIt) {
  EXPECT_EQ(read(1, 10).bytes, 10u);
  EXPECT_EQ(platform_.cycles, (std::vector<Cycle>{{1, 1}, {2, 2}, {4, 4}, {8, 2}, {10, 1}}));
  for (std::size_t byte = 0; byte < bytes_.size(); ++byte) EXPECT_EQ(bytes_[byte], static_cast<std::byte>(1 + byte));
  EXPECT_EQ(read(3, 2).bytes, 2u);
  EXPECT_EQ(platform_.cycles, (std::vector<Cycle>{{3, 1}, {4, 1}}));
  EXPECT_EQ(read(2, 2).bytes, 2u);
  EXPECT_EQ(platform_.cycles, (std::vector<Cycle>{{2, 2}}));
  EXPECT_EQ(write(6, {1, 2, 3, 4, 5, 6, 7}).bytes, 7u);
  EXPECT_EQ(platform_.cycles, (std::vector<Cycle>{{6, 2}, {8, 4}, {12, 1}}));
  EXPECT_EQ(platform_.values, (std::vector<std::uint64_t>{0x0201, 0x06050403, 0x07}));
}

TEST_F(ConfigAttribute, ItEndsWithTheSpaceOfTheFunction) {
  EXPECT_EQ(read(4090, 100).bytes, 6u);
  EXPECT_EQ(read(4096, 4).bytes, 0u);
  EXPECT_TRUE(platform_.cycles.empty());
  EXPECT_EQ(write(4094, {1, 2, 3, 4}).bytes, 2u);
  EXPECT_EQ(platform_.cycles, (std::vector<Cycle>{{4094, 2}}));
  EXPECT_EQ(write(4096, {1}).error, EFBIG);
  EXPECT_TRUE(platform_.cycles.empty());
  device_.extended_space = false;
  EXPECT_EQ(read(252, 8).bytes, 4u);
  EXPECT_EQ(write(256, {1}).error, EFBIG);
}

TEST_F(ConfigAttribute, NothingIsReadOrWrittenForNoBytes) {
  EXPECT_EQ(read(1, 0).bytes, 0u);
  EXPECT_EQ(write(5000, {}).error, 0);
  EXPECT_TRUE(platform_.cycles.empty());
}

TEST_F(ConfigAttribute, ABarTakesLoadsAndStoresOfAProcessorOnly) {
  device_.bars[0] = Bar{64_KiB, BusAddress{0xe000'0000}, false, false, false, true};
  OpenAttribute attribute(resource_attribute(platform_, device_, 0));
  std::array<std::byte, 16> bytes{};
  for (const unsigned size : {1u, 2u, 4u, 8u}) {
    platform_.cycles.clear();
    EXPECT_EQ(attribute.read(0x100, std::span(bytes).first(size)).bytes, size);
    EXPECT_EQ(attribute.write(0x108, std::span(bytes).first(size)).bytes, size);
    EXPECT_EQ(platform_.cycles, (std::vector<Cycle>{{0xe000'0100, size}, {0xe000'0108, size}}));
  }
  platform_.cycles.clear();
  EXPECT_EQ(attribute.read(0x100, bytes).error, EINVAL);
  EXPECT_EQ(attribute.read(0x102, std::span(bytes).first(4)).error, EINVAL);
  EXPECT_EQ(attribute.write(0x100, std::span(bytes).first(3)).error, EINVAL);
  EXPECT_EQ(attribute.read(0x1'0000, std::span(bytes).first(4)).bytes, 0u);
  EXPECT_EQ(attribute.write(0x1'0000, std::span(bytes).first(4)).error, EFBIG);
  EXPECT_TRUE(platform_.cycles.empty());
}

TEST(SysfsText, IsMadeAtItsBeginningAndReadOn) {
  unsigned made = 0;
  OpenAttribute attribute(Node{shows([&made] { return "text " + std::to_string(++made) + "\n"; })});
  std::array<std::byte, 4> bytes{};
  const auto read = [&](std::uint64_t offset) {
    const Transfer transfer = attribute.read(offset, bytes);
    return std::string(reinterpret_cast<const char*>(bytes.data()), transfer.bytes);
  };
  EXPECT_EQ(read(0), "text");
  EXPECT_EQ(read(4), " 1\n");
  EXPECT_EQ(read(7), "");
  EXPECT_EQ(made, 1u);
  EXPECT_EQ(read(0), "text");
  EXPECT_EQ(made, 2u);
  EXPECT_EQ(read(5), "3\n") << "a read that does not go on makes it anew";
  EXPECT_EQ(read(4000), "");
}

TEST(SysfsText, IsOpenedAsItsModeSaysWhoeverAsks) {
  Text text = shows([] { return "x"; });
  EXPECT_EQ(check_open(text, true, false), 0);
  EXPECT_EQ(check_open(text, false, true), EACCES);
  text.mode = 0200;
  text.store = [](std::string_view) { return 0; };
  EXPECT_EQ(check_open(text, true, false), EACCES);
  EXPECT_EQ(check_open(text, true, true), EACCES);
  EXPECT_EQ(check_open(text, false, true), 0);
  EXPECT_EQ(check_open(Folder{}, true, false), EISDIR);
}

TEST(SysfsNumbers, AreReadAsTheKernelReadsThem) {
  EXPECT_EQ(parse_unsigned("16\n"), 16ul);
  EXPECT_EQ(parse_unsigned("0x10"), 16ul);
  EXPECT_EQ(parse_unsigned("020"), 16ul);
  EXPECT_EQ(parse_unsigned("+1"), 1ul);
  EXPECT_EQ(parse_unsigned("0"), 0ul);
  for (const char* text : {"", "\n", "-1", " 1", "1 ", "1\n\n", "0x", "08", "x", "99999999999999999999"}) {
    EXPECT_EQ(parse_unsigned(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_int("-1\n"), -1);
  EXPECT_EQ(parse_int("-+1"), std::nullopt);
  EXPECT_EQ(parse_int("2147483648"), std::nullopt);
}

}  // namespace
}  // namespace holdover::host::kernel::sysfs
