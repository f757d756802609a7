// SPDX-License-Identifier: MIT
// The PCI core's table, under the rules of every version of the series: decoded, scanned with, retrieved and finished.
#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>

#include "host/kernel/kho/decode.h"
#include "host/kernel/luo/decode.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/panic.h"
#include "host/kernel/pci/liveupdate.h"
#include "tests/fuzz/kernels.h"
#include "tests/fuzz/target.h"

namespace holdover::fuzz {
namespace {

using namespace host::kernel;
using testing::Memory;

constexpr std::array kSeries{PciSeries::V3, PciSeries::V4, PciSeries::V5, PciSeries::V6,
                             PciSeries::V7, PciSeries::V8, PciSeries::V9};
constexpr pcie::Bdf kRoot{0, 0, 1, 0};
constexpr pcie::Bdf kLeftPort{0, 2, 0, 0};
constexpr pcie::Bdf kRightPort{0, 2, 1, 0};
constexpr std::array kFunctions{pcie::Bdf{0, 3, 0, 0}, pcie::Bdf{0, 4, 0, 0}};

PciPath path_of(std::uint64_t token) {
  PciPath path;
  path.function = kFunctions[token];
  path.bridges = {token == 0 ? kLeftPort : kRightPort, kRoot};
  return path;
}

class FunctionFile : public KernelFile {};

// Token n stands for function n in every kernel.
class FunctionHandler : public FileHandler {
 public:
  [[nodiscard]] std::string_view compatible() const override { return "driver-v1"; }
  [[nodiscard]] bool can_preserve(const KernelFile&) const override { return true; }
  [[nodiscard]] int preserve(FileState& state) override { return pci->preserve(path_of(state.token)); }
  void unpreserve(FileState& state) override { pci->unpreserve(path_of(state.token)); }
  [[nodiscard]] int retrieve(FileState& state) override {
    if (const int error = pci->check_retrieve(kFunctions[state.token]); error != 0) return error;
    state.file = &files[state.token];
    return 0;
  }
  void finish(FileState& state) override { pci->finish(path_of(state.token)); }

  PciLiveUpdate* pci = nullptr;
  std::array<FunctionFile, 2> files;
};

struct PciKernel : SmallKernel {
  PciKernel(Memory& memory, PciSeries series)
      : SmallKernel(memory),
        luo(kho, [this](std::string_view line) { console.emplace_back(line); }),
        pci(
            kho, luo, rules_of(series), [] { return std::uint64_t{5}; }, {},
            [this](std::string_view line) { console.emplace_back(line); }) {
    handler.pci = &pci;
    require(luo.register_handler(handler) == 0 && pci.register_flb(handler) == 0, "the driver is registered");
  }

  FunctionHandler handler;
  Luo luo;
  PciLiveUpdate pci;
};

struct Handed {
  explicit Handed(PciSeries series) : memory(kSmallDram) {
    PciKernel first(memory, series);
    LuoSession* session = nullptr;
    require(first.luo.create_session("s", session) == 0, "there is room");
    for (const std::uint64_t token : {0u, 1u}) {
      require(session->preserve(&first.handler.files[token], token) == 0, "the function is preserved");
    }
    require(first.luo.freeze() == 0, "nothing refuses the freeze");
    fdt = first.kho.fdt();
    const auto handed = decode_live_update(memory.dram(), fdt);
    require(handed && handed->flbs.size() == 1, "the handover of the generator is valid");
    table = handed->flbs[0];
    what = damageable(memory.dram(), fdt);
    const auto read = read_pci_table(memory.dram(), PhysicalAddress{table.data}, rules_of(series).layout);
    what.pages = {PhysicalAddress{table.data}};
    if (read->blocks.raw() != 0) what.pages.push_back(read->blocks);
    blocks = read->blocks;
    memory.jump(fdt);
  }

  Memory memory;
  PhysicalAddress fdt;
  HandedFlb table;
  PhysicalAddress blocks;  // one; 0 where the layout has none
  Damageable what;
};

// `foreign`: the table has taken pages that are not its own, those of sessions perhaps.
void finish_all(PciKernel& next, bool foreign) {
  const int error = next.luo.open();
  require(error == 0 || (error == EIO && foreign), "sessions are not in the table");
  if (error != 0) return;
  LuoSession* session = nullptr;
  require(next.luo.retrieve_session("s", session) == 0, "the session is there");
  for (const std::uint64_t token : {0u, 1u}) {
    KernelFile* file = nullptr;
    const int retrieved = session->retrieve(token, file);
    require((retrieved == 0) == (file != nullptr), "a file or an error");
    require(retrieved == 0 || retrieved == EINVAL || retrieved == ENODEV, "only a function that is not incoming");
  }
  require(session->finish() == 0, "nothing refuses to be finished");
}

}  // namespace

void run_pci_table(std::span<const std::uint8_t> input) {
  static const std::array<Handed, kSeries.size()> kHandovers{Handed(kSeries[0]), Handed(kSeries[1]), Handed(kSeries[2]),
                                                             Handed(kSeries[3]), Handed(kSeries[4]), Handed(kSeries[5]),
                                                             Handed(kSeries[6])};
  const unsigned variant = variant_of(input, kSeries.size());
  const PciSeries series = kSeries[variant];
  const PciLiveUpdateRules rules = rules_of(series);
  const Handed& handed = kHandovers[variant];
  Memory memory = handed.memory;
  damage(memory.dram(), handed.what, input);

  std::string why;
  const PhysicalAddress address{handed.table.data};
  const auto decoded = decode_pci_table(memory.dram(), address, rules.layout, &why);
  require(decoded.has_value() || !why.empty(), "a table that cannot be read has a reason");
  const auto table = read_pci_table(memory.dram(), address, rules.layout);
  require(table || !decoded, "nothing decodes what has no structure");

  const auto chain = decode_blocks(memory.dram(), table ? table->blocks : PhysicalAddress{}, kPciEntryBytes);
  const bool foreign = chain && std::any_of(chain->blocks.begin(), chain->blocks.end(),
                                            [&](PhysicalAddress block) { return block != handed.blocks; });

  PciKernel next(memory, series);
  const std::size_t waiting = next.kho.unrestored();
  try {
    for (const pcie::Bdf function : {kRoot, kLeftPort, kRightPort, kFunctions[0], kFunctions[1]}) {
      const bool incoming = next.pci.setup_device(function);
      require(!incoming || table, "nothing is incoming from a table without structure");
      require(!incoming || table->bytes <= kPageSize.count(), "nor from an array that is longer than its page");
      require(incoming == next.pci.is_incoming(function), "the scan and the driver are told the same");
    }
    static_cast<void>(next.pci.keep_bus_numbers(kRoot, nullptr, 0));
    bool unusable = false;
    for (const std::string& line : next.console) unusable |= line.find("cannot be used") != std::string::npos;
    require(!unusable || rules.failure == PciFailure::NormalBoot, "a table that cannot be used ends the boot since v7");
    require(!unusable || next.kho.unrestored() == waiting, "and nothing of it is taken over before");
    require_books(*next.pages, next.kho);
    finish_all(next, foreign);
    require_books(*next.pages, next.kho);
  } catch (const Panic& panic) {
    require(rules.failure == PciFailure::Panic, "no version before v7 panics");
    require(std::string(panic.what()).size() > 20, "a panic says why");
  }
}

}  // namespace holdover::fuzz
