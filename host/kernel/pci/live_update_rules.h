// SPDX-License-Identifier: MIT
// What one version of the PCI core series on live update does where versions differ: one field per difference, each
// switchable alone (policies «pci-…», live_update_policies.cc). Behaviour asks a rule, never the version. The
// enumerators of a rule are in the order of its values there.
#pragma once

#include <string_view>

namespace holdover::host::kernel {

enum class PciSeries { None, V3, V4, V5, V6, V7, V8, V9 };

// How the table lies in DRAM: abi/pci_v3.h, abi/pci_v4.h, abi/pci_v7.h, abi/pci_v8.h.
enum class PciLayout { SortedArray, CountedArray, Blocks, VersionedBlocks };
// The string of the FLB: «pci-v1», «pci-v2», «pci-v3», «pci».
enum class PciString { V1, V2, V3, Constant };
// The errno where a fixed array is full: E2BIG or ENOSPC. Blocks grow instead.
enum class PciFull { TooBig, NoSpace };
enum class PciPermission { Allowed, Refused };
enum class PciDemand { None, Required };
// A bridge that a driver names itself, and that is recorded already: EBUSY, or counted once more.
enum class PciNamedBridge { Busy, Counted };
// What is recorded with a function: it alone, or every bridge above it as well.
enum class PciRecords { FunctionAlone, WithBridges };
// unpreserve and finish along the path where a function is not recorded: the rest is walked all the same (from the root
// downwards), or the walk stops there.
enum class PciWalk { Whole, StopsAtMissing };
enum class PciOutgoingReference { Balanced, Leaked };  // preserve and unpreserve: get of the FLB with or without a put
// Which reference on the incoming FLB a function that is incoming holds until it is finished.
//   None: none.  PerFinish: one, and finish puts one for each function of the path, also for a bridge that others still
//   need.  PerFunction: one, put when its count comes to 0.
enum class PciIncomingReference { None, PerFinish, PerFunction };
// How a driver asks before it gives a file back: pci_liveupdate_retrieve() (EINVAL), pci_liveupdate_is_incoming()
// (ENODEV), or it does not.
enum class PciDriverQuestion { Retrieve, IsIncoming, None };
// finish: clears the mark on the function, or counts down in the table, so that it is not incoming when plugged again.
enum class PciFinish { ClearsMark, CountsDown };
enum class PciLookup { BinarySearch, SortThenSearch, Index };
enum class PciDuplicates { Unnoticed, Refused };  // a function twice in the incoming table
enum class PciNoEntry { InfoOnce, Silent };       // a table of FLBs came in, and none has this string
enum class PciFailure { NormalBoot, Panic };      // retrieve of the FLB fails
enum class PciOtherVersion { ReturnsError, Panics };
enum class PciUnfinished { Silent, Panic };         // a function that was never finished, when the FLB is
enum class PciCleanup { Nothing, Undo, WarnOnly };  // a function's kernel object goes away while it is marked
enum class PciStatusFreeze { Off, On };             // preservation is fixed when shutdown begins
// When pci=assign-busses is ignored.
//   WhileIncoming: an incoming table names a function.  MarkedAtSetup: for ever, on each function that was set up while
//   an incoming table was there.  WhileTable: an incoming or an outgoing table is there.  PerScan: an incoming table
//   has an unfinished function when the first pass comes to the bridge, or the bridge above keeps its numbers.
//   ForEver: an incoming table has named a function.
enum class PciBusNumbers { WhileIncoming, MarkedAtSetup, WhileTable, PerScan, ForEver };
// Bridges without valid numbers while numbers are kept: numbered as ever; none of them is; or only an incoming one and
// its neighbours on the bus are not.
enum class PciLostNumbers { Numbered, AllRefused, IncomingRefused };
// ACS Control of an incoming function: programmed as ever; never written until finish; the value found is written
// instead, for life; and it is saved and restored with the rest of the state as well.
enum class PciAcs { Program, SkipIncoming, Adopt, AdoptAndSave };
enum class PciAri { Program, Adopt };  // ARI Forwarding Enable of an incoming bridge

struct PciLiveUpdateRules {
  PciLayout layout = PciLayout::VersionedBlocks;
  PciString compatible = PciString::Constant;
  PciFull full = PciFull::NoSpace;
  PciPermission physical_function = PciPermission::Allowed;
  PciPermission acs_quirk = PciPermission::Refused;
  PciDemand singleton_group = PciDemand::None;
  PciDemand root_path = PciDemand::None;
  PciRecords records = PciRecords::WithBridges;
  PciNamedBridge named_bridge = PciNamedBridge::Counted;
  PciWalk walk = PciWalk::StopsAtMissing;
  PciOutgoingReference outgoing_reference = PciOutgoingReference::Balanced;
  PciStatusFreeze status_freeze = PciStatusFreeze::On;
  PciLookup lookup = PciLookup::Index;
  PciDuplicates duplicates = PciDuplicates::Refused;
  PciNoEntry no_entry = PciNoEntry::Silent;
  PciFailure failure = PciFailure::Panic;
  PciOtherVersion other_version = PciOtherVersion::Panics;
  PciIncomingReference incoming_reference = PciIncomingReference::None;
  PciDriverQuestion driver_question = PciDriverQuestion::IsIncoming;
  PciFinish finish = PciFinish::CountsDown;
  PciUnfinished unfinished = PciUnfinished::Panic;
  PciCleanup cleanup = PciCleanup::WarnOnly;
  PciBusNumbers bus_numbers = PciBusNumbers::ForEver;
  PciLostNumbers lost_numbers = PciLostNumbers::IncomingRefused;
  PciAcs acs = PciAcs::AdoptAndSave;
  PciAri ari = PciAri::Adopt;

