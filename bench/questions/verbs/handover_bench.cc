// SPDX-License-Identifier: MIT
#include "bench/questions/verbs/handover_bench.h"

#include <algorithm>
#include <cerrno>

#include "bench/questions/verbs/set_up.h"
#include "host/kernel/kho/decode.h"
#include "host/kernel/panic.h"
#include "host/kernel/pci/liveupdate_abi.h"

namespace holdover::bench {
namespace {

using host::kernel::FileState;
using host::kernel::KernelFile;
using host::kernel::LuoSession;
using host::kernel::PageState;
using host::kernel::PciLayout;
using host::kernel::PciLiveUpdateRules;
using host::kernel::PciPath;
using host::kernel::PciSeries;

constexpr std::uint64_t kPage = kPageSize.count();
constexpr std::uint64_t kDramBytes = std::uint64_t{4} << 20;
// Scratch: the page map of the kernel that runs, then room that nobody uses here.
constexpr std::uint64_t kScratch = 16;
constexpr std::uint64_t kMapPages = 8;
constexpr std::uint64_t kScratchPages = 64;
constexpr std::byte kPoison{0xa5};

std::uint64_t token_of(const PciPath& path) { return path.function.requester_id(); }

}  // namespace

PciPath left_path() { return {kLeft, {kLeftPort, kUpstreamPort, kRootPort}}; }
PciPath right_path() { return {kRight, {kRightPort, kUpstreamPort, kRootPort}}; }

std::vector<pcie::Bdf> all_functions() { return {kRootPort, kUpstreamPort, kLeftPort, kRightPort, kLeft, kRight}; }

std::vector<SeriesVersion> posted_versions() {
  std::vector<SeriesVersion> versions;
  unsigned number = 3;
  for (const PciSeries series :
       {PciSeries::V3, PciSeries::V4, PciSeries::V5, PciSeries::V6, PciSeries::V7, PciSeries::V8, PciSeries::V9}) {
    versions.push_back({"v" + std::to_string(number++), rules_of(series)});
  }
  return versions;
}

// ---- The driver ----

void FunctionDriver::know(PciPath path) { known_[token_of(path)] = std::move(path); }

bool FunctionDriver::can_preserve(const KernelFile& file) const {
  return dynamic_cast<const FunctionFile*>(&file) != nullptr;
}

int FunctionDriver::preserve(FileState& state) {
  return pci_->preserve(dynamic_cast<const FunctionFile&>(*state.file).path());
}

void FunctionDriver::unpreserve(FileState& state) {
  pci_->unpreserve(dynamic_cast<const FunctionFile&>(*state.file).path());
}

int FunctionDriver::retrieve(FileState& state) {
  const auto path = known_.find(state.token);
  if (path == known_.end()) return ENODEV;
  if (const int error = pci_->check_retrieve(path->second.function); error != 0) return error;
  retrieved_.push_back(std::make_unique<FunctionFile>(path->second));
  state.file = retrieved_.back().get();
  return 0;
}

void FunctionDriver::finish(FileState& state) {
  if (finishes) pci_->finish(dynamic_cast<const FunctionFile&>(*state.file).path());
}

// ---- Kernels ----

HandoverBench::HandoverBench(const PciLiveUpdateRules& rules, std::uint64_t present)
    : dram_(kDramBytes), present_(present) {
  parameters_.dram_bytes = kDramBytes;
  parameters_.kho_scratch = kScratch * kPage;
  parameters_.kho_scratch_bytes = kScratchPages * kPage;
  driver_.know(left_path());
  driver_.know(right_path());
  boot(rules, true);
}

HandoverBench::~HandoverBench() { luo_.reset(); }

void HandoverBench::boot(const PciLiveUpdateRules& rules, bool registered) {
  luo_.reset();
  kho_.reset();
  console_.clear();
  outgoing_table_ = 0;
  incoming_table_ = 0;
  const PhysicalAddress scratch{parameters_.kho_scratch};
  pages_ = std::make_unique<host::kernel::PageAllocator>(dram_, scratch);
  pages_->reserve(PhysicalAddress{0}, 2, PageState::Reserved);
  pages_->reserve(scratch + kMapPages * kPageSize, kScratchPages - kMapPages, PageState::Scratch);
  pages_->reserve(scratch, kMapPages, PageState::Reserved);
  const auto console = [this](std::string_view line) { console_.emplace_back(line); };
  kho_ = std::make_unique<host::kernel::Kho>(*pages_, parameters_, true, console);
  luo_ = std::make_unique<host::kernel::Luo>(*kho_, console);
  const auto mark = [this](pcie::Step step, std::uint64_t value) {
    if (step == pcie::Step::OutgoingTable) outgoing_table_ = value;
    if (step == pcie::Step::IncomingTable) incoming_table_ = value;
  };
  pci_ = std::make_unique<host::kernel::PciLiveUpdate>(
      *kho_, *luo_, rules, [this] { return present_; }, mark, console);
  driver_.use(*pci_);
  if (registered) require(register_driver() == 0, "a driver is registered");
}

int HandoverBench::register_driver() {
  if (const int error = luo_->register_handler(driver_); error != 0) return error;
  return pci_->register_flb(driver_);
}

int HandoverBench::freeze() { return luo_->freeze(); }

void HandoverBench::jump(const PciLiveUpdateRules& next, bool registered) {
  const PhysicalAddress fdt = kho_->fdt();
  const auto preserved = host::kernel::decode_preserved_pages(dram_, fdt);
  for (std::uint64_t page = 0; page < dram_.size() / kPage; ++page) {
    if (preserved && (*preserved)[page]) continue;
    std::fill_n(dram_.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage, kPoison);
  }
  parameters_.kho_fdt = fdt.raw();
  boot(next, registered);
}

int HandoverBench::kexec(const PciLiveUpdateRules& next, bool registered) {
  if (const int error = freeze(); error != 0) return error;
  jump(next, registered);
  return 0;
}

std::string HandoverBench::panic_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const host::kernel::Panic& panic) {
    return panic.what();
  }
  return {};
}

