// SPDX-License-Identifier: MIT
#include "vfio_user/socket_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "pcie/error.h"

namespace holdover::vfio_user {
namespace {

constexpr int kBacklog = 4;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::Unavailable, "the socket " + path.string() + " " + what);
}

std::string reason() { return std::strerror(errno); }

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty()) throw Error(ErrorCode::InvalidArgument, "the path of the socket is empty; name a file");
  if (text.size() >= sizeof address.sun_path) {
    throw Error(ErrorCode::InvalidArgument, "the socket path «" + text + "» has " + std::to_string(text.size()) +
                                                " characters and may have 1 to " +
                                                std::to_string(sizeof address.sun_path - 1) + "; choose a shorter one");
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

FileDescriptor make_socket(const std::filesystem::path& path, int flags) {
  FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)};
  if (socket.number() < 0) refuse(path, "cannot be made: " + reason());
  return socket;
}

// Whether somebody listens on the socket that has this name.
bool is_live(const std::filesystem::path& path, const sockaddr_un& address) {
  // A server whose backlog is full listens as well.
  const FileDescriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (probe.number() < 0) refuse(path, "cannot be tried: " + reason());
  if (::connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  return errno != ECONNREFUSED && errno != ENOENT;
}

// Servers that begin or end at a path of this folder do so one after the other: between a look at a file and what is
// done to it nobody else changes it.
class Turn {
 public:
  explicit Turn(const std::filesystem::path& path)
      : folder_(::open(path.has_parent_path() ? path.parent_path().c_str() : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (folder_.number() < 0) {
      refuse(path, "cannot be made: " + reason() + "; choose a folder that exists, and can be read and written");
    }
    for (int tries = 0; ::flock(folder_.number(), LOCK_EX | LOCK_NB) != 0; ++tries) {
      if (errno != EWOULDBLOCK && errno != EINTR) refuse(path, "cannot be made: its folder: " + reason());
      if (tries == kMostTries) refuse(path, "cannot be made: another program keeps its folder locked");
      std::this_thread::sleep_for(kBetweenTries);
    }
  }

 private:
  static constexpr int kMostTries = 5000;
  static constexpr std::chrono::milliseconds kBetweenTries{1};

  FileDescriptor folder_;
};

void remove_stale(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return;
    refuse(path, "cannot be made there: " + reason());
  }
  if (!S_ISSOCK(found.st_mode))
    refuse(path, "cannot be made: the name belongs to something that is no socket; choose another");
  if (is_live(path, address)) refuse(path, "is in use by another server; choose another, or end that server");
  if (::unlink(path.c_str()) != 0) refuse(path, "is left over from another server and cannot be removed: " + reason());
}

}  // namespace

ListeningSocket::ListeningSocket(const std::filesystem::path& path) : path_(path) {
  const sockaddr_un address = address_of(path);
  const Turn turn{path};
  remove_stale(path, address);
  socket_ = make_socket(path, SOCK_NONBLOCK);
  // Nobody but the owner, from the first moment that the file is there: bind() takes the mode of the socket's inode.
  if (::fchmod(socket_.number(), S_IRUSR | S_IWUSR) != 0) refuse(path, "cannot be made: " + reason());
  if (::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    refuse(path, "cannot be made: " + reason() + "; choose a folder that exists and can be written");
  }
  struct stat made {};
  if (::lstat(path.c_str(), &made) == 0) {
    device_ = made.st_dev;
    inode_ = made.st_ino;
  }
  if (::listen(socket_.number(), kBacklog) != 0) {
    static_cast<void>(::unlink(path.c_str()));
    refuse(path, "cannot be listened on: " + reason());
  }
}

ListeningSocket::~ListeningSocket() {
  try {
    const Turn turn{path_};
    remove_own();
  } catch (const Error&) {
    remove_own();  // without a turn, rather than not at all
  }
}

void ListeningSocket::remove_own() const {
  struct stat found {};
  const bool ours = ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
  if (ours) static_cast<void>(::unlink(path_.c_str()));
}

std::optional<FileDescriptor> ListeningSocket::accept() {
  const int number = ::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (number < 0) return std::nullopt;
  return FileDescriptor{number};
}

FileDescriptor connect_to(const std::filesystem::path& path) {
  const sockaddr_un address = address_of(path);
  FileDescriptor socket = make_socket(path, 0);
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT) {
      throw Error(ErrorCode::NotFound, "there is no socket " + path.string() +
                                           "; start a server with `holdover serve --socket " + path.string() + "`");
    }
    if (errno == ECONNREFUSED) refuse(path, "has no server behind it; start one with `holdover serve`");
    refuse(path, "cannot be opened: " + reason());
  }
  return socket;
}

}  // namespace holdover::vfio_user
