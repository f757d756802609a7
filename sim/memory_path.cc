// SPDX-License-Identifier: MIT
#include "sim/memory_path.h"

#include <algorithm>
#include <utility>

#include "sim/routing.h"

namespace holdover::sim {
namespace {

// Argument of an event: kind 1:0, slot 31:2, epoch 63:32.
constexpr std::uint64_t kWriteEvent = 0;
constexpr std::uint64_t kReadEvent = 1;
constexpr std::uint64_t kKindMask = 3;

constexpr Bytes kMessageWindowSize = 1_MiB;

constexpr std::string_view kOutsideReason = "the address lies outside memory";
constexpr std::string_view kPoisonedReason = "the data is poisoned";
constexpr std::string_view kMessageReason = "a message is one aligned double word";

}  // namespace

MemoryPath::MemoryPath(const MemoryServices& services, const Disturbance& disturbance, Time late, Random random,
                       Bridge& bridge, Channel& down, HostSide& host)
    : services_(services),
      disturbance_(disturbance),
      late_(late),
      random_(random),
      bridge_(bridge),
      host_(host),
      answers_(services.scheduler, services.faults, disturbance_, random_, bridge, down) {}

bool MemoryPath::is_message(const pcie::Tlp& tlp) {
  const std::uint64_t window = kPlatformMap.msi_window.raw();
  return tlp.kind == pcie::TlpKind::MemoryWrite && tlp.address >= window &&
         tlp.address < window + kMessageWindowSize.count();
}

Translation MemoryPath::look_up(const pcie::Tlp& tlp) {
  return services_.iommu.translate(services_.scheduler.now(), tlp.requester, Iova{tlp.address},
                                   tlp.kind == pcie::TlpKind::MemoryWrite);
}

// Translates on arrival, so that the walk has taken place by the time of the access; the access itself translates
// again, and finds what the unit's caches say then.
void MemoryPath::accept(Packet packet) {
  const Time now = services_.scheduler.now();
  if (pcie::is_completion(packet.tlp.kind)) {
    if (committed_ == accepted_) {
      host_.on_completion(packet.tlp);
    } else {
      held_.push_back(Held{std::move(packet.tlp), accepted_});
    }
    return;
  }
  Translation early;
  early.outcome = Translation::Outcome::Bypassed;
  if (!is_message(packet.tlp) && !packet.tlp.poisoned) early = look_up(packet.tlp);
  const bool faulted = early.outcome == Translation::Outcome::Faulted;
  const Time walk = kWalkStep * early.reads;
  if (packet.tlp.kind == pcie::TlpKind::MemoryWrite) {
    ++accepted_;
    const Time latency = disturbance_.delay ? random_.between(Time{0}, disturbance_.write_latency_max) : Time{0};
    const Time due = now + walk + latency;
    writes_.push_back(Write{std::move(packet), due, faulted});
    arm();
    return;
  }
  std::size_t slot = reads_.size();
  if (free_.empty()) {
    reads_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  const bool late = draw_late();
  reads_[slot] = Read{std::move(packet), accepted_, faulted, late ? now + late_ : now, late, {}};
  const Time latency = walk + read_latency();
  services_.scheduler.at(now + latency, *this, kReadEvent | (slot << 2) | (std::uint64_t{epoch_} << 32));
}

bool MemoryPath::draw_late() {
  constexpr std::uint64_t kOneIn = 64;
  const Time now = services_.scheduler.now();
  if (late_ == Time{0} || now < next_late_ || random_.below(kOneIn) != 0) return false;
  next_late_ = now + late_ * kLateSpacing;
  return true;
}

Time MemoryPath::read_latency() {
  if (!disturbance_.delay) return disturbance_.read_latency_min;
  return random_.between(disturbance_.read_latency_min, disturbance_.read_latency_max);
}

void MemoryPath::arm() {
  if (armed_ || writes_.empty()) return;
  armed_ = true;
  services_.scheduler.at(std::max(services_.scheduler.now(), writes_.front().due), *this, kWriteEvent);
}

void MemoryPath::on_event(std::uint64_t argument) {
  if ((argument & kKindMask) == kWriteEvent) {
    armed_ = false;
    while (!writes_.empty() && writes_.front().due <= services_.scheduler.now()) commit_oldest();
    arm();
    return;
  }
  const auto slot = static_cast<std::size_t>((argument & 0xffff'ffff) >> 2);
  if (static_cast<std::uint32_t>(argument >> 32) != epoch_) return;
  if (committed_ < reads_[slot].after) {
    waiting_.push_back(slot);
    return;
  }
  serve(slot);
}

void MemoryPath::commit_oldest() {
  const Write write = std::move(writes_.front());
  writes_.pop_front();
  deliver(write);
  ++committed_;
  release_waiting();
}

void MemoryPath::deliver(const Write& write) {
  const Packet& packet = write.packet;
  const Time now = services_.scheduler.now();
  if (packet.tlp.poisoned) {
    services_.witness.on_request_refused(now, packet.origin, bridge_.identity().index, packet.tlp, kPoisonedReason);
    return;
  }
  if (is_message(packet.tlp)) {
    deliver_message(packet);
    return;
  }
  if (write.faulted) return;
  const Translation to = look_up(packet.tlp);
  if (to.outcome == Translation::Outcome::Faulted) return;
  FaultAction action = FaultAction::Pass;
  if (!services_.faults.idle()) action = services_.faults.at_posted_write(now, packet.origin);
  if (action == FaultAction::Drop) return;
  const bool translated = to.outcome == Translation::Outcome::Translated;
  store(packet, to.address, translated);
  if (action == FaultAction::Repeat) store(packet, to.address, translated);
}

void MemoryPath::deliver_message(const Packet& packet) {
  const Time now = services_.scheduler.now();
  const pcie::Tlp& tlp = packet.tlp;
  if (tlp.length_dw != 1 || tlp.first_be != 0xf) {
    services_.witness.on_request_refused(now, packet.origin, bridge_.identity().index, tlp, kMessageReason);
    return;
  }
  std::uint32_t data = 0;
  for (unsigned i = 0; i < 4; ++i) data |= std::to_integer<std::uint32_t>(tlp.payload[i]) << (8 * i);
  const RemappedMessage message = services_.iommu.remap_message(now, tlp.requester, tlp.address, data);
  MessageOutcome outcome = MessageOutcome::Blocked;
  if (message.vector) {
    const bool dropped =
        !services_.faults.idle() && services_.faults.at_message(now, packet.origin) == FaultAction::Drop;
    if (dropped) return;
    outcome = services_.interrupts.accept(*message.vector);
  }
  services_.witness.on_message(now, tlp.requester, tlp.address, data, message.vector.value_or(0), outcome);
}

void MemoryPath::store(const Packet& packet, PhysicalAddress address, bool translated) {
  const Time now = services_.scheduler.now();
  const pcie::Tlp& tlp = packet.tlp;
  if (services_.recorder != nullptr) services_.recorder->settle(now);
  if (!services_.memory.write(address, tlp.payload, tlp.first_be, tlp.last_be)) {
    services_.witness.on_request_refused(now, packet.origin, bridge_.identity().index, tlp, kOutsideReason);
    bridge_.note_error(pcie::config::kAerUnsupported, tlp, false);
    return;
  }
  if (services_.recorder != nullptr) services_.recorder->request_took_effect(now, packet.origin, tlp);
  const std::uint64_t skip = pcie::first_byte_address(tlp) - tlp.address;
  const auto size = static_cast<std::size_t>(pcie::enabled_bytes(tlp).count());
  MemoryAccess access;
  access.time = now;
  access.endpoint = packet.origin;
  access.requester = tlp.requester;
  access.write = true;
  access.iova = Iova{tlp.address + skip};
  access.address = address + Bytes{skip};
  access.translated = translated;
  access.size = Bytes{size};
  access.data = std::span<const std::byte>{tlp.payload}.subspan(static_cast<std::size_t>(skip), size);
  // Holes between enabled bytes (PCIe 5.0, 2.2.5) are rare: only then is there a list.
  const auto selected = [&](std::size_t i) {
    const std::size_t byte = i + static_cast<std::size_t>(skip);
    if (byte < 4) return (tlp.first_be >> byte & 1) != 0;
    if (byte / 4 + 1 == tlp.length_dw) return (tlp.last_be >> (byte % 4) & 1) != 0;
    return true;
  };
  const auto check_ends = [&] {
    for (std::size_t i = 0; i < std::min<std::size_t>(size, 4); ++i) {
      if (!selected(i) || !selected(size - 1 - i)) return true;
    }
    return false;
  };
  if (size <= enabled_.size() && check_ends()) {
    for (std::size_t i = 0; i < size; ++i) enabled_[i] = selected(i);
    access.enabled = std::span<const bool>{enabled_.data(), size};
  }
  services_.witness.on_memory_access(access);
}

void MemoryPath::serve(std::size_t slot) {
  Read& read = reads_[slot];
  const pcie::Tlp& request = read.packet.tlp;
  read.to = read.faulted ? Translation{} : look_up(request);
  if (read.to.outcome == Translation::Outcome::Faulted) {
    finish(slot, std::nullopt);
    return;
  }
  std::vector<std::byte> data(request.length_dw * 4u);
  const ReadTicket ticket{this, slot | std::uint64_t{epoch_} << 32};
  switch (services_.memory.read(read.to.address, data, ticket)) {
    case RequestMemory::Answer::Done:
      finish(slot, std::move(data));
      return;
    case RequestMemory::Answer::Unsupported:
      finish(slot, std::nullopt);
      return;
    case RequestMemory::Answer::Later:
      return;
  }
}

MemoryPath::Read* MemoryPath::waiting_read(std::uint64_t number) {
  // Nobody waits where the link went down.
  if (static_cast<std::uint32_t>(number >> 32) != epoch_) return nullptr;
  return &reads_.at(static_cast<std::size_t>(number & 0xffff'ffff));
}

void MemoryPath::on_read(std::uint64_t number, std::span<const std::byte> data) {
  const Read* const read = waiting_read(number);
  if (read == nullptr) return;
  HOLDOVER_CHECK(data.size() == read->packet.tlp.length_dw * 4u);
  finish(static_cast<std::size_t>(number & 0xffff'ffff), std::vector<std::byte>(data.begin(), data.end()));
}

void MemoryPath::on_read_refused(std::uint64_t number) {
  if (waiting_read(number) == nullptr) return;
  finish(static_cast<std::size_t>(number & 0xffff'ffff), std::nullopt);
}

void MemoryPath::finish(std::size_t slot, std::optional<std::vector<std::byte>> data) {
  Read& read = reads_[slot];
  std::optional<pcie::Tlp> unsupported;
  if (data) {
    answer(read, pcie::CompletionStatus::Success, std::move(*data));
  } else {
    const pcie::Tlp& request = read.packet.tlp;
    if (read.to.outcome != Translation::Outcome::Faulted) {
      services_.witness.on_request_refused(services_.scheduler.now(), read.packet.origin, bridge_.identity().index,
                                           request, kOutsideReason);
      unsupported = request;
    }
    answer(read, pcie::CompletionStatus::UnsupportedRequest, {});
  }
  read.packet = Packet{};
  free_.push_back(slot);
  // Last: an error may take the link down, and every read with it. Answered, so advisory (PCIe 5.0, 6.2.3.2.4.1).
  if (unsupported) bridge_.note_error(pcie::config::kAerUnsupported, *unsupported, true);
  pump();
}

void MemoryPath::answer(Read& read, pcie::CompletionStatus status, std::vector<std::byte> data) {
  if (status == pcie::CompletionStatus::Success) {
    const pcie::Tlp& request = read.packet.tlp;
    const std::uint64_t first = pcie::first_byte_address(request);
    const Bytes size = pcie::enabled_bytes(request);
    if (services_.recorder != nullptr) {
      services_.recorder->settle(services_.scheduler.now());
      services_.recorder->request_took_effect(services_.scheduler.now(), read.packet.origin, request);
    }
    const auto skip = static_cast<std::size_t>(first - request.address);
    MemoryAccess access;
    access.time = services_.scheduler.now();
    access.endpoint = read.packet.origin;
    access.requester = request.requester;
    access.iova = Iova{first};
    access.address = read.to.address + Bytes{skip};
    access.translated = read.to.outcome == Translation::Outcome::Translated;
    access.size = size;
    access.data = std::span<const std::byte>{data}.subspan(skip, static_cast<std::size_t>(size.count()));
    services_.witness.on_memory_access(access);
  }
  if (read.late) {
    answers_.keep_back(std::move(read.packet), status, std::move(data), read.answered);
  } else {
    answers_.add(std::move(read.packet), status, std::move(data));
  }
}

void MemoryPath::release_waiting() {
  while (!held_.empty() && held_.front().after <= committed_) {
    const Held held = std::move(held_.front());
    held_.pop_front();
    host_.on_completion(held.completion);
  }
  for (std::size_t i = 0; i < waiting_.size();) {
    const std::size_t slot = waiting_[i];
    if (reads_[slot].after > committed_) {
      ++i;
      continue;
    }
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    serve(slot);
  }
}

void MemoryPath::drop_answers() {
  answers_.drop();
  waiting_.clear();
  ++epoch_;
  free_.clear();
  reads_.clear();
}

}  // namespace holdover::sim
