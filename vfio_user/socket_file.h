// SPDX-License-Identifier: MIT
// The file by which a server is reached.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "pcie/file_descriptor.h"

namespace holdover::vfio_user {

// A listening socket with mode 0600 and its file, which this object removes as long as it is its own.
class ListeningSocket {
 public:
  // Replaces a socket on which nobody listens; of several that begin at once one wins. Throws Error{Unavailable} where
  // another server listens there, where something that is no socket has the name, or where the place refuses it;
  // Error{InvalidArgument} for a path that is too long for a socket.
  explicit ListeningSocket(const std::filesystem::path& path);
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  ~ListeningSocket();

  [[nodiscard]] int descriptor() const { return socket_.number(); }
  // A client that waits, non-blocking; nothing where there is none.
  [[nodiscard]] std::optional<FileDescriptor> accept();

 private:
  void remove_own() const;

  std::filesystem::path path_;
  FileDescriptor socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Throws Error{NotFound} where there is no such socket, Error{Unavailable} where nobody listens or the socket may not
// be opened, Error{InvalidArgument} as above.
[[nodiscard]] FileDescriptor connect_to(const std::filesystem::path& path);

}  // namespace holdover::vfio_user
