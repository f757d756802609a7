// SPDX-License-Identifier: MIT
// A link between a port above and whatever is below it: two channels and the state of the link.
#pragma once

#include <functional>
#include <string>

#include "sim/channel.h"

namespace holdover::sim {

// What hangs on the lower end.
class LinkLower {
 public:
  // Conventional reset begins (asserted) and ends. Everything below is reset for as long as it lasts.
  virtual void on_conventional_reset(ResetKind kind, bool asserted) = 0;

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
  bool occupied = true;  // false: nothing is plugged in below, and the link never comes up
};

class Link final : private EventHandler {
 public:
  // Told when the link goes down or comes up.
  using StateSink = std::function<void(bool up)>;

  Link(Scheduler& scheduler, std::uint64_t seed, const std::string& path, const LinkParameters& parameters,
       StateSink on_state);

  // Outlives the link.
  void set_lower(LinkLower& lower) { lower_ = &lower; }

  [[nodiscard]] Channel& down() { return down_; }
  [[nodiscard]] Channel& up() { return up_; }
  [[nodiscard]] bool is_up() const { return occupied_ && !hot_reset_ && !disabled_ && !training_; }
  [[nodiscard]] bool is_occupied() const { return occupied_; }
  [[nodiscard]] bool is_training() const { return training_; }
  [[nodiscard]] const LinkConfig& config() const { return config_; }

  // Levels. When the last of them falls the link trains, and is up after the time of training.
  void set_hot_reset(bool asserted);
  void set_disabled(bool disabled);
  // The link is lost, and trains at once.
  void lose();
  // Goes through recovery: nothing moves for kRecoveryTime, nothing is lost.
  void recover();
  // Data link packets come less often with a larger maximum payload.
  void set_max_payload(unsigned encoded);

 private:
  void on_event(std::uint64_t argument) override;
  void go_down(ResetKind kind);
  void train();

  Scheduler& scheduler_;
  LinkConfig config_;
  Time training_time_;
  bool occupied_;
  StateSink on_state_;
  LinkLower* lower_ = nullptr;
  Channel down_;
  Channel up_;
  ResetKind reset_kind_ = ResetKind::LinkDown;
  bool hot_reset_ = false;
  bool disabled_ = false;
  bool training_ = false;
  bool lower_in_reset_ = false;
  std::uint64_t epoch_ = 0;
};

}  // namespace holdover::sim
