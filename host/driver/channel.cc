// SPDX-License-Identifier: MIT
#include "host/driver/channel.h"

#include <algorithm>
#include <string>
#include <utility>

#include "pcie/error.h"

namespace holdover::host {

Channel::Channel(RegisterBlock& registers, unsigned index, ChannelState& state, std::string name, Wait wait)
    : registers_(registers), index_(index), state_(state), name_(std::move(name)), wait_(std::move(wait)) {}

void Channel::configure(const ChannelConfig& config, const DmaRegion& descriptors, const DmaRegion& completions) {
  HOLDOVER_CHECK(config.entries > 0 && config.entries <= 0xffff);
  HOLDOVER_CHECK(descriptors.iova.raw() % 64 == 0 && completions.iova.raw() % 64 == 0);

  registers_.write(regs::channel::control(index_), regs::channel::kControlReset.mask());
  wait_until(regs::channel::control(index_), regs::channel::kControlReset, 0, "its reset does not end");

  // A record of an earlier life must not look like one of this.
  std::fill(completions.bytes.begin(), completions.bytes.end(), std::byte{0});
  descriptors_.emplace(descriptors.bytes, config.entries);
  completions_.emplace(completions.bytes, config.entries);

  const bool card_to_host = config.direction == ChannelConfig::Direction::CardToHost;
  state_.control = regs::channel::kControlC2h.place(card_to_host) | regs::channel::kControlCyclic.place(config.cyclic) |
                   regs::channel::kControlPattern.place(config.pattern) |
                   regs::channel::kControlInterrupt.place(config.vector.has_value());
  state_.running = 0;
  state_.entries = config.entries;
  state_.seed = config.seed;
  state_.vector = config.vector.value_or(0);
  state_.moderation = regs::channel::kModerationCount.place(config.moderation);
  state_.descriptors = config.descriptors;
  state_.completions = config.completions;
  state_.tail = 0;
  state_.taken = 0;

  registers_.write_pair(regs::channel::ring_base_lo(index_), descriptors.iova.raw());
  registers_.write(regs::channel::ring_entries(index_), config.entries);
  registers_.write(regs::channel::tail(index_), 0);
  registers_.write_pair(regs::channel::completion_base_lo(index_), completions.iova.raw());
  registers_.write(regs::channel::seed(index_), config.seed);
  registers_.write(regs::channel::vector(index_), state_.vector);
  registers_.write(regs::channel::moderation(index_), state_.moderation);
}

void Channel::adopt(const DmaRegion& descriptors, const DmaRegion& completions) {
  HOLDOVER_CHECK(configured());
  const std::uint64_t ring = registers_.read_pair(regs::channel::ring_base_lo(index_));
  const std::uint64_t records = registers_.read_pair(regs::channel::completion_base_lo(index_));
  const std::uint32_t entries = registers_.read(regs::channel::ring_entries(index_));
  if (ring != descriptors.iova.raw() || records != completions.iova.raw() || entries != state_.entries) {
    throw Error(ErrorCode::Corrupt, name_ + " does not use the rings that its driver state names; was it reset?");
  }
  descriptors_.emplace(descriptors.bytes, state_.entries, state_.tail);
  completions_.emplace(completions.bytes, state_.entries, state_.taken);
}

void Channel::put(unsigned slot, const DmaDescriptor& descriptor) {
  HOLDOVER_CHECK(configured() && state_.running == 0);
  descriptors_->put(slot, descriptor);
}

void Channel::start() {
  HOLDOVER_CHECK(configured());
  registers_.write(regs::channel::control(index_), state_.control | regs::channel::kControlRun.mask());
  state_.running = 1;
}

void Channel::stop(std::chrono::nanoseconds patience) {
  registers_.write(regs::channel::control(index_), state_.control);
  state_.running = 0;
  wait_until(regs::channel::status(index_), regs::channel::kStatusIdle, 1, "it does not become idle", patience);
}

bool Channel::submit(const DmaDescriptor& descriptor) {
  HOLDOVER_CHECK(configured());
  if (!descriptors_->push(descriptor, completions_->taken())) {
    return false;
  }
  state_.tail = descriptors_->tail();
  registers_.write(regs::channel::tail(index_), static_cast<std::uint32_t>(state_.tail));
  return true;
}

std::optional<DmaCompletion> Channel::poll() {
  HOLDOVER_CHECK(configured());
  std::optional<DmaCompletion> record = completions_->take();
  state_.taken = completions_->taken();
  return record;
}

ChannelStatistics Channel::statistics() const {
  const std::uint32_t status = registers_.read(regs::channel::status(index_));
  ChannelStatistics statistics;
  statistics.running = registers_.read(regs::channel::control(index_), regs::channel::kControlRun) != 0;
  statistics.idle = regs::channel::kStatusIdle.extract(status) != 0;
  statistics.stopped = regs::channel::kStatusStopped.extract(status) != 0;
  statistics.error = static_cast<DmaStatus>(regs::channel::kStatusError.extract(status));
  statistics.completed = registers_.read_pair(regs::channel::completed_lo(index_));
  statistics.bytes = registers_.read_pair(regs::channel::bytes_lo(index_));
  statistics.checked = registers_.read_pair(regs::channel::checked_lo(index_));
  statistics.mismatches = registers_.read(regs::channel::mismatches(index_));
  return statistics;
}

void Channel::wait_until(std::uint32_t offset, regs::Field field, std::uint32_t value, const char* what,
                         std::chrono::nanoseconds patience) {
  for (std::chrono::nanoseconds waited{0}; waited <= patience; waited += kLookInterval) {
    // All ones is no register value here: a device that has gone does not pass for one that is done.
    const std::uint32_t read = registers_.read(offset);
    if (read != ~std::uint32_t{0} && field.extract(read) == value) {
      return;
    }
    wait_(kLookInterval);
  }
  throw Error(ErrorCode::Unavailable, name_ + " cannot be stopped: " + what + " within " +
                                          std::to_string(patience.count()) +
                                          " ns; is bus mastering on, and does the link work?");
}

}  // namespace holdover::host
