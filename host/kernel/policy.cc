// SPDX-License-Identifier: MIT
#include "host/kernel/policy.h"

#include <algorithm>
#include <array>
#include <vector>

#include "host/kernel/pci/live_update_policies.h"
#include "host/kernel/policy_entry.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

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
constexpr std::array kShutdownBusMaster{PolicyValue{"driver-bound", "on functions that a driver has brought to D0"},
                                        PolicyValue{"all", "on every function"},
                                        PolicyValue{"not-outgoing", "not on functions that are handed over"}};
constexpr std::array kInterruptsAtFreeze{PolicyValue{"any", "nothing is asked of them"},
                                         PolicyValue{"must-be-off", "freeze answers EINVAL while any is configured"}};
constexpr std::array kPowerAtFreeze{PolicyValue{"any", "nothing is asked of it"},
                                    PolicyValue{"must-be-d0", "freeze answers EINVAL in any other state"}};
constexpr std::array kIdlePower{PolicyValue{"off", "it stays in D0 (disable_idle_d3)"},
                                PolicyValue{"on", "it is suspended to D3hot, and resumed at open and at shutdown"}};
constexpr std::array kBusMasterAtOpen{PolicyValue{"clear", "at every open, and the function is enabled anew"},
                                      PolicyValue{"keep-incoming", "not of a function that was handed over"}};
constexpr std::array kResetAtOpen{PolicyValue{"yes", "every open resets the function"},
                                  PolicyValue{"no", "not the one that takes up a function that was handed over"}};
constexpr std::array kBindingContract{PolicyValue{"none", "nothing: user space is to bind the right one"},
                                      PolicyValue{"driver-name", "the name of the driver that it was bound to"},
                                      PolicyValue{"schema-guid", "the layout that its state was saved in"}};
constexpr std::array kEntryModel{PolicyValue{"probe", "by probe and shutdown, like any other"},
                                 PolicyValue{"retrieve", "by retrieve, when user space asks for it, and freeze"}};
constexpr std::array kIncomingDriver{PolicyValue{"vfio-pci", "the one that it was handed over from"},
                                     PolicyValue{"stub", "one that enables and resets what it probes"},
                                     PolicyValue{"schema-2", "vfio-pci with another layout of saved state"},
                                     PolicyValue{"same-name", "the same under the name of the one it replaces"},
                                     PolicyValue{"renamed", "vfio-pci under another name, with its own layout"}};
constexpr std::array kDeviceHandler{
    PolicyValue{"v1", "vfio-pci-v1"},
    PolicyValue{"v2", "vfio-pci-v2: as if the layout of what its files hold had changed"}};
constexpr std::array kStubBusMaster{PolicyValue{"off", "cleared"}, PolicyValue{"on", "set"}};
constexpr std::array kPending{PolicyValue{"ignore", "nothing waits for it"},
                              PolicyValue{"wait", "shutdown waits until its transactions are no longer pending"}};
constexpr std::array kMsixAtKexec{PolicyValue{"disable", "Enable is cleared"},
                                  PolicyValue{"function-mask", "Enable stays, Function Mask is set"},
                                  PolicyValue{"keep", "nothing is done: vfio-pci has no shutdown callback"}};
constexpr std::array kIommuPart{
    PolicyValue{"none", "ENOTTY to mark one, ENOENT to preserve it; a device comes without its domain"},
    PolicyValue{"series", "marked ones with their tables, and devices only with theirs (needs pci-series)"}};
constexpr std::array kIommuAtKexec{PolicyValue{"off", "translation is switched off"},
                                   PolicyValue{"preserve", "translation stays on for what is handed over"}};
constexpr std::array kIommuAtBoot{PolicyValue{"reset", "translation off, new tables, translation on"},
                                  PolicyValue{"adopt", "tables that were handed over stay in force"},
                                  PolicyValue{"copy", "as in a crash kernel: context entries are copied, and go on"}};
constexpr std::array kDefaultDomain{PolicyValue{"none", "nothing is attached before user space attaches something"},
                                    PolicyValue{"blocked", "every request faults"},
                                    PolicyValue{"dma", "an empty address space of its own"},
                                    PolicyValue{"identity", "requests pass untranslated"}};
