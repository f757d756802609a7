// SPDX-License-Identifier: MIT
// A tree of the emulated kernel's sysfs, mounted through FUSE: each request of another program becomes a call on it.
//
// A process that serves a mount must not use it: it would wait for itself.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "host/kernel/sysfs/tree.h"

namespace holdover::serve {

class FuseMount {
 public:
  // Runs what it is given, and may throw in its place.
  using Guard = std::function<void(const std::function<void()>&)>;

  // Mounts at `directory`, for which require_mount_point() has no objection. `tree` outlives it; every access to it
  // goes through `guard`. Throws Error{Unavailable} with what FUSE says.
  FuseMount(const host::kernel::sysfs::Tree& tree, const std::filesystem::path& directory, Guard guard);
  // Unmounts, also while somebody uses it: they see ENOTCONN.
  ~FuseMount();
  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;

  // Readable while a request waits.
  [[nodiscard]] int descriptor() const;
  // Serves the request that waits, if one does. False: somebody has unmounted it. What the guard throws is thrown after
  // the request was answered with EIO.
  [[nodiscard]] bool serve();

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace holdover::serve
