// SPDX-License-Identifier: MIT
// Answers to reads on their way from memory to the link: into which completions they are cut, and in which order these
// leave. What is legal there is drawn from the seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/bridge.h"
#include "sim/channel.h"
#include "sim/fault_plan.h"
#include "sim/packet.h"
#include "sim/random.h"
#include "sim/scheduler.h"

namespace holdover::sim {

// Completions may end at multiples of this (PCIe 5.0, 2.3.1.1); root ports report 64 in Link Control.
inline constexpr std::uint64_t kReadCompletionBoundary = 64;

class ReadAnswers final : private EventHandler {
 public:
  // All outlive it. `bridge` is the root port's, `down` the channel that completions leave by.
  ReadAnswers(Scheduler& scheduler, FaultPlan& faults, const Disturbance& disturbance, Random& random, Bridge& bridge,
              Channel& down);

  // `data`: whole double words from the request's address on, where `status` is Success. Leaves with pump().
  void add(Packet request, pcie::CompletionStatus status, std::vector<std::byte> data);
  // The same, and it leaves by itself at `until`, before all others then. One at a time.
  void keep_back(Packet request, pcie::CompletionStatus status, std::vector<std::byte> data, Time until);
  // Sends completions while there is room.
  void pump();
  // Nobody waits for any of them any more.
  void drop();

  [[nodiscard]] std::size_t waiting() const { return answers_.size() + (kept_back_ ? 1 : 0); }

 private:
  enum class Split { Whole, EveryBoundary, Random };
  struct Answer {
    pcie::Tlp request;
    unsigned origin = 0;
    pcie::CompletionStatus status = pcie::CompletionStatus::Success;
    std::uint64_t begin = 0;      // address of the first byte still to come
    std::uint64_t remaining = 0;  // bytes still to come
    std::vector<std::byte> data;  // from `base`, whole double words
    std::uint64_t base = 0;
    Split split = Split::Whole;
    bool late = false;  // was kept back
  };

  void on_event(std::uint64_t argument) override;
  [[nodiscard]] Answer answer_to(Packet request, pcie::CompletionStatus status, std::vector<std::byte> data);
  [[nodiscard]] Split draw_split();
  [[nodiscard]] Bytes piece_of(const Answer& answer);
  [[nodiscard]] pcie::Tlp cut_completion(Answer& answer);

  Scheduler& scheduler_;
  FaultPlan& faults_;
  const Disturbance& disturbance_;
  Random& random_;
  Bridge& bridge_;
  Channel& down_;

  std::vector<Answer> answers_;
  std::optional<Answer> kept_back_;
  unsigned front_passed_ = 0;  // how often the oldest answer was passed over
  std::uint64_t epoch_ = 0;    // what was kept back in an earlier one is void
};

}  // namespace holdover::sim
