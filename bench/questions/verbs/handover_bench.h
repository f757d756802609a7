// SPDX-License-Identifier: MIT
// KHO, LUO and the PCI core's part in a live update over bare DRAM: kernels of any version one after the other, without
// a machine below them, and a driver whose calls the experimenter makes. Verbs return 0 or a positive errno.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/kernel/boot_parameters.h"
#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/mm/page_allocator.h"
#include "host/kernel/pci/liveupdate.h"

namespace holdover::bench {

// Two endpoints below a switch: the root port and the upstream port belong to both paths.
inline constexpr pcie::Bdf kRootPort{0, 0, 1, 0};
inline constexpr pcie::Bdf kUpstreamPort{0, 1, 0, 0};
inline constexpr pcie::Bdf kLeftPort{0, 2, 0, 0};
inline constexpr pcie::Bdf kRightPort{0, 2, 1, 0};
inline constexpr pcie::Bdf kLeft{0, 3, 0, 0};
inline constexpr pcie::Bdf kRight{0, 4, 0, 0};
[[nodiscard]] host::kernel::PciPath left_path();
[[nodiscard]] host::kernel::PciPath right_path();
// All six, in the order of a scan.
[[nodiscard]] std::vector<pcie::Bdf> all_functions();

// A version of the PCI core series under its name («v6»).
struct SeriesVersion {
  std::string name;
  host::kernel::PciLiveUpdateRules rules;
};
// As posted, oldest first.
[[nodiscard]] std::vector<SeriesVersion> posted_versions();

// The file behind a function; LUO and the driver know it by this.
class FunctionFile final : public host::kernel::KernelFile {
 public:
  explicit FunctionFile(host::kernel::PciPath path) : path_(std::move(path)) {}
  [[nodiscard]] const host::kernel::PciPath& path() const { return path_; }

 private:
  host::kernel::PciPath path_;
};

// A driver that does what a driver has to, unless told otherwise.
class FunctionDriver final : public host::kernel::FileHandler {
 public:
  // Of the kernel that runs.
  void use(host::kernel::PciLiveUpdate& pci) { pci_ = &pci; }
  // Under a token of at most 65535: the functions are known by requester ID.
  void know(host::kernel::PciPath path);
  // Calls pci_liveupdate_finish() for a file that is finished.
  bool finishes = true;
  // Its module is on the way out.
  bool leaving = false;

  [[nodiscard]] std::string_view compatible() const override { return "function-v1"; }
  [[nodiscard]] bool going_away() const override { return leaving; }
  [[nodiscard]] bool can_preserve(const host::kernel::KernelFile& file) const override;
  [[nodiscard]] int preserve(host::kernel::FileState& state) override;
  void unpreserve(host::kernel::FileState& state) override;
  // ENODEV: no such function; the errors of PciLiveUpdate::check_retrieve.
  [[nodiscard]] int retrieve(host::kernel::FileState& state) override;
  [[nodiscard]] bool can_finish(const host::kernel::FileState& state) const override {
    return state.retrieve_status > 0;
  }
  void finish(host::kernel::FileState& state) override;

 private:
  host::kernel::PciLiveUpdate* pci_ = nullptr;
  std::map<std::uint64_t, host::kernel::PciPath> known_;
  std::vector<std::unique_ptr<FunctionFile>> retrieved_;
};

// What the table of functions says in DRAM.
struct TableView {
  bool there = false;
  std::uint64_t nr_devices = 0;
  std::map<pcie::Bdf, unsigned> counts;

  // «nr_devices 4: 0000:00:01.0 1, …», «none».
  [[nodiscard]] std::string to_string() const;
};

class HandoverBench {
 public:
  // A cold boot. `present`: how many functions each kernel has found when the first file is preserved.
  explicit HandoverBench(const host::kernel::PciLiveUpdateRules& rules, std::uint64_t present = 6);
  ~HandoverBench();
  HandoverBench(const HandoverBench&) = delete;
  HandoverBench& operator=(const HandoverBench&) = delete;

  // Freeze, jump, early boot of the next kernel: its driver is registered unless `registered` is false. The errno of
  // the freeze.
  [[nodiscard]] int kexec(const host::kernel::PciLiveUpdateRules& next, bool registered = true);
  // The halves of it: DRAM can be written between them.
  [[nodiscard]] int freeze();
  void jump(const host::kernel::PciLiveUpdateRules& next, bool registered = true);
  [[nodiscard]] int register_driver();
  // Enumeration: every function is looked up. What a panic says, or nothing.
  [[nodiscard]] std::string scan();
  [[nodiscard]] std::string scan(const std::vector<pcie::Bdf>& functions);
  // What a panic in `act` says, or nothing.
  [[nodiscard]] static std::string panic_of(const std::function<void()>& act);

  [[nodiscard]] host::kernel::Luo& luo() { return *luo_; }
  [[nodiscard]] host::kernel::PciLiveUpdate& pci() { return *pci_; }
  [[nodiscard]] host::kernel::Kho& kho() { return *kho_; }
  [[nodiscard]] std::span<std::byte> dram() { return dram_; }
  [[nodiscard]] FunctionDriver& driver() { return driver_; }
  [[nodiscard]] FunctionFile& left() { return left_; }
  [[nodiscard]] FunctionFile& right() { return right_; }

  // ---- Sessions; contract: LUO is on, the name is free or known ----
  [[nodiscard]] host::kernel::LuoSession& create_session(const std::string& name);
  // Null where the sessions cannot be read or the name is unknown.
  [[nodiscard]] host::kernel::LuoSession* retrieve_session(const std::string& name);
  // Preserves under the token that the driver knows the function by.
  [[nodiscard]] static int preserve(host::kernel::LuoSession& session, FunctionFile& file);
  [[nodiscard]] static int retrieve(host::kernel::LuoSession& session, const FunctionFile& file);

  // ---- What can be seen ----
  [[nodiscard]] TableView outgoing() const { return view(outgoing_table_); }
  [[nodiscard]] TableView incoming() const { return view(incoming_table_); }
  // Page of the table; 0: none.
  [[nodiscard]] PhysicalAddress outgoing_page() const;
  [[nodiscard]] PhysicalAddress incoming_page() const;
  [[nodiscard]] std::vector<pcie::Bdf> incoming_functions() const;
  // Lines that this kernel wrote since its driver was registered, or since they were cleared.
  [[nodiscard]] const std::vector<std::string>& console() const { return console_; }
  void clear_console() { console_.clear(); }

 private:
  void boot(const host::kernel::PciLiveUpdateRules& rules, bool registered);
  [[nodiscard]] TableView view(std::uint64_t mark) const;

  std::vector<std::byte> dram_;
  host::kernel::BootParameters parameters_;
  std::uint64_t present_;
  std::vector<std::string> console_;
  std::uint64_t outgoing_table_ = 0;  // as marked: address and layout
  std::uint64_t incoming_table_ = 0;
  FunctionDriver driver_;
  FunctionFile left_{left_path()};
  FunctionFile right_{right_path()};
  std::unique_ptr<host::kernel::PageAllocator> pages_;
  std::unique_ptr<host::kernel::Kho> kho_;
  std::unique_ptr<host::kernel::Luo> luo_;
  std::unique_ptr<host::kernel::PciLiveUpdate> pci_;
};

}  // namespace holdover::bench
