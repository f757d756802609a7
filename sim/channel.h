// SPDX-License-Identifier: MIT
// One direction of a link: transmit queues, serialization, flight, replay (PCIe 5.0, 3.6), receive buffers, the credits
// that keep the latter from overflowing (2.6), and the states of low power that it falls into when idle (5.4.1).
// Credits come back in flow control updates, which share the wire of the other direction with what is sent there.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "sim/flow_monitor.h"
#include "sim/link_rate.h"
#include "sim/packet.h"
#include "sim/random.h"
#include "sim/scheduler.h"

namespace holdover::sim {

class Channel;

// Told what happens to the packets of a channel it sends into.
class ChannelSender {
 public:
  // The last symbol of a packet of this class has left; its place in the transmit queue was free before.
  virtual void on_sent(Channel&, pcie::FlowClass) {}
  // A packet left the transmit queue: has_room() may be true now.
  virtual void on_room(Channel&) {}
  // Packets that the other side did not take are sent again.
  virtual void on_replay(Channel&) {}

 protected:
  ~ChannelSender() = default;
};

// Told that a packet stands in the receive buffers. It takes packets when it can, at once or later.
class ChannelReceiver {
 public:
  virtual void on_arrival(Channel&) = 0;
  // A packet arrived damaged, and was not acknowledged: Bad TLP.
  virtual void on_bad_tlp(Channel&) {}

 protected:
  ~ChannelReceiver() = default;
};

struct ChannelConfig {
  // Per flow class, in the order of pcie::FlowClass.
  std::array<unsigned, 3> transmit_slots{8, 16, 8};
  // Receive buffers: headers, and payload in units of 16 bytes. 0 headers: credits advertised as infinite.
  std::array<unsigned, 3> header_credits{64, 64, 128};
  std::array<unsigned, 3> data_credits{1024, 64, 2048};
  // See OrderedQueue.
  bool completions_follow_posted = true;
  // Added to the propagation: what the receiving side takes to look at a packet.
  Time receive_latency;
  // The update that gives a credit back is due after a time drawn from 0 to this, beside what rate and wire take.
  std::array<Time, 3> credit_delay_max{};
  // Now and then all credits of a class that would come back within this time come at its end; no two such times begin
  // within kHoldSpacing of it. 0: never.
  std::array<Time, 3> credit_hold{};
  // Now and then a packet is damaged on the wire: the other side asks for it after a time drawn from 0 to this, and it
  // and all that followed are sent again, in order. No two times within replay_spacing(). 0: never.
  Time replay_wait{};
  // What leaving L0s takes where it may be enabled: each replay may bring it about twice.
  Time l0s_exit{};
};

inline constexpr Bytes kCreditUnit{16};
inline constexpr std::uint64_t kHoldSpacing = 64;
inline constexpr std::uint64_t kReplayOneIn = 256;  // packets, where spacing allows it

// What one replay delays a packet at most; `longest` is the time of the longest packet on the wire. The wire that the
// request to send again takes, and then the one that it is for, may be in L0s.
[[nodiscard]] constexpr Time replay_cost(Time longest, Time replay_wait, Time propagation, Time l0s_exit) {
  return replay_wait == Time{0} ? Time{0} : longest * 2 + propagation * 2 + replay_wait + l0s_exit * 2;
}
[[nodiscard]] constexpr Time replay_spacing(Time replay_wait, Time propagation, Time l0s_exit) {
  return (replay_wait + propagation + l0s_exit) * (4 * kHoldSpacing);
}

// Of one direction, or of the whole link.
enum class PowerState { L0, L0s, L1 };

class Channel final : private EventHandler {
 public:
  Channel(Scheduler& scheduler, Random random, const LinkRate& rate, Time propagation, const ChannelConfig& config);

  // Both outlive the channel. Without them nobody is told.
  void set_sender(ChannelSender& sender) { sender_ = &sender; }
  void set_receiver(ChannelReceiver& receiver) { receiver_ = &receiver; }
  // Is told everything from now on; begins with all credits.
  void set_monitor(FlowMonitor& monitor);
  void set_rate(const LinkRate& rate) { rate_ = rate; }
  // The other direction, whose wire this one's flow control updates take; without it they have one to themselves.
  void set_reverse(Channel& reverse) { reverse_ = &reverse; }
  [[nodiscard]] const ChannelConfig& config() const { return config_; }

  // Sender's side. Where the channel is shut everything has room, and is dropped.
  [[nodiscard]] bool has_room(pcie::FlowClass flow, unsigned packets = 1) const {
    return shut_ || transmit_.size(flow) + packets <= config_.transmit_slots[index_of(flow)];
  }
  void send(Packet packet);

  // Receiver's side.
  [[nodiscard]] OrderedQueue& received() { return received_; }
  // Removes the oldest packet of the class and gives its credits back.
  Packet take(pcie::FlowClass flow);
  // Payload of this class in the receive buffers.
  [[nodiscard]] Bytes held(pcie::FlowClass flow) const { return held_[index_of(flow)]; }

