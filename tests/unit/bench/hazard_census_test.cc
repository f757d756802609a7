// SPDX-License-Identifier: MIT
// Each hazard is told by one write, and not by the same write where it belongs to something else.
#include "bench/ledger/hazard_census.h"

#include <cstring>
#include <string>
#include <vector>

#include "bench/ledger/hazard_rules.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

using pcie::Phase;

constexpr unsigned kPm = 0x40;
constexpr unsigned kMsi = 0x50;
constexpr unsigned kMsix = 0x60;
constexpr unsigned kExpress = 0x70;
constexpr unsigned kAer = 0x100;
constexpr unsigned kAcs = 0x150;
constexpr unsigned kDpc = 0x180;

// A function with every capability that a rule looks at.
ConfigShadow function(bool bridge) {
  std::vector<std::byte> bytes(4096);
  const auto put = [&](unsigned offset, std::uint32_t value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  };
  put(0x00, 0x0d17'1172);
  put(0x04, 0x0010'0000);
  put(0x0c, bridge ? 0x0001'0000u : 0u);
  put(0x34, kPm);
  put(kPm, 0x0000'0001 | kMsi << 8);
  put(kMsi, 0x0000'0005 | kMsix << 8);
  put(kMsix, 0x0000'0011 | kExpress << 8);
  put(kExpress, 0x0000'0010);
  put(kAer, 0x0001'0001 | kAcs << 20);
  put(kAcs, 0x0001'000d | kDpc << 20);
  put(kDpc, 0x0001'001d);
  return ConfigShadow{bytes};
}

struct Case {
  const char* hazard;
  bool bridge;
  unsigned kernel;
  Phase phase;
  unsigned offset;
  std::uint8_t enables;
  std::uint32_t before;
  std::uint32_t written;
  std::uint32_t after;
};

void PrintTo(const Case& fits, std::ostream* out) { *out << fits.hazard; }

constexpr Case kCases[] = {
    {"H006", false, 0, Phase::Freeze, kExpress + 8, 0x3, 0x2810, 0xa810, 0x2810},
    {"H007", false, 0, Phase::Freeze, 0x04, 0x3, 0x0006, 0x0400, 0x0400},
    {"H009", false, 0, Phase::Preserve, kMsix, 0xc, 0x8003'0011, 0x0003'0000, 0x0003'0011},
    {"H014", false, 0, Phase::Shutdown, 0x04, 0x3, 0x0006, 0x0002, 0x0002},
    {"H015", true, 0, Phase::Shutdown, 0x04, 0x3, 0x0107, 0x0103, 0x0103},
    {"H017", true, 0, Phase::Shutdown, kAer + 0x2c, 0xf, 7, 0, 0},
    {"H017", true, 0, Phase::Shutdown, kExpress + 0x1c, 0x3, 8, 0, 0},
    {"H018", false, 0, Phase::Shutdown, kPm + 4, 0x3, 3, 0, 0},
    {"H116", false, 0, Phase::Shutdown, kMsix, 0xc, 0x8003'0000, 0x0003'0000, 0x0003'0000},
    {"H041", true, 1, Phase::Enumerate, 0x18, 0xf, 0x0002'0100, 0, 0},
    {"H042", true, 1, Phase::Enumerate, 0x18, 0xf, 0, 0x0003'0300, 0x0003'0300},
    {"H048", true, 1, Phase::Enumerate, 0x1c, 0xc, 0, 0xffff'0000, 0},
    {"H056", false, 1, Phase::Enumerate, 0x04, 0x3, 0x0006, 0x0406, 0x0406},
    {"H057", false, 1, Phase::Enumerate, 0x04, 0x3, 0x0006, 0x0004, 0x0004},
    {"H058", false, 1, Phase::Enumerate, 0x18, 0xf, 0xfe60'0000, 0xffff'ffff, 0xffff'f000},
    {"H059", false, 1, Phase::Enumerate, 0x30, 0xf, 0, 0xffff'f800, 0},
    {"H061", true, 1, Phase::Enumerate, 0x28, 0xf, 0x80, 0xffff'ffff, 0xffff'ffff},
    {"H062", false, 1, Phase::Enumerate, kExpress + 8, 0x3, 0x2810, 0x2830, 0x2830},
    {"H063", true, 1, Phase::Enumerate, kExpress + 8, 0x3, 0x2830, 0x2810, 0x2810},
    {"H065", false, 1, Phase::Enumerate, kExpress + 8, 0x3, 0x2810, 0x2910, 0x2910},
    {"H066", false, 1, Phase::Enumerate, kExpress + 8, 0x3, 0x2810, 0x2800, 0x2800},
    {"H067", false, 1, Phase::Enumerate, kExpress + 0x28, 0x3, 0, 0x400, 0x400},
    {"H068", false, 1, Phase::Enumerate, kExpress + 0x10, 0x3, 0, 0, 0},
    {"H072", false, 1, Phase::Enumerate, kMsi, 0xc, 0x0081'0000, 0x0080'0000, 0x0080'0000},
    {"H073", false, 1, Phase::Enumerate, kMsix, 0xc, 0x8003'0000, 0x0003'0000, 0x0003'0000},
    {"H074", false, 1, Phase::Enumerate, kPm + 4, 0x3, 0, 0x8000, 0},
    {"H075", false, 1, Phase::Enumerate, kPm + 4, 0x3, 3, 0, 0},
    {"H076", true, 1, Phase::Enumerate, kExpress + 0x28, 0x3, 0x20, 0, 0},
    {"H078", false, 1, Phase::Enumerate, kAer + 0x10, 0xf, 0, 0, 0},
    {"H081", true, 1, Phase::Bind, kAcs + 4, 0xc, 0x001d'0000, 0x001d'0000, 0x001d'0000},
    {"H089", true, 1, Phase::Enumerate, kExpress + 0x10, 0x3, 0, 0x20, 0},
    {"H090", false, 1, Phase::Enumerate, kExpress + 0x10, 0x3, 1, 0, 0},
    {"H095", true, 1, Phase::Enumerate, 0x20, 0xf, 0xfe70'fe60, 0xfe70'fe60, 0xfe70'fe60},
    {"H101", true, 1, Phase::Bind, 0x04, 0x3, 0x0107, 0x0103, 0x0103},
    {"H102", true, 1, Phase::Bind, kMsi, 0xc, 0, 0x0001'0000, 0x0001'0000},
    {"H108", true, 1, Phase::Bind, kAer + 0x30, 0xf, 0, 0, 0},
    {"H110", false, 1, Phase::Bind, kPm + 4, 0x3, 0, 3, 3},
    {"H111", false, 1, Phase::Retrieve, 0x04, 0x3, 0x0006, 0x0002, 0x0002},
    {"H112", false, 1, Phase::Bind, 0x04, 0x3, 0x0406, 0x0006, 0x0006},
    {"H115", false, 1, Phase::Retrieve, kMsix, 0xc, 0, 0xc003'0000, 0xc003'0000},
    {"H119", false, 1, Phase::Bind, kExpress + 8, 0x3, 0x2810, 0xa810, 0x2810},
    {"H121", true, 1, Phase::Enumerate, 0x3c, 0xc, 0x0002'0000, 0x0042'0000, 0x0042'0000},
};

class HazardRules : public ::testing::TestWithParam<Case> {
 protected:
  static bool seen(const Case& of, Phase phase, unsigned kernel, std::uint8_t enables) {
    const ConfigShadow before = [&] {
      ConfigShadow shadow = function(of.bridge);
      if (of.offset >= 0x10 && of.offset != kMsi && of.offset != kMsix) shadow.set(of.offset, of.before);
      return shadow;
    }();
    const sim::ConfigWrite write{Time{1},   0,       static_cast<std::uint16_t>(of.offset), enables, of.written,
                                 of.before, of.after};
    const ConfigEvent event{write, before, phase, kernel};
    bool found = false;
    for (const HazardRule& rule : hazard_rules()) {
      if (rule.name != of.hazard) continue;
      EXPECT_EQ(rule.where == Where::Bridge, of.bridge);
      found = rule.fits(event);
    }
    return found;
  }
};

TEST_P(HazardRules, IsToldByItsWrite) {
  EXPECT_TRUE(seen(GetParam(), GetParam().phase, GetParam().kernel, GetParam().enables));
}

// A reset is one at any time.
std::vector<Case> cases_of_a_phase() {
  std::vector<Case> some;
  for (const Case& each : kCases) {
    const std::string_view hazard = each.hazard;
    if (hazard != "H119" && hazard != "H121") some.push_back(each);
  }
  return some;
}

class HazardRulesOfAPhase : public HazardRules {};

TEST_P(HazardRulesOfAPhase, IsNotToldByWhatKernelADoesAtBoot) {
  const bool early = std::string(GetParam().hazard) == "H009";  // until the freeze
  EXPECT_FALSE(seen(GetParam(), early ? Phase::Shutdown : Phase::Steady, 0, GetParam().enables));
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.hazard) + "_" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(All, HazardRules, ::testing::ValuesIn(kCases), name_of);
INSTANTIATE_TEST_SUITE_P(All, HazardRulesOfAPhase, ::testing::ValuesIn(cases_of_a_phase()), name_of);

class Census : public BenchScene {
 protected:
  Census() : dram(std::size_t{1} << 20), census(scene, dram) {}

  [[nodiscard]] std::string names() const {
    std::string text;
    for (const HazardSighting& sighting : census.sightings())
      text += (text.empty() ? "" : " ") + std::string(sighting.name);
    return text;
  }
  void put(std::uint64_t address, std::uint64_t value) { std::memcpy(dram.data() + address, &value, sizeof value); }

  std::vector<std::byte> dram;
  HazardCensus census;
};

TEST_F(Census, TellsWhatBecomesOfThePlatform) {
  const sim::PlatformState on{true, PhysicalAddress{0x3000}, true, PhysicalAddress{0x5000}, true};
  sim::PlatformState off = on;
  off.interrupt_controller = false;
  off.translation = false;
  open_window(us(1));
  mark(us(2), Phase::Shutdown, pcie::Step::Begin);
  census.on_platform(us(2), on, off);
  EXPECT_EQ(names(), "H024 H025");
  scene.on_jump(us(3));
  mark(us(4), Phase::EarlyBoot, pcie::Step::Begin);
  sim::PlatformState anew = off;
  anew.root_table = PhysicalAddress{0x7000};
  census.on_platform(us(4), off, anew);
  EXPECT_EQ(names(), "H024 H025 H032");
  sim::PlatformState replaced = anew;
  replaced.remapping_table = PhysicalAddress{0x9000};
  census.on_platform(us(5), anew, replaced);
  EXPECT_EQ(names(), "H024 H025 H032 H035");
}

TEST_F(Census, TellsThatTheEndpointWasGivenAnotherDomain) {
  const pcie::RequesterId id = scene.bdf(kEndpoint0).requester_id();
  const std::uint64_t entry = 0x4000 + 16 * (id & 0xffu);
  put(0x3000 + 16 * (id >> 8), 0x4001);
  put(entry, 0x8001);
  put(entry + 8, 0x102);
  census.on_platform(us(0), {}, {true, PhysicalAddress{0x3000}, false, PhysicalAddress{}, true});
  open_window(us(1));
  census.look(us(2));
  scene.on_jump(us(3));
  mark(us(4), Phase::Enumerate, pcie::Step::Begin);
  census.look(us(5));
  EXPECT_EQ(names(), "");
  put(entry, 0xa001);
  census.look(us(6));
  EXPECT_EQ(names(), "H085");
}

TEST_F(Census, EveryEntryCanBeTold) {
  for (const HazardEntry& entry : observable_hazards()) {
    bool known = false;
    for (const HazardRule& rule : hazard_rules()) known = known || rule.name == entry.name;
    for (const char* platform : {"H024", "H025", "H032", "H035", "H085"}) known = known || entry.name == platform;
    EXPECT_TRUE(known) << entry.name;
  }
  for (const HazardRule& rule : hazard_rules()) {
    bool listed = false;
    for (const HazardEntry& entry : observable_hazards()) listed = listed || rule.name == entry.name;
    EXPECT_TRUE(listed) << rule.name;
  }
}

}  // namespace
}  // namespace holdover::bench::testing
