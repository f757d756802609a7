// SPDX-License-Identifier: MIT
#include "serve/sysfs/fuse_mount.h"

#define FUSE_USE_VERSION 31
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/kernel/sysfs/file.h"
#include "pcie/error.h"

namespace holdover::serve {

namespace sysfs = host::kernel::sysfs;

class FuseMount::Session {
 public:
  Session(const sysfs::Tree& tree, const std::filesystem::path& directory, Guard guard);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] int descriptor() const { return fuse_session_fd(fuse_get_session(fuse_)); }
  [[nodiscard]] bool serve();

  // ---- Requests: 0 or more, or a negative errno, as FUSE has it ----
  [[nodiscard]] int attributes(const char* path, struct stat& out) const;
  [[nodiscard]] int target(const char* path, char* buffer, std::size_t size) const;
  [[nodiscard]] int list(const char* path, void* buffer, fuse_fill_dir_t fill) const;
  [[nodiscard]] int open(const char* path, fuse_file_info& file);
  [[nodiscard]] int read(const fuse_file_info& file, std::uint64_t offset, std::span<std::byte> into);
  [[nodiscard]] int write(const fuse_file_info& file, std::uint64_t offset, std::span<const std::byte> from);
  [[nodiscard]] int truncate(const char* path) const;
  void release(const fuse_file_info& file) { open_.erase(file.fh); }

  // Of the request that is being served.
  [[nodiscard]] static Session& current();
  [[nodiscard]] static fuse_operations operations();
  // Runs `request` under the guard; EIO, and the reason kept, where that throws.
  template <typename Request>
  [[nodiscard]] int guarded(const Request& request);

 private:
  const sysfs::Tree& tree_;
  Guard guard_;
  std::map<std::uint64_t, sysfs::OpenAttribute> open_;
  std::uint64_t next_handle_ = 1;
  std::exception_ptr failure_;
  struct fuse* fuse_ = nullptr;
  fuse_buf request_{};
};

namespace {

// What the library says instead of returning it.
std::string& last_words() {
  static std::string words;
  return words;
}

void keep_words(fuse_log_level, const char* format, va_list arguments) {
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string& words = last_words();
  words = line.data();
  while (!words.empty() && words.back() == '\n') words.pop_back();
}

}  // namespace

template <typename Request>
int FuseMount::Session::guarded(const Request& request) {
  int result = -EIO;
  try {
    guard_([&] { result = request(); });
  } catch (...) {
    failure_ = std::current_exception();
    result = -EIO;
  }
  return result;
}

int FuseMount::Session::attributes(const char* path, struct stat& out) const {
  const std::optional<sysfs::Node> node = tree_.find(path);
  if (!node) return -ENOENT;
  out = {};
  out.st_nlink = 1;
  out.st_uid = geteuid();
  out.st_gid = getegid();
  out.st_blksize = 4096;
  if (std::holds_alternative<sysfs::Folder>(*node)) {
    out.st_mode = S_IFDIR | 0755;
    out.st_nlink = 2;
  } else if (const auto* link = std::get_if<sysfs::Link>(&*node)) {
    out.st_mode = S_IFLNK | 0777;
    out.st_size = static_cast<off_t>(link->target.size());
  } else if (const auto* text = std::get_if<sysfs::Text>(&*node)) {
    out.st_mode = S_IFREG | text->mode;
    out.st_size = 4096;  // a page, as of every text
  } else if (const auto* binary = std::get_if<sysfs::Binary>(&*node)) {
    out.st_mode = S_IFREG | binary->mode;
    out.st_size = static_cast<off_t>(binary->size.count());
  }
  return 0;
}

int FuseMount::Session::target(const char* path, char* buffer, std::size_t size) const {
  const std::optional<sysfs::Node> node = tree_.find(path);
  if (!node) return -ENOENT;
  const auto* link = std::get_if<sysfs::Link>(&*node);
  if (link == nullptr) return -EINVAL;
  std::snprintf(buffer, size, "%s", link->target.c_str());
  return 0;
}

int FuseMount::Session::list(const char* path, void* buffer, fuse_fill_dir_t fill) const {
  const std::optional<sysfs::Node> node = tree_.find(path);
  if (!node) return -ENOENT;
  const auto* folder = std::get_if<sysfs::Folder>(&*node);
  if (folder == nullptr) return -ENOTDIR;
  for (const char* name : {".", ".."}) fill(buffer, name, nullptr, 0, fuse_fill_dir_flags{});
  for (const sysfs::Entry& entry : folder->entries()) {
    fill(buffer, entry.name.c_str(), nullptr, 0, fuse_fill_dir_flags{});
  }
  return 0;
}

int FuseMount::Session::open(const char* path, fuse_file_info& file) {
  std::optional<sysfs::Node> node = tree_.find(path);
  if (!node) return -ENOENT;
  const int access = file.flags & O_ACCMODE;
  if (const int error = sysfs::check_open(*node, access != O_WRONLY, access != O_RDONLY); error != 0) return -error;
  file.fh = next_handle_++;
  file.direct_io = 1;
  open_.emplace(file.fh, sysfs::OpenAttribute(std::move(*node)));
  return 0;
}

int FuseMount::Session::read(const fuse_file_info& file, std::uint64_t offset, std::span<std::byte> into) {
  const sysfs::Transfer transfer = open_.at(file.fh).read(offset, into);
  return transfer.error != 0 ? -transfer.error : static_cast<int>(transfer.bytes);
}