  friend bool operator==(const PciLiveUpdateRules&, const PciLiveUpdateRules&) = default;
};

// As posted. None: a kernel without the series programs ACS and ARI as v3 does; nobody asks the other rules.
[[nodiscard]] constexpr PciLiveUpdateRules rules_of(PciSeries series);

[[nodiscard]] constexpr std::string_view compatible_of(PciString string) {
  switch (string) {
    case PciString::V1:
      return "pci-v1";
    case PciString::V2:
      return "pci-v2";
    case PciString::V3:
      return "pci-v3";
    case PciString::Constant:
      break;
  }
  return "pci";
}

// ---- The versions, newest first: each says what it has not yet ----

namespace pci_series {

constexpr PciLiveUpdateRules v9() { return {}; }

constexpr PciLiveUpdateRules v8() {
  PciLiveUpdateRules rules = v9();
  rules.other_version = PciOtherVersion::ReturnsError;
  rules.bus_numbers = PciBusNumbers::PerScan;
  rules.lost_numbers = PciLostNumbers::AllRefused;
  rules.acs = PciAcs::Adopt;
  return rules;
}

constexpr PciLiveUpdateRules v7() {
  PciLiveUpdateRules rules = v8();
  rules.layout = PciLayout::Blocks;
  rules.compatible = PciString::V2;
  rules.no_entry = PciNoEntry::InfoOnce;
  rules.incoming_reference = PciIncomingReference::PerFunction;
  rules.unfinished = PciUnfinished::Silent;
  return rules;
}

constexpr PciLiveUpdateRules v6() {
  PciLiveUpdateRules rules = v7();
  rules.layout = PciLayout::CountedArray;
  rules.compatible = PciString::V3;
  rules.failure = PciFailure::NormalBoot;
  rules.cleanup = PciCleanup::Undo;
  return rules;
}

constexpr PciLiveUpdateRules v5() {
  PciLiveUpdateRules rules = v6();
  rules.compatible = PciString::V2;
  rules.duplicates = PciDuplicates::Unnoticed;
  rules.bus_numbers = PciBusNumbers::WhileTable;
  return rules;
}

constexpr PciLiveUpdateRules v4() {
  PciLiveUpdateRules rules = v5();
  rules.acs_quirk = PciPermission::Allowed;
  rules.singleton_group = PciDemand::Required;
  rules.root_path = PciDemand::Required;
  rules.named_bridge = PciNamedBridge::Busy;
  rules.walk = PciWalk::Whole;
  rules.status_freeze = PciStatusFreeze::Off;
  rules.lookup = PciLookup::SortThenSearch;
  rules.incoming_reference = PciIncomingReference::PerFinish;
  rules.bus_numbers = PciBusNumbers::MarkedAtSetup;
  rules.acs = PciAcs::SkipIncoming;
  return rules;
}

constexpr PciLiveUpdateRules v3() {
  PciLiveUpdateRules rules = v4();
  rules.layout = PciLayout::SortedArray;
  rules.compatible = PciString::V1;
  rules.full = PciFull::TooBig;
  rules.physical_function = PciPermission::Refused;
  rules.singleton_group = PciDemand::None;
  rules.root_path = PciDemand::None;
  rules.records = PciRecords::FunctionAlone;
  rules.lookup = PciLookup::BinarySearch;
  rules.incoming_reference = PciIncomingReference::None;
  rules.driver_question = PciDriverQuestion::Retrieve;
  rules.finish = PciFinish::ClearsMark;
  rules.cleanup = PciCleanup::Nothing;
  rules.bus_numbers = PciBusNumbers::WhileIncoming;
  rules.lost_numbers = PciLostNumbers::Numbered;
  rules.acs = PciAcs::Program;
  rules.ari = PciAri::Program;
  return rules;
}

}  // namespace pci_series

constexpr PciLiveUpdateRules rules_of(PciSeries series) {
  switch (series) {
    case PciSeries::None:
    case PciSeries::V3:
      return pci_series::v3();
    case PciSeries::V4:
      return pci_series::v4();
    case PciSeries::V5:
      return pci_series::v5();
    case PciSeries::V6:
      return pci_series::v6();
    case PciSeries::V7:
      return pci_series::v7();
    case PciSeries::V8:
      return pci_series::v8();
    case PciSeries::V9:
      break;
  }
  return pci_series::v9();
}

}  // namespace holdover::host::kernel
