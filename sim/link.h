// SPDX-License-Identifier: MIT
// A link between a port above and whatever is below it: two channels and the state of the link.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "sim/channel.h"

namespace holdover::sim {

// What hangs on the lower end.
class LinkLower {
 public:
  // Conventional reset begins (asserted) and ends. Everything below is reset for as long as it lasts.
  // `kind` is Fundamental where power is off, or was when the reset began.
  virtual void on_conventional_reset(ResetKind kind, bool asserted) = 0;
  // Power goes, before the reset that it brings, or comes back, before the link trains.
  virtual void on_power(bool /*on*/) {}

 protected:
  ~LinkLower() = default;
};

// Times a link takes (divided by 1000 against the base specification's order of magnitude, as all waits by default).
inline constexpr Time kTrainingTime{10'000'000};
inline constexpr Time kRecoveryTime{1'000'000};

struct LinkParameters {
  LinkConfig config;
  unsigned max_payload = 0;  // encoded
  ChannelConfig down;        // towards the endpoint
  ChannelConfig up;
  // From Detect to a link that is up. Longer than any answer is under way, as on a real link, which trains for
  // milliseconds: no completion for what was below meets what is there after.
  Time training = kTrainingTime;
  unsigned aspm = kAspmAll;  // that both ends support
  bool occupied = true;      // false: nothing is plugged in below, and the link never comes up
};

class Link final : private EventHandler {
 public:
  // Told when the link goes down or comes up.
  using StateSink = std::function<void(bool up)>;
  // Told when a recovery that was asked for has ended, and the link is up.
  using RetrainSink = std::function<void()>;
  // Told when the link, which was up, has gone down and nobody had asked for it; it trains already then.
  using SurpriseSink = std::function<void()>;

  Link(Scheduler& scheduler, std::uint64_t seed, const std::string& path, const LinkParameters& parameters,
       StateSink on_state);

  // Outlives the link.
  void set_lower(LinkLower& lower) { lower_ = &lower; }
  void set_retrain_sink(RetrainSink sink) { on_retrained_ = std::move(sink); }
  void set_surprise_sink(SurpriseSink sink) { on_surprise_ = std::move(sink); }

  [[nodiscard]] Channel& down() { return down_; }
  [[nodiscard]] Channel& up() { return up_; }
  [[nodiscard]] bool is_up() const { return occupied_ && !hot_reset_ && !disabled_ && powered_ && !training_; }
  [[nodiscard]] bool is_occupied() const { return occupied_; }
  // From Detect on, or through recovery, where the link stays up.
  [[nodiscard]] bool is_training() const { return training_ || recovering_; }
  [[nodiscard]] const LinkConfig& config() const { return config_; }

  // Levels. When the last of them falls the link trains, and is up after the time of training.
  void set_hot_reset(bool asserted);
  void set_disabled(bool disabled);
  // Of the slot below: what is in it forgets everything without.
  void set_power(bool on);
  // The link is lost, and trains at once: a surprise.
  void lose();
  // What is in the slot loses its power for a moment, though nobody switched it off: a surprise.
  void lose_power();
  // Goes through recovery: nothing moves for kRecoveryTime, nothing is lost.
  void recover();
  // Data link packets come less often with a larger maximum payload.
  void set_max_payload(unsigned encoded);
  // Link Control's ASPM Control of each end (PCIe 5.0, 5.4.1): L0s is entered by the transmitter of an end that has it
  // enabled, L1 by both where both have.
  void set_aspm_above(unsigned control);
  void set_aspm_below(unsigned control);

 private:
  void on_event(std::uint64_t argument) override;
  void go_down(ResetKind kind);
  void train();
  void apply_aspm();

  Scheduler& scheduler_;
  LinkConfig config_;
  Time training_time_;
  bool occupied_;
  unsigned aspm_;       // supported
  unsigned above_ = 0;  // enabled
  unsigned below_ = 0;
  StateSink on_state_;
  RetrainSink on_retrained_;
  SurpriseSink on_surprise_;
  LinkLower* lower_ = nullptr;
  Channel down_;
  Channel up_;
  ResetKind reset_kind_ = ResetKind::LinkDown;
  bool hot_reset_ = false;
  bool disabled_ = false;
  bool powered_ = true;
  bool training_ = false;
  bool recovering_ = false;
  bool lower_in_reset_ = false;
  std::uint64_t epoch_ = 0;
  std::uint64_t recovery_ = 0;  // number of the latest
};

}  // namespace holdover::sim
