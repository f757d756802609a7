// SPDX-License-Identifier: MIT
// Protocol as seen on the wire of each endpoint: each non-posted request gets one complete, successful set of
// completions; no violation in either direction; nothing refused; error registers clean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/ledger/config_ledger.h"
#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"
#include "pcie/tlp.h"

namespace holdover::bench {

class RequestLedger {
 public:
  // `completion_timeout`: after this an endpoint gives an unanswered read up.
  RequestLedger(const Scene& scene, Evidence& evidence, Time completion_timeout);

  void on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp);
  void on_receive(Time time, unsigned endpoint, const pcie::Tlp& tlp);
  void on_refused(Time time, unsigned endpoint, sim::FunctionIndex where, const pcie::Tlp& tlp,
                  std::string_view reason);
  void on_violation(const sim::Violation& violation);
  // A write to an endpoint's configuration space, `was` and `is` before and after it: error bits that were clear when
  // the window opened (`before`) and are cleared now had been set in it.
  void judge_cleared_errors(Time time, unsigned endpoint, const ConfigShadow& before, const ConfigShadow& was,
                            const ConfigShadow& is);
  // Error bits that were clear when the window opened and are set when it closes.
  void judge_error_bits(Time time, const std::vector<ConfigShadow>& before, const std::vector<ConfigShadow>& after);
  // The run is over; `stopped`: traffic had been stopped before, so that nothing may be under way.
  void on_end(Time time, bool stopped);

  [[nodiscard]] std::uint64_t requests() const { return requests_; }  // non-posted
  [[nodiscard]] std::uint64_t completed() const { return completed_; }
  [[nodiscard]] std::uint64_t violations() const { return violations_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  static constexpr std::size_t kTags = 1024;
  struct Outstanding {
    bool open = false;
    bool late = false;       // reported
    unsigned remaining = 0;  // bytes
    Time since;
    std::uint64_t address = 0;
  };

  void complete(Time time, unsigned endpoint, const pcie::Tlp& tlp, Outstanding& request);

  const Scene& scene_;
  Evidence& evidence_;
  Time completion_timeout_;
  std::vector<std::vector<Outstanding>> outstanding_;  // by endpoint, by tag
  std::uint64_t requests_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t violations_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace holdover::bench
