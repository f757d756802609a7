// SPDX-License-Identifier: MIT
// Whole kernels: a valid handover of one, damaged, is booted from by the next, up to retrieve and finish.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <memory>
#include <set>

#include "host/backend/emulated/emulated_system.h"
#include "host/kernel/kernel.h"
#include "host/kernel/kho/decode.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/luo/decode.h"
#include "host/kernel/luo/handlers/device_handler.h"
#include "host/kernel/luo/handlers/iommu_abi.h"
#include "host/kernel/panic.h"
#include "pcie/config_space.h"
#include "pcie/error.h"
#include "tests/fuzz/kernels.h"
#include "tests/fuzz/target.h"
#include "tests/support/fake_platform.h"

namespace holdover::fuzz {
namespace {

using namespace host;
using namespace host::kernel;
using holdover::testing::FakeFunction;
using holdover::testing::FakePlatform;

constexpr const char* kV4 = "pci-v4 policy=pci-singleton-group=none";  // the fake switch has no ACS
constexpr std::array kProfiles{"continuous", "pci-v9+vfio-v5", "pci-v3", kV4,     "pci-v5",
                               "pci-v6",     "pci-v7",         "pci-v8", "pci-v9"};
constexpr std::uint64_t kDram = 4 << 20;
constexpr pcie::Bdf kEndpoint{0, 3, 0, 0};

// A root port, a switch, two endpoints; and what of them outlives a kernel.
struct Hardware {
  Hardware() {
    using namespace pcie::config;
    const auto add = [this](FakeFunction* parent, unsigned device, std::unique_ptr<FakeFunction> function) {
      functions.push_back(&platform.add(parent, device, std::move(function)));
      return functions.back();
    };
    FakeFunction* root = add(nullptr, 1, FakeFunction::bridge("root port", kPortTypeRootPort));
    FakeFunction* up = add(root, 0, FakeFunction::bridge("upstream port", kPortTypeSwitchUpstream));
    FakeFunction* left = add(up, 0, FakeFunction::bridge("port 0", kPortTypeSwitchDownstream));
    FakeFunction* right = add(up, 1, FakeFunction::bridge("port 1", kPortTypeSwitchDownstream));
    add(left, 0, FakeFunction::endpoint("endpoint 0"));
    add(right, 0, FakeFunction::endpoint("endpoint 1"));
  }
  // The same machine a moment later, in other memory.
  Hardware(const Hardware& other) : Hardware() {
    std::memcpy(platform.dram().data(), other.dram.data(), other.dram.size());  // most of the time, copied by bytes
    for (std::size_t index = 0; index < functions.size(); ++index) {
      functions[index]->space = other.functions[index]->space;
      functions[index]->registers = other.functions[index]->registers;
      functions[index]->pending = other.functions[index]->pending;
    }
    platform.iommu_status = other.platform.iommu_status;
    platform.iommu_root = other.platform.iommu_root;
    platform.iommu_remap = other.platform.iommu_remap;
  }
  Hardware& operator=(const Hardware&) = delete;

  FakePlatform platform{kDram};
  std::vector<FakeFunction*> functions;
  std::vector<std::byte> dram;  // at the jump
};

struct Handed {
  explicit Handed(const std::string& profile) {
    FakePlatform& platform = hardware.platform;
    host::kernel::Kernel first(platform, platform.write_boot_page("profile=" + profile));
    first.boot();
    EmulatedSystem system(first);
    const auto memory = system.create_memory(16_KiB);
    const auto space = system.create_address_space();
    space->map(*memory, Bytes{0}, system.allocate_iova(16_KiB), 16_KiB, true);
    const auto device = system.open_device(kEndpoint);
    device->attach(*space);
    device->enable_bus_master();
    const auto live_update = system.open_live_update();
    const auto session = live_update->create_session("holdover");
    session->preserve(*memory, 1);
    try {
      space->mark_for_preservation(10);
      session->preserve(*space, 10);
    } catch (const Error&) {  // a profile without the IOMMU's part
    }
    session->preserve(*device, 20);
    try {
      system.kexec();
    } catch (const KernelGone& gone) {
      next = gone.boot_parameters;
    }
    require(next.raw() != 0, "the first kernel jumps");
    const auto dram = platform.dram();
    fdt = PhysicalAddress{read_boot_parameters(dram, next).kho_fdt};
    const auto preserved = decode_preserved_pages(dram, fdt);
    require(preserved.has_value(), "the handover of the generator is valid");
    for (std::uint64_t page = 0; page < preserved->size(); ++page) {
      if ((*preserved)[page] || page == next.raw() / 4096) continue;
      std::ranges::fill(dram.subspan(page * 4096, 4096), std::byte{0xdb});
    }
    hardware.dram.assign(dram.begin(), dram.end());
    folios = decode_kho(dram, fdt).value().folios;
    what = damageable(dram, fdt);
    handover = decode_live_update(dram, fdt).value();
  }
  // Of the pages that the edits reach, those of one part: the data of an FLB or the handles of files, and the pages
  // that are named there.
  [[nodiscard]] Damageable part(const std::vector<std::uint64_t>& roots) const {
    std::set<std::uint64_t> pages(roots.begin(), roots.end());
    const std::set<std::uint64_t> known = [this] {
      std::set<std::uint64_t> all;
      for (const PhysicalAddress page : what.pages) all.insert(page.raw());
      return all;
    }();
    for (std::vector<std::uint64_t> open = roots; !open.empty();) {
      const std::uint64_t page = open.back();
      open.pop_back();
      if (known.count(page) == 0) continue;
      for (std::uint64_t offset = 0; offset < 4096; offset += 8) {
        const auto named = load<std::uint64_t>(hardware.dram, page + offset) & ~std::uint64_t{0xfff};
        if (known.count(named) != 0 && pages.insert(named).second) open.push_back(named);
      }
    }
    Damageable some{{}, what.radix_root};
    for (const std::uint64_t page : pages) {
      if (known.count(page) != 0) some.pages.emplace_back(page);
    }
    return some;
  }