constexpr std::array kDmaClaim{PolicyValue{"block", "between claim and attach every request faults"},
                               PolicyValue{"keep-restored", "not where a domain that was handed over is in force"}};
constexpr std::array kInterruptRemapping{PolicyValue{"off", "messages in compatibility format"},
                                         PolicyValue{"on", "messages in remappable format"}};
constexpr std::array kRemappingAtBoot{PolicyValue{"replace", "remapping off, a new table, remapping on"},
                                      PolicyValue{"adopt", "a table that was handed over stays in force"}};
constexpr std::array kBusNumbers{PolicyValue{"keep", "valid numbers stay"},
                                 PolicyValue{"reassign", "pci=assign-busses: every bridge is numbered anew"}};
constexpr std::array kMsixAtInit{PolicyValue{"disable", "Enable is cleared on every function"},
                                 PolicyValue{"keep-incoming", "not on functions that were handed over"}};
constexpr std::array kEndpointDriver{PolicyValue{"none", "no driver binds"}, PolicyValue{"vfio", "vfio-pci"}};
constexpr std::array kBarSizing{PolicyValue{"per-register", "decoding off and on again for each BAR"},
                                PolicyValue{"once", "decoding off once, for all BARs"}};
constexpr std::array kRetryVisibility{PolicyValue{"bridge-scan", "in each pass over the bridge"},
                                      PolicyValue{"setup", "when the port is found"}};
constexpr std::array kPowerAtInit{PolicyValue{"unknown", "nothing is done, the state counts as unknown"},
                                  PolicyValue{"d0", "functions are brought to D0"}};
constexpr std::array kAcsControl{PolicyValue{"init", "when the function is found"},
                                 PolicyValue{"match", "at IOMMU probe and at each match of a driver"}};
constexpr std::array kAdvisoryErrors{PolicyValue{"masked", "their mask is left alone"},
                                     PolicyValue{"unmasked", "they are unmasked"}};
constexpr std::array kSecondaryStatus{PolicyValue{"keep", "left alone"},
                                      PolicyValue{"clear", "errors of the scan are cleared"}};
constexpr std::array kAspmAtInit{PolicyValue{"keep", "they stay on"},
                                 PolicyValue{"off-and-on", "they are switched off and on again"}};
constexpr std::array kRetrainStatus{PolicyValue{"keep", "left alone"}, PolicyValue{"clear", "cleared"}};
constexpr std::array kAerStart{PolicyValue{"port", "of the port"},
                               PolicyValue{"hierarchy", "of the port, and of what is below if errors were reported"}};
