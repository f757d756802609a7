// SPDX-License-Identifier: MIT
#include "host/backend/vfio_user/sessions.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "host/backend/refusal.h"
#include "host/backend/vfio_user/objects.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

constexpr std::size_t kLongestName = 63;

HeldFile held(File& file) {
  HeldFile held;
  if (const auto* const memory = dynamic_cast<VfioUserMemory*>(&file)) held.memory = memory->file();
  if (const auto* const space = dynamic_cast<VfioUserAddressSpace*>(&file)) held.space = space->file();
  if (const auto* const device = dynamic_cast<VfioUserDevice*>(&file)) held.device = device->file();
  return held;
}

// Adds a value to a list and gives its index; that of an equal one where there is one.
template <typename T>
std::size_t index_in(std::vector<T>& list, const T& value) {
  const auto found = std::find(list.begin(), list.end(), value);
  if (found != list.end()) return static_cast<std::size_t>(found - list.begin());
  list.push_back(value);
  return list.size() - 1;
}

}  // namespace

SessionTable::Entry* SessionTable::find(std::vector<Entry>& entries, const std::string& name) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& each) { return each.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

int SessionTable::create(const std::string& name) {
  if (name.empty() || name.size() > kLongestName) return EINVAL;
  if (find(outgoing_, name) != nullptr) return EEXIST;
  outgoing_.push_back({name, {}, true});
  return 0;
}

int SessionTable::retrieve(const std::string& name) {
  Entry* const entry = find(incoming_, name);
  if (entry == nullptr) return ENOENT;
  if (std::exchange(entry->retrieved, true)) return EINVAL;
  return 0;
}

bool SessionTable::is_preserved(const HeldFile& file) const {
  return std::any_of(outgoing_.begin(), outgoing_.end(), [&](const Entry& entry) {
    return std::any_of(entry.files.begin(), entry.files.end(), [&](const File& each) { return each.held == file; });
  });
}

int SessionTable::preserve(const std::string& session, const HeldFile& file, std::uint64_t token) {
  Entry* const entry = find(outgoing_, session);
  if (entry == nullptr) return EINVAL;
  if (std::any_of(entry->files.begin(), entry->files.end(), [&](const File& each) { return each.token == token; })) {
    return EEXIST;
  }
  if (file == HeldFile{}) return ENOENT;
  if (is_preserved(file)) return EBUSY;
  if (file.space && !file.space->mark) return EINVAL;
  // A device goes with the mappings that it is attached to.
  if (file.device && file.device->space() && !file.device->space()->preserved) return EINVAL;
  if (file.space) file.space->preserved = true;
  entry->files.push_back({token, file, false});
  return 0;
}

int SessionTable::retrieve(const std::string& session, std::uint64_t token, CarriedState::Kind kind, HeldFile& file) {
  Entry* const entry = find(incoming_, session);
  if (entry == nullptr) return EINVAL;
  const auto found =
      std::find_if(entry->files.begin(), entry->files.end(), [&](const File& each) { return each.token == token; });
  if (found == entry->files.end()) return ENOENT;
  const HeldFile& held = found->held;
  const bool fits = kind == CarriedState::Kind::Memory  ? held.memory != nullptr
                    : kind == CarriedState::Kind::Space ? held.space != nullptr
                                                        : held.device != nullptr;
  if (!fits) return EINVAL;
  found->retrieved = true;
  file = held;
  return 0;
}

int SessionTable::finish(const std::string& session) {
  Entry* const entry = find(incoming_, session);
  if (entry == nullptr) return EINVAL;
  for (const File& file : entry->files) {
    if (file.held.device && (!file.retrieved || file.held.device->space() == nullptr)) return EBUSY;
  }
  incoming_.erase(incoming_.begin() + (entry - incoming_.data()));
  return 0;
}

void SessionTable::unpreserve(Entry& entry) {
  for (File& file : entry.files) {
    if (file.held.space) file.held.space->preserved = false;
  }
}

void SessionTable::close_outgoing(const std::string& session) {
  if (era_.over) return;
  Entry* const entry = find(outgoing_, session);
  if (entry == nullptr) return;
  unpreserve(*entry);
  outgoing_.erase(outgoing_.begin() + (entry - outgoing_.data()));
}

void SessionTable::close_incoming(const std::string& session) {
  if (era_.over) return;
  // One that cannot be finished stays, and can be retrieved no more.
  static_cast<void>(finish(session));
}

bool SessionTable::holds_device() const {
  return std::any_of(incoming_.begin(), incoming_.end(), [](const Entry& entry) {
    return std::any_of(entry.files.begin(), entry.files.end(),
                       [](const File& file) { return file.held.device != nullptr; });
  });
}

void SessionTable::clear() {
  outgoing_.clear();
  incoming_.clear();
}

std::shared_ptr<DeviceFile> SessionTable::adopt(const CarriedState& state, pcie::Bdf bdf) {
  std::vector<std::shared_ptr<MemfdMemory>> memories;
  for (const int number : state.memories) {
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
      throw Error(ErrorCode::Corrupt, "memory of the predecessor is missing: descriptor " + std::to_string(number) +
                                          " is not open; start without a predecessor");
    }
    memories.push_back(MemfdMemory::adopt(era_.calls, Descriptor{era_.calls, number}));
  }
  std::vector<std::shared_ptr<SpaceFile>> spaces;
  for (const CarriedState::Space& each : state.spaces) {
    auto space = std::make_shared<SpaceFile>(era_);
    for (const CarriedState::Map& map : each.maps) {
      space->adopt(map.iova, {map.size, memories.at(map.memory), map.offset, map.device_writes});
    }
    spaces.push_back(std::move(space));
  }
  std::shared_ptr<DeviceFile> device;
  if (state.device) {
    device = std::make_shared<DeviceFile>(era_, bdf);
    if (state.device->space) device->attach_in_force(spaces.at(*state.device->space));
    if (state.device->interrupts) device->adopt_interrupts();
  }
  for (const CarriedState::Session& each : state.sessions) {
    Entry entry{each.name, {}, false};
    for (const CarriedState::File& file : each.files) {
      HeldFile held;
      if (file.kind == CarriedState::Kind::Memory) held.memory = memories.at(file.index);
      if (file.kind == CarriedState::Kind::Space) held.space = spaces.at(file.index);
      if (file.kind == CarriedState::Kind::Device) held.device = device;
      entry.files.push_back({file.token, held, false});
    }
    incoming_.push_back(std::move(entry));
  }
  return device;
}

