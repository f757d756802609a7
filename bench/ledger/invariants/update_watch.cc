// SPDX-License-Identifier: MIT
#include "bench/ledger/invariants/update_watch.h"

#include <algorithm>
#include <utility>

#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;
using pcie::Step;

}  // namespace

void UpdateWatch::on_mark(const Scene::Mark& mark) {
  if (mark.kernel != kernel_) {
    kernel_ = mark.kernel;
    entered_ = mark.time;
    handed_ = std::exchange(outgoing_, 0);
    booted_ = false;
    incoming_ = false;
  }
  const auto bit_of = [this](std::uint64_t id) -> std::uint32_t {
    const auto function = scene_.function_at(static_cast<pcie::RequesterId>(id));
    if (!function || scene_.functions()[*function].kind != sim::FunctionKind::Endpoint) return 0;
    return 1u << scene_.functions()[*function].endpoint;
  };
  switch (mark.step) {
    case Step::FunctionPreserved:
      outgoing_ |= bit_of(mark.value);
      break;
    case Step::FunctionUnpreserved:
      outgoing_ &= ~bit_of(mark.value);
      break;
    case Step::FunctionIncoming:
      incoming_ = true;
      break;
    case Step::Panic:
      if (after_panic_) break;
      if (mark.kernel != 0 && handed_ != 0) record_.judged(12);
      after_panic_ = AfterPanic{mark.time, 0, mark.time, 0};
      strays_before_ = memory_.stray_accesses();
      break;
    case Step::Begin:
      judge_boot(mark);
      break;
    default:
      break;
  }
}

void UpdateWatch::judge_boot(const Scene::Mark& mark) {
  if (booted_ || mark.kernel == 0 || mark.phase <= pcie::Phase::Enumerate) return;
  booted_ = true;
  if (handed_ == 0) return;
  record_.judged(12);
  if (incoming_) return;
  for (unsigned endpoint = 0; endpoint < last_request_.size(); ++endpoint) {
    if (((handed_ >> endpoint) & 1) == 0 || last_request_[endpoint] < entered_) continue;
    normal_boots_.push_back({mark.kernel, mark.time,
                             kernel_name(mark.kernel) + " booted as if nothing had been handed over, while " +
                                 scene_.describe(scene_.function_of(endpoint)) + " did DMA"});
    return;
  }
}

void UpdateWatch::on_jump(Time time, const HandoverImage& image) {
  if (!image.live_update) return;
  record_.judged(14);
  const std::uint64_t number = image.live_update->number;
  if (number != number_ + 1) {
    record_.misbooked(14, time,
                      kernel_name(kernel_) + " hands over as live update " + std::to_string(number) + ", and " +
                          std::to_string(number_ + 1) + " is the next");
  }
  number_ = number;
}

void UpdateWatch::on_config_write(const sim::ConfigWrite& write) {
  const std::uint32_t judged = scene_.endpoints_below(write.function) & scene_.judged_endpoints();
  if (!scene_.window_open() || judged == 0) return;
  const ConfigShadow& shadow = config_.shadow(write.function);
  if (!shadow.bridge() || !shadow.express() || write.offset != *shadow.express() + config::kExpressLinkControl) return;
  const bool low_byte = (write.byte_enables & 1) != 0;
  if (!low_byte || (write.written & config::kLinkControlRetrain) == 0) return;
  record_.broken(14, Check::Handover, write.time, std::nullopt,
                 "the link below " + scene_.describe(write.function) + " was told to retrain");
}

void UpdateWatch::on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp) {
  if (tlp.kind != pcie::TlpKind::MemoryRead && tlp.kind != pcie::TlpKind::MemoryWrite) return;
  last_request_.at(endpoint) = time;
  if (!after_panic_) return;
  ++after_panic_->requests;
  after_panic_->last = time;
}

// Where the agent was told that there is no session, check 9 says so already.
void UpdateWatch::on_end() {
  for (const NormalBoot& boot : normal_boots_) {
    const auto told = [&boot](const Scene::Mark& mark) {
      return mark.kernel == boot.kernel && mark.step == Step::NoHandover;
    };
    if (std::any_of(scene_.marks().begin(), scene_.marks().end(), told)) {
      record_.broken_as_found(12, boot.time, boot.sentence);
    } else {
      record_.broken(12, Check::Handover, boot.time, std::nullopt, boot.sentence);
    }
  }
}

std::optional<AfterPanic> UpdateWatch::after_panic() const {
  std::optional<AfterPanic> after = after_panic_;
  if (after) after->strays = memory_.stray_accesses() - strays_before_;
  return after;
}

}  // namespace holdover::bench
