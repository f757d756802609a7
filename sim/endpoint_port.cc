// SPDX-License-Identifier: MIT
#include "sim/endpoint_port.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace holdover::sim {
namespace {

using pcie::FlowClass;

constexpr std::size_t kRequest = static_cast<std::size_t>(Stream::Request);
constexpr std::size_t kCompletion = static_cast<std::size_t>(Stream::Completion);
constexpr std::size_t kConfig = static_cast<std::size_t>(Stream::Config);

}  // namespace

EndpointPort::EndpointPort(const Scheduler& scheduler, const Watchers& watchers, unsigned number, FunctionIndex index,
                           Link& link, const EndpointConfig& config, std::unique_ptr<Endpoint> endpoint)
    : scheduler_(scheduler),
      watchers_(watchers),
      number_(number),
      index_(index),
      link_(link),
      no_soft_reset_(config.no_soft_reset),
      endpoint_(std::move(endpoint)) {
  link_.set_lower(*this);
  link_.up().set_sender(*this);
  pins_.np_limit = kNonPostedSlots;
}

void EndpointPort::on_conventional_reset(ResetKind kind, bool asserted) {
  pins_.hot_reset = asserted && kind == ResetKind::HotReset;
  pins_.link_up = !asserted;
  if (!asserted) return;
  pins_.rx = {};
  endpoint_->drop_streams();
  posted_left_ = 0;
  posted_taken_ = 0;
  posted_gone_ = 0;
  messages_.clear();
  non_posted_left_ = 0;
  if (watchers_.checker != nullptr) watchers_.checker->reset(number_, kind);
  watchers_.witness.on_reset(scheduler_.now(), index_, kind);
}

void EndpointPort::on_sent(Channel&, FlowClass flow) {
  if (flow == FlowClass::Posted) {
    const bool message = !messages_.empty() && messages_.front() == posted_gone_;
    if (message) {
      messages_.pop_front();
    } else {
      ++posted_left_;
    }
    ++posted_gone_;
  }
  if (flow == FlowClass::NonPosted) ++non_posted_left_;
}

void EndpointPort::offer(Stream stream, FlowClass flow) {
  const auto index = static_cast<std::size_t>(stream);
  pins_.rx[index] = &link_.down().received().front(flow).tlp;
  offered_[index] = flow;
}

void EndpointPort::offer() {
  OrderedQueue& received = link_.down().received();
  if (pins_.rx[kCompletion] == nullptr && received.eligible(FlowClass::Completion)) {
    offer(Stream::Completion, FlowClass::Completion);
  }
  if (received.eligible(FlowClass::NonPosted)) {
    const bool config = pcie::is_config(received.front(FlowClass::NonPosted).tlp.kind);
    const std::size_t stream = config ? kConfig : kRequest;
    if (pins_.rx[stream] == nullptr) offer(config ? Stream::Config : Stream::Request, FlowClass::NonPosted);
  }
  if (pins_.rx[kRequest] == nullptr && received.eligible(FlowClass::Posted)) offer(Stream::Request, FlowClass::Posted);
}

void EndpointPort::tick() {
  Channel& up = link_.up();
  if (!link_.down().received().empty()) {
    offer();
    if (link_.down().held(FlowClass::Completion) > kCompletionBuffer && !overflowed_) {
      overflowed_ = true;
      report("X-COMPLETION-BUFFER", "more completion data arrived than the endpoint's buffer of " +
                                        std::to_string(kCompletionBuffer.count()) + " bytes holds");
    }
  }
  pins_.tx_ready[kRequest] = !stalled_ && up.has_room(FlowClass::Posted);
  // Two streams share these places. A message may not take the one that a request counts on.
  pins_.message_ready = !stalled_ && up.has_room(FlowClass::Posted, 2);
  pins_.tx_ready[kCompletion] = pins_.tx_ready[kConfig] = up.has_room(FlowClass::Completion, 2);
  pins_.posted_sent = posted_left_;
  pins_.np_limit = static_cast<std::uint8_t>(non_posted_left_ + kNonPostedSlots);

  endpoint_->tick(scheduler_.now(), pins_);
  pins_.power = powered_;

  if (pins_.function_changed) note_function();
  if (pins_.config_write) {
    pins_.config_write = false;
    pins_.written.time = scheduler_.now();
    pins_.written.function = index_;
    watchers_.witness.on_config_write(pins_.written);
  }
  if (pins_.event) {
    pins_.event = false;
    watchers_.witness.on_event(scheduler_.now(), number_, pins_.event_vector, pins_.event_coalesced);
  }
  if (pins_.rx_taken[0] || pins_.rx_taken[1] || pins_.rx_taken[2]) accept_received();
  if (pins_.any_tx) {
    pins_.any_tx = false;
    for (std::size_t stream = 0; stream < kStreams; ++stream) {
      if (pins_.tx_valid[stream]) collect(stream);
    }
  }
  if (pins_.message_valid) collect_message();
  if (pins_.malformed_tx) {
    pins_.malformed_tx = false;
    const pcie::TlpHeader& header = pins_.tx_header[static_cast<std::size_t>(pins_.malformed_stream)];
    const auto tlp = pcie::decode_header(header);
    if (tlp) {
      report("X-FRAMING", "the beats of " + pcie::to_string(*tlp) + " do not make up its length");
    } else if (watchers_.checker != nullptr) {
      watchers_.checker->observe_undecodable(scheduler_.now(), number_, Direction::Tx, header);
    }
  }
}

