// SPDX-License-Identifier: MIT
#include "bench/field/field_witness.h"

#include <algorithm>

#include "bench/ledger/config_rules.h"
#include "host/device/register_block.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::bench {

using pcie::Step;

namespace {

using Write = std::function<void(Bytes offset, unsigned size, std::uint32_t value)>;

void write_errors_back(host::Device& device, const ConfigShadow& function, const Write& write) {
  namespace config = pcie::config;
  const auto write_back = [&](unsigned offset, unsigned size) {
    write(Bytes{offset}, size, device.config_read(Bytes{offset}, size));
  };
  write_back(config::kStatus, 2);
  if (function.express()) write_back(*function.express() + config::kExpressDeviceStatus, 2);
  if (function.aer()) {
    write_back(*function.aer() + config::kAerUncorrectableStatus, 4);
    write_back(*function.aer() + config::kAerCorrectableStatus, 4);
  }
}

// What was reported before the window would hide what is reported in it. The bits are cleared by writing them back. The
// file of a VFIO device takes some of these writes for read-only registers; sysfs does not.
void clear_errors(host::Device& device, host::System* system) {
  const ConfigShadow function = shadow_of(look_at(device));
  write_errors_back(device, function, [&](Bytes offset, unsigned size, std::uint32_t value) {
    device.config_write(offset, size, value);
  });
  if (system == nullptr || error_bits(shadow_of(look_at(device))).empty()) return;
  try {
    write_errors_back(device, function, [&](Bytes offset, unsigned size, std::uint32_t value) {
      system->write_config(device.bdf(), offset, size, value);
    });
  } catch (const Error& error) {
    system->print(std::string("error bits of the function stay set: ") + error.what());
  }
}

}  // namespace

FieldWitness::FieldWitness(FieldState state, std::function<void(const FieldState&)> save, host::System* system)
    : state_(state), save_(std::move(save)), system_(system) {
  observation_.asked = save_ != nullptr;
}

void FieldWitness::open_window(host::EndpointStreams& streams) {
  opened_ = true;
  const std::string bdf = streams.bdf().to_string();
  set_text(state_.bdf, bdf, "the function's address");
  // Cleared by every reset of the function, and by nothing else: where it stays there was none.
  host::RegisterBlock registers(streams.device(), 0);
  registers.write(host::regs::global::kScratch, state_.scratch);
  clear_errors(streams.device(), system_);
  state_.begin = look_at(streams.device());
  state_.jump = state_.begin;
}

void FieldWitness::close_window(host::EndpointStreams& streams) {
  observation_.closed = look_at(streams.device());
  streams.take_interrupts();
  for (unsigned i = 0; i < host::kVectorCount; ++i) heard_[i] = streams.interrupts(i);
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

// Messages that left the endpoint after the update and that nobody heard. A few may still be on their way.
void FieldWitness::listen(host::EndpointStreams& streams) {
  constexpr std::uint32_t kOnTheirWay = 3;
  streams.take_interrupts();
  for (unsigned i = 0; i < host::kVectorCount; ++i) {
    const std::uint32_t sent = observation_.ending->vectors[i].messages - observation_.closed->vectors[i].messages;
    if (sent <= kOnTheirWay || streams.interrupts(i) != heard_[i]) continue;
    observation_.unheard = "vector " + std::to_string(i) + " sent " + std::to_string(sent) +
                           " messages after the update, and the host heard none";
    return;
  }
}

void FieldWitness::on_stop(const host::Streams& all) {
  if (!observation_.closed || all.empty()) return;
  host::EndpointStreams& streams = *all.front();
  observation_.ending = look_at(streams.device());
  observation_.patience = Time{static_cast<std::uint64_t>(streams.layout().patience().count()) * 1000};
  const std::uint64_t from = observation_.closed->writer.sequence;
  const Look& ending = *observation_.ending;
  if (ending.answers != 0 && observation_.closed->answers != 0) listen(streams);
  if (ending.answers == 0 || ending.writer.sequence < from) return;
  // With the last record of the window the deadlines go on from there.
  observation_.late_records = check_records(streams.driver(), from - std::min<std::uint64_t>(from, 1),
                                            ending.writer.sequence, ending.writer.entries, state_.begin.writer.period);
}

void FieldWitness::on_failure(const Error& error, const host::Streams& all) {
  observation_.failure = error.what();
  observation_.failure_code = error.code();
  if (observation_.closed && !observation_.ending) on_stop(all);
  if (stage_2_ && !observation_.found) {
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
