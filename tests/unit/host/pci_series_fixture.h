// SPDX-License-Identifier: MIT
// Kernels of any version of the PCI core series, one after the other in one memory, with a driver that hands functions
// over.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/panic.h"
#include "host/kernel/pci/liveupdate.h"
#include "tests/unit/host/successive_kernels.h"

namespace holdover::host::kernel::testing {

inline constexpr PciSeries kEverySeries[] = {PciSeries::V3, PciSeries::V4, PciSeries::V5, PciSeries::V6,
                                             PciSeries::V7, PciSeries::V8, PciSeries::V9};

// From one version to another, both included.
inline std::vector<PciSeries> series(PciSeries first, PciSeries last) {
  std::vector<PciSeries> some;
  for (const PciSeries version : kEverySeries) {
    if (version >= first && version <= last) some.push_back(version);
  }
  return some;
}

inline std::string series_name(const ::testing::TestParamInfo<PciSeries>& info) {
  return "V" + std::to_string(static_cast<unsigned>(info.param) + 2);
}

inline constexpr pcie::Bdf kRootPort{0, 0, 1, 0};
inline constexpr pcie::Bdf kUpstream{0, 1, 0, 0};
inline constexpr pcie::Bdf kLeftPort{0, 2, 0, 0};
inline constexpr pcie::Bdf kRightPort{0, 2, 1, 0};
inline constexpr pcie::Bdf kLeft{0, 3, 0, 0};
inline constexpr pcie::Bdf kRight{0, 4, 0, 0};

class FunctionFile : public KernelFile {
 public:
  FunctionFile(pcie::Bdf function, std::vector<pcie::Bdf> bridges) : path{function, std::move(bridges)} {}
  PciPath path;
};

// Reports its function from the callbacks of its file handler. Each token stands for one function in every kernel.
class FunctionHandler : public FileHandler {
 public:
  std::string_view compatible() const override { return "driver-v1"; }
  bool can_preserve(const KernelFile&) const override { return true; }
  int preserve(FileState& state) override { return reports ? pci->preserve(path(state)) : 0; }
  void unpreserve(FileState& state) override { pci->unpreserve(path(state)); }
  int retrieve(FileState& state) override {
    const PciPath& path = *by_token[state.token];
    if (const int error = pci->check_retrieve(path.function); error != 0) return error;
    retrieved.push_back(std::make_unique<FunctionFile>(path.function, path.bridges));
    state.file = retrieved.back().get();
    return 0;
  }
  void finish(FileState& state) override {
    if (reports) pci->finish(*by_token[state.token]);
  }

  PciLiveUpdate* pci = nullptr;
  bool reports = true;
  std::map<std::uint64_t, const PciPath*> by_token;
  std::vector<std::unique_ptr<FunctionFile>> retrieved;

 private:
  static const PciPath& path(const FileState& state) { return dynamic_cast<const FunctionFile&>(*state.file).path; }
};

class SuccessivePciKernels {
 public:
  explicit SuccessivePciKernels(PciSeries series) {
    driver_.by_token = {{1, &left_.path}, {2, &right_.path}};
    boot(series);
  }
  ~SuccessivePciKernels() { luo_.reset(); }

 protected:
  void boot(const std::optional<PciLiveUpdateRules>& rules) {
    luo_.reset();
    kho_.reset();
    pages_ = memory_.begin_kernel();
    const auto console = [this](std::string_view line) { console_.emplace_back(line); };
    kho_ = std::make_unique<Kho>(*pages_, memory_.parameters(), live_update_, console);
    luo_ = std::make_unique<Luo>(*kho_, console);
    pci_ = std::make_unique<PciLiveUpdate>(
        *kho_, *luo_, rules, [this] { return present_; },
        [this](pcie::Step step, std::uint64_t value) { marks_.emplace_back(step, value); }, console);
    driver_.pci = pci_.get();
    if (!live_update_) return;
    EXPECT_EQ(luo_->register_handler(driver_), 0);
    EXPECT_EQ(pci_->register_flb(driver_), rules ? 0 : EOPNOTSUPP);
    console_.clear();
    marks_.clear();
  }
  void boot(PciSeries series) { boot(rules_of(series)); }

  LuoSession& session(const std::string& name = "s") {
    LuoSession* session = nullptr;
    EXPECT_EQ(luo_->create_session(name, session), 0);
    return *session;
  }
  LuoSession& retrieved(const std::string& name = "s") {
    LuoSession* session = nullptr;
    static_cast<void>(luo_->open());
    EXPECT_EQ(luo_->retrieve_session(name, session), 0);
    return *session;
  }
  // Where the FLB's data lies, and under which name; after freeze. The first FLB.
  HandedFlb flb() {
    const auto handed = decode_live_update(memory_.dram(), kho_->fdt());
    return handed && !handed->flbs.empty() ? handed->flbs[0] : HandedFlb{};
  }
  void freeze() {
    EXPECT_EQ(luo_->freeze(), 0);
    handed_ = flb();
  }
  void jump(PciSeries next) {
    memory_.jump(kho_->fdt());
    boot(next);
  }
  void kexec(PciSeries next) {
    freeze();
    jump(next);
  }
  void scan() {
    for (const pcie::Bdf function : {kRootPort, kUpstream, kLeftPort, kRightPort, kLeft, kRight}) {
      static_cast<void>(pci_->setup_device(function));
    }
  }
  bool panics(const std::function<void()>& act) {
    try {
      act();
    } catch (const Panic&) {
      return true;
    }
    return false;
  }
  // What this kernel has recorded, as the bench reads it.
  std::map<pcie::Bdf, unsigned> counts() {
    std::map<pcie::Bdf, unsigned> counts;
    const auto devices = decode_pci_table(memory_.dram(), PhysicalAddress{handed_.data}, handed_.name);
    if (devices) {
      for (const HandedPciDevice& device : *devices) counts[device.bdf] = device.refcount;
    }
    return counts;
  }
  // A file beside left_ and right_. Sessions that are open at the end still look at it.
  FunctionFile& open_file(pcie::Bdf function, std::vector<pcie::Bdf> bridges) {
    return *files_.emplace_back(std::make_unique<FunctionFile>(function, std::move(bridges)));
  }
  unsigned lines_with(const std::string& words) const {
    unsigned lines = 0;
    for (const std::string& line : console_) lines += line.find(words) != std::string::npos ? 1 : 0;
    return lines;
  }

  Memory memory_;
  std::vector<std::string> console_;
  std::vector<std::pair<pcie::Step, std::uint64_t>> marks_;
  FunctionHandler driver_;
  std::vector<std::unique_ptr<FunctionFile>> files_;
  FunctionFile left_{kLeft, {kLeftPort, kUpstream, kRootPort}};
  FunctionFile right_{kRight, {kRightPort, kUpstream, kRootPort}};
  HandedFlb handed_;
  std::uint64_t present_ = 6;
  bool live_update_ = true;
  std::unique_ptr<PageAllocator> pages_;
  std::unique_ptr<Kho> kho_;
  std::unique_ptr<Luo> luo_;
  std::unique_ptr<PciLiveUpdate> pci_;
};

// One body for every version.
class EveryPciSeries : public SuccessivePciKernels, public ::testing::TestWithParam<PciSeries> {
 protected:
  EveryPciSeries() : SuccessivePciKernels(GetParam()) {}

  static bool since(PciSeries series) { return GetParam() >= series; }
  static bool before(PciSeries series) { return GetParam() < series; }
  static bool in(PciSeries first, PciSeries last) { return GetParam() >= first && GetParam() <= last; }
};

}  // namespace holdover::host::kernel::testing
