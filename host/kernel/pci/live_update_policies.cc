// SPDX-License-Identifier: MIT
#include "host/kernel/pci/live_update_policies.h"

#include <array>

#include "host/kernel/policy_entry.h"

namespace holdover::host::kernel {
namespace {

using Rules = PciLiveUpdateRules;

constexpr std::array kLayout{PolicyValue{"sorted-array", "v3: as many as were present, sorted, no counts"},
                             PolicyValue{"counted-array", "v4 to v6: as many as were present, with counts"},
                             PolicyValue{"blocks", "v7: a chain of blocks"},
                             PolicyValue{"versioned-blocks", "v8 and later: the same behind a version"}};
constexpr std::array kString{PolicyValue{"pci-v1", "v3"}, PolicyValue{"pci-v2", "v4, v5, v7"},
                             PolicyValue{"pci-v3", "v6"}, PolicyValue{"pci", "v8 and later"}};
constexpr std::array kFull{PolicyValue{"e2big", "v3"}, PolicyValue{"enospc", "v4 and later"}};
constexpr std::array kPermission{PolicyValue{"allowed", "it is recorded"}, PolicyValue{"refused", "EINVAL"}};
constexpr std::array kDemand{PolicyValue{"none", "nobody asks"}, PolicyValue{"required", "EINVAL otherwise"}};
constexpr std::array kRecords{PolicyValue{"function-alone", "v3"},
                              PolicyValue{"with-bridges", "every bridge up to the root port as well"}};
constexpr std::array kNamedBridge{PolicyValue{"busy", "EBUSY"}, PolicyValue{"counted", "counted once more"}};
constexpr std::array kWalk{PolicyValue{"whole", "from the root downwards, whatever is missing"},
                           PolicyValue{"stops-at-missing", "what is above keeps its count"}};
constexpr std::array kOutgoingReference{PolicyValue{"balanced", "each get of the FLB is put"},
                                        PolicyValue{"leaked", "it is not, and counts as a file"}};
constexpr std::array kStatusFreeze{PolicyValue{"off", "nothing is fixed"},
                                   PolicyValue{"on", "fixed when the function's shutdown begins"}};
constexpr std::array kLookup{PolicyValue{"binary-search", "in the table as it came"},
                             PolicyValue{"sort-then-search", "in the table, sorted first"},
                             PolicyValue{"index", "in an index by domain and bdf"}};
constexpr std::array kDuplicates{PolicyValue{"unnoticed", "one of them is found"},
                                 PolicyValue{"refused", "the table cannot be retrieved"}};
constexpr std::array kNoEntry{PolicyValue{"info-once", "said once"}, PolicyValue{"silent", "not a word"}};
constexpr std::array kFailure{PolicyValue{"normal-boot", "a warning, and an ordinary boot"},
                              PolicyValue{"panic", "the kernel stops"}};
constexpr std::array kOtherVersion{PolicyValue{"returns-error", "retrieve fails with EINVAL"},
                                   PolicyValue{"panics", "the kernel stops at once"}};
constexpr std::array kIncomingReference{PolicyValue{"none", "only files keep the table"},
                                        PolicyValue{"per-finish", "put once for each function of a finished path"},
                                        PolicyValue{"per-function", "put when a function's count comes to 0"}};
constexpr std::array kDriverQuestion{PolicyValue{"retrieve", "pci_liveupdate_retrieve(): EINVAL"},
                                     PolicyValue{"is-incoming", "pci_liveupdate_is_incoming(): ENODEV"},
                                     PolicyValue{"none", "not at all"}};
constexpr std::array kFinish{PolicyValue{"clears-mark", "on the function alone"},
                             PolicyValue{"counts-down", "in the table, for the bridges as well"}};
constexpr std::array kUnfinished{PolicyValue{"silent", "nobody looks"},
                                 PolicyValue{"panic", "each is named, and panic"}};
constexpr std::array kCleanup{PolicyValue{"nothing", "nobody looks"},
                              PolicyValue{"undo", "a warning; it is unpreserved and finished"},
                              PolicyValue{"warn-only", "a warning"}};
constexpr std::array kBusNumbers{PolicyValue{"while-incoming", "while the incoming table names a function"},
                                 PolicyValue{"marked-at-setup", "for ever, on bridges set up while it was there"},
                                 PolicyValue{"while-table", "while an incoming or outgoing table is there"},
                                 PolicyValue{"per-scan", "while a function is not finished, asked in pass 0"},
                                 PolicyValue{"for-ever", "once the incoming table has named a function"}};
constexpr std::array kLostNumbers{PolicyValue{"numbered", "as ever"},
                                  PolicyValue{"all-refused", "no bridge is numbered"},
                                  PolicyValue{"incoming-refused", "an incoming bridge and its neighbours are not"}};
constexpr std::array kAcs{PolicyValue{"program", "as ever"},
                          PolicyValue{"skip-incoming", "not written until finish, and lost by a reset"},
                          PolicyValue{"adopt", "the value found is written, for life"},
                          PolicyValue{"adopt-and-save", "and restored with the rest of the state"}};
constexpr std::array kAri{PolicyValue{"program", "as ever"}, PolicyValue{"adopt", "believed, with pci=noari as well"}};

constexpr std::array kRules{
    policy<&Policies::pci_rules, &Rules::layout>("pci-layout", "how the table of functions lies in memory", kLayout),
    policy<&Policies::pci_rules, &Rules::compatible>("pci-string", "the string of the table", kString),
    policy<&Policies::pci_rules, &Rules::full>("pci-full", "a table of fixed size is full", kFull),
    policy<&Policies::pci_rules, &Rules::physical_function>("pci-physical-function", "an SR-IOV PF", kPermission),
    policy<&Policies::pci_rules, &Rules::acs_quirk>(
        "pci-acs-quirk", "a function, or a bridge above, that needs a quirk for ACS", kPermission),
    policy<&Policies::pci_rules, &Rules::singleton_group>("pci-singleton-group",
                                                          "that a function is alone in its IOMMU group", kDemand),
    policy<&Policies::pci_rules, &Rules::root_path>("pci-root-path", "that the path ends at a root bus", kDemand),
    policy<&Policies::pci_rules, &Rules::records>("pci-records", "what is recorded with a function", kRecords),
    policy<&Policies::pci_rules, &Rules::named_bridge>(
        "pci-named-bridge", "a recorded bridge that a driver preserves itself", kNamedBridge),
    policy<&Policies::pci_rules, &Rules::walk>(
        "pci-walk", "unpreserve and finish where a function of the path is not recorded", kWalk),
    policy<&Policies::pci_rules, &Rules::outgoing_reference>("pci-outgoing-reference",
                                                             "references on the outgoing table", kOutgoingReference),
    policy<&Policies::pci_rules, &Rules::status_freeze>(
        "pci-status-freeze", "whether preservation can change after shutdown began", kStatusFreeze),
    policy<&Policies::pci_rules, &Rules::lookup>("pci-lookup", "how a function is found in the incoming table",
                                                 kLookup),
    policy<&Policies::pci_rules, &Rules::duplicates>("pci-duplicates", "a function twice in the incoming table",
                                                     kDuplicates),
    policy<&Policies::pci_rules, &Rules::no_entry>("pci-no-entry", "something came in, but no table of this string",
                                                   kNoEntry),
    policy<&Policies::pci_rules, &Rules::failure>("pci-retrieve-failure", "a table that cannot be used", kFailure),
    policy<&Policies::pci_rules, &Rules::other_version>("pci-other-version", "a table of another version",
                                                        kOtherVersion),
    policy<&Policies::pci_rules, &Rules::incoming_reference>(
        "pci-incoming-reference", "references of functions on the incoming table", kIncomingReference),
    policy<&Policies::pci_rules, &Rules::driver_question>(
        "pci-driver-question", "how a driver asks whether a function was handed over", kDriverQuestion),
    policy<&Policies::pci_rules, &Rules::finish>("pci-finish", "what finish changes", kFinish),
    policy<&Policies::pci_rules, &Rules::unfinished>(
        "pci-unfinished", "a function that was never finished when the table is given back", kUnfinished),
    policy<&Policies::pci_rules, &Rules::cleanup>("pci-cleanup", "a function that goes away while it is handed over",
                                                  kCleanup),
    policy<&Policies::pci_rules, &Rules::bus_numbers>("pci-bus-numbers", "when pci=assign-busses is ignored",
                                                      kBusNumbers),
    policy<&Policies::pci_rules, &Rules::lost_numbers>(
        "pci-lost-numbers", "bridges without valid numbers, while numbers are kept", kLostNumbers),
    policy<&Policies::pci_rules, &Rules::acs>("pci-acs", "ACS Control of a function that was handed over", kAcs),
    policy<&Policies::pci_rules, &Rules::ari>("pci-ari", "ARI Forwarding Enable of a bridge that was handed over",
                                              kAri),
};

}  // namespace

std::span<const Policy> pci_live_update_policies() { return kRules; }

}  // namespace holdover::host::kernel
