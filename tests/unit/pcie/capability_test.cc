// SPDX-License-Identifier: MIT
// Walking capability lists, good ones and broken ones.
#include "pcie/capability.h"

#include <gtest/gtest.h>

#include <map>

#include "pcie/config_space.h"

namespace holdover::pcie {
namespace {

class Space {
 public:
  Space& word(unsigned offset, std::uint32_t value) {
    words_[offset] = value;
    return *this;
  }
  ConfigReader reader() {
    return [this](unsigned offset) {
      const auto found = words_.find(offset);
      return found == words_.end() ? 0 : found->second;
    };
  }

 private:
  std::map<unsigned, std::uint32_t> words_;
};

constexpr std::uint32_t kListPresent = std::uint32_t{config::kStatusCapabilityList} << 16;

TEST(Capability, IsFoundAnywhereInTheList) {
  Space space;
  space.word(0x04, kListPresent).word(0x34, 0x40).word(0x40, 0x5001).word(0x50, 0x6011).word(0x60, 0x0010);
  EXPECT_EQ(find_capability(space.reader(), config::kCapPowerManagement), 0x40u);
  EXPECT_EQ(find_capability(space.reader(), config::kCapMsix), 0x50u);
  EXPECT_EQ(find_capability(space.reader(), config::kCapExpress), 0x60u);
  EXPECT_EQ(find_capability(space.reader(), config::kCapMsi), std::nullopt);
}

TEST(Capability, WithoutTheStatusBitThereIsNoList) {
  Space space;
  space.word(0x34, 0x40).word(0x40, 0x0001);
  EXPECT_EQ(find_capability(space.reader(), config::kCapPowerManagement), std::nullopt);
}

TEST(Capability, ACycleEndsTheWalk) {
  Space space;
  space.word(0x04, kListPresent).word(0x34, 0x40).word(0x40, 0x4001);
  EXPECT_EQ(find_capability(space.reader(), config::kCapMsix), std::nullopt);
}

TEST(ExtendedCapability, IsFoundAndEnds) {
  Space space;
  space.word(0x100, 0x1401'0001).word(0x140, 0x0001'0003);
  EXPECT_EQ(find_extended_capability(space.reader(), config::kExtCapSerialNumber), 0x140u);
  EXPECT_EQ(find_extended_capability(space.reader(), config::kExtCapAcs), std::nullopt);
}

TEST(ExtendedCapability, AnAbsentFunctionHasNone) {
  const ConfigReader all_ones = [](unsigned) { return 0xffff'ffffu; };
  EXPECT_EQ(find_extended_capability(all_ones, config::kExtCapAer), std::nullopt);
}

}  // namespace
}  // namespace holdover::pcie
