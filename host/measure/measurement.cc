// SPDX-License-Identifier: MIT
#include "host/measure/measurement.h"

#include <cstring>

#include "host/driver/endpoint_regs.h"
#include "pcie/error.h"
#include "pcie/pattern.h"

namespace holdover::host {
namespace {

using std::chrono::nanoseconds;

constexpr unsigned kChannel = 0;
constexpr unsigned kRegionRings = 0;
constexpr unsigned kRegionWindow = 1;
constexpr DmaPlace kDescriptors{kRegionRings, 0};
constexpr DmaPlace kCompletions{kRegionRings, static_cast<std::uint32_t>(kPageSize.count())};
constexpr std::uint32_t kSeed = 0x9e37'79b9;
// So often the host looks for a record.
constexpr nanoseconds kLook{100};
// So long without a record the channel counts as stuck: beyond what its reads may wait for, and what one transfer takes
// at half of the slowest link's 2 Gb/s.
constexpr nanoseconds kLeastPatience{1'000'000};
constexpr nanoseconds kPatiencePerByte{8};

}  // namespace

Measurement::Measurement(System& system, nanoseconds completion_timeout)
    : system_(system), patience_(kLeastPatience + 2 * completion_timeout) {
  const std::vector<pcie::Bdf> devices = system.devices();
  if (devices.empty()) throw Error(ErrorCode::NotFound, "There is no endpoint to measure.");
  device_ = system.open_device(devices.front());
  state_ = system.create_memory(kPageSize);
  driver_ = EndpointDriver::open(system, *device_, *state_);
  driver_->set_completion_timeout(completion_timeout);
  rings_ = system.create_memory(kPageSize * 2);
  window_ = system.create_memory(Bytes{kMostWindow});
  space_ = system.create_address_space();
  const Iova rings = system.allocate_iova(kPageSize * 2);
  space_->map(*rings_, Bytes{0}, rings, kPageSize, false);
  space_->map(*rings_, kPageSize, rings + kPageSize, kPageSize, true);
  const Iova window = system.allocate_iova(Bytes{kMostWindow});
  space_->map(*window_, Bytes{0}, window, Bytes{kMostWindow}, true);
  (void)driver_->add_region(*rings_, rings);
  (void)driver_->add_region(*window_, window);
  device_->attach(*space_);
  device_->enable_bus_master();
}

void Measurement::program(const TransferPlan& plan) {
  std::memset(driver_->bytes(kCompletions, kPageSize).data(), 0, kPageSize.count());
  ChannelConfig config;
  config.direction = plan.to_host ? ChannelConfig::Direction::CardToHost : ChannelConfig::Direction::HostToCard;
  config.cyclic = true;
  config.pattern = true;
  config.seed = kSeed;
  config.entries = plan.depth;
  config.descriptors = kDescriptors;
  config.completions = kCompletions;
  driver_->configure(kChannel, config);
  for (unsigned slot = 0; slot < plan.depth; ++slot) {
    const std::uint64_t offset = std::uint64_t{slot} * plan.bytes;
    const DmaPlace place{kRegionWindow, static_cast<std::uint32_t>(offset)};
    if (!plan.to_host) pcie::fill_pattern(driver_->bytes(place, Bytes{plan.bytes}), kSeed, 0, offset);
    driver_->put(kChannel, slot, DmaDescriptor{driver_->iova(place).raw(), offset, plan.bytes, 0, slot, 0});
  }
}

std::uint64_t Measurement::completed(const TransferPlan& plan, std::uint64_t count) const {
  const std::span<const std::byte> ring = driver_->bytes(kCompletions, kPageSize);
  for (;;) {
    DmaCompletion record{};
    std::memcpy(&record, &ring[count % plan.depth * sizeof record], sizeof record);
    // Phase tells whether the slot was ever written; the sequence, whether in this lap or a later one.
    const bool written = record.length != 0 || (record.status & kCompletionPhase) != 0;
    if (!written || static_cast<std::int32_t>(record.sequence - static_cast<std::uint32_t>(count)) < 0) return count;
    if (const auto status = static_cast<DmaStatus>(record.status & 0xff); status != DmaStatus::Ok) {
      throw Error(ErrorCode::Unavailable, "descriptor " + std::to_string(record.sequence) + " ended with status " +
                                              std::to_string(static_cast<unsigned>(status)));
    }
    count = std::max<std::uint64_t>(count, record.sequence) + 1;
  }
}

std::uint64_t Measurement::wait_for(const TransferPlan& plan, std::uint64_t count, std::uint64_t goal,
                                    nanoseconds until) {
  nanoseconds last = system_.now();
  for (;;) {
    const std::uint64_t there = completed(plan, count);
    const nanoseconds now = system_.now();
    if (there != count) last = now;
    count = there;
    if (count >= goal && now >= until) return count;
    if (now - last > patience(plan)) {
      throw Error(ErrorCode::Unavailable, "the endpoint at " + bdf().to_string() + " completed no descriptor for " +
                                              std::to_string((now - last).count()) + " ns");
    }
    system_.wait(kLook);
  }
}

nanoseconds Measurement::patience(const TransferPlan& plan) const { return patience_ + plan.bytes * kPatiencePerByte; }

Throughput Measurement::transfer(const TransferPlan& plan) {
  HOLDOVER_CHECK(plan.depth >= 1 && plan.depth <= kMostDepth && plan.bytes >= 1);
  HOLDOVER_CHECK(std::uint64_t{plan.bytes} * plan.depth <= kMostWindow);
  program(plan);
  driver_->start(kChannel);
  // Every count is taken in the look in which its record was found: both ends are late by the same.
  const std::uint64_t warm = wait_for(plan, 0, plan.depth, system_.now() + plan.warm_up);
  const std::uint64_t first = wait_for(plan, warm, warm + 1, nanoseconds{0});
  const nanoseconds begin = system_.now();
  const std::uint64_t enough = wait_for(plan, first, first + plan.depth, begin + plan.duration);
  const std::uint64_t last = wait_for(plan, enough, enough + 1, nanoseconds{0});
  const nanoseconds end = system_.now();
  driver_->stop(kChannel, patience(plan));
  verify(plan);
  return {last - first, (last - first) * plan.bytes, end - begin};
}

bool Measurement::wide_addresses() const { return driver_->iova({kRegionWindow, 0}).raw() >> 32 != 0; }

void Measurement::verify(const TransferPlan& plan) const {
  const ChannelStatistics statistics = driver_->channel_statistics(kChannel);
  if (!plan.to_host) {
    if (statistics.mismatches == 0 && statistics.checked == statistics.bytes) return;
    throw Error(ErrorCode::Corrupt, std::to_string(statistics.mismatches) + " of " +
                                        std::to_string(statistics.checked) + " bytes to the card were wrong");
  }
  for (std::uint64_t slot = 0; slot < plan.depth; ++slot) {
    const auto lap = static_cast<std::uint32_t>((statistics.completed - 1 - slot) / plan.depth);
    const std::uint64_t offset = slot * plan.bytes;
    const DmaPlace place{kRegionWindow, static_cast<std::uint32_t>(offset)};
    const std::span<const std::byte> bytes = driver_->bytes(place, Bytes{plan.bytes});
    if (pcie::first_mismatch(bytes, kSeed, lap, offset) != bytes.size()) {
      throw Error(ErrorCode::Corrupt, "descriptor " + std::to_string(slot) + " of the ring left wrong bytes in memory");
    }
  }
}

std::vector<nanoseconds> Measurement::register_reads(unsigned size, unsigned samples) {
  std::vector<nanoseconds> times;
  times.reserve(samples);
  for (unsigned n = 0; n < samples; ++n) {
    times.push_back(system_.time_load(*device_, 0, Bytes{regs::global::kId}, size));
  }
  return times;
}

}  // namespace holdover::host
