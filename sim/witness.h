// SPDX-License-Identifier: MIT
// The one header of the machine that the bench may see: how a machine is described, what can be seen of it from
// outside, and which faults it can be asked to have. The host never includes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pcie/platform.h"
#include "pcie/tlp.h"
#include "sim/request_memory.h"

namespace holdover::sim {

// ---- What a machine is -----------------------------------------------------------------------------------------

// What stands between ports, and between a port and an endpoint: all links of a machine are of one kind.
struct LinkConfig {
  unsigned generation = 3;          // 1..5
  unsigned lanes = 8;               // 1, 2, 4, 8, 16
  Time propagation = Time{20'000};  // one way
};
// «gen3x8». Throws Error{InvalidArgument} with the links there are.
[[nodiscard]] LinkConfig select_link(std::string_view name);

// Active state power management (PCIe 5.0, 5.4.1), as in the bits of Link Capabilities and Link Control.
inline constexpr unsigned kAspmL0s = 1;
inline constexpr unsigned kAspmL1 = 2;
inline constexpr unsigned kAspmAll = kAspmL0s | kAspmL1;

// How wide and how many: chosen when an endpoint is built. What was built is another question (sim/model_library.h).
inline constexpr std::array<unsigned, 4> kDataWidths{64, 128, 256, 512};  // bits
inline constexpr unsigned kMostChannels = 8;

// Parameters of an endpoint's build, and its straps, sampled at fundamental reset.
struct EndpointConfig {
  unsigned data_width = 256;  // bits, one of kDataWidths
  unsigned channels = 4;      // of DMA, 1 to kMostChannels
  std::uint16_t vendor_id = 0x1172;
  std::uint16_t device_id = 0x0D17;
  std::uint16_t subsystem_vendor_id = 0x1172;
  std::uint16_t subsystem_id = 0x0001;
  std::uint32_t class_code = 0x120000;  // processing accelerator
  std::uint8_t revision = 1;
  std::uint64_t serial_number = 0x0048'4f4c'4400'0001;
  unsigned bar0_size_log2 = 16;        // 16..31
  unsigned bar2_size_log2 = 16;        // 12..48
  unsigned max_payload_supported = 2;  // encoded: 0 = 128, 1 = 256, 2 = 512 bytes
  unsigned msix_vectors = 32;          // 1..32
  bool no_soft_reset = true;
  // Events raised while MSI-X is disabled: true sets Pending (this endpoint's choice), false drops them, as some
  // devices do.
  bool pending_while_disabled = true;
  // Extended capabilities that can be left out: Advanced Error Reporting, Alternative Routing-ID Interpretation, Device
  // Serial Number.
  bool aer = true;
  bool ari = true;
  bool dsn = true;
  // What its Link registers say: the generation and the lanes of the link above it, which the machine fills in.
  unsigned link_speed = 3;  // 1..5
  unsigned link_width = 8;
  unsigned aspm = kAspmAll;  // that it supports
  // What else decides what a kernel writes into it. A wide BAR has 64 bits and is prefetchable, another 32 bits and is
  // not.
  bool bar0_wide = false;
  bool bar2_wide = true;
  bool io_space = false;       // I/O Space Enable can be written, though there is no I/O BAR
  unsigned interrupt_pin = 0;  // 0 none, 1..4 INTA..INTD, of which it never sends one
  bool pme = false;            // PME from D0 and D3hot can be enabled; none is ever sent
  bool extended_tag = true;    // tags of 8 bits, else of 5
  bool slot_clock = true;      // Slot Clock Configuration of Link Status
  // What its driver sets it to. The endpoint does not learn it from here; the machine must not be later than this.
  Time completion_timeout = Time{200'000'000};
};
// Throws Error{InvalidArgument} for straps that endpoint and machine were not made for; build_machine() asks it.
void validate(const EndpointConfig& config);

// Which device the straps make of it.
struct EndpointEntry {
  std::string_view name;
  std::string_view sentence;
  void (*apply)(EndpointConfig&);
};
[[nodiscard]] std::span<const EndpointEntry> endpoints();
// Throws Error{InvalidArgument} with the names there are.
[[nodiscard]] EndpointConfig select_endpoint(std::string_view name);

// Legal unkindness of the root complex and memory, each kind of it to be had alone. Everything is drawn from the seed;
// every distribution is finite.
struct Disturbance {
  bool split_at_every_boundary = true;  // an answer to a read comes in pieces of one read completion boundary
  bool split_at_random = true;          // or in pieces of any number of them; with neither it is as whole as allowed
  bool reorder_completions = true;      // across tags
  bool delay = true;                    // latencies are drawn; else each is the least there is
  // Credit updates are late by a little, and now and then held back altogether: posted, non-posted, completion.
  std::array<bool, 3> starve_credits{true, true, true};
  // Now and then a read is answered just before the endpoint would give it up (late_answer()).
  bool answer_late = true;
  // Now and then a packet is damaged on a link, and sent again from its replay buffer.
  bool replay = true;
  Time read_latency_min = Time{300'000};
  Time read_latency_max = Time{900'000};
  Time write_latency_max = Time{200'000};
};

struct DisturbanceEntry {
  std::string_view name;
  std::string_view sentence;
  void (*apply)(Disturbance&);
};
[[nodiscard]] std::span<const DisturbanceEntry> disturbances();
// «none», «all», or names separated by commas; latencies keep their defaults. Throws Error{InvalidArgument} with the
// names there are.
[[nodiscard]] Disturbance select_disturbances(std::string_view names);

// A fault of the machine itself, as opposed to one of the host's (host/kernel/hazard.h).
struct MachineFault {
  enum class Kind {
    StallTransmit,      // the endpoint's hard block stops taking requests for good
    DropMessage,        // one interrupt message of the endpoint vanishes in the fabric
    DropCompletion,     // one completion to the endpoint vanishes
    PoisonCompletion,   // one completion to the endpoint arrives poisoned
    DropPostedWrite,    // one memory write of the endpoint vanishes behind its link
    RepeatPostedWrite,  // one memory write of the endpoint reaches memory twice
    LinkDown,           // the link goes down and comes up again
    PowerLoss,          // the slot of the endpoint is without power for a moment
    SwappedEndpoint,    // and then holds another endpoint of the same kind: other serial number and subsystem
  };
  Kind kind = Kind::StallTransmit;
  unsigned endpoint = 0;
  pcie::Phase phase = pcie::Phase::Blackout;  // strikes `delay` after this phase began for the first time
  Time delay = Time{0};
};

struct MachineConfig {
  std::string topology = "direct";
  std::uint64_t seed = 1;
  Bytes dram_size = Bytes{64} * (1 << 20);
  Time blackout = Time{1'000'000'000};
  LinkConfig link;
  // What software may enable of active state power management on any of the links: what the stated limits count. Ports
  // support all of it.
  unsigned aspm = 0;
  EndpointConfig endpoint;  // the serial number counts up from endpoint to endpoint
  Disturbance disturbance;
  std::vector<MachineFault> faults;
  bool check_protocol = true;
  std::filesystem::path trace;   // TLP trace; empty: none
  bool trace_memory = false;     // the trace has records of all that touches DRAM (sim/memory_recorder.h)
  std::filesystem::path dram;    // DRAM as it is when close_files() is called; empty: none
  std::filesystem::path wave;    // FST waveform of endpoint 0; empty: none
  std::filesystem::path models;  // folder of the models that are no part of this program; empty: the one beside it
  std::filesystem::path pins;    // input pins of endpoint 0, clock by clock, for sim::PinReplay; empty: none
  Time wave_from = Time{0};
  std::optional<Time> wave_to;
};

struct TopologyEntry {
  std::string_view name;
  std::string_view sentence;
};
[[nodiscard]] std::span<const TopologyEntry> topologies();

// Where platform registers stand in bus address space, the same on every machine (a kernel learns them from its boot
// parameters).
struct PlatformMap {
  BusAddress ecam{0xD000'0000};
  unsigned last_bus = 31;
  BusAddress window32{0xE000'0000};  // for BARs below 4 GiB
  Bytes window32_size{0x1000'0000};
  BusAddress window64{0x80'0000'0000};  // for prefetchable 64-bit BARs
  Bytes window64_size{0x10'0000'0000};
  BusAddress iommu{0xFED9'0000};  // VT-d register set
  BusAddress interrupt_controller{0xFEC0'0000};
  BusAddress msi_window{0xFEE0'0000};  // message target, 1 MiB
};
inline constexpr PlatformMap kPlatformMap{};

// ---- What can be seen ------------------------------------------------------------------------------------------

// Functions keep their index for the life of the machine, whatever their bus numbers become.
using FunctionIndex = unsigned;
enum class FunctionKind { RootPort, SwitchUpstream, SwitchDownstream, Endpoint };
struct FunctionInfo {
  std::string name;  // «root port 0», «switch port 1», «endpoint 0»
  FunctionKind kind = FunctionKind::Endpoint;
  std::optional<FunctionIndex> parent;  // the bridge above; none for root ports
  unsigned endpoint = 0;                // index among endpoints, for endpoints
};

enum class Direction { Rx, Tx };  // towards the endpoint, from it

struct ConfigWrite {
  Time time;
  FunctionIndex function = 0;
  std::uint16_t offset = 0;  // of the double word
  std::uint8_t byte_enables = 0;
  std::uint32_t written = 0;  // data of the request
  std::uint32_t before = 0;   // register before
  std::uint32_t after = 0;    // register after
};

struct MemoryAccess {
  Time time;
  unsigned endpoint = 0;
  pcie::RequesterId requester = 0;
  bool write = false;
  Iova iova;                // as requested
  PhysicalAddress address;  // after the IOMMU
  bool translated = true;   // false: the IOMMU was off
  Bytes size;
  std::span<const std::byte> data;  // bytes written, or bytes served; valid during the call
  std::span<const bool> enabled;    // which of them byte enables select; empty: all
};

enum class ResetKind { Fundamental, HotReset, LinkDown, Flr, D3HotToD0 };

enum class MessageOutcome {
  Delivered,  // pending in the interrupt controller
  Coalesced,  // its vector was pending there already
  Discarded,  // the interrupt controller was off
  Blocked,    // interrupt remapping refused it
};

struct Violation {
  Time time;
  std::string rule;      // «P-READ-CPL-COUNT»
  std::string sentence;  // with the TLP in it
};

// What IOMMU and interrupt controller are told to do.
struct PlatformState {
  bool translation = false;
  PhysicalAddress root_table;  // in force; 0: none yet
  bool interrupt_remapping = false;
  PhysicalAddress remapping_table;  // likewise
  bool interrupt_controller = false;

  friend bool operator==(const PlatformState&, const PlatformState&) = default;
};

// Called as things happen, in the order of simulated time. Implementations must not call back into the machine.
class Witness {
 public:
  virtual ~Witness() = default;

  virtual void on_phase(Time, pcie::Phase, pcie::Step, std::uint64_t /*value*/) {}
  virtual void on_console(Time, std::string_view /*line*/) {}
  virtual void on_jump(Time, PhysicalAddress /*boot_parameters*/) {}
  // At the endpoint's edge: a tx TLP when its last beat leaves the endpoint, an rx TLP when its last beat enters it.
  virtual void on_tlp(Time, unsigned /*endpoint*/, Direction, const pcie::Tlp&) {}
  // A bridge or the root complex did not forward a request of an endpoint; the sentence says why.
  virtual void on_request_refused(Time, unsigned /*endpoint*/, FunctionIndex /*where*/, const pcie::Tlp&,
                                  std::string_view /*reason*/) {}
  virtual void on_config_write(const ConfigWrite&) {}
  // The access reached DRAM. At a read: the bytes that were served.
  virtual void on_memory_access(const MemoryAccess&) {}
  // The host has written a register, and this changed.
  virtual void on_platform(Time, const PlatformState& /*before*/, const PlatformState& /*after*/) {}
  virtual void on_iommu_fault(Time, pcie::RequesterId, Iova, bool /*write*/, std::string_view /*reason*/) {}
  // An endpoint raised an interrupt event inside itself (before masking), and whether it found the pending bit set.
  virtual void on_event(Time, unsigned /*endpoint*/, unsigned /*vector*/, bool /*coalesced*/) {}
  // A message write arrived at the interrupt controller. `vector` is the controller's.
  virtual void on_message(Time, pcie::RequesterId, std::uint64_t /*address*/, std::uint32_t /*data*/,
                          std::uint8_t /*vector*/, MessageOutcome) {}
  virtual void on_reset(Time, FunctionIndex, ResetKind) {}
  virtual void on_link(Time, FunctionIndex /*port below which the link is*/, bool /*up*/) {}
  virtual void on_violation(const Violation&) {}
  // A machine fault struck.
  virtual void on_fault(Time, const MachineFault&) {}
};

// The longest time by which the machine itself may delay a heartbeat record against its deadline, with its reasons.
struct SilenceBound {
  struct Term {
    std::string name;
    Time time;
  };
  Time total;
  std::vector<Term> terms;
  // The machine may keep one read below each root port waiting for this long, and the next only when several times
  // that have passed since; 0 where it does not. No record waits for a read, so it is no part of the total.
  Time late_answer;
};

// From a record's deadline to DRAM, with everything on the way as full and as late as it can legally be. Holds while
// links stay up and each port forwards; what a kernel adds is not in it.
[[nodiscard]] SilenceBound silence_bound(const MachineConfig& config);

// The longest that a machine of this description takes from a request of the endpoint to the last byte of its answer,
// late answers aside. No completion time-out is shorter: build_machine() refuses it.
[[nodiscard]] Time longest_answer(const MachineConfig& config);

// A machine seen from outside: the platform it offers to a host, and the views that no host has.
class ObservedMachine {
 public:
  virtual ~ObservedMachine() = default;

  [[nodiscard]] virtual pcie::Platform& platform() = 0;
  [[nodiscard]] virtual const std::vector<FunctionInfo>& functions() const = 0;
  // Bus, device, function that requests would reach this function by now; the captured one for endpoints.
  [[nodiscard]] virtual pcie::Bdf bdf(FunctionIndex) const = 0;
  // 4096 bytes of configuration space, read without any effect.
  [[nodiscard]] virtual std::vector<std::byte> config_space(FunctionIndex) const = 0;
  // Where the IOMMU would send a request of this function now; nothing where it would fault.
  [[nodiscard]] virtual std::optional<PhysicalAddress> translate(FunctionIndex endpoint, Iova, bool write) const = 0;
  [[nodiscard]] virtual SilenceBound silence_bound() const = 0;
  // File descriptor of the memfd behind DRAM, owned by the machine.
  [[nodiscard]] virtual int dram_descriptor() const = 0;
  // Endpoint clocks since the start.
  [[nodiscard]] virtual Cycles cycles() const = 0;
  // What people need when nothing moves: tags, credits, ring heads, last TLPs of each endpoint.
  [[nodiscard]] virtual std::string dump() const = 0;
  // Poisons every page for which `keep(page number)` is false, at once.
  virtual void poison(const std::vector<bool>& keep) = 0;
  // Calls `free_pages` at seeded times, on average every `interval`, and poisons the page numbers that it returns.
  // For the rest of the run; a second call replaces the first.
  virtual void poison_from_time_to_time(Time interval, std::function<std::vector<std::uint64_t>()> free_pages) = 0;
  // Completes the trace and the waveform and gives them their names; time must not pass afterwards. A machine that is
  // destroyed without it leaves neither behind. Throws Error{Unavailable} where the disk refuses.
  virtual void close_files() = 0;
};

// Throws Error{InvalidArgument} for a configuration that cannot be built, Error{Unavailable} for files that cannot be
// written. `witness` outlives the machine.
[[nodiscard]] std::unique_ptr<ObservedMachine> build_machine(const MachineConfig& config, Witness& witness);
// The same, where requests of endpoints reach `memory` instead of DRAM; it outlives the machine. DRAM is then for the
// processor and the IOMMU alone, and is not recorded (trace_memory).
[[nodiscard]] std::unique_ptr<ObservedMachine> build_machine_over(const MachineConfig& config, Witness& witness,
                                                                  RequestMemory& memory);

}  // namespace holdover::sim