int SessionTable::freeze(CarriedState& state) const {
  std::vector<std::shared_ptr<MemfdMemory>> memories;
  std::vector<std::shared_ptr<SpaceFile>> spaces;
  std::shared_ptr<DeviceFile> device;
  for (const Entry& entry : outgoing_) {
    for (const File& file : entry.files) {
      if (file.held.memory) (void)index_in(memories, file.held.memory);
      if (file.held.space) (void)index_in(spaces, file.held.space);
      if (file.held.device) device = file.held.device;
    }
  }
  for (const auto& space : spaces) {
    CarriedState::Space& carried = state.spaces.emplace_back();
    carried.attached = space->attached();
    for (const auto& [iova, mapping] : space->mappings()) {
      const auto memory = std::find(memories.begin(), memories.end(), mapping.memory);
      if (memory == memories.end()) return EINVAL;
      carried.maps.push_back({iova, mapping.size, static_cast<std::size_t>(memory - memories.begin()), mapping.offset,
                              mapping.device_writes});
    }
  }
  for (const Entry& entry : outgoing_) {
    CarriedState::Session& session = state.sessions.emplace_back();
    session.name = entry.name;
    for (const File& file : entry.files) {
      CarriedState::File carried{file.token, CarriedState::Kind::Device, 0};
      if (file.held.memory) carried = {file.token, CarriedState::Kind::Memory, index_in(memories, file.held.memory)};
      if (file.held.space) carried = {file.token, CarriedState::Kind::Space, index_in(spaces, file.held.space)};
      session.files.push_back(carried);
    }
  }
  if (device) {
    CarriedState::Device& carried = state.device.emplace();
    if (device->space()) carried.space = index_in(spaces, device->space());
    carried.interrupts = device->interrupts_enabled();
  }
  for (const auto& memory : memories) {
    state.memories.push_back(::fcntl(memory->descriptor(), F_DUPFD, 3));
    if (state.memories.back() < 0) return errno;
  }
  return 0;
}

VfioUserSession::~VfioUserSession() {
  if (incoming_) {
    table_.close_incoming(name_);
  } else {
    table_.close_outgoing(name_);
  }
}

void VfioUserSession::preserve(File& file, std::uint64_t token) {
  check_errno(table_.preserve(name_, held(file), token), "to preserve a file under token " + std::to_string(token));
}

HeldFile VfioUserSession::retrieve(std::uint64_t token, CarriedState::Kind kind) {
  HeldFile file;
  check_errno(table_.retrieve(name_, token, kind, file), "to retrieve the file under token " + std::to_string(token));
  return file;
}

std::unique_ptr<Memory> VfioUserSession::retrieve_memory(std::uint64_t token) {
  return std::make_unique<VfioUserMemory>(retrieve(token, CarriedState::Kind::Memory).memory);
}

std::unique_ptr<AddressSpace> VfioUserSession::retrieve_address_space(std::uint64_t token) {
  return std::make_unique<VfioUserAddressSpace>(retrieve(token, CarriedState::Kind::Space).space);
}

std::unique_ptr<Device> VfioUserSession::retrieve_device(std::uint64_t token) {
  return std::make_unique<VfioUserDevice>(retrieve(token, CarriedState::Kind::Device).device);
}

void VfioUserSession::finish() { check_errno(table_.finish(name_), "to finish the session"); }

std::unique_ptr<Session> VfioUserLiveUpdate::create_session(const std::string& name) {
  check_errno(table_.create(name), "to create the session «" + name + "»");
  return std::make_unique<VfioUserSession>(table_, name, false);
}

std::unique_ptr<Session> VfioUserLiveUpdate::retrieve_session(const std::string& name) {
  check_errno(table_.retrieve(name), "to retrieve the session «" + name + "»");
  return std::make_unique<VfioUserSession>(table_, name, true);
}

}  // namespace holdover::host
