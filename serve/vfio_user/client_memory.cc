// SPDX-License-Identifier: MIT
#include "serve/vfio_user/client_memory.h"

#include <cerrno>
#include <utility>

#include "pcie/error.h"

namespace holdover::serve {

void ClientMemory::connect(ClientMessages& messages, std::uint64_t max_mappings) {
  HOLDOVER_CHECK(messages_ == nullptr);
  messages_ = &messages;
  max_mappings_ = max_mappings;
}

void ClientMemory::disconnect() {
  messages_ = nullptr;
  mappings_.clear();
  refuse_reads();
  reads_.clear();
  writes_.clear();
}

int ClientMemory::map(const vfio_user::DmaMap& request, int descriptor) {
  const std::uint64_t last = request.address + (request.size - 1);
  if (request.address < kInterruptWindow + kInterruptWindowBytes && last >= kInterruptWindow) return EINVAL;
  const auto above = mappings_.upper_bound(request.address);
  if (above != mappings_.end() && above->first <= last) return EEXIST;
  if (above != mappings_.begin() && std::prev(above)->second.last >= request.address) return EEXIST;
  if (mappings_.size() >= max_mappings_) return ENOSPC;
  Mapping mapping{last, request.flags, std::nullopt};
  if (descriptor >= 0 && SharedMemory::can_map(descriptor)) {
    const bool writable = (request.flags & vfio_user::kDmaMapWrite) != 0;
    mapping.memory = SharedMemory::map(descriptor, request.offset, request.size, writable);
    if (!mapping.memory) return errno;
  }
  mappings_.emplace(request.address, std::move(mapping));
  return 0;
}

int ClientMemory::unmap(std::uint64_t address, std::uint64_t size) {
  const std::uint64_t last = address + (size - 1);
  const auto begin = mappings_.lower_bound(address);
  const auto end = mappings_.upper_bound(last);
  const bool cuts_first = begin != mappings_.begin() && std::prev(begin)->second.last >= address;
  const bool cuts_last = begin != end && std::prev(end)->second.last > last;
  if (cuts_first || cuts_last) return EINVAL;
  if (begin == end) return ENOENT;
  forget_reads(address, last);
  mappings_.erase(begin, end);
  return 0;
}

void ClientMemory::unmap_all() {
  refuse_reads();
  mappings_.clear();
}

ClientMemory::Mappings::value_type* ClientMemory::find(std::uint64_t address, std::size_t size,
                                                       std::uint32_t permission) {
  const auto above = mappings_.upper_bound(address);
  if (above == mappings_.begin()) return nullptr;
  const auto found = std::prev(above);
  const bool inside = found->second.last >= address && found->second.last - address >= size - 1;
  return inside && (found->second.flags & permission) != 0 ? &*found : nullptr;
}

sim::RequestMemory::Answer ClientMemory::read(PhysicalAddress address, std::span<std::byte> data,
                                              sim::ReadTicket ticket) {
  Mappings::value_type* const mapping = find(address.raw(), data.size(), vfio_user::kDmaMapRead);
  if (mapping == nullptr) {
    ++refused_;
    return Answer::Unsupported;
  }
  if (mapping->second.memory) {
    if (mapping->second.memory->read(address.raw() - mapping->first, data)) return Answer::Done;
    ++refused_;
    return Answer::Unsupported;
  }
  if (hasty_) {
    ++refused_;
    return Answer::Unsupported;
  }
  const std::uint64_t number = next_++;
  reads_.emplace(number, WaitingRead{address.raw(), data.size(), ticket, std::nullopt});
  ++reads_waiting_;
  messages_->send_dma_read(number, address.raw(), data.size());
  return Answer::Later;
}

bool ClientMemory::put(Mappings::value_type& mapping, std::uint64_t address, std::span<const std::byte> data) {
  if (data.empty()) return true;
  if (mapping.second.memory) return mapping.second.memory->write(address - mapping.first, data);
  const std::uint64_t number = next_++;
  writes_.insert(number);
  messages_->send_dma_write(number, address, data);
  return true;
}

bool ClientMemory::write(PhysicalAddress address, std::span<const std::byte> data, unsigned first_be,
                         unsigned last_be) {
  Mappings::value_type* const mapping = find(address.raw(), data.size(), vfio_user::kDmaMapWrite);
  if (mapping == nullptr) {
    ++refused_;
    return false;
  }
  const std::size_t last = data.size() - 4;
  const auto enabled = [&](std::size_t at) {
    if (at < 4) return (first_be >> at & 1) != 0;
    return at < last || (last_be >> (at - last) & 1) != 0;
  };
  bool written = true;
  // One piece, but for holes between enabled bytes, which are rare.
  for (std::size_t at = 0; at < data.size();) {
    std::size_t end = at;
    while (end < data.size() && enabled(end)) end = end >= 4 && end < last ? last : end + 1;
    written = put(*mapping, address.raw() + at, data.subspan(at, end - at)) && written;
    at = end + 1;
  }
  if (!written) ++refused_;
  return written;
}

bool ClientMemory::read_answered(std::uint64_t number, std::optional<std::span<const std::byte>> data) {
  const auto found = reads_.find(number);
  if (found == reads_.end()) return false;
  const WaitingRead read = found->second;
  reads_.erase(found);
  if (read.ticket.waiter == nullptr) return true;
  --reads_waiting_;
  const bool whole = data && data->size() == read.size;
  if (!whole) ++refused_;
  if (whole) {
    read.ticket.waiter->on_read(read.ticket.number, *data);
  } else {
    read.ticket.waiter->on_read_refused(read.ticket.number);
  }
  return true;
}

bool ClientMemory::write_answered(std::uint64_t number, bool success) {
  if (writes_.erase(number) == 0) return false;
  if (!success) ++refused_;
  return true;
}

void ClientMemory::refuse_reads() { forget_reads(0, ~std::uint64_t{0}); }

// Answers may still come for them.
void ClientMemory::forget_reads(std::uint64_t first, std::uint64_t last) {
  std::vector<sim::ReadTicket> tickets;
  for (auto& [number, read] : reads_) {
    if (read.address < first || read.address > last || read.ticket.waiter == nullptr) continue;
    tickets.push_back(std::exchange(read.ticket, sim::ReadTicket{}));
  }
  refuse(tickets);
}

void ClientMemory::refuse_overdue_reads(Time now, Time patience) {
  if (reads_waiting_ == 0) return;
  std::vector<sim::ReadTicket> tickets;
  for (auto& [number, read] : reads_) {
    if (read.ticket.waiter == nullptr) continue;
    if (!read.since) read.since = now;
    if (now - *read.since >= patience) tickets.push_back(std::exchange(read.ticket, sim::ReadTicket{}));
  }
  refuse(tickets);
}

void ClientMemory::refuse(const std::vector<sim::ReadTicket>& tickets) {
  reads_waiting_ -= tickets.size();
  for (const sim::ReadTicket& ticket : tickets) {
    ++refused_;
    ticket.waiter->on_read_refused(ticket.number);
  }
}

}  // namespace holdover::serve
