// SPDX-License-Identifier: MIT
#include "host/kernel/luo/session.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "host/kernel/errno.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"
#include "host/kernel/luo/luo.h"

namespace holdover::host::kernel {

LuoSession::LuoSession(Luo& luo, std::string name, bool incoming)
    : luo_(luo), name_(std::move(name)), incoming_(incoming), blocks_(luo.kho_, sizeof(luo_abi::FileSer)) {}

int LuoSession::preserve(KernelFile* file, std::uint64_t token) {
  if (incoming_) return EINVAL;
  if (luo_.frozen_) return kNeverReturns;
  const auto same_token = [&](const Entry& entry) { return entry.state.token == token; };
  if (std::any_of(files_.begin(), files_.end(), same_token)) return EEXIST;
  if (const int error = blocks_.resize(files_.size() + 1); error != 0) return error;

  Entry entry;
  entry.state.file = file;
  entry.state.token = token;
  int error = file == nullptr ? EBADF : 0;
  if (error == 0) {
    file->hold();
    entry.handler = luo_.find_handler(*file);
    if (entry.handler == nullptr) error = ENOENT;
  }
  if (error == 0 && luo_.is_preserved(*entry.handler, *file)) error = EBUSY;
  if (error == 0) error = luo_.get_outgoing_flbs(*entry.handler);
  if (error == 0) {
    error = entry.handler->preserve(entry.state);
    if (error != 0) luo_.put_outgoing_flbs(*entry.handler);
  }
  if (error != 0) {
    if (file != nullptr) file->drop();
    blocks_.shrink(files_.size());
    return error;
  }
  files_.push_back(entry);
  luo_.mark(pcie::Step::FilePreserved, luo_.flbs_of(*entry.handler));
  return 0;
}

int LuoSession::retrieve(std::uint64_t token, KernelFile*& file) {
  if (!incoming_) return EINVAL;
  if (luo_.frozen_) return kNeverReturns;
  const auto entry = std::find_if(files_.begin(), files_.end(),
                                  [&](const Entry& candidate) { return candidate.state.token == token; });
  if (entry == files_.end()) return ENOENT;
  FileState& state = entry->state;
  if (state.retrieve_status == 0) {
    const int error = entry->handler->retrieve(state);
    mark_retrieve(pcie::Step::FileRestored, token, error);
    if (error != 0) {
      state.file = nullptr;
      state.retrieve_status = -error;
    } else {
      HOLDOVER_CHECK(state.file != nullptr);
      state.file->hold();
      state.retrieve_status = 1;
    }
  }
  const int result = state.retrieve_status < 0 ? -state.retrieve_status : 0;
  if (result == 0) file = state.file;
  mark_retrieve(pcie::Step::FileRetrieved, token, result);
  return result;
}

void LuoSession::mark_retrieve(pcie::Step step, std::uint64_t token, int error) const {
  luo_.mark(step, retrieved_as_ << 48 | (token & 0xffff'ffff) << 16 | static_cast<std::uint64_t>(error));
}

int LuoSession::finish() {
  if (!incoming_) return EINVAL;
  if (luo_.frozen_) return kNeverReturns;
  for (const Entry& entry : files_) {
    if (entry.handler->can_finish(entry.state)) continue;
    luo_.mark(pcie::Step::FinishRefused, EBUSY);
    return EBUSY;
  }
  const std::uint64_t files = files_.size();
  while (!files_.empty()) {
    Entry entry = files_.back();
    files_.pop_back();
    entry.handler->finish(entry.state);
    luo_.put_incoming_flbs(*entry.handler);
    if (entry.state.file != nullptr) entry.state.file->drop();
    luo_.mark(pcie::Step::FileFinished, 0);
  }
  luo_.mark(pcie::Step::SessionFinished, files);
  return 0;
}

void LuoSession::close() {
  if (luo_.frozen_) return;
  if (!incoming_) {
    unpreserve_files();
  } else if (finish() != 0) {
    luo_.warn("LUO: session " + name_ + " was closed but cannot be finished, its files stay held until the next boot");
    return;
  }
  luo_.forget(*this);  // destroys the session
}

void LuoSession::unpreserve_files() {
  while (!files_.empty()) {
    Entry entry = files_.back();
    files_.pop_back();
    entry.handler->unpreserve(entry.state);
    luo_.put_outgoing_flbs(*entry.handler);
    entry.state.file->drop();
    luo_.mark(pcie::Step::FileUnpreserved, luo_.flbs_of(*entry.handler));
  }
  blocks_.release();
}

int LuoSession::freeze() {
  for (std::size_t index = 0; index < files_.size(); ++index) {
    Entry& entry = files_[index];
    if (const int error = entry.handler->freeze(entry.state); error != 0) {
      unfreeze(index);
      return error;
    }
    luo_abi::FileSer file{};
    const std::string_view compatible = entry.handler->compatible();
    std::copy(compatible.begin(), compatible.end(), file.compatible);
    file.handle = entry.state.handle;
    file.token = entry.state.token;
    store(blocks_.entry(index), 0, file);
    luo_.mark(pcie::Step::FileFrozen, 0);
  }
  return 0;
}

void LuoSession::unfreeze(std::size_t count) {
  for (std::size_t index = 0; index < count; ++index) {
    files_[index].handler->unfreeze(files_[index].state);
    luo_.mark(pcie::Step::FileUnfrozen, 0);
  }
}

void LuoSession::drop_files() {
  while (!files_.empty()) {
    KernelFile* const file = files_.back().state.file;
    files_.pop_back();
    if (file != nullptr) file->drop();
  }
}

}  // namespace holdover::host::kernel