std::string HandoverBench::scan() { return scan(all_functions()); }

std::string HandoverBench::scan(const std::vector<pcie::Bdf>& functions) {
  return panic_of([&] {
    for (const pcie::Bdf function : functions) static_cast<void>(pci_->setup_device(function));
  });
}

// ---- Sessions ----

LuoSession& HandoverBench::create_session(const std::string& name) {
  LuoSession* session = nullptr;
  const int error = luo_->create_session(name, session);
  require(error == 0, "a session is created");
  return *session;
}

LuoSession* HandoverBench::retrieve_session(const std::string& name) {
  LuoSession* session = nullptr;
  const int opened = luo_->open();
  if (opened != 0 && opened != EBUSY) return nullptr;
  return luo_->retrieve_session(name, session) == 0 ? session : nullptr;
}

int HandoverBench::preserve(LuoSession& session, FunctionFile& file) {
  return session.preserve(&file, token_of(file.path()));
}

int HandoverBench::retrieve(LuoSession& session, const FunctionFile& file) {
  KernelFile* ignored = nullptr;
  return session.retrieve(token_of(file.path()), ignored);
}

// ---- What can be seen ----

TableView HandoverBench::view(std::uint64_t mark) const {
  TableView view;
  if (mark == 0) return view;
  const auto layout = static_cast<PciLayout>(mark % kPage);
  const auto table = host::kernel::read_pci_table(dram_, PhysicalAddress{mark - mark % kPage}, layout);
  if (!table) return view;
  view.there = true;
  view.nr_devices = table->nr_devices;
  for (const host::kernel::PciTableEntry& entry : table->entries) {
    view.counts[pcie::Bdf::from_requester_id(entry.bdf, static_cast<std::uint16_t>(entry.domain))] = entry.refcount;
  }
  return view;
}

PhysicalAddress HandoverBench::outgoing_page() const {
  return PhysicalAddress{outgoing_table_ - outgoing_table_ % kPage};
}
PhysicalAddress HandoverBench::incoming_page() const {
  return PhysicalAddress{incoming_table_ - incoming_table_ % kPage};
}

std::vector<pcie::Bdf> HandoverBench::incoming_functions() const {
  std::vector<pcie::Bdf> functions = all_functions();
  std::erase_if(functions, [this](pcie::Bdf function) { return !pci_->is_incoming(function); });
  return functions;
}

std::string TableView::to_string() const {
  if (!there) return "none";
  std::string text = "nr_devices " + std::to_string(nr_devices);
  const char* separator = ": ";
  for (const auto& [function, count] : counts) {
    text += separator + function.to_string() + " " + std::to_string(count);
    separator = ", ";
  }
  return text;
}

}  // namespace holdover::bench