  Hardware hardware;
  PhysicalAddress next;
  PhysicalAddress fdt;
  std::vector<PreservedFolio> folios;
  Damageable what;
  HandedLiveUpdate handover;
};

// What is left of a handover, as the bench reads it.
enum class Left {
  Nothing,  // no tree, or no LUO in it: a normal boot
  Broken,   // a structure of LUO, or a handler that no kernel has
  Whole,    // as far as LUO is concerned
  Unsure,   // other pages are preserved, or more is in the chains than was: a page may belong to somebody else
};

Left left_of(std::span<const std::byte> dram, const Handed& valid) {
  const auto tree = decode_kho(dram, valid.fdt);
  if (tree && tree->folios != valid.folios) return Left::Unsure;
  if (const auto handed = decode_live_update(dram, valid.fdt)) {
    const auto has_handler = [&valid](const HandedFile& file) {
      return std::ranges::any_of(valid.handover.sessions.front().files,
                                 [&file](const HandedFile& other) { return other.compatible == file.compatible; });
    };
    const auto can_be_read = [&has_handler](const HandedSession& session) {
      return std::ranges::all_of(session.files, has_handler);
    };
    if (!std::ranges::all_of(handed->sessions, can_be_read)) return Left::Broken;
    return handed->sessions.size() == valid.handover.sessions.size() ? Left::Whole : Left::Unsure;
  }
  const auto is_luo = [](const KhoSubtree& subtree) { return subtree.name == luo_abi::kSubtree; };
  return tree && std::ranges::any_of(tree->subtrees, is_luo) ? Left::Broken : Left::Nothing;
}

// User space of the second kernel takes over what it finds, in the order in which an agent does. Each refusal is an
// errno with a sentence; what is retrieved stays open until the end.
void take_over(EmulatedSystem& system, const HandedLiveUpdate& expected, Left left) {
  const auto attempt = [](auto act) {
    try {
      act();
    } catch (const Error& error) {
      require(std::string(error.what()).size() > 10, "a refusal names its reason");
      return error.errno_value();
    }
    return 0;
  };
  std::unique_ptr<LiveUpdate> live_update;
  const int opened = attempt([&] { live_update = system.open_live_update(); });
  const bool refused = opened == EIO || opened == ENOENT;
  require(opened == 0 || refused, "open answers 0, EIO or ENOENT");
  require(left == Left::Unsure || refused == (left == Left::Broken),
          "open refuses exactly where something broken was handed over");
  if (!live_update) return;
  std::unique_ptr<Session> session;
  const int retrieved = attempt([&] { session = live_update->retrieve_session(expected.sessions.front().name); });
  require(retrieved == ENOENT || (retrieved == 0 && left != Left::Nothing), "a session is there or not");
  if (!session) return;
  std::unique_ptr<Memory> memory;
  std::unique_ptr<AddressSpace> space;
  std::unique_ptr<Device> device;
  attempt([&] { memory = session->retrieve_memory(1); });
  attempt([&] { space = session->retrieve_address_space(10); });
  attempt([&] { device = session->retrieve_device(20); });
  if (memory) std::ranges::fill(memory->bytes(), std::byte{1});
  if (device && space) attempt([&] { device->attach(*space); });
  const int finished = attempt([&] { session->finish(); });
  require(finished == 0 || finished == EBUSY, "finish answers 0 or EBUSY");
}

void boot_next(const Handed& handed, const Damageable& what, std::span<const std::uint8_t> input) {
  Hardware hardware(handed.hardware);
  FakePlatform& platform = hardware.platform;
  damage(platform.dram(), what, input);
  const Left left = left_of(platform.dram(), handed);
  host::kernel::Kernel next(platform, handed.next);
  try {
    next.boot();
    EmulatedSystem system(next);
    take_over(system, handed.handover, left);
    require_books(next.pages(), next.live_update().kho());
  } catch (const Panic& panic) {
    require(std::string(panic.what()).size() > 20, "a panic says why");
    next.stop();
  }
}

const Handed& continuous() {
  static const Handed kHanded("continuous");
  return kHanded;
}

std::uint64_t data_of(const Handed& handed, std::string_view flb) {
  for (const HandedFlb& entry : handed.handover.flbs) {
    if (entry.name == flb) return entry.data;
  }
  return 0;
}

}  // namespace

void run_iommu_state(std::span<const std::uint8_t> input) {
  static const Damageable kWhat = continuous().part({data_of(continuous(), iommu_abi::kCompatible)});
  boot_next(continuous(), kWhat, input);
}

void run_file_state(std::span<const std::uint8_t> input) {
  static const Damageable kWhat = [] {
    std::vector<std::uint64_t> roots{data_of(continuous(), binding_abi::kCompatible)};
    for (const HandedFile& file : continuous().handover.sessions.front().files) roots.push_back(file.handle);
    return continuous().part(roots);
  }();
  boot_next(continuous(), kWhat, input);
}

void run_handover(std::span<const std::uint8_t> input) {
  static std::array<std::unique_ptr<Handed>, kProfiles.size()> handovers;
  const unsigned variant = variant_of(input, kProfiles.size());
  if (!handovers[variant]) handovers[variant] = std::make_unique<Handed>(kProfiles[variant]);
  boot_next(*handovers[variant], handovers[variant]->what, input);
}

}  // namespace holdover::fuzz
