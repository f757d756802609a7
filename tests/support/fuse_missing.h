// SPDX-License-Identifier: MIT
// Why nothing can be mounted through FUSE here. Nothing of ours is asked: a mount that fails although all is there is
// a failure of its test, and no reason to skip it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

namespace holdover {

// Empty where all is there.
inline std::string fuse_missing() {
  const int descriptor = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return std::string("/dev/fuse cannot be opened: ") + std::strerror(errno);
  close(descriptor);
  // Anybody else mounts through fusermount3, which has the rights of root.
  if (geteuid() != 0) return access("/usr/bin/fusermount3", X_OK) == 0 ? "" : "fusermount3 is not installed";
  constexpr unsigned kCapSysAdmin = 21;  // linux/capability.h
  std::ifstream status("/proc/self/status");
  std::uint64_t effective = 0;
  for (std::string word; status >> word;) {
    if (word == "CapEff:") status >> std::hex >> effective;
  }
  return ((effective >> kCapSysAdmin) & 1) != 0 ? "" : "this root has no CAP_SYS_ADMIN";
}

}  // namespace holdover
