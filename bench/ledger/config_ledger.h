// SPDX-License-Identifier: MIT
// Configuration space of every function: what may never change, what may change for a moment, and what must be as
// before. The rules stand in docs/verdict.md, check 3.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"

namespace holdover::bench {

// One function's configuration space as last seen, and where its capabilities stand.
class ConfigShadow {
 public:
  ConfigShadow() : bytes_(4096) {}
  explicit ConfigShadow(std::vector<std::byte> bytes);

  [[nodiscard]] std::uint32_t at(unsigned offset) const;
  void set(unsigned offset, std::uint32_t value);
  [[nodiscard]] bool bridge() const;
  [[nodiscard]] std::optional<unsigned> power() const { return power_; }
  [[nodiscard]] std::optional<unsigned> express() const { return express_; }
  [[nodiscard]] std::optional<unsigned> msi() const { return msi_; }
  [[nodiscard]] std::optional<unsigned> msix() const { return msix_; }
  [[nodiscard]] std::optional<unsigned> acs() const { return acs_; }
  [[nodiscard]] std::optional<unsigned> aer() const { return aer_; }
  [[nodiscard]] std::optional<unsigned> dpc() const { return dpc_; }
  // Address in BAR 0, 64 bits where it is such a BAR.
  [[nodiscard]] std::uint64_t bar0() const;

 private:
  std::vector<std::byte> bytes_;
  std::optional<unsigned> power_;
  std::optional<unsigned> express_;
  std::optional<unsigned> msi_;
  std::optional<unsigned> msix_;
  std::optional<unsigned> acs_;
  std::optional<unsigned> aer_;
  std::optional<unsigned> dpc_;
};

struct NeverField;

class ConfigLedger {
 public:
  ConfigLedger(const Scene& scene, Evidence& evidence);

  // The spaces of all functions by index: at power-up, when the window opens, when it closes.
  void begin(std::vector<ConfigShadow> spaces);
  void open_window(Time time, std::vector<ConfigShadow> spaces);
  // `complete`: the update came to its end; else MSI-X may still be masked as a whole, and what may change for a moment
  // may be as the old kernel's shutdown left it.
  void close_window(Time time, std::vector<ConfigShadow> spaces, bool complete);
  void on_write(const sim::ConfigWrite& write);
  // A phase is over: whatever was sized in it has been written back.
  void on_phase_end(Time time);

  [[nodiscard]] const ConfigShadow& shadow(sim::FunctionIndex function) const { return shadows_.at(function); }
  [[nodiscard]] std::uint64_t writes() const { return writes_; }        // in the window, on judged paths
  [[nodiscard]] std::uint64_t functions() const { return functions_; }  // compared
  [[nodiscard]] std::uint64_t momentary() const { return momentary_; }  // registers that changed and came back
  [[nodiscard]] Time longest_window() const { return longest_; }        // for which one was away
  [[nodiscard]] const std::string& longest_where() const { return longest_where_; }
  [[nodiscard]] std::uint64_t writes_in(std::size_t segment) const;

 private:
  using Register = std::pair<sim::FunctionIndex, unsigned>;
  struct LastWrite {
    std::string who;
    std::uint32_t left_by_shutdown = 0;  // bits whose last change was made in phase shutdown
  };

  // The lowest judged endpoint at or below the function.
  [[nodiscard]] std::optional<unsigned> concerns(sim::FunctionIndex function) const;
  // The run asks for changes of this field.
  [[nodiscard]] bool declared(const NeverField& field) const;
  void note_disruptions(const sim::ConfigWrite& write);
  void judge_never(const sim::ConfigWrite& write, unsigned endpoint);
  void judge_sized(const sim::ConfigWrite& write, unsigned endpoint);
  void track_window(const sim::ConfigWrite& write);
  void note_writer(const sim::ConfigWrite& write);
  // Bits that the next kernel may not have come to where the update did not come to its end.
  [[nodiscard]] std::uint32_t not_come_to(Register where) const;
  [[nodiscard]] std::string register_name(sim::FunctionIndex function, unsigned offset) const;

  const Scene& scene_;
  Evidence& evidence_;
  std::vector<ConfigShadow> shadows_;
  std::vector<ConfigShadow> reference_;  // when the window opened
  struct Away {
    Time since;
    bool reported = false;
  };
  std::map<Register, Away> away_;
  std::map<Register, LastWrite> last_write_;
  std::vector<std::uint64_t> writes_by_segment_;
  std::uint64_t writes_ = 0;
  std::uint64_t functions_ = 0;
  std::uint64_t momentary_ = 0;
  Time longest_;
  std::string longest_where_;
};

}  // namespace holdover::bench
