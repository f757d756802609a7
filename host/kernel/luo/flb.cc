// SPDX-License-Identifier: MIT
// The part of LUO that keeps file-lifecycle-bound data: one count per direction, moved by files and by explicit users.
#include <algorithm>
#include <cerrno>
#include <string_view>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/luo/luo.h"

namespace holdover::host::kernel {

int Luo::register_flb(FileHandler& handler, Flb& flb) {
  if (!enabled_) return EOPNOTSUPP;
  for (const auto callback :
       {FlbCallback::Preserve, FlbCallback::Unpreserve, FlbCallback::Retrieve, FlbCallback::Finish}) {
    if (!flb.has(callback)) return EINVAL;
  }
  const std::string_view compatible = flb.compatible();
  if (compatible.empty() || compatible.size() >= luo_abi::kCompatibleBytes) return EINVAL;
  if (std::find(handlers_.begin(), handlers_.end(), &handler) == handlers_.end()) return EINVAL;
  FlbState* state = find_flb(flb);
  if (state != nullptr && belongs(*state, handler)) return EEXIST;
  if (state == nullptr || state->handlers.empty()) {
    const auto registered = [](const FlbState& other) { return !other.handlers.empty(); };
    const auto taken = [&](const FlbState& other) {
      return registered(other) && other.flb->compatible() == compatible;
    };
    if (std::any_of(flbs_.begin(), flbs_.end(), taken)) return EEXIST;
    const auto count = std::count_if(flbs_.begin(), flbs_.end(), registered);
    if (static_cast<std::uint64_t>(count) == luo_abi::kMaxFlbs) return ENOSPC;
    if (state == nullptr) state = &add_flb(flb);
  }
  state->handlers.push_back(&handler);
  return 0;
}

int Luo::unregister_flb(FileHandler& handler, Flb& flb) {
  if (!enabled_) return EOPNOTSUPP;
  FlbState* const state = find_flb(flb);
  if (state == nullptr || std::erase(state->handlers, &handler) == 0) return ENOENT;
  return 0;
}

Luo::FlbState& Luo::add_flb(Flb& flb) {
  FlbState state;
  state.flb = &flb;
  flbs_.push_back(state);
  return flbs_.back();
}

Luo::FlbState* Luo::find_flb(const Flb& flb) {
  const auto found = std::find_if(flbs_.begin(), flbs_.end(), [&](const FlbState& state) { return state.flb == &flb; });
  return found == flbs_.end() ? nullptr : &*found;
}

std::uint64_t Luo::outgoing_count(const Flb& flb) const {
  const FlbState* const state = find_flb(flb);
  return state == nullptr ? 0 : state->outgoing_count;
}

std::uint64_t Luo::incoming_count(const Flb& flb) const {
  const FlbState* const state = find_flb(flb);
  return state == nullptr ? 0 : state->incoming_count;
}

int Luo::get_outgoing(Flb& flb) {
  if (!enabled_) return EOPNOTSUPP;
  FlbState* const state = find_flb(flb);
  if (state == nullptr || state->outgoing_count == 0) return ENOENT;
  ++state->outgoing_count;
  return 0;
}

void Luo::put_outgoing(Flb& flb) {
  FlbState* const state = find_flb(flb);
  HOLDOVER_CHECK(state != nullptr);
  put_outgoing(*state);
}

void Luo::put_outgoing(FlbState& state) {
  HOLDOVER_CHECK(state.outgoing_count != 0);
  if (--state.outgoing_count != 0) return;
  state.flb->unpreserve(state.outgoing_data);
  mark(pcie::Step::FlbUnpreserved, number_of(state));
}

int Luo::get_outgoing_flbs(FileHandler& handler) {
  for (std::size_t index = 0; index < flbs_.size(); ++index) {
    FlbState& state = flbs_[index];
    if (!belongs(state, handler)) continue;
    int error = 0;
    if (state.outgoing_count == 0) error = state.flb->going_away() ? ENODEV : state.flb->preserve(state.outgoing_data);
    if (error == 0) {
      if (state.outgoing_count++ == 0) mark(pcie::Step::FlbPreserved, index);
      continue;
    }
    while (index-- > 0) {
      if (belongs(flbs_[index], handler)) put_outgoing(flbs_[index]);
    }
    return error;
  }
  return 0;
}

void Luo::put_outgoing_flbs(FileHandler& handler) {
  for (auto state = flbs_.rbegin(); state != flbs_.rend(); ++state) {
    if (belongs(*state, handler)) put_outgoing(*state);
  }
}

bool Luo::belongs(const FlbState& state, const FileHandler& handler) {
  return std::find(state.handlers.begin(), state.handlers.end(), &handler) != state.handlers.end();
}

std::uint64_t Luo::number_of(const FlbState& state) const { return static_cast<std::uint64_t>(&state - flbs_.data()); }

std::uint64_t Luo::flbs_of(const FileHandler& handler) const {
  std::uint64_t mask = 0;
  for (std::size_t index = 0; index < flbs_.size(); ++index) {
    if (belongs(flbs_[index], handler)) mask |= std::uint64_t{1} << index;
  }
  return mask;
}

int Luo::get_incoming(Flb& flb) {
  if (!enabled_) return EOPNOTSUPP;
  if (!incoming_flbs_) return ENODATA;
  FlbState* state = find_flb(flb);
  if (state == nullptr) state = &add_flb(flb);
  if (state->incoming_finished) return ENODATA;
  if (state->incoming_error != 0) return state->incoming_error;
  if (!state->incoming_ready) {
    const auto entry = std::find_if(incoming_flbs_->begin(), incoming_flbs_->end(),
                                    [&](const HandedFlb& handed) { return handed.name == flb.compatible(); });
    if (entry == incoming_flbs_->end()) return ENOENT;
    if (flb.going_away()) return ENODEV;
    state->incoming_error = flb.retrieve(entry->data);
    if (state->incoming_error != 0) return state->incoming_error;
    state->incoming_ready = true;
    state->incoming_data = entry->data;
    state->incoming_count = entry->count;
    mark(pcie::Step::FlbRetrieved, number_of(*state));
  }
  ++state->incoming_count;
  return 0;
}

void Luo::put_incoming(Flb& flb) {
  FlbState* const state = find_flb(flb);
  HOLDOVER_CHECK(state != nullptr);
  put_incoming(*state);
}

void Luo::put_incoming(FlbState& state) {
  // Nobody asked for the object before the first file was finished: its count was never set, and its finish never runs.
  if (state.incoming_count == 0) {
    warn("LUO: the count of FLB " + std::string(state.flb->compatible()) + " underflows");
    return;
  }
  if (--state.incoming_count != 0) return;
  state.incoming_ready = false;
  state.incoming_finished = true;
  state.flb->finish(state.incoming_data);
  mark(pcie::Step::FlbFinished, number_of(state));
}

void Luo::put_incoming_flbs(FileHandler& handler) {
  for (auto state = flbs_.rbegin(); state != flbs_.rend(); ++state) {
    if (belongs(*state, handler)) put_incoming(*state);
  }
}

int Luo::serialize_flbs() {
  std::uint64_t count = 0;
  for (const FlbState& state : flbs_) count += state.outgoing_count != 0 ? 1 : 0;
  if (count == 0) {
    write_header(PhysicalAddress{0});
    return 0;
  }
  if (flb_page_.raw() == 0) {
    if (const int error = kho_.alloc_preserve(kPageSize, flb_page_); error != 0) return error;
  }
  const std::span<std::byte> page = kho_.pages().bytes(flb_page_, kPageSize);
  store(page, 0, luo_abi::FlbHeader{1, count});
  std::uint64_t offset = sizeof(luo_abi::FlbHeader);
  for (const FlbState& state : flbs_) {
    if (state.outgoing_count == 0) continue;
    luo_abi::FlbSer entry{};
    std::ranges::copy(state.flb->compatible(), entry.name);
    entry.data = state.outgoing_data;
    entry.count = state.outgoing_count;
    store(page, offset, entry);
    offset += sizeof(entry);
  }
  write_header(flb_page_);
  return 0;
}

}  // namespace holdover::host::kernel
