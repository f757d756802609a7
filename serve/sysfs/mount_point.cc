// SPDX-License-Identifier: MIT
#include "serve/sysfs/mount_point.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "pcie/error.h"

namespace holdover::serve {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ErrorCode::Unavailable, sentence); }

bool in_search_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

void require_fuse() {
  const int descriptor = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (descriptor >= 0) {
    close(descriptor);
  } else if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
    refuse("nothing can be mounted: /dev/fuse is not there; load the kernel module fuse, or give it to the container");
  } else {
    refuse(std::string("nothing can be mounted: /dev/fuse cannot be opened (") + std::strerror(errno) + ")");
  }
  if (geteuid() != 0 && !in_search_path("fusermount3")) {
    refuse("nothing can be mounted: fusermount3 is not there, which users other than root need; install fuse3");
  }
}

}  // namespace

void require_mount_point(const std::filesystem::path& directory) {
  const std::string name = "«" + directory.string() + "»";
  struct statx found {};
  if (statx(AT_FDCWD, directory.c_str(), AT_NO_AUTOMOUNT, STATX_TYPE, &found) != 0) {
    if (errno == ENOENT) refuse(name + " is not there; make the directory first");
    if (errno == ENOTCONN) refuse(name + " is what a killed server left; `fusermount3 -u` cleans it");
    refuse(name + " cannot be looked at (" + std::strerror(errno) + ")");
  }
  if (!S_ISDIR(found.stx_mode)) refuse(name + " is no directory; name an empty one");
  if ((found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
    refuse("something is mounted on " + name + " already; `fusermount3 -u` ends that, or name another directory");
  }
  std::error_code error;
  const bool empty = std::filesystem::is_empty(directory, error);
  if (error) refuse(name + " cannot be read (" + error.message() + ")");
  if (!empty) refuse(name + " is not empty; name an empty directory");
  require_fuse();
}

}  // namespace holdover::serve
