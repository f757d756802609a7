// SPDX-License-Identifier: MIT
// A scene for the invariants of live update: a table of PCI devices in DRAM that tests write by hand, and the marks of
// an update.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/ledger/invariants/invariant_ledger.h"
#include "host/kernel/kho/abi.h"
#include "host/kernel/pci/abi/pci_v8.h"
#include "pcie/config_space.h"
#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {

class InvariantScene : public BenchScene {
 protected:
  static constexpr std::uint64_t kPage = 4096;
  static constexpr std::uint64_t kTable = 2 * kPage;
  static constexpr std::uint64_t kBlock = 3 * kPage;
  static constexpr std::uint64_t kPlace =
      kTable | static_cast<std::uint64_t>(host::kernel::PciLayout::VersionedBlocks);  // as it is marked
  using Entries = std::map<sim::FunctionIndex, unsigned>;                             // count by function

  InvariantScene()
      : dram(8 * kPage),
        memory(scene, evidence, dram),
        config(scene, evidence),
        invariants(scene, evidence, config, memory, dram) {
    std::vector<ConfigShadow> spaces;
    for (sim::FunctionIndex function = 0; function < scene.functions().size(); ++function) {
      ConfigShadow space;
      space.set(pcie::config::kVendorId, 0x0d17'1172);
      space.set(pcie::config::kCommand, pcie::config::kCommandBusMaster);
      spaces.push_back(std::move(space));
    }
    config.begin(std::move(spaces));
  }

  // As what it is recorded: endpoint 0 and the ports above it.
  [[nodiscard]] static Entries recorded() { return {{kEndpoint0, 1}, {kPort0, 1}, {kUpstreamPort, 1}, {kRootPort, 1}}; }
  // `claimed`: nr_devices; by default as many as there are.
  void write_table(const Entries& entries, int claimed = -1) {
    using host::kernel::pci_v8::PciDevSer;
    const host::kernel::pci_v8::PciSer header{
        host::kernel::pci_v8::kVersion,
        static_cast<std::uint32_t>(claimed < 0 ? static_cast<int>(entries.size()) : claimed),
        entries.empty() ? 0 : kBlock};
    put(kTable, header);
    put(kBlock, std::array<std::uint64_t, 2>{0, entries.size()});
    std::uint64_t at = kBlock + 16;
    for (const auto& [function, count] : entries) {
      put(at, PciDevSer{0, id(function), static_cast<std::uint16_t>(count)});
      at += sizeof(PciDevSer);
    }
  }
  [[nodiscard]] HandoverImage image(std::uint64_t number, const Entries& entries) const {
    HandoverImage image;
    image.live_update.emplace();
    image.live_update->number = number;
    image.live_update->sessions.emplace_back().files.resize(1);
    image.devices.emplace();
    for (const auto& [function, count] : entries) image.devices->push_back({scene.bdf(function), count});
    return image;
  }

  [[nodiscard]] pcie::RequesterId id(sim::FunctionIndex function) const { return scene.bdf(function).requester_id(); }
  // A mark in the phase that passes.
  void say(Time time, pcie::Step step, std::uint64_t value = 0) { enter(time, scene.phase(), step, value); }
  void enter(Time time, pcie::Phase phase, pcie::Step step = pcie::Step::Begin, std::uint64_t value = 0) {
    scene.on_phase(time, phase, step, value);
    invariants.on_mark(scene.marks().back());
  }

  // Kernel A preserves one file, that of endpoint 0.
  void preserve(Time time, std::uint64_t flbs = 1) {
    enter(time, pcie::Phase::Preserve);
    say(time, pcie::Step::SessionCreated, 1);
    say(time, pcie::Step::FlbPreserved, 0);
    write_table(recorded());
    say(time, pcie::Step::OutgoingTable, kPlace);
    for (const auto& [function, count] : recorded())
      enter(time, pcie::Phase::Preserve, pcie::Step::FunctionPreserved, id(function));
    say(time, pcie::Step::FilePreserved, flbs);
    enter(time, pcie::Phase::Preserve, pcie::Step::WindowBegin);
  }
  void freeze(Time time) {
    enter(time, pcie::Phase::Freeze);
    say(time, pcie::Step::FileFrozen);
    say(time, pcie::Step::FreezeSucceeded, 1);
    enter(time, pcie::Phase::Shutdown);
  }
  void jump(Time time, std::uint64_t number = 1) {
    invariants.on_jump(time, image(number, recorded()));
    scene.on_jump(time);
  }
  // Kernel B finds what it was handed over; functions in `missing` are not there.
  void boot(Time time, const std::vector<sim::FunctionIndex>& missing = {}) {
    enter(time, pcie::Phase::EarlyBoot);
    enter(time, pcie::Phase::Enumerate);
    say(time, pcie::Step::FlbRetrieved, 0);
    say(time, pcie::Step::IncomingTable, kPlace);
    for (const auto& [function, count] : recorded()) {
      if (std::find(missing.begin(), missing.end(), function) != missing.end()) continue;
      say(time, pcie::Step::FunctionIncoming, id(function));
      enter(time, pcie::Phase::Enumerate, pcie::Step::FunctionFound, id(function));
    }
    enter(time, pcie::Phase::Bind);
  }
  void retrieve(Time time, unsigned error = 0) {
    enter(time, pcie::Phase::Retrieve);
    say(time, pcie::Step::SessionRetrieved, 1);
    say(time, pcie::Step::FileRestored, kFile | error);
    say(time, pcie::Step::FileRetrieved, kFile | error);
  }
  // `left`: what is in the table when its FLB is finished.
  void finish(Time time, const Entries& left = {}) {
    enter(time, pcie::Phase::Finish);
    write_table(left);
    for (const auto& [function, count] : recorded()) {
      if (left.count(function) == 0) enter(time, pcie::Phase::Finish, pcie::Step::FunctionFinished, id(function));
    }
    say(time, pcie::Step::IncomingTable, 0);
    say(time, pcie::Step::FlbFinished, 0);
    say(time, pcie::Step::FileFinished);
    say(time, pcie::Step::SessionFinished, 1);
    enter(time, pcie::Phase::Finish, pcie::Step::WindowEnd);
  }
  // All of it, without a mistake.
  void whole_update() {
    preserve(us(1));
    freeze(us(2));
    jump(us(3));
    boot(us(4));
    retrieve(us(5));
    finish(us(6));
  }
  void dma(Time time, unsigned endpoint, pcie::RequesterId requester) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::MemoryWrite;
    tlp.requester = requester;
    invariants.on_transmit(time, endpoint, tlp);
  }

