// SPDX-License-Identifier: MIT
// A port with a type 1 header: root port, upstream or downstream port of a switch. Registers, and what they decide;
// packets are moved by whoever owns the port (RootPort, Switch).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pcie/bdf.h"
#include "pcie/config_space.h"
#include "pcie/tlp.h"
#include "sim/bridge_acs.h"
#include "sim/bridge_aer.h"
#include "sim/bridge_dpc.h"
#include "sim/latency_tolerance.h"
#include "sim/link.h"
#include "sim/register_file.h"
#include "sim/scheduler.h"
#include "sim/witness.h"

namespace holdover::sim {

class Bridge {
 public:
  struct Identity {
    FunctionIndex index = 0;
    FunctionKind kind = FunctionKind::RootPort;
    std::string name;
    std::uint8_t device = 0;  // device number on its primary bus
    unsigned port = 0;        // number of the port, for its serial and slot numbers
    unsigned max_payload_supported = 2;
  };
  // Told when Secondary Bus Reset changes, for a bridge that has a bus and no link below it.
  class ResetListener {
   public:
    virtual void on_secondary_reset(bool asserted) = 0;

   protected:
    ~ResetListener() = default;
  };

  // Told when take_report() has something.
  class ReportListener {
   public:
    virtual void on_report(Bridge& port) = 0;
    // The link below a port went down.
    virtual void on_link_down() {}

   protected:
    ~ReportListener() = default;
  };

  // All outlive the bridge.
  Bridge(const Scheduler& scheduler, Witness& witness, const Identity& identity);

  // The link below (root and downstream ports), or who resets the internal bus (upstream ports).
  void set_link_below(Link& link);
  void set_link_above(Link& link);
  void set_report_listener(ReportListener& listener) { reports_ = &listener; }
  void set_reset_listener(ResetListener& listener) { reset_listener_ = &listener; }

  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] pcie::Bdf bdf() const { return pcie::Bdf{0, bus_, device_, 0}; }
  // Downstream ports stand on a bus whose number the upstream port's secondary bus register gives.
  void set_bus(std::uint8_t bus) { bus_ = bus; }

  // Registers, as a configuration request of type 0 reaches them.
  [[nodiscard]] std::uint32_t read(unsigned offset) const;
  void write(unsigned offset, unsigned byte_enables, std::uint32_t data);
  // The completion of a configuration request; a write captures bus and device number.
  [[nodiscard]] pcie::Tlp complete(const pcie::Tlp& request);

  // What the registers decide.
  [[nodiscard]] std::uint8_t secondary_bus() const;
  [[nodiscard]] bool owns_bus(std::uint8_t bus) const;     // secondary to subordinate; none while both are 0
  [[nodiscard]] bool claims(std::uint64_t address) const;  // memory decode on and address in a window
  [[nodiscard]] bool in_d0() const;
  [[nodiscard]] bool bus_master() const;
  [[nodiscard]] bool forwards_ari() const;
  [[nodiscard]] const BridgeAcs& acs() const { return acs_; }
  [[nodiscard]] Bytes max_payload() const;

