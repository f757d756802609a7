// SPDX-License-Identifier: MIT
// A handover of sessions with one thing broken: what the next kernel makes of it, structure by structure.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/panic.h"
#include "tests/unit/host/luo_fixture.h"

namespace holdover::host::kernel {
namespace {

using luo_abi::LuoSer;
using luo_abi::SessionSer;

enum class Outcome { Sessions, NormalBoot, Eio, Panics };

// Where everything of a handover with two sessions lies.
struct Places {
  std::span<std::byte> dram;
  std::uint64_t fdt;
  std::uint64_t luo;
  std::uint64_t sessions;  // first block
  std::uint64_t files;     // first block of the first session
  Kho& kho;

  template <typename Value>
  void put(std::uint64_t at, Value value) const {
    store(dram, at, value);
  }
  [[nodiscard]] std::uint64_t session(unsigned index) const { return sessions + 16 + index * sizeof(SessionSer); }
};

struct Damage {
  const char* name;
  std::function<void(const Places&)> apply;
  Outcome outcome;
  bool readable =
      false;  // for the bench, which reads before the jump: what was not preserved, and what only a kernel asks
};

constexpr std::uint64_t kOutside = std::uint64_t{1} << 40;

const std::vector<Damage>& damages() {
  static const std::vector<Damage> kAll{
      {"nothing", [](const Places&) {}, Outcome::Sessions, true},
      {"the FDT has no magic number", [](const Places& p) { p.put(p.fdt, std::uint32_t{0}); }, Outcome::NormalBoot},
      {"the header has another version", [](const Places& p) { p.put(p.luo + 5, '4'); }, Outcome::Panics},
      {"the header was not preserved", [](const Places& p) { p.kho.unpreserve_folio(PhysicalAddress{p.luo}, 0); },
       Outcome::Panics, true},
      {"the FLB table lies outside DRAM", [](const Places& p) { p.put(p.luo + offsetof(LuoSer, flbs), kOutside); },
       Outcome::Panics},
      {"the sessions lie outside DRAM", [](const Places& p) { p.put(p.luo + offsetof(LuoSer, sessions), kOutside); },
       Outcome::Eio},
      {"the sessions were not preserved",
       [](const Places& p) { p.kho.unpreserve_folio(PhysicalAddress{p.sessions}, 0); }, Outcome::Eio, true},
      {"the chain of sessions is cyclic", [](const Places& p) { p.put(p.sessions, p.sessions); }, Outcome::Eio},
      {"a block of sessions is empty", [](const Places& p) { p.put(p.sessions + 8, std::uint64_t{0}); }, Outcome::Eio},
      {"a block of sessions is overfull", [](const Places& p) { p.put(p.sessions + 8, std::uint64_t{52}); },
       Outcome::Eio},
      {"a session has no name", [](const Places& p) { p.put(p.session(0), '\0'); }, Outcome::Eio},
      {"two sessions have one name",
       [](const Places& p) { p.put(p.session(1), load<std::uint64_t>(p.dram, p.session(0))); }, Outcome::Eio, true},
      {"a session counts one file more",
       [](const Places& p) { p.put(p.session(0) + offsetof(SessionSer, count), std::uint64_t{3}); }, Outcome::Eio},
      {"two sessions share their files",
       [](const Places& p) {
         p.put(p.session(1) + offsetof(SessionSer, files), p.files);
         p.put(p.session(1) + offsetof(SessionSer, count), std::uint64_t{2});
       },
       Outcome::Eio},
      {"the files were not preserved", [](const Places& p) { p.kho.unpreserve_folio(PhysicalAddress{p.files}, 0); },
       Outcome::Eio, true},
      {"the chain of files is cyclic", [](const Places& p) { p.put(p.files, p.files); }, Outcome::Eio},
      {"a file has an unknown handler", [](const Places& p) { p.put(p.files + 16, 'x'); }, Outcome::Eio, true},
      {"a file's handler is not terminated",
       [](const Places& p) {
         for (unsigned byte = 0; byte < luo_abi::kCompatibleBytes; ++byte) p.put(p.files + 16 + byte, 'x');
       },
       Outcome::Eio},
  };
  return kAll;
}

class BrokenHandover : public LuoTest {
 protected:
  Outcome outcome_after(const Damage& damage) {
    LuoSession& first = session("a");
    EXPECT_EQ(first.preserve(&a_, 1), 0);
    EXPECT_EQ(first.preserve(&b_, 2), 0);
    EXPECT_EQ(session("b").preserve(&c_, 1), 0);
    EXPECT_EQ(luo_->freeze(), 0);
    PhysicalAddress luo;
    const auto tree = decode_kho(memory_.dram(), kho_->fdt());
    for (const KhoSubtree& subtree : tree->subtrees) luo = subtree.data;
    const auto sessions = load<LuoSer>(memory_.dram(), luo.raw()).sessions;
    const auto files = load<SessionSer>(memory_.dram(), sessions + 16).files;
    damage.apply({memory_.dram(), kho_->fdt().raw(), luo.raw(), sessions, files, *kho_});
    const bool readable = decode_live_update(memory_.dram(), kho_->fdt()).has_value();
    EXPECT_EQ(readable, damage.readable) << damage.name;
    jump();
    try {
      boot();
    } catch (const Panic&) {
      return Outcome::Panics;
    }
    if (luo_->open() != 0) {
      EXPECT_EQ(luo_->open(), EIO) << "until the next boot";
      return Outcome::Eio;
    }
    return luo_->incoming().size() == 2 ? Outcome::Sessions : Outcome::NormalBoot;
  }
};

TEST_F(BrokenHandover, EndsAsItsDamageDemands) {
  for (const Damage& damage : damages()) {
    memory_ = testing::Memory();
    boot();
    EXPECT_EQ(outcome_after(damage), damage.outcome) << damage.name;
  }
}

}  // namespace
}  // namespace holdover::host::kernel