constexpr std::array kDpcStart{PolicyValue{"keep-status", "left alone"}, PolicyValue{"clear-status", "cleared first"}};
constexpr std::array kBandwidthControl{PolicyValue{"none", "there is no such service"},
                                       PolicyValue{"notify", "its interrupts are on"}};
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
    policy<&Policies::interrupts_at_freeze>("interrupts-at-freeze", "a VFIO device's interrupts at its freeze",
                                            kInterruptsAtFreeze),
    policy<&Policies::power_at_freeze>("power-at-freeze", "a VFIO device's power state at its freeze", kPowerAtFreeze),
    policy<&Policies::freeze>("freeze", "what a VFIO device's freeze does to its function", kFreeze),
    policy<&Policies::shutdown_bus_master>("shutdown-bus-master",
                                           "where pci_device_shutdown() clears Bus Master Enable", kShutdownBusMaster),
    policy<&Policies::pending_at_shutdown>(
        "pending-at-shutdown", "what a function that lost bus mastering at shutdown still waits for", kPending),
    policy<&Policies::msix_at_kexec>("msix-at-kexec", "MSI-X of functions that are handed over, at shutdown",
                                     kMsixAtKexec),
    policy<&Policies::iommu_part>("iommu-part", "whether address spaces and the IOMMU's state can be handed over",
                                  kIommuPart),
    policy<&Policies::iommu_at_kexec>("iommu-at-kexec", "the IOMMU at shutdown", kIommuAtKexec),
    policy<&Policies::iommu_at_boot>("iommu-at-boot", "an IOMMU that translates already, at boot", kIommuAtBoot),
    policy<&Policies::retry_visibility>(
        "retry-visibility", "when a root port that supports it is made to show Request Retry Status", kRetryVisibility),
    policy<&Policies::bar_sizing>("bar-sizing", "how long decoding is off while BARs are sized", kBarSizing),
    policy<&Policies::default_domain>("default-domain", "what the IOMMU core attaches to a function that it probes",
                                      kDefaultDomain),
    policy<&Policies::dma_claim>("dma-claim", "where a claim of DMA ownership parks the function", kDmaClaim),
    policy<&Policies::interrupt_remapping>("interrupt-remapping", "whether the IOMMU remaps interrupt messages",
                                           kInterruptRemapping),
    policy<&Policies::remapping_at_boot>("remapping-at-boot", "interrupt remapping that is on already, at boot",
                                         kRemappingAtBoot),
    policy<&Policies::bus_numbers>("bus-numbers", "bridges that have bus numbers already, at the scan", kBusNumbers),
    policy<&Policies::ari>("ari", "ARI Forwarding Enable of a bridge when the function below it is found", kAri),
    policy<&Policies::msix_at_init>("msix-at-init", "where pci_msix_init() clears MSI-X Enable", kMsixAtInit),
    policy<&Policies::power_at_init>("power-at-init", "the power state of functions that the scan finds", kPowerAtInit),
    policy<&Policies::acs_control>("acs-control", "when ACS Control is written", kAcsControl),
    policy<&Policies::advisory_errors>("advisory-errors", "advisory non-fatal errors of functions that the scan finds",
                                       kAdvisoryErrors),
    policy<&Policies::aspm_at_init>("aspm-at-init", "ASPM states that the scan finds enabled", kAspmAtInit),
    policy<&Policies::retrain_status>(
        "retrain-status", "Link Bandwidth Management Status after the kernel has retrained a link", kRetrainStatus),
    policy<&Policies::secondary_status>("secondary-status", "Secondary Status of a bridge after it was scanned",
                                        kSecondaryStatus),
    policy<&Policies::endpoint_driver>("endpoint-driver", "which driver binds to endpoints", kEndpointDriver),
    policy<&Policies::aer_start>("aer-start", "error status that the AER service clears when it starts", kAerStart),
    policy<&Policies::dpc_start>("dpc-start", "DPC Interrupt Status when the DPC service starts", kDpcStart),
    policy<&Policies::bandwidth_control>("bandwidth-control", "the port service for link bandwidth", kBandwidthControl),
    policy<&Policies::idle_power>("idle-d3hot", "the power state of a VFIO function that nobody has open", kIdlePower),
    policy<&Policies::bus_master_at_open>("bus-master-at-open", "where vfio_pci_core_enable() clears Bus Master Enable",
                                          kBusMasterAtOpen),
    policy<&Policies::reset_at_open>("reset-at-open", "where vfio_pci_core_enable() resets the function", kResetAtOpen),
    policy<&Policies::binding_contract>("binding-contract", "what a driver must share with an incoming function",
                                        kBindingContract),
    policy<&Policies::entry_model>("entry-model", "how a driver comes to a function that is handed over", kEntryModel),
    policy<&Policies::driver>("driver", "which driver binds to an incoming endpoint", kIncomingDriver),
    policy<&Policies::device_handler>("device-handler", "the compatible string of the file handler of VFIO devices",
                                      kDeviceHandler),
    policy<&Policies::stub_bus_master>("stub-bus-master", "Bus Master Enable after the stub driver's probe",
                                       kStubBusMaster),
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
  static const std::vector<Policy> kAll = [] {
    std::vector<Policy> list(kOwnPolicies.begin(), kOwnPolicies.end());
    const std::span<const Policy> rules = pci_live_update_policies();
    list.insert(list.end(), rules.begin(), rules.end());
    return list;
  }();
  return kAll;
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
