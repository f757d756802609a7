// SPDX-License-Identifier: MIT
// Which kernel this is: a plain table of policies, each switchable alone (policy.h has their names). The enumerators of
// a policy are in the order of its values there.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "host/kernel/pci/live_update_rules.h"
#include "pcie/units.h"

namespace holdover::host::kernel {

// pci_device_shutdown(): on functions that a driver has brought to D0, on every function, or not on outgoing ones.
enum class ShutdownBusMaster { DriverBound, All, NotOutgoing };
enum class PendingAtShutdown { Ignore, Wait };  // what a function still waits for when it lost bus mastering there
enum class BusNumbers { Keep, Reassign };       // pci_scan_bridge(): valid numbers stay, or pci=assign-busses
enum class Ari { On, Off };                     // pci_configure_ari(), or pci=noari
// The IOMMU's part in a live update, a series of its own: handler of address spaces, FLB, mark of user space.
enum class IommuPart { None, Series };
enum class IommuAtKexec { TranslationOff, Preserve };
// Adopt falls back to Reset where nothing was handed over, Copy where translation is found off.
enum class IommuAtBoot { Reset, Adopt, Copy };
enum class DefaultDomain { None, Blocked, Dma, Identity };  // what iommu_probe_device() attaches
enum class DmaClaim { Block, KeepRestored };  // a claim parks the function in a blocking domain: always, or not there
enum class InterruptRemappingUse { Off, On };
enum class RemappingAtBoot { Replace, Adopt };  // Adopt falls back to Replace where nothing was handed over
enum class MsixAtKexec { Disable, FunctionMask, Keep };
enum class MsixAtInit { Disable, KeepIncoming };          // pci_msix_init(): on every function, or not on incoming ones
enum class BindingContract { None, DriverName, Schema };  // what a driver of an incoming function must bring
enum class EntryModel { Probe, Retrieve };  // how a driver comes to an incoming function, and leaves an outgoing one
enum class IncomingDriver { VfioPci, Stub, Schema2, SameName, Renamed };  // what binds to an incoming endpoint
enum class DeviceHandlerString { V1, V2 };  // the compatible string of the file handler of VFIO devices
enum class StubBusMaster { Off, On };
enum class Freeze { KeepRunning, ResetFunction };  // vfio freeze(): phase 2 and later, or as posted in v5
enum class ScratchCheck { Off, On };               // kho_preserve_*() of pages in scratch: nobody notices, or EINVAL
enum class EndpointDriver { None, Vfio };          // who binds to endpoints
enum class BarSizing { PerRegister, Once };        // decoding off for each BAR, or for all of them
enum class RetryVisibility { BridgeScan, Setup };  // where pci_enable_rrs_sv() is called
enum class PowerAtInit { Unknown, D0 };            // pci_pm_init(): the power state stays unknown, or D0 is entered
enum class AcsControl { Init, Match };             // pci_enable_acs(): when found, or at IOMMU probe and driver match
enum class AdvisoryErrors { Masked, Unmasked };    // pci_aer_init() of functions with role-based error reporting
enum class SecondaryStatus { Keep, Clear };        // pci_scan_bridge(), at its end
enum class AspmAtInit { Keep, OffAndOn };          // pcie_aspm_cap_init(): states that are enabled already
enum class RetrainStatus { Keep, Clear };          // Link Bandwidth Management Status after a retraining
enum class AerStart { Port, Hierarchy };           // whose error status aer_enable_rootport() clears
enum class DpcStart { KeepStatus, ClearStatus };   // DPC Interrupt Status when containment is enabled
enum class BandwidthControl { None, Notify };      // the port service for link bandwidth
enum class Delays { Scaled, Real };                // waits a kernel is bound to, divided by 1000 or not
enum class InterruptsAtFreeze { Any, MustBeOff };  // what vfio freeze() refuses with EINVAL
enum class PowerAtFreeze { Any, MustBeD0 };        // the same of the power state
enum class IdlePower { D0, D3hot };                // a vfio function that nobody has open
// vfio_pci_core_enable(): at every open, or not where a function that was handed over is taken up.
enum class BusMasterAtOpen { Clear, KeepIncoming };
enum class ResetAtOpen { Yes, No };

struct Policies {
  bool live_update = true;  // KHO and LUO are there
  ScratchCheck scratch_check = ScratchCheck::On;
  PciSeries pci = PciSeries::V9;  // the PCI core series
  PciLiveUpdateRules pci_rules;   // what it does: rules_of(pci), unless one was changed alone
  ShutdownBusMaster shutdown_bus_master = ShutdownBusMaster::NotOutgoing;
  PendingAtShutdown pending_at_shutdown = PendingAtShutdown::Wait;
  BusNumbers bus_numbers = BusNumbers::Keep;
  Ari ari = Ari::On;
  IommuPart iommu_part = IommuPart::Series;  // needs the PCI core series
  IommuAtKexec iommu_at_kexec = IommuAtKexec::Preserve;
  IommuAtBoot iommu_at_boot = IommuAtBoot::Adopt;
  DefaultDomain default_domain = DefaultDomain::None;
  DmaClaim dma_claim = DmaClaim::KeepRestored;
  InterruptRemappingUse interrupt_remapping = InterruptRemappingUse::On;
  RemappingAtBoot remapping_at_boot = RemappingAtBoot::Adopt;
  MsixAtKexec msix_at_kexec = MsixAtKexec::FunctionMask;
  MsixAtInit msix_at_init = MsixAtInit::KeepIncoming;
  InterruptsAtFreeze interrupts_at_freeze = InterruptsAtFreeze::Any;
  PowerAtFreeze power_at_freeze = PowerAtFreeze::Any;
  Freeze freeze = Freeze::KeepRunning;
  EndpointDriver endpoint_driver = EndpointDriver::Vfio;
  BarSizing bar_sizing = BarSizing::Once;
  RetryVisibility retry_visibility = RetryVisibility::Setup;
  PowerAtInit power_at_init = PowerAtInit::D0;
  AcsControl acs_control = AcsControl::Match;
  AdvisoryErrors advisory_errors = AdvisoryErrors::Unmasked;
  SecondaryStatus secondary_status = SecondaryStatus::Clear;
  AspmAtInit aspm_at_init = AspmAtInit::OffAndOn;
  RetrainStatus retrain_status = RetrainStatus::Clear;
  AerStart aer_start = AerStart::Hierarchy;
  DpcStart dpc_start = DpcStart::ClearStatus;
  BandwidthControl bandwidth_control = BandwidthControl::Notify;
  IdlePower idle_power = IdlePower::D0;
  BusMasterAtOpen bus_master_at_open = BusMasterAtOpen::KeepIncoming;
  ResetAtOpen reset_at_open = ResetAtOpen::No;
  BindingContract binding_contract = BindingContract::None;
  EntryModel entry_model = EntryModel::Probe;
  IncomingDriver driver = IncomingDriver::VfioPci;
  DeviceHandlerString device_handler = DeviceHandlerString::V1;
  StubBusMaster stub_bus_master = StubBusMaster::Off;
  Delays delays = Delays::Scaled;

