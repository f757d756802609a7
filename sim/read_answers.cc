// SPDX-License-Identifier: MIT
#include "sim/read_answers.h"

#include <algorithm>
#include <utility>

#include "pcie/error.h"
#include "sim/routing.h"

namespace holdover::sim {
namespace {

// The oldest answer is passed over at most so often: keeps every delay finite.
constexpr unsigned kMostPassed = 16;

}  // namespace

ReadAnswers::ReadAnswers(Scheduler& scheduler, FaultPlan& faults, const Disturbance& disturbance, Random& random,
                         Bridge& bridge, Channel& down)
    : scheduler_(scheduler),
      faults_(faults),
      disturbance_(disturbance),
      random_(random),
      bridge_(bridge),
      down_(down) {}

ReadAnswers::Answer ReadAnswers::answer_to(Packet request, pcie::CompletionStatus status, std::vector<std::byte> data) {
  Answer answer;
  answer.origin = request.origin;
  answer.status = status;
  if (status == pcie::CompletionStatus::Success) {
    answer.begin = pcie::first_byte_address(request.tlp);
    answer.remaining = pcie::enabled_bytes(request.tlp).count();
    answer.base = request.tlp.address;
    answer.data = std::move(data);
  }
  answer.request = std::move(request.tlp);
  answer.split = draw_split();
  return answer;
}

void ReadAnswers::add(Packet request, pcie::CompletionStatus status, std::vector<std::byte> data) {
  answers_.push_back(answer_to(std::move(request), status, std::move(data)));
}

void ReadAnswers::keep_back(Packet request, pcie::CompletionStatus status, std::vector<std::byte> data, Time until) {
  HOLDOVER_CHECK(!kept_back_);
  kept_back_ = answer_to(std::move(request), status, std::move(data));
  kept_back_->late = true;
  scheduler_.at(std::max(until, scheduler_.now()), *this, epoch_);
}

void ReadAnswers::on_event(std::uint64_t argument) {
  if (argument != epoch_) return;
  HOLDOVER_CHECK(kept_back_.has_value());
  answers_.insert(answers_.begin(), std::move(*kept_back_));
  kept_back_.reset();
  pump();
}

ReadAnswers::Split ReadAnswers::draw_split() {
  if (!disturbance_.split_at_every_boundary && !disturbance_.split_at_random) return Split::Whole;
  if (!disturbance_.split_at_every_boundary) return Split::Random;
  if (!disturbance_.split_at_random) return Split::EveryBoundary;
  // Mostly at random, which is whole or cut everywhere at times anyway.
  switch (random_.below(4)) {
    case 0:
      return Split::EveryBoundary;
    case 1:
      return Split::Whole;
    default:
      return Split::Random;
  }
}

void ReadAnswers::pump() {
  while (!answers_.empty() && down_.has_room(pcie::FlowClass::Completion)) {
    std::size_t pick = 0;
    if (disturbance_.reorder_completions && answers_.size() > 1 && front_passed_ < kMostPassed &&
        !answers_.front().late) {
      pick = static_cast<std::size_t>(random_.below(answers_.size()));
    }
    front_passed_ = pick == 0 ? 0 : front_passed_ + 1;
    Answer& answer = answers_[pick];
    Packet packet{cut_completion(answer), kFromHost};
    const unsigned origin = answer.origin;
    if (answer.remaining == 0) answers_.erase(answers_.begin() + static_cast<std::ptrdiff_t>(pick));
    if (!faults_.idle()) {
      const FaultAction action = faults_.at_completion(scheduler_.now(), origin);
      if (action == FaultAction::Drop) continue;
      if (action == FaultAction::Poison) packet.tlp.poisoned = true;
    }
    down_.send(std::move(packet));
  }
}

// Bytes of the next completion: ends at a read completion boundary, or at the end, within the maximum payload.
Bytes ReadAnswers::piece_of(const Answer& answer) {
  const std::uint64_t aligned = answer.begin & ~std::uint64_t{3};
  const std::uint64_t most = aligned + bridge_.max_payload().count();
  const std::uint64_t end = answer.begin + answer.remaining;
  const std::uint64_t first_boundary = (answer.begin / kReadCompletionBoundary + 1) * kReadCompletionBoundary;
  if (end <= first_boundary) return Bytes{answer.remaining};
  const std::uint64_t last_boundary = std::min(most, end) / kReadCompletionBoundary * kReadCompletionBoundary;
  const std::uint64_t choices = (last_boundary - first_boundary) / kReadCompletionBoundary + 1;
  const bool whole = end <= most;
  if (answer.split == Split::Whole) return Bytes{(whole ? end : last_boundary) - answer.begin};
  if (answer.split == Split::EveryBoundary) return Bytes{first_boundary - answer.begin};
  const std::uint64_t choice = random_.below(choices + (whole ? 1 : 0));
  const std::uint64_t stop = choice == choices ? end : first_boundary + choice * kReadCompletionBoundary;
  return Bytes{std::min(stop, end) - answer.begin};
}

pcie::Tlp ReadAnswers::cut_completion(Answer& answer) {
  if (answer.status != pcie::CompletionStatus::Success) {
    answer.remaining = 0;
    return refusal(answer.request, bridge_.bdf().requester_id(), answer.status);
  }
  pcie::Tlp tlp = refusal(answer.request, bridge_.bdf().requester_id(), pcie::CompletionStatus::Success);
  tlp.kind = pcie::TlpKind::CompletionData;
  tlp.lower_address = static_cast<std::uint8_t>(answer.begin & 0x7f);
  tlp.byte_count = static_cast<std::uint16_t>(answer.remaining);
  std::uint64_t size = 0;
  std::uint64_t begin = answer.begin & ~std::uint64_t{3};
  std::uint64_t end = begin + 4;
  if (answer.remaining == 0) {
    tlp.byte_count = 1;  // a read of no bytes is answered with one double word (PCIe 5.0, 2.2.5)
  } else {
    size = piece_of(answer).count();
    end = (answer.begin + size + 3) & ~std::uint64_t{3};
  }
  const auto from = answer.data.begin() + static_cast<std::ptrdiff_t>(begin - answer.base);
  tlp.payload.assign(from, from + static_cast<std::ptrdiff_t>(end - begin));
  tlp.length_dw = static_cast<std::uint16_t>((end - begin) / 4);
  answer.begin += size;
  answer.remaining -= size;
  return tlp;
}

void ReadAnswers::drop() {
  answers_.clear();
  kept_back_.reset();
  ++epoch_;
  front_passed_ = 0;
}

}  // namespace holdover::sim