  // An uncorrectable error that the port found in `tlp`, by its bit in AER; `advisory` as BridgeAer says.
  void note_error(std::uint32_t error, const pcie::Tlp& tlp, bool advisory) { note_error(error, &tlp, advisory); }
  // What the port itself has to send towards the root: an error message, an LTR message, or the memory write of
  // its MSI.
  [[nodiscard]] std::optional<pcie::Tlp> take_report();
  // An error message came in from below: Received System Error, and, as far as the port forwards it, Signaled System
  // Error and in a root port the root's error status. Code as PCIe 5.0, table 2-23.
  void note_error_message(std::uint8_t code, pcie::RequesterId requester);
  // Error messages from below with this code go on upwards (PCIe 5.0, 6.2.6 and 7.5.1.1.3): Bridge Control SERR# Enable
  // for all of them; those of uncorrectable errors also need Command SERR# Enable or their enable in Device Control.
  [[nodiscard]] bool forwards_errors(std::uint8_t code) const;
  // Link Bandwidth Management Status: the link was retrained because Retrain Link asked for it.
  void note_retrained();
  // Data Link Layer State Changed: the link below went down or came up.
  void note_link_state();
  // A packet came in damaged, and comes again: Bad TLP.
  void note_bad_tlp();
  // The sides of a port: towards the root, and towards what is below.
  enum class Side { Primary, Secondary };
  // A poisoned TLP came in on this side: Detected Parity Error in its status, Master Data Parity Error for a
  // completion (PCIe 5.0, 7.5.1.1.4 and 7.5.1.3.7).
  void note_poisoned(Side side, const pcie::Tlp& tlp);
  // The port answered a request that came in on this side with Completer Abort: Signaled Target Abort. The ports'
  // own requests are posted, so nothing ever sets Received Target Abort or Received Master Abort.
  void note_abort(Side side);
  // A poisoned TLP goes out on this side: Master Data Parity Error for a request.
  void note_sent_poisoned(Side side, const pcie::Tlp& tlp);

  // The port holds its link down, as Downstream Port Containment says.
  [[nodiscard]] bool contains() const { return has_link_below() && dpc_.contains(); }
  // Requests for a link that is held down are answered Completer Abort.
  [[nodiscard]] bool aborts_requests() const { return has_link_below() && dpc_.aborts(); }
  // An error message came in from below; true: it made the port contain, and goes no further.
  [[nodiscard]] bool contain_error(std::uint8_t code, pcie::RequesterId requester);

  // LTR Mechanism Enable: messages from below are taken in, and an upstream port sends them.
  [[nodiscard]] bool takes_latency() const;
  // What was reported from below, last; of an upstream port, what it reports, which it sends.
  [[nodiscard]] const LatencyTolerance& latency() const { return latency_; }
  void note_latency(const LatencyTolerance& tolerance);

  // The link below went down.
  void note_link_down();
  // It went down though neither software nor the port had asked for it (PCIe 5.0, 3.2.1).
  void note_surprise_down() { note_error(pcie::config::kAerSurpriseDown, nullptr, false); }

  // Conventional reset: every register but the sticky ones as at power on.
  void reset();
  // Without power not even those are kept; a reset follows.
  void lose_power() { registers_.power_on(); }

 private:
  // As the public one; no packet is the cause of some errors.
  void note_error(std::uint32_t error, const pcie::Tlp* tlp, bool advisory);
  void report_error(std::uint8_t code);
  void note_data_error(Side side);
  [[nodiscard]] bool signals_system_errors() const;
  void build_header();
  void build_capabilities();
  void build_link_registers(const Link& link);
  void take_effect(unsigned offset, std::uint32_t before, std::uint32_t after, unsigned byte_enables,
                   std::uint32_t data);
  void update_interrupt();
  // Link Disable and containment both hold the link down.
  void apply_link_disable();
  void apply_aspm();
  [[nodiscard]] bool has_link_below() const { return identity_.kind != FunctionKind::SwitchUpstream; }

  const Scheduler& scheduler_;
  Witness& witness_;
  Identity identity_;
  Link* below_ = nullptr;
  Link* above_ = nullptr;
  ResetListener* reset_listener_ = nullptr;
  ReportListener* reports_ = nullptr;
  std::uint8_t bus_ = 0;
  std::uint8_t device_ = 0;
  RegisterFile registers_;
  BridgeAer aer_;
  BridgeAcs acs_;
  BridgeDpc dpc_;
  LatencyTolerance latency_;
  bool pending_latency_ = false;
  std::uint32_t pending_errors_ = 0;  // one bit for each severity: those that wait become one
  // Enabled, and a status bit is set: of errors at the root, of containment.
  bool interrupt_wanted_ = false;
  bool containment_wanted_ = false;
  bool pending_interrupt_ = false;
};

}  // namespace holdover::sim
