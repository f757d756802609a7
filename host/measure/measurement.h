// SPDX-License-Identifier: MIT
// How fast an endpoint moves data and answers register reads, as a program on its host sees it: the same for a
// simulation and for a board.
//
// Method: pcie-bench (Neugebauer et al., Understanding PCIe performance for end host networking, SIGCOMM 2018).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "host/driver/endpoint_driver.h"
#include "host/system.h"

namespace holdover::host {

// A ring of descriptors of one length that the engine runs round and round, so that it never waits for the host.
struct TransferPlan {
  bool to_host = true;
  std::uint32_t bytes = 0;  // of each descriptor, 1 to 2^24
  unsigned depth = 64;      // descriptors in the ring, 1 to kMostDepth
  std::chrono::nanoseconds warm_up{20'000};
  std::chrono::nanoseconds duration{200'000};  // at least, and at least as many descriptors as the ring has
};

struct Throughput {
  std::uint64_t transfers = 0;  // whole descriptors, from one completion record to another
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds duration{0};
};

class Measurement {
 public:
  static constexpr unsigned kMostDepth = 128;
  static constexpr std::uint64_t kMostWindow = 16 << 20;  // bytes * depth of a plan

  // Takes the first endpoint of the system for itself. `system` outlives the measurement. `completion_timeout`: after
  // this the endpoint gives up a read. Throws Error{NotFound} where there is no endpoint.
  Measurement(System& system, std::chrono::nanoseconds completion_timeout);

  // Throws Error{Unavailable} where data does not arrive, Error{Corrupt} where it arrived wrong: every byte to the host
  // of the last lap, and every byte to the card, is held against the pattern.
  [[nodiscard]] Throughput transfer(const TransferPlan& plan);
  // Time of each of `samples` register reads of 1, 2, 4 or 8 bytes, one after the other, while nothing else moves.
  [[nodiscard]] std::vector<std::chrono::nanoseconds> register_reads(unsigned size, unsigned samples);

  // Whether the endpoint's requests carry 64-bit addresses.
  [[nodiscard]] bool wide_addresses() const;
  [[nodiscard]] pcie::Bdf bdf() const { return device_->bdf(); }
  // The function that is measured, for as long as the measurement lives.
  [[nodiscard]] Device& device() { return *device_; }

 private:
  void program(const TransferPlan& plan);
  // The newest record in order that has come, starting from `count`: the number of records there are then.
  [[nodiscard]] std::uint64_t completed(const TransferPlan& plan, std::uint64_t count) const;
  [[nodiscard]] std::uint64_t wait_for(const TransferPlan& plan, std::uint64_t count, std::uint64_t goal,
                                       std::chrono::nanoseconds until);
  void verify(const TransferPlan& plan) const;
  // Longest time between two records of a channel that works.
  [[nodiscard]] std::chrono::nanoseconds patience(const TransferPlan& plan) const;

  System& system_;
  std::chrono::nanoseconds patience_;  // for transfers of no length
  std::unique_ptr<Device> device_;
  std::unique_ptr<AddressSpace> space_;
  std::unique_ptr<Memory> state_;
  std::unique_ptr<Memory> rings_;
  std::unique_ptr<Memory> window_;
  std::unique_ptr<EndpointDriver> driver_;
};

}  // namespace holdover::host
