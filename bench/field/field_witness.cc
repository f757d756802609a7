// SPDX-License-Identifier: MIT
#include "bench/field/field_witness.h"

#include <algorithm>

#include "host/device/register_block.h"
#include "pcie/config_space.h"

namespace holdover::bench {

using pcie::Step;

namespace {

// What was reported before the window would hide what is reported in it. The bits are cleared by writing them back.
void clear_errors(host::Device& device) {
  namespace config = pcie::config;
  const auto write_back = [&device](unsigned offset, unsigned size) {
    device.config_write(Bytes{offset}, size, device.config_read(Bytes{offset}, size));
  };
  const ConfigShadow function = shadow_of(look_at(device));
  write_back(config::kStatus, 2);
  if (function.express()) write_back(*function.express() + config::kExpressDeviceStatus, 2);
  if (function.aer()) {
    write_back(*function.aer() + config::kAerUncorrectableStatus, 4);
    write_back(*function.aer() + config::kAerCorrectableStatus, 4);
  }
}

}  // namespace

FieldWitness::FieldWitness(FieldState state, std::function<void(const FieldState&)> save)
    : state_(state), save_(std::move(save)) {
  observation_.asked = save_ != nullptr;
}

void FieldWitness::open_window(host::EndpointStreams& streams) {
  opened_ = true;
  const std::string bdf = streams.bdf().to_string();
  set_text(state_.bdf, bdf, "the function's address");
  // Cleared by every reset of the function, and by nothing else: where it stays there was none.
  host::RegisterBlock registers(streams.device(), 0);
  registers.write(host::regs::global::kScratch, state_.scratch);
  clear_errors(streams.device());
  state_.begin = look_at(streams.device());
  state_.jump = state_.begin;
}

void FieldWitness::close_window(host::EndpointStreams& streams) {
  observation_.closed = look_at(streams.device());
  const Look& closed = *observation_.closed;
  if (closed.answers == 0 || closed.writer.sequence < state_.begin.writer.sequence) return;
  observation_.records = check_records(streams.driver(), state_.begin.writer.sequence, closed.writer.sequence,
                                       closed.writer.entries, state_.begin.writer.period);
}

void FieldWitness::on_mark(pcie::Phase phase, Step step, std::uint64_t value, const host::Streams& all) {
  observation_.phase = phase;
  host::EndpointStreams* const streams = all.empty() ? nullptr : all.front().get();
  switch (step) {
    case Step::WindowBegin:
      if (streams != nullptr && !stage_2_) open_window(*streams);
      break;
    case Step::KexecRefused:
      observation_.refused = static_cast<int>(value);
      if (streams != nullptr) on_function(streams->device());
      break;
    case Step::NoHandover:
      observation_.no_handover = static_cast<int>(value);
      break;
    case Step::MissedMessages:
      observation_.missed_messages += value;
      break;
    case Step::WindowEnd:
      if (streams == nullptr) break;
      if (!observation_.first) on_function(streams->device());
      close_window(*streams);
      break;
    case Step::TrafficStopped:
      if (streams == nullptr) break;
      observation_.stopped = look_at(streams->device());
      observation_.memory = check_memory(*streams);
      break;
    default:
      break;
  }
}

void FieldWitness::on_jump(const host::Streams& all) {
  if (!opened_ || all.empty()) return;
  state_.jump = look_at(all.front()->device());
  save_(state_);
}

void FieldWitness::on_failure(const Error& error, const host::Streams& all) {
  observation_.failure = error.what();
  observation_.failure_code = error.code();
  if (system_ != nullptr && !observation_.found) {
    const std::vector<pcie::Bdf> there = system_->functions();
    observation_.gone = std::find(there.begin(), there.end(), pcie::Bdf::parse(text_of(state_.bdf))) == there.end();
  }
  host::Device* const device = all.empty() ? nullptr : all.front()->file();
  if (device == nullptr || !observation_.asked || (observation_.first && observation_.first->answers != 0)) return;
  // By now the kernel may have made its registers answer.
  on_function(*device);
}

void FieldWitness::on_function(host::Device& device) {
  observation_.found = device.bdf();
  observation_.first = look_at(device);
}

}  // namespace holdover::bench