  // Single mistakes that a kernel or driver may make, off in every profile; hazard.h gives them their numbers.
  struct Mistakes {
    bool endpoint_loses_bus_master = false;  // H014: outgoing endpoints are treated like all others at shutdown
    bool bridge_loses_bus_master = false;    // H015: the same for bridges
    bool data_buffer_not_preserved = false;  // H012: the first data buffer's pages stay out of the KHO tree
    bool ring_not_preserved = false;         // H013: a descriptor ring's pages stay out of the KHO tree
    bool page_table_not_preserved = false;   // H013: one IOMMU page-table page stays out of the KHO tree
    bool bar_restore_lost = false;           // H058: the write-back after sizing BAR 0 is forgotten
    bool function_reset = false;             // H119: kernel B resets an incoming function by FLR when it binds
    bool bridges_renumbered = false;         // H041: the scan numbers every bridge anew, whoever was handed over
    bool secondary_bus_reset = false;        // H121: kernel B resets the bus below the first bridge when it scans
    bool default_domain_replaces = false;    // H085: an incoming function gets its default domain like all others
    bool freeze_fails = false;               // a later file's freeze fails: reboot() returns EINVAL
  } mistakes;
};

// A wait that a kernel is bound to, as this kernel takes it.
[[nodiscard]] constexpr Time scaled(Time wait, const Policies& policies) {
  return policies.delays == Delays::Scaled ? wait / 1000 : wait;
}

struct Profile {
  std::string_view name;
  std::string_view sentence;
  Policies policies;
};

[[nodiscard]] std::span<const Profile> profiles();
// Nothing for an unknown name.
[[nodiscard]] std::optional<Policies> find_profile(std::string_view name);

}  // namespace holdover::host::kernel
