// SPDX-License-Identifier: MIT
#include "host/kernel/policy.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "host/kernel/pci/live_update_policies.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

// The values of a field are its enumerators, in their order.
template <auto Field>
constexpr Policy policy(std::string_view name, std::string_view sentence, std::span<const PolicyValue> values) {
  using Type = std::remove_reference_t<decltype(std::declval<Policies&>().*Field)>;
  return {name, sentence, values, [](const Policies& all) { return static_cast<std::size_t>(all.*Field); },
          [](Policies& all, std::size_t index) { all.*Field = static_cast<Type>(index); }};
}

constexpr std::array kLiveUpdate{PolicyValue{"off", "no KHO, no LUO, no /dev/liveupdate"},
                                 PolicyValue{"on", "kho=on liveupdate=on"}};
constexpr std::array kScratchCheck{PolicyValue{"off", "nobody notices: the next kernel overwrites them"},
                                   PolicyValue{"on", "EINVAL (CONFIG_KEXEC_HANDOVER_DEBUG)"}};
constexpr std::array kPci{PolicyValue{"none", "no PCI live update"}, PolicyValue{"v3", "the series at v3"},
                          PolicyValue{"v4", "the series at v4"},     PolicyValue{"v5", "the series at v5"},
                          PolicyValue{"v6", "the series at v6"},     PolicyValue{"v7", "the series at v7"},
                          PolicyValue{"v8", "the series at v8"},     PolicyValue{"v9", "the series at v9"}};
constexpr std::array kAri{PolicyValue{"on", "set where the function below has ARI, cleared where it has not"},
                          PolicyValue{"off", "pci=noari: left alone"}};
constexpr std::array kFreeze{PolicyValue{"keep-running", "the function runs on"},
                             PolicyValue{"reset-function", "the function is reset, as the posted VFIO series does"}};
constexpr std::array kShutdownBusMaster{PolicyValue{"clear", "on every function"},
                                        PolicyValue{"keep-outgoing", "not on functions that are handed over"}};
constexpr std::array kPending{PolicyValue{"ignore", "nothing waits for it"},
                              PolicyValue{"wait", "shutdown waits until its transactions are no longer pending"}};
constexpr std::array kMsixAtKexec{PolicyValue{"disable", "Enable is cleared"},
                                  PolicyValue{"function-mask", "Enable stays, Function Mask is set"}};
constexpr std::array kIommuAtKexec{PolicyValue{"off", "translation is switched off"},
                                   PolicyValue{"preserve", "translation stays on for what is handed over"}};
constexpr std::array kIommuAtBoot{PolicyValue{"reset", "translation off, new tables, translation on"},
                                  PolicyValue{"adopt", "tables that were handed over stay in force"}};
constexpr std::array kBusNumbers{PolicyValue{"keep", "valid numbers stay"},
                                 PolicyValue{"reassign", "pci=assign-busses: every bridge is numbered anew"}};
constexpr std::array kMsixAtInit{PolicyValue{"disable", "Enable is cleared on every function"},
                                 PolicyValue{"keep-incoming", "not on functions that were handed over"}};
constexpr std::array kDelays{PolicyValue{"scaled", "a thousandth"}, PolicyValue{"real", "as long as on hardware"}};

constexpr std::array kOwnPolicies{
    policy<&Policies::live_update>("live-update", "whether the kernel has KHO and LUO", kLiveUpdate),
    policy<&Policies::scratch_check>("kho-scratch-check", "preserving pages that lie in a scratch region",
                                     kScratchCheck),
    Policy{"pci-series", "which version of the PCI core series: sets every policy pci-…", kPci,
           [](const Policies& all) { return static_cast<std::size_t>(all.pci); },
           [](Policies& all, std::size_t index) {
             all.pci = static_cast<PciSeries>(index);
             all.pci_rules = rules_of(all.pci);
           }},
    policy<&Policies::freeze>("freeze", "what a VFIO device's freeze does to its function", kFreeze),
    policy<&Policies::shutdown_bus_master>("shutdown-bus-master",
                                           "where pci_device_shutdown() clears Bus Master Enable", kShutdownBusMaster),
    policy<&Policies::pending_at_shutdown>(
        "pending-at-shutdown", "what a function that lost bus mastering at shutdown still waits for", kPending),
    policy<&Policies::msix_at_kexec>("msix-at-kexec", "MSI-X of functions that are handed over, at shutdown",
                                     kMsixAtKexec),
    policy<&Policies::iommu_at_kexec>("iommu-at-kexec", "the IOMMU at shutdown", kIommuAtKexec),
    policy<&Policies::iommu_at_boot>("iommu-at-boot", "an IOMMU that translates already, at boot", kIommuAtBoot),
    policy<&Policies::bus_numbers>("bus-numbers", "bridges that have bus numbers already, at the scan", kBusNumbers),
    policy<&Policies::ari>("ari", "ARI Forwarding Enable of a bridge when the function below it is found", kAri),
    policy<&Policies::msix_at_init>("msix-at-init", "where pci_msix_init() clears MSI-X Enable", kMsixAtInit),
    policy<&Policies::delays>("delays", "the waits that a kernel is bound to, such as 100 ms after a reset", kDelays),
};

template <typename Entries>
std::string names(const Entries& entries) {
  std::string list;
  for (const auto& entry : entries) list += (list.empty() ? "" : ", ") + std::string(entry.name);
  return list;
}

}  // namespace

std::span<const Policy> policies() {
  static const std::vector<Policy> all = [] {
    std::vector<Policy> list(kOwnPolicies.begin(), kOwnPolicies.end());
    const std::span<const Policy> rules = pci_live_update_policies();
    list.insert(list.end(), rules.begin(), rules.end());
    return list;
  }();
  return all;
}

const Policy* find_policy(std::string_view name) {
  const std::span<const Policy> all = policies();
  const auto found = std::find_if(all.begin(), all.end(), [name](const Policy& entry) { return entry.name == name; });
  return found == all.end() ? nullptr : &*found;
}

void change_policy(Policies& policies, std::string_view assignment) {
  const std::size_t sign = assignment.find('=');
  const std::string name(assignment.substr(0, sign));
  const Policy* const policy = find_policy(name);
  if (policy == nullptr) {
    throw Error(ErrorCode::InvalidArgument,
                "There is no policy «" + name + "»; there are " + names(kernel::policies()) + ".");
  }
  const std::string value(sign == std::string_view::npos ? "" : assignment.substr(sign + 1));
  const auto found = std::find_if(policy->values.begin(), policy->values.end(),
                                  [&](const PolicyValue& possible) { return possible.name == value; });
  if (found == policy->values.end()) {
    throw Error(ErrorCode::InvalidArgument,
                "The policy «" + name + "» cannot be «" + value + "»; it takes " + names(policy->values) + ".");
  }
  policy->set(policies, static_cast<std::size_t>(found - policy->values.begin()));
}

}  // namespace holdover::host::kernel