  // Drops everything that is queued, flying or received, and starts again with all credits.
  void clear();
  // A shut channel drops what is sent. clear()s when it shuts.
  void set_shut(bool shut);
  // Lets nothing start on the wire before this time; what is queued waits.
  void pause_until(Time when);
  // What may be entered, as sim::kAspmL0s and kAspmL1 say; L1 only where the other direction has it too. A change wakes
  // what it finds asleep, and idle time counts anew.
  //
  // L0s: nothing has been on the wire for kL0sIdle. L1: both directions have been idle for kL1Idle, and nothing
  // waits in either, for credits or for a replay. What starts next waits for the exit, from L1 in both directions.
  // Acknowledgements, which the rate stands for, neither keep a wire awake nor wake it: nothing waits for them.
  void set_aspm(unsigned aspm);
  [[nodiscard]] PowerState power_state() const;
  // Since the start, the present one included; of L1, those of the link.
  [[nodiscard]] std::uint64_t l0s_entries() const;
  [[nodiscard]] std::uint64_t l1_entries() const;

  [[nodiscard]] std::size_t queued(pcie::FlowClass flow) const { return transmit_.size(flow); }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  // Credits that the sender has left, of a class with finite ones.
  [[nodiscard]] unsigned credits(pcie::FlowClass flow) const { return headers_[index_of(flow)]; }
  [[nodiscard]] unsigned data_credits(pcie::FlowClass flow) const { return data_[index_of(flow)]; }
  [[nodiscard]] std::uint64_t replays() const { return replays_; }
  [[nodiscard]] std::uint64_t updates() const { return updates_; }  // that were sent for this direction's credits

 private:
  // Credits that wait for their update, and one update.
  struct Freed {
    unsigned headers = 0;
    unsigned data = 0;
  };
  struct Update {
    std::size_t flow = 0;
    Freed credits;
  };

  void on_event(std::uint64_t argument) override;
  void start();
  // Since when nothing has been on the wire.
  [[nodiscard]] Time idle_since() const;
  [[nodiscard]] bool is_idle_for(Time time) const;
  // Nothing waits for this wire.
  [[nodiscard]] bool is_at_rest() const;
  [[nodiscard]] bool is_in_l1() const;
  [[nodiscard]] bool can_start();
  // Counts the state that ends now.
  void end_power_state();
  // What sleeps begins to wake.
  void leave_l1();
  void leave_l0s();
  // When a data link packet that takes no turn on the wire can leave.
  [[nodiscard]] Time ready_for_request_to_replay();
  // The next packet of the transmit queue that may leave.
  [[nodiscard]] std::optional<pcie::FlowClass> next_flow();
  void put_on_wire(pcie::FlowClass flow);
  void send_again();
  [[nodiscard]] bool is_damaged();
  [[nodiscard]] bool has_credits(const pcie::Tlp& tlp) const;
  [[nodiscard]] Time credit_delay(std::size_t index);
  void free_credits(std::size_t index, unsigned data);
  void arm_update(Time due);
  void update();
  void send_update();
  void take_update();

  Scheduler& scheduler_;
  Random random_;
  LinkRate rate_;
  Time propagation_;
  ChannelConfig config_;
  Channel* reverse_ = nullptr;
  ChannelSender* sender_ = nullptr;
  ChannelReceiver* receiver_ = nullptr;
  FlowMonitor* monitor_ = nullptr;

  OrderedQueue transmit_;
  OrderedQueue received_;
  std::deque<Packet> flying_;
  std::array<unsigned, 3> headers_{};
  std::array<unsigned, 3> data_{};
  std::array<Bytes, 3> held_{};
  std::array<Time, 3> hold_end_{};   // of the time for which credits are held back
  std::array<Time, 3> next_hold_{};  // not before this
  std::array<Freed, 3> freed_{};
  std::array<Time, 3> update_due_{};  // of those of a class that has any
  std::size_t update_turn_ = 0;
  Time next_update_;                   // not before this
  std::optional<Time> update_armed_;   // an event comes at this time
  std::deque<Update> flying_updates_;  // with credits of this direction
  unsigned updates_waiting_ = 0;       // of the other direction, for this wire
  std::uint64_t updates_ = 0;
  std::size_t lost_ = 0;    // packets at the end of flying_ that the other side will not take
  std::size_t resend_ = 0;  // packets at the end of flying_ that are still to be sent again
  Time next_replay_;        // not before this
  std::uint64_t replays_ = 0;
  bool shut_ = false;
  bool busy_ = false;
  bool waiting_ = false;  // for the end of a pause
  Time paused_until_;
  unsigned aspm_ = 0;
  Time idle_since_;                // or since the latest pause, whichever is later
  std::uint64_t l0s_entries_ = 0;  // that are over
  std::uint64_t l1_entries_ = 0;
  std::uint64_t carry_ = 0;
  std::uint32_t epoch_ = 0;  // events of an earlier one are void
  std::uint64_t sent_ = 0;
};

}  // namespace holdover::sim
