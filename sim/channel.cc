// SPDX-License-Identifier: MIT
#include "sim/channel.h"

#include <algorithm>
#include <utility>

#include "sim/aspm.h"

namespace holdover::sim {
namespace {

// Argument of an event: kind 3:0, class 7:4, epoch 63:32.
enum class Kind : std::uint8_t {
  Sent,     // the wire is free again, after a packet that it carried for the first time
  Free,     // or after anything else
  Arrival,  // of the oldest packet that flies
  Nak,      // the damaged packet and its followers are to be sent again
  Update,   // a flow control update is due
  Credit,   // one has come
  Resume,
};

std::uint64_t pack(Kind kind, pcie::FlowClass flow, std::uint32_t epoch) {
  return static_cast<std::uint64_t>(kind) | (static_cast<std::uint64_t>(flow) << 4) | (std::uint64_t{epoch} << 32);
}

}  // namespace

Channel::Channel(Scheduler& scheduler, Random random, const LinkRate& rate, Time propagation,
                 const ChannelConfig& config)
    : scheduler_(scheduler),
      random_(random),
      rate_(rate),
      propagation_(propagation),
      config_(config),
      transmit_(config.completions_follow_posted),
      headers_(config.header_credits),
      data_(config.data_credits) {}

void Channel::send(Packet packet) {
  if (shut_) return;
  HOLDOVER_CHECK(has_room(pcie::flow_class(packet.tlp.kind)));
  if (monitor_ != nullptr) monitor_->queue(packet.tlp);
  leave_l1();
  transmit_.push(std::move(packet));
  start();
}

bool Channel::has_credits(const pcie::Tlp& tlp) const {
  const std::size_t flow = index_of(pcie::flow_class(tlp.kind));
  if (config_.header_credits[flow] == 0) return true;
  return headers_[flow] > 0 && data_[flow] >= sim::data_credits(tlp);
}

void Channel::start() {
  if (busy_ || shut_ || (transmit_.empty() && updates_waiting_ == 0 && resend_ == 0)) return;
  if (aspm_ != 0 && can_start()) leave_l0s();
  if (scheduler_.now() < paused_until_) {
    if (!waiting_) scheduler_.at(paused_until_, *this, pack(Kind::Resume, pcie::FlowClass::Posted, epoch_));
    waiting_ = true;
    return;
  }
  if (updates_waiting_ != 0) {
    send_update();
  } else if (resend_ != 0) {
    send_again();
  } else if (const auto flow = next_flow()) {  // else a credit will start it again
    put_on_wire(*flow);
  }
}

std::optional<pcie::FlowClass> Channel::next_flow() {
  const auto has_credit = [this](const Packet& packet) { return has_credits(packet.tlp); };
  const auto flow = transmit_.oldest(has_credit);
  if (!flow) return flow;
  // Two streams that the block takes in independently: sometimes the younger completion is out first.
  if (!config_.completions_follow_posted && *flow != pcie::FlowClass::Completion &&
      transmit_.eligible(pcie::FlowClass::Completion) && has_credit(transmit_.front(pcie::FlowClass::Completion)) &&
      random_.below(2) == 0) {
    return pcie::FlowClass::Completion;
  }
  return flow;
}

void Channel::put_on_wire(pcie::FlowClass flow) {
  Packet packet = transmit_.pop(flow);
  if (monitor_ != nullptr) monitor_->transmit(scheduler_.now(), packet.tlp);
  const std::size_t index = index_of(flow);
  if (config_.header_credits[index] != 0) {
    HOLDOVER_CHECK(has_credits(packet.tlp));
    headers_[index] -= 1;
    data_[index] -= sim::data_credits(packet.tlp);
  }
  const Time end = scheduler_.now() + rate_.wire_time(pcie::tlp_bytes(packet.tlp), carry_);
  flying_.push_back(std::move(packet));
  busy_ = true;
  scheduler_.at(end, *this, pack(Kind::Sent, flow, epoch_));
  if (lost_ != 0) {
    ++lost_;
  } else if (is_damaged()) {
    lost_ = 1;
    scheduler_.at(end + propagation_ * 2 + random_.between(Time{0}, config_.replay_wait), *this,
                  pack(Kind::Nak, flow, epoch_));
  } else {
    scheduler_.at(end + propagation_ + config_.receive_latency, *this, pack(Kind::Arrival, flow, epoch_));
  }
  if (sender_ != nullptr) sender_->on_room(*this);
}

bool Channel::is_damaged() {
  if (config_.replay_wait == Time{0} || scheduler_.now() < next_replay_) return false;
  if (random_.below(kReplayOneIn) != 0) return false;
  next_replay_ = scheduler_.now() + replay_spacing(config_.replay_wait, propagation_, config_.l0s_exit);
  return true;
}

void Channel::send_again() {
  const pcie::Tlp& tlp = flying_[flying_.size() - resend_].tlp;
  --resend_;
  const Time end = scheduler_.now() + rate_.wire_time(pcie::tlp_bytes(tlp), carry_);
  const pcie::FlowClass flow = pcie::flow_class(tlp.kind);
  busy_ = true;
  scheduler_.at(end, *this, pack(Kind::Free, flow, epoch_));
  scheduler_.at(end + propagation_ + config_.receive_latency, *this, pack(Kind::Arrival, flow, epoch_));
}

// PCIe 5.0, 3.4.1: the wire is shared, and data link packets do not wait for more than the packet on it.
void Channel::send_update() {
  --updates_waiting_;
  const Time end = scheduler_.now() + rate_.update_time();
  busy_ = true;
  scheduler_.at(end, *this, pack(Kind::Free, pcie::FlowClass::Posted, epoch_));
  scheduler_.at(end + propagation_, *reverse_, pack(Kind::Credit, pcie::FlowClass::Posted, reverse_->epoch_));
}

void Channel::on_event(std::uint64_t argument) {
  if (static_cast<std::uint32_t>(argument >> 32) != epoch_) return;
  const auto flow = static_cast<pcie::FlowClass>((argument >> 4) & 0xf);
  const std::size_t index = index_of(flow);
  switch (static_cast<Kind>(argument & 0xf)) {
    case Kind::Sent:
      busy_ = false;
      idle_since_ = scheduler_.now();
      ++sent_;
      if (sender_ != nullptr) sender_->on_sent(*this, flow);
      start();
      break;
    case Kind::Free:
      busy_ = false;
      idle_since_ = scheduler_.now();
      start();
      break;
    case Kind::Arrival: {
      HOLDOVER_CHECK(!flying_.empty());
      held_[index] += Bytes{flying_.front().tlp.payload.size()};
      if (monitor_ != nullptr) monitor_->arrive(flying_.front().tlp);
      received_.push(std::move(flying_.front()));
      flying_.pop_front();
      if (receiver_ != nullptr) receiver_->on_arrival(*this);
      break;
    }
    case Kind::Nak:
      if (const Time ready = reverse_ == nullptr ? Time{0} : reverse_->ready_for_request_to_replay();
          ready > scheduler_.now()) {
        scheduler_.at(ready, *this, argument);
        break;
      }
      ++replays_;
      resend_ = std::exchange(lost_, 0);
      if (receiver_ != nullptr) receiver_->on_bad_tlp(*this);
      if (sender_ != nullptr) sender_->on_replay(*this);
      start();
      break;
    case Kind::Update:
      if (update_armed_ != scheduler_.now()) break;  // another one came to be due before
      update_armed_.reset();
      update();
      break;
    case Kind::Credit:
      take_update();
      break;
    case Kind::Resume:
      waiting_ = false;
      start();
      break;
  }
}

Time Channel::credit_delay(std::size_t index) {
  constexpr std::uint64_t kOneIn = 32;
  const Time now = scheduler_.now();
  const Time hold = config_.credit_hold[index];
  const Time delay = random_.between(Time{0}, config_.credit_delay_max[index]);
  if (hold == Time{0}) return delay;
  if (now >= next_hold_[index] && random_.below(kOneIn) == 0) {
    hold_end_[index] = now + hold;
    next_hold_[index] = now + hold * kHoldSpacing;
  }
  return now < hold_end_[index] ? hold_end_[index] - now : delay;
}

Packet Channel::take(pcie::FlowClass flow) {
  Packet packet = received_.pop(flow);
  if (monitor_ != nullptr) monitor_->take(scheduler_.now(), packet.tlp);
  const std::size_t index = index_of(flow);
  held_[index] -= Bytes{packet.tlp.payload.size()};
  if (config_.header_credits[index] != 0) free_credits(index, sim::data_credits(packet.tlp));
  return packet;
}

void Channel::set_monitor(FlowMonitor& monitor) {
  monitor_ = &monitor;
  monitor.begin(scheduler_.now(), config_.header_credits, config_.data_credits);
}

// An update is due at once when a quarter of the credits are to be given back, else after the latency of the guideline.
void Channel::free_credits(std::size_t index, unsigned data) {
  Freed& freed = freed_[index];
  const bool first = freed.headers == 0;
  freed.headers += 1;
  freed.data += data;
  const bool enough =
      freed.headers * 4 >= config_.header_credits[index] || freed.data * 4 >= config_.data_credits[index];
  const Time due = scheduler_.now() + credit_delay(index) + (enough ? Time{0} : rate_.update_latency());
  if (!first && update_due_[index] <= due) return;
  update_due_[index] = due;
  arm_update(std::max(due, next_update_));
}

void Channel::arm_update(Time due) {
  if (update_armed_ && *update_armed_ <= due) return;
  update_armed_ = due;
  scheduler_.at(due, *this, pack(Kind::Update, pcie::FlowClass::Posted, epoch_));
}

// Sends one update, of the class whose turn it is, and sees to the next.
void Channel::update() {
  const Time now = scheduler_.now();
  if (now >= next_update_) {
    for (std::size_t i = 0; i < freed_.size(); ++i) {
      const std::size_t index = (update_turn_ + i) % freed_.size();
      if (freed_[index].headers == 0 || update_due_[index] > now) continue;
      flying_updates_.push_back(Update{index, std::exchange(freed_[index], Freed{})});
      ++updates_;
      update_turn_ = (index + 1) % freed_.size();
      next_update_ = now + rate_.update_interval();
      if (reverse_ != nullptr) {
        reverse_->leave_l1();
        ++reverse_->updates_waiting_;
        reverse_->start();
      } else {
        scheduler_.after(rate_.update_time() + propagation_, *this,
                         pack(Kind::Credit, pcie::FlowClass::Posted, epoch_));
      }
      break;
    }
  }
  for (std::size_t index = 0; index < freed_.size(); ++index) {
    if (freed_[index].headers != 0) arm_update(std::max(update_due_[index], next_update_));
  }
}

void Channel::take_update() {
  HOLDOVER_CHECK(!flying_updates_.empty());
  const Update update = flying_updates_.front();
  flying_updates_.pop_front();
  if (monitor_ != nullptr) {
    monitor_->return_credits(scheduler_.now(), kFlowClasses[update.flow], update.credits.headers, update.credits.data);
  }
  headers_[update.flow] += update.credits.headers;
  data_[update.flow] += update.credits.data;
  HOLDOVER_CHECK(headers_[update.flow] <= config_.header_credits[update.flow] &&
                 data_[update.flow] <= config_.data_credits[update.flow]);
  start();
}

void Channel::clear() {
  if (monitor_ != nullptr) monitor_->begin(scheduler_.now(), config_.header_credits, config_.data_credits);
  end_power_state();
  idle_since_ = scheduler_.now();
  ++epoch_;
  transmit_.clear();
  received_.clear();
  flying_.clear();
  headers_ = config_.header_credits;
  data_ = config_.data_credits;
  held_ = {};
  freed_ = {};
  flying_updates_.clear();
  update_armed_.reset();
  next_update_ = Time{0};
  updates_waiting_ = 0;
  lost_ = 0;
  resend_ = 0;
  busy_ = false;
  waiting_ = false;
  carry_ = 0;
}

void Channel::set_shut(bool shut) {
  if (shut && !shut_) clear();
  if (!shut && shut_) idle_since_ = scheduler_.now();
  shut_ = shut;
}

void Channel::pause_until(Time when) {
  end_power_state();
  if (when > paused_until_) paused_until_ = when;
}

// ---- Active state power management ------------------------------------------------------------------------------
//
// There are no events: whether a wire is asleep is asked when something is to start on it.

Time Channel::idle_since() const { return std::max(idle_since_, paused_until_); }

bool Channel::is_idle_for(Time time) const { return !busy_ && !shut_ && scheduler_.now() >= idle_since() + time; }

bool Channel::is_at_rest() const {
  return !busy_ && transmit_.empty() && updates_waiting_ == 0 && lost_ == 0 && resend_ == 0;
}

bool Channel::is_in_l1() const {
  if ((aspm_ & kAspmL1) == 0 || reverse_ == nullptr || (reverse_->aspm_ & kAspmL1) == 0) return false;
  return is_at_rest() && reverse_->is_at_rest() && is_idle_for(kL1Idle) && reverse_->is_idle_for(kL1Idle);
}

PowerState Channel::power_state() const {
  if (aspm_ == 0) return PowerState::L0;
  if (is_in_l1()) return PowerState::L1;
  return (aspm_ & kAspmL0s) != 0 && is_idle_for(kL0sIdle) ? PowerState::L0s : PowerState::L0;
}

// On the way to L1 a direction has been in L0s, where it may.
std::uint64_t Channel::l0s_entries() const {
  return l0s_entries_ + ((aspm_ & kAspmL0s) != 0 && is_idle_for(kL0sIdle) ? 1 : 0);
}

std::uint64_t Channel::l1_entries() const { return l1_entries_ + (is_in_l1() ? 1 : 0); }

void Channel::end_power_state() {
  if (is_in_l1()) {
    ++l1_entries_;
    ++reverse_->l1_entries_;
  }
  l0s_entries_ = l0s_entries();
}

void Channel::leave_l1() {
  if (!is_in_l1()) return;
  const Time awake = scheduler_.now() + kL1Exit;
  pause_until(awake);
  reverse_->pause_until(awake);
}

void Channel::leave_l0s() {
  if (power_state() == PowerState::L0s) pause_until(scheduler_.now() + kL0sExit);
}

bool Channel::can_start() {
  const auto has_credit = [this](const Packet& packet) { return has_credits(packet.tlp); };
  return updates_waiting_ != 0 || resend_ != 0 || transmit_.oldest(has_credit).has_value();
}

Time Channel::ready_for_request_to_replay() {
  const Time now = scheduler_.now();
  if (aspm_ == 0) return now;
  leave_l0s();
  if (now < paused_until_) return paused_until_;
  idle_since_ = now;
  return now;
}

void Channel::set_aspm(unsigned aspm) {
  if (aspm == aspm_) return;
  leave_l1();
  leave_l0s();
  aspm_ = aspm;
  idle_since_ = scheduler_.now();
}

}  // namespace holdover::sim