  // The row of this invariant, where each check passes that has no finding.
  [[nodiscard]] bench::Invariant row(unsigned number) const {
    std::array<CheckResult, kCheckCount> checks;
    for (unsigned index = 0; index < kCheckCount; ++index) {
      checks[index].first = evidence.first(static_cast<Check>(index), scene.judged_endpoints());
      checks[index].status = checks[index].first ? CheckStatus::Fail : CheckStatus::Pass;
    }
    return invariants.rows(checks).at(number - 1);
  }
  [[nodiscard]] std::string state(unsigned number) const {
    const bench::Invariant found = row(number);
    return std::string(to_string(found.status)) + (found.broken_by ? ": " + found.broken_by->sentence : "");
  }
  void find(Check check, Time time, unsigned invariant, std::string sentence) {
    Evidence::Observation observation;
    observation.time = time;
    observation.since = time;
    observation.endpoint = 0;
    observation.invariant = invariant;
    observation.sentence = std::move(sentence);
    evidence.find(check, std::move(observation));
  }

  static constexpr sim::FunctionIndex kPort0 = 2;
  static constexpr std::uint64_t kFile = std::uint64_t{1} << 48 | 7u << 16;  // token 7 of the first session

  std::vector<std::byte> dram;
  MemoryLedger memory;
  ConfigLedger config;
  InvariantLedger invariants;

 private:
  template <typename Value>
  void put(std::uint64_t address, const Value& value) {
    std::memcpy(dram.data() + address, &value, sizeof value);
  }
};

// The suite of the invariants.
class Invariant : public InvariantScene {};

}  // namespace holdover::bench::testing
