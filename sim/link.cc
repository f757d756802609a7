// SPDX-License-Identifier: MIT
#include "sim/link.h"

#include <utility>

namespace holdover::sim {
namespace {

// Argument of the event that ends a recovery, beside its number.
constexpr std::uint64_t kRecovered = std::uint64_t{1} << 63;

}  // namespace

Link::Link(Scheduler& scheduler, std::uint64_t seed, const std::string& path, const LinkParameters& parameters,
           StateSink on_state)
    : scheduler_(scheduler),
      config_(parameters.config),
      training_time_(parameters.training),
      occupied_(parameters.occupied),
      aspm_(parameters.aspm),
      on_state_(std::move(on_state)),
      down_(scheduler, Random{seed, path + "/down"}, LinkRate{parameters.config, parameters.max_payload},
            parameters.config.propagation, parameters.down),
      up_(scheduler, Random{seed, path + "/up"}, LinkRate{parameters.config, parameters.max_payload},
          parameters.config.propagation, parameters.up) {
  down_.set_reverse(up_);
  up_.set_reverse(down_);
  down_.set_shut(!occupied_);
  up_.set_shut(!occupied_);
}

void Link::set_hot_reset(bool asserted) {
  if (asserted == hot_reset_) return;
  if (asserted) go_down(ResetKind::HotReset);
  hot_reset_ = asserted;
  if (!asserted) train();
}

void Link::set_disabled(bool disabled) {
  if (disabled == disabled_) return;
  if (disabled) go_down(ResetKind::LinkDown);
  disabled_ = disabled;
  if (!disabled) train();
}

void Link::set_power(bool on) {
  if (on == powered_) return;
  if (!on) {
    if (lower_ != nullptr) lower_->on_power(false);
    go_down(ResetKind::Fundamental);
  }
  powered_ = on;
  if (!on) return;
  if (lower_ != nullptr) lower_->on_power(true);
  train();
}

void Link::lose() {
  const bool was_up = is_up();
  go_down(ResetKind::LinkDown);
  train();
  if (was_up && on_surprise_) on_surprise_();
}

void Link::lose_power() {
  if (!powered_) return;
  const bool was_up = is_up();
  set_power(false);
  set_power(true);
  if (was_up && on_surprise_) on_surprise_();
}

void Link::recover() {
  if (!is_up()) return;
  const Time end = scheduler_.now() + kRecoveryTime;
  down_.pause_until(end);
  up_.pause_until(end);
  recovering_ = true;
  scheduler_.at(end, *this, kRecovered | ++recovery_);
}

void Link::set_max_payload(unsigned encoded) {
  const LinkRate rate{config_, encoded};
  down_.set_rate(rate);
  up_.set_rate(rate);
}

void Link::set_aspm_above(unsigned control) {
  above_ = control;
  apply_aspm();
}

void Link::set_aspm_below(unsigned control) {
  below_ = control;
  apply_aspm();
}

void Link::apply_aspm() {
  const unsigned l1 = above_ & below_ & aspm_ & kAspmL1;
  down_.set_aspm((above_ & aspm_ & kAspmL0s) | l1);
  up_.set_aspm((below_ & aspm_ & kAspmL0s) | l1);
}

void Link::go_down(ResetKind kind) {
  const bool was_up = is_up();
  training_ = false;
  recovering_ = false;
  ++epoch_;
  down_.set_shut(true);
  up_.set_shut(true);
  if (was_up) on_state_(false);
  const bool deeper = kind == ResetKind::Fundamental && reset_kind_ != ResetKind::Fundamental;
  if (!lower_in_reset_ || deeper) {
    lower_in_reset_ = true;
    reset_kind_ = kind;
    if (lower_ != nullptr) lower_->on_conventional_reset(kind, true);
  }
}

void Link::train() {
  if (!occupied_ || hot_reset_ || disabled_ || !powered_) return;
  training_ = true;
  scheduler_.after(training_time_, *this, ++epoch_);
}

void Link::on_event(std::uint64_t argument) {
  if ((argument & kRecovered) != 0) {
    if (argument != (kRecovered | recovery_) || !recovering_) return;
    recovering_ = false;
    if (on_retrained_) on_retrained_();
    return;
  }
  if (argument != epoch_) return;
  training_ = false;
  lower_in_reset_ = false;
  down_.set_shut(false);
  up_.set_shut(false);
  if (lower_ != nullptr) lower_->on_conventional_reset(reset_kind_, false);
  on_state_(true);
}

}  // namespace holdover::sim
