// SPDX-License-Identifier: MIT
#include "sim/channel.h"

namespace holdover::sim {
namespace {

// Argument of an event: kind 3:0, class 7:4, payload credits 27:8, epoch 63:32.
enum class Kind : std::uint8_t { Sent = 0, Arrival = 1, Credit = 2, Resume = 3 };

std::uint64_t pack(Kind kind, pcie::FlowClass flow, unsigned data, std::uint32_t epoch) {
  return static_cast<std::uint64_t>(kind) | (static_cast<std::uint64_t>(flow) << 4) | (std::uint64_t{data} << 8) |
         (std::uint64_t{epoch} << 32);
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
  transmit_.push(std::move(packet));
  start();
}

bool Channel::has_credits(const pcie::Tlp& tlp) const {
  const std::size_t flow = index_of(pcie::flow_class(tlp.kind));
  if (config_.header_credits[flow] == 0) return true;
  return headers_[flow] > 0 && data_[flow] >= data_credits(tlp);
}

void Channel::start() {
  if (busy_ || shut_ || transmit_.empty()) return;
  if (scheduler_.now() < paused_until_) {
    if (!waiting_) scheduler_.at(paused_until_, *this, pack(Kind::Resume, pcie::FlowClass::Posted, 0, epoch_));
    waiting_ = true;
    return;
  }
  const auto has_credit = [this](const Packet& packet) { return has_credits(packet.tlp); };
  auto flow = transmit_.oldest(has_credit);
  if (!flow) return;  // a credit will start it again
  // Two streams that the block takes in independently: sometimes the younger completion is out first.
  if (!config_.completions_follow_posted && *flow != pcie::FlowClass::Completion &&
      transmit_.eligible(pcie::FlowClass::Completion) && has_credit(transmit_.front(pcie::FlowClass::Completion)) &&
      random_.below(2) == 0) {
    flow = pcie::FlowClass::Completion;
  }
  Packet packet = transmit_.pop(*flow);
  if (monitor_ != nullptr) monitor_->transmit(scheduler_.now(), packet.tlp);
  const std::size_t index = index_of(*flow);
  if (config_.header_credits[index] != 0) {
    headers_[index] -= 1;
    data_[index] -= data_credits(packet.tlp);
  }
  const Time end = scheduler_.now() + rate_.time_of(pcie::tlp_bytes(packet.tlp), carry_);
  flying_.push_back(std::move(packet));
  busy_ = true;
  scheduler_.at(end, *this, pack(Kind::Sent, *flow, 0, epoch_));
  scheduler_.at(end + propagation_ + config_.receive_latency, *this, pack(Kind::Arrival, *flow, 0, epoch_));
  if (sender_ != nullptr) sender_->on_room(*this);
}

void Channel::on_event(std::uint64_t argument) {
  if (static_cast<std::uint32_t>(argument >> 32) != epoch_) return;
  const auto flow = static_cast<pcie::FlowClass>((argument >> 4) & 0xf);
  const std::size_t index = index_of(flow);
  switch (static_cast<Kind>(argument & 0xf)) {
    case Kind::Sent:
      busy_ = false;
      ++sent_;
      if (sender_ != nullptr) sender_->on_sent(*this, flow);
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
    case Kind::Credit: {
      const auto data = static_cast<unsigned>((argument >> 8) & 0xfffff);
      if (monitor_ != nullptr) monitor_->return_credits(scheduler_.now(), flow, 1, data);
      headers_[index] += 1;
      data_[index] += data;
      start();
      break;
    }
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
  if (config_.header_credits[index] != 0) {
    scheduler_.after(propagation_ + credit_delay(index), *this,
                     pack(Kind::Credit, flow, data_credits(packet.tlp), epoch_));
  }
  return packet;
}

void Channel::set_monitor(FlowMonitor& monitor) {
  monitor_ = &monitor;
  monitor.begin(scheduler_.now(), config_.header_credits, config_.data_credits);
}

void Channel::clear() {
  if (monitor_ != nullptr) monitor_->begin(scheduler_.now(), config_.header_credits, config_.data_credits);
  ++epoch_;
  transmit_.clear();
  received_.clear();
  flying_.clear();
  headers_ = config_.header_credits;
  data_ = config_.data_credits;
  held_ = {};
  busy_ = false;
  waiting_ = false;
  carry_ = 0;
}

void Channel::set_shut(bool shut) {
  if (shut && !shut_) clear();
  shut_ = shut;
}

void Channel::pause_until(Time when) {
  if (when > paused_until_) paused_until_ = when;
}

}  // namespace holdover::sim