int FuseMount::Session::write(const fuse_file_info& file, std::uint64_t offset, std::span<const std::byte> from) {
  const sysfs::Transfer transfer = open_.at(file.fh).write(offset, from);
  return transfer.error != 0 ? -transfer.error : static_cast<int>(transfer.bytes);
}

// kernfs keeps the size of every attribute, whatever it is set to.
int FuseMount::Session::truncate(const char* path) const {
  const std::optional<sysfs::Node> node = tree_.find(path);
  if (!node) return -ENOENT;
  return std::holds_alternative<sysfs::Folder>(*node) ? -EISDIR : 0;
}

FuseMount::Session& FuseMount::Session::current() { return *static_cast<Session*>(fuse_get_context()->private_data); }

fuse_operations FuseMount::Session::operations() {
  fuse_operations all{};
  all.init = [](fuse_conn_info*, fuse_config* config) -> void* {
    // Nothing of what the tree answers is worth keeping: it may change at any time.
    config->direct_io = 1;
    config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
    return fuse_get_context()->private_data;
  };
  all.getattr = [](const char* path, struct stat* out, fuse_file_info*) {
    return current().guarded([&] { return current().attributes(path, *out); });
  };
  all.readlink = [](const char* path, char* buffer, std::size_t size) {
    return current().guarded([&] { return current().target(path, buffer, size); });
  };
  all.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*, fuse_readdir_flags) {
    return current().guarded([&] { return current().list(path, buffer, fill); });
  };
  all.open = [](const char* path, fuse_file_info* file) {
    return current().guarded([&] { return current().open(path, *file); });
  };
  all.read = [](const char*, char* buffer, std::size_t size, off_t offset, fuse_file_info* file) {
    return current().guarded([&] {
      return current().read(*file, static_cast<std::uint64_t>(offset), {reinterpret_cast<std::byte*>(buffer), size});
    });
  };
  all.write = [](const char*, const char* buffer, std::size_t size, off_t offset, fuse_file_info* file) {
    return current().guarded([&] {
      return current().write(*file, static_cast<std::uint64_t>(offset),
                             {reinterpret_cast<const std::byte*>(buffer), size});
    });
  };
  all.truncate = [](const char* path, off_t, fuse_file_info*) {
    return current().guarded([&] { return current().truncate(path); });
  };
  all.release = [](const char*, fuse_file_info* file) {
    current().release(*file);
    return 0;
  };
  // What sysfs has no operation for, with the errno that the VFS then gives.
  all.create = [](const char*, mode_t, fuse_file_info*) { return -EACCES; };
  all.mknod = [](const char*, mode_t, dev_t) { return -EPERM; };
  all.mkdir = [](const char*, mode_t) { return -EPERM; };
  all.unlink = [](const char*) { return -EPERM; };
  all.rmdir = [](const char*) { return -EPERM; };
  all.symlink = [](const char*, const char*) { return -EPERM; };
  all.rename = [](const char*, const char*, unsigned) { return -EPERM; };
  all.link = [](const char*, const char*) { return -EPERM; };
  // It could keep what is set here; this tree does not.
  all.chmod = [](const char*, mode_t, fuse_file_info*) { return -EPERM; };
  all.chown = [](const char*, uid_t, gid_t, fuse_file_info*) { return -EPERM; };
  all.utimens = [](const char*, const timespec*, fuse_file_info*) { return -EPERM; };
  return all;
}

FuseMount::Session::Session(const sysfs::Tree& tree, const std::filesystem::path& directory, Guard guard)
    : tree_(tree), guard_(std::move(guard)) {
  fuse_set_log_func(keep_words);
  last_words().clear();
  std::array<std::string, 3> words{"holdover", "-o", "fsname=holdover,subtype=holdover,default_permissions"};
  std::array<char*, 3> pointers{words[0].data(), words[1].data(), words[2].data()};
  fuse_args arguments{static_cast<int>(pointers.size()), pointers.data(), 0};
  const fuse_operations all = operations();
  const auto fail = [&directory] {
    throw Error(ErrorCode::Unavailable, "FUSE does not mount «" + directory.string() + "»: " +
                                            (last_words().empty() ? std::string("it does not say why") : last_words()));
  };
  fuse_ = fuse_new(&arguments, &all, sizeof all, this);
  fuse_opt_free_args(&arguments);
  if (fuse_ == nullptr) fail();
  if (fuse_mount(fuse_, directory.c_str()) != 0) {
    fuse_destroy(fuse_);
    fail();
  }
  // A request that was withdrawn between poll() and read() must not be waited for.
  const int flags = fcntl(descriptor(), F_GETFL);
  (void)fcntl(descriptor(), F_SETFL, flags | O_NONBLOCK);
}

FuseMount::Session::~Session() {
  fuse_unmount(fuse_);
  fuse_destroy(fuse_);
  std::free(request_.mem);
}

bool FuseMount::Session::serve() {
  fuse_session* const session = fuse_get_session(fuse_);
  const int size = fuse_session_receive_buf(session, &request_);
  if (size == -EINTR || size == -EAGAIN) return true;
  if (size <= 0) return false;
  fuse_session_process_buf(session, &request_);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  return fuse_session_exited(session) == 0;
}

FuseMount::FuseMount(const sysfs::Tree& tree, const std::filesystem::path& directory, Guard guard)
    : session_(std::make_unique<Session>(tree, directory, std::move(guard))) {}

FuseMount::~FuseMount() = default;

int FuseMount::descriptor() const { return session_->descriptor(); }

bool FuseMount::serve() { return session_->serve(); }

}  // namespace holdover::serve
