// SPDX-License-Identifier: MIT
// One session file descriptor of LUO, outgoing or incoming. Owned by Luo; close() ends the caller's use of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/kernel/kho/block_set.h"
#include "host/kernel/luo/file_handler.h"
#include "pcie/instrument.h"

namespace holdover::host::kernel {

class Luo;

class LuoSession {
 public:
  LuoSession(const LuoSession&) = delete;
  LuoSession& operator=(const LuoSession&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_incoming() const { return incoming_; }
  [[nodiscard]] std::size_t file_count() const { return files_.size(); }

  // Every verb is kNeverReturns after a successful Luo::freeze().

  // Outgoing (else EINVAL). EEXIST: token used; ENOMEM, ENOSPC: no room; EBADF: no file; ENOENT: no handler, or
  // the first that takes the file is going away; EBUSY: preserved already; else the error of an FLB or of the handler.
  // Everything before the failing step is undone.
  [[nodiscard]] int preserve(KernelFile* file, std::uint64_t token);
  // Incoming (else EINVAL). ENOENT: unknown token; else the handler's error, for ever. A second success is the same
  // file.
  [[nodiscard]] int retrieve(std::uint64_t token, KernelFile*& file);
  // Incoming (else EINVAL). EBUSY: a file is not ready, nothing was finished. Else in reverse order of preservation.
  [[nodiscard]] int finish();
  // Closes the descriptor; the session must not be used afterwards. Outgoing: unpreserves all files in reverse order
  // and forgets the session. Incoming: finish(); where that is refused the files stay held until the next boot. After a
  // successful Luo::freeze() a close never comes to its end: nothing happens.
  void close();

 private:
  friend class Luo;

  struct Entry {
    FileHandler* handler = nullptr;
    FileState state;
  };

  LuoSession(Luo& luo, std::string name, bool incoming);
  void unpreserve_files();
  void mark_retrieve(pcie::Step step, std::uint64_t token, int error) const;
  [[nodiscard]] int freeze();
  void unfreeze(std::size_t count);
  // The kernel is gone: nothing is undone, the files are only let go.
  void drop_files();

  Luo& luo_;
  std::string name_;
  bool incoming_;
  bool retrieved_ = false;
  std::uint64_t retrieved_as_ = 0;  // 1 for the first session that was retrieved
  std::vector<Entry> files_;
  BlockSet blocks_;
};

}  // namespace holdover::host::kernel