void EndpointPort::accept_received() {
  for (std::size_t stream = 0; stream < kStreams; ++stream) {
    if (!pins_.rx_taken[stream]) continue;
    pins_.rx_taken[stream] = false;
    HOLDOVER_CHECK(pins_.rx[stream] != nullptr);
    pins_.rx[stream] = nullptr;
    const Packet packet = link_.down().take(offered_[stream]);
    see(Direction::Rx, packet.tlp, pins_.function, nullptr);
  }
}

void EndpointPort::collect(std::size_t stream) {
  pins_.tx_valid[stream] = false;
  pcie::Tlp& tlp = pins_.tx[stream];
  see(Direction::Tx, tlp, pins_.tx_state[stream], &pins_.tx_header[stream]);
  if (!link_.is_up()) return;
  if (!link_.up().has_room(pcie::flow_class(tlp.kind))) {
    report("X-TRANSMIT-OVERRUN", "the endpoint sent " + pcie::to_string(tlp) + " for which the hard block had no room");
    return;
  }
  if (pcie::flow_class(tlp.kind) == FlowClass::Posted) ++posted_taken_;
  link_.up().send(Packet{std::move(tlp), number_});
  tlp = pcie::Tlp{};
}

void EndpointPort::collect_message() {
  pins_.message_valid = false;
  auto message = pcie::decode_header(pins_.message);
  if (!message) {
    if (watchers_.checker != nullptr) {
      watchers_.checker->observe_undecodable(scheduler_.now(), number_, Direction::Tx, pins_.message);
    }
    return;
  }
  see(Direction::Tx, *message, pins_.function, &pins_.message);
  if (!link_.is_up()) return;
  messages_.push_back(posted_taken_++);
  link_.up().send(Packet{std::move(*message), number_});
}

void EndpointPort::note_function() {
  pins_.function_changed = false;
  const auto begin = [&](ResetKind kind) {
    if (watchers_.checker != nullptr) watchers_.checker->reset(number_, kind);
    watchers_.witness.on_reset(scheduler_.now(), index_, kind);
  };
  if (pins_.reset_in_progress && !in_flr_) begin(ResetKind::Flr);
  in_flr_ = pins_.reset_in_progress;
  if (d_state_ == 3 && pins_.function.d_state == 0 && !no_soft_reset_) begin(ResetKind::D3HotToD0);
  d_state_ = pins_.function.d_state;
  link_.set_aspm_below(pins_.function.aspm);
}

void EndpointPort::see(Direction direction, const pcie::Tlp& tlp, const FunctionState& state,
                       const pcie::TlpHeader* raw) {
  const Time now = scheduler_.now();
  if (watchers_.checker != nullptr) watchers_.checker->observe(now, number_, direction, tlp, state, raw);
  if (watchers_.trace != nullptr) watchers_.trace->write(now, number_, direction, tlp);
  watchers_.witness.on_tlp(now, number_, direction, tlp);
  recent_[passed_++ % recent_.size()] = Passed{now, direction, pcie::encode_header(tlp)};
}

void EndpointPort::report(std::string_view rule, std::string sentence) {
  watchers_.witness.on_violation(Violation{scheduler_.now(), std::string{rule},
                                           "endpoint " + std::to_string(number_) + ": " + std::move(sentence)});
}

std::string EndpointPort::describe() const {
  const FunctionState& f = pins_.function;
  char line[256];
  std::snprintf(line, sizeof line,
                "endpoint %u: %s, bus master %d, memory %d, D%u, reset %d, link %s, queued P %zu NP %zu Cpl %zu, "
                "posted credits %u, non-posted credits %u, received %zu\n",
                number_, pcie::Bdf::from_requester_id(f.bdf).to_string().c_str(), f.bus_master, f.memory,
                unsigned{f.d_state}, pins_.reset_in_progress, link_.is_up() ? "up" : "down",
                link_.up().queued(FlowClass::Posted), link_.up().queued(FlowClass::NonPosted),
                link_.up().queued(FlowClass::Completion), link_.up().credits(FlowClass::Posted),
                link_.up().credits(FlowClass::NonPosted), link_.down().received().size());
  std::string text = line;
  for (std::uint64_t i = passed_ - std::min<std::uint64_t>(passed_, recent_.size()); i < passed_; ++i) {
    const Passed& passed = recent_[i % recent_.size()];
    const std::uint64_t nanoseconds = passed.time.count() / 1000;
    std::snprintf(line, sizeof line, "  %9llu.%03llu us %s ", static_cast<unsigned long long>(nanoseconds / 1000),
                  static_cast<unsigned long long>(nanoseconds % 1000), passed.direction == Direction::Rx ? "rx" : "tx");
    const auto tlp = pcie::decode_header(passed.header);
    text += line + (tlp ? pcie::to_string(*tlp) : std::string{"no TLP"}) + "\n";
  }
  return text;
}

}  // namespace holdover::sim
