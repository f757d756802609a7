// SPDX-License-Identifier: MIT
#include "host/kernel/luo/luo.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "host/kernel/errno.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/panic.h"

namespace holdover::host::kernel {
namespace {

using luo_abi::LuoSer;
using luo_abi::SessionSer;

constexpr Bytes kLuoSerSize{sizeof(LuoSer)};

}  // namespace

Luo::Luo(Kho& kho, ConsoleLine console, MarkFunction mark)
    : kho_(kho), console_(std::move(console)), mark_(std::move(mark)), enabled_(kho.enabled()) {
  if (!enabled_) return;
  read_incoming();
  if (create_outgoing() != 0) {
    warn("LUO: no memory for the outgoing state, live update is off");
    enabled_ = false;
  }
}

Luo::~Luo() {
  for (auto session = outgoing_sessions_.rbegin(); session != outgoing_sessions_.rend(); ++session) {
    (*session)->drop_files();
  }
  for (auto session = incoming_list_.rbegin(); session != incoming_list_.rend(); ++session) (*session)->drop_files();
}

void Luo::read_incoming() {
  PhysicalAddress blob;
  Bytes size;
  const int error = kho_.retrieve_subtree(luo_abi::kSubtree, blob, size);
  if (error == ENOENT) return;
  if (error != 0 || size < kLuoSerSize || !kho_.can_restore(blob, kLuoSerSize)) {
    throw Panic("LUO: the handed-over state is too short or was not preserved");
  }
  const auto luo = load<LuoSer>(kho_.pages().dram(), blob.raw());
  if (std::string_view(luo.compatible, sizeof(luo.compatible)).substr(0, luo_abi::kCompatible.size() + 1) !=
      std::string(luo_abi::kCompatible) + '\0') {
    throw Panic("LUO: the handed-over state is not compatible with luo-v5");
  }
  number_ = luo.liveupdate_num;
  incoming_sessions_ = PhysicalAddress{luo.sessions};
  if (luo.flbs != 0) {
    incoming_flbs_ = decode_flbs(kho_.pages().dram(), PhysicalAddress{luo.flbs});
    if (!incoming_flbs_ || !kho_.can_restore(PhysicalAddress{luo.flbs}, kPageSize)) {
      throw Panic("LUO: the handed-over FLB table is broken or was not preserved");
    }
    kho_.restore_free(PhysicalAddress{luo.flbs});
  }
  kho_.restore_free(blob);
}

int Luo::create_outgoing() {
  if (const int error = kho_.alloc_preserve(kLuoSerSize, outgoing_); error != 0) return error;
  if (const int error = kho_.add_subtree(luo_abi::kSubtree, outgoing_, kLuoSerSize); error != 0) {
    kho_.unpreserve_free(outgoing_, kLuoSerSize);
    return error;
  }
  session_blocks_.emplace(kho_, sizeof(SessionSer));
  write_header(PhysicalAddress{0});
  return 0;
}

void Luo::write_header(PhysicalAddress flbs) {
  LuoSer luo{};
  std::ranges::copy(luo_abi::kCompatible, luo.compatible);
  luo.liveupdate_num = number_ + 1;
  luo.sessions = session_blocks_->first().raw();
  luo.flbs = flbs.raw();
  store(kho_.pages().dram(), outgoing_.raw(), luo);
}

int Luo::register_handler(FileHandler& handler) {
  if (!enabled_) return EOPNOTSUPP;
  for (const auto callback : {FileCallback::CanPreserve, FileCallback::Preserve, FileCallback::Unpreserve,
                              FileCallback::Retrieve, FileCallback::Finish}) {
    if (!handler.has(callback)) return EINVAL;
  }
  const std::string_view compatible = handler.compatible();
  if (compatible.empty() || compatible.size() >= luo_abi::kCompatibleBytes) return EINVAL;
  const auto taken = [&](const FileHandler* other) { return other->compatible() == compatible; };
  if (std::any_of(handlers_.begin(), handlers_.end(), taken)) return EEXIST;
  handlers_.push_back(&handler);
  return 0;
}

FileHandler* Luo::find_handler(const KernelFile& file) const {
  const auto found = std::find_if(handlers_.begin(), handlers_.end(),
                                  [&](const FileHandler* handler) { return handler->can_preserve(file); });
  return found == handlers_.end() || (*found)->going_away() ? nullptr : *found;
}

int Luo::unregister_handler(FileHandler& handler) {
  if (!enabled_) return EOPNOTSUPP;
  const auto found = std::find(handlers_.begin(), handlers_.end(), &handler);
  if (found == handlers_.end()) return ENOENT;
  const auto uses = [&](const std::unique_ptr<LuoSession>& session) {
    return std::any_of(session->files_.begin(), session->files_.end(),
                       [&](const LuoSession::Entry& entry) { return entry.handler == &handler; });
  };
  if (std::any_of(outgoing_sessions_.begin(), outgoing_sessions_.end(), uses) ||
      std::any_of(incoming_list_.begin(), incoming_list_.end(), uses)) {
    return EBUSY;
  }
  for (FlbState& state : flbs_) std::erase(state.handlers, &handler);
  handlers_.erase(found);
  return 0;
}

bool Luo::is_preserved(const FileHandler& handler, const KernelFile& file) const {
  const void* const identity = handler.identity(file);
  for (const auto& session : outgoing_sessions_) {
    for (const LuoSession::Entry& entry : session->files_) {
      if (entry.handler->identity(*entry.state.file) == identity) return true;
    }
  }
  return false;
}

int Luo::open() {
  if (!enabled_) return ENOENT;
  if (open_) return EBUSY;
  if (!deserialized_) {
    deserialized_ = true;
    deserialize_error_ = deserialize();
    if (deserialize_error_ != 0) warn("LUO: the incoming sessions cannot be deserialized, a reboot is the recovery");
  }
  if (deserialize_error_ != 0) return EIO;
  open_ = true;
  return 0;
}

void Luo::close() { open_ = false; }

int Luo::deserialize() {
  if (incoming_sessions_.raw() == 0) return 0;
  const std::span<const std::byte> dram = kho_.pages().dram();
  const auto sessions = decode_sessions(dram, incoming_sessions_);
  auto session_set = BlockSet::restore(kho_, incoming_sessions_, sizeof(SessionSer));
  if (!sessions || !session_set || session_set->size() != sessions->size()) return EINVAL;
  for (std::size_t index = 0; index < sessions->size(); ++index) {
    const auto files = load<SessionSer>(session_set->entry(index), 0).files;
    auto file_set = BlockSet::restore(kho_, PhysicalAddress{files}, sizeof(luo_abi::FileSer));
    if (!file_set) return EINVAL;
    file_set->release();
    const HandedSession& handed = (*sessions)[index];
    const auto same_name = [&](const std::unique_ptr<LuoSession>& other) { return other->name() == handed.name; };
    if (std::any_of(incoming_list_.begin(), incoming_list_.end(), same_name)) return EEXIST;
    std::unique_ptr<LuoSession> session(new LuoSession(*this, handed.name, true));
    for (const HandedFile& file : handed.files) {
      const auto handler = std::find_if(handlers_.begin(), handlers_.end(), [&](const FileHandler* candidate) {
        return candidate->compatible() == file.compatible;
      });
      if (handler == handlers_.end() || (*handler)->going_away()) return ENOENT;
      session->files_.push_back({*handler, FileState{nullptr, file.token, file.handle, 0, nullptr}});
    }
    incoming_list_.push_back(std::move(session));
  }
  session_set->release();
  return 0;
}

int Luo::create_session(const std::string& name, LuoSession*& session) {
  if (!enabled_) return EOPNOTSUPP;
  if (frozen_) return kNeverReturns;
  if (name.empty() || name.size() >= luo_abi::kNameBytes || name.find('\0') != std::string::npos) return EINVAL;
  const auto taken = [&](const std::unique_ptr<LuoSession>& other) { return other->name() == name; };
  if (std::any_of(outgoing_sessions_.begin(), outgoing_sessions_.end(), taken)) return EEXIST;
  if (const int error = session_blocks_->resize(outgoing_sessions_.size() + 1); error != 0) return error;
  write_header(PhysicalAddress{0});
  outgoing_sessions_.emplace_back(new LuoSession(*this, name, false));
  session = outgoing_sessions_.back().get();
  mark(pcie::Step::SessionCreated, outgoing_sessions_.size());
  return 0;
}

int Luo::retrieve_session(const std::string& name, LuoSession*& session) {
  if (!enabled_) return EOPNOTSUPP;
  if (frozen_) return kNeverReturns;
  const auto found = std::find_if(incoming_list_.begin(), incoming_list_.end(),
                                  [&](const std::unique_ptr<LuoSession>& other) { return other->name() == name; });
  if (found == incoming_list_.end()) return ENOENT;
  if ((*found)->retrieved_) return EINVAL;
  (*found)->retrieved_ = true;
  (*found)->retrieved_as_ = ++retrieved_sessions_;
  session = found->get();
  mark(pcie::Step::SessionRetrieved, session->files_.size());
  return 0;
}

void Luo::forget(const LuoSession& session) {
  const auto same = [&](const std::unique_ptr<LuoSession>& other) { return other.get() == &session; };
  if (session.is_incoming()) {
    incoming_list_.remove_if(same);
  } else {
    outgoing_sessions_.remove_if(same);
    session_blocks_->shrink(outgoing_sessions_.size());
    write_header(PhysicalAddress{0});
  }
  mark(pcie::Step::SessionClosed, outgoing_sessions_.size());
}

int Luo::freeze() {
  if (!enabled_) return 0;
  if (frozen_) return kNeverReturns;
  int error = 0;
  auto next = outgoing_sessions_.begin();
  for (; next != outgoing_sessions_.end() && error == 0; ++next) error = (*next)->freeze();
  // A session whose freeze failed has unfrozen its own files.
  if (error != 0) --next;
  if (error == 0) error = serialize();
  if (error != 0) {
    while (next != outgoing_sessions_.begin()) {
      --next;
      (*next)->unfreeze((*next)->files_.size());
    }
    mark(pcie::Step::FreezeFailed, static_cast<std::uint64_t>(error));
    return error;
  }
  frozen_ = true;
  std::uint64_t files = 0;
  for (const auto& session : outgoing_sessions_) files += session->files_.size();
  mark(pcie::Step::FreezeSucceeded, files);
  return 0;
}

int Luo::serialize() {
  std::size_t index = 0;
  for (const auto& session : outgoing_sessions_) {
    SessionSer entry{};
    std::ranges::copy(session->name(), entry.name);
    entry.files = session->blocks_.first().raw();
    entry.count = session->files_.size();
    store(session_blocks_->entry(index++), 0, entry);
  }
  return serialize_flbs();
}

std::vector<const LuoSession*> Luo::outgoing() const {
  std::vector<const LuoSession*> sessions;
  for (const auto& session : outgoing_sessions_) sessions.push_back(session.get());
  return sessions;
}

std::vector<const LuoSession*> Luo::incoming() const {
  std::vector<const LuoSession*> sessions;
  for (const auto& session : incoming_list_) sessions.push_back(session.get());
  return sessions;
}

void Luo::mark(pcie::Step step, std::uint64_t value) const {
  if (mark_) mark_(step, value);
}

void Luo::warn(const std::string& sentence) const {
  if (console_) console_(sentence);
}

}  // namespace holdover::host::kernel
