// SPDX-License-Identifier: MIT
// Messages over a stream socket that never waits: what has not come yet is asked for again, what the peer does not take
// yet is kept.
//
// A header is read by itself. Descriptors belong to the message in whose bytes they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "vfio_user/message.h"

namespace holdover::vfio_user {

class MessageSocket {
 public:
  struct Limits {
    std::size_t body = 0;         // bytes
    std::size_t descriptors = 0;  // of one message
  };

  // Owns the descriptor, and makes it non-blocking.
  MessageSocket(FileDescriptor socket, Limits limits);

  [[nodiscard]] int descriptor() const { return socket_.number(); }
  // For an execve: the connection lives on without this object. Nothing may be unsent or half received.
  [[nodiscard]] FileDescriptor release();
  void set_limits(Limits limits) { limits_ = limits; }

  enum class Status {
    Complete,  // message() is one
    Wait,      // nothing more has come
    Closed,    // the peer has closed its end between two messages, or its end is gone
    // The stream makes no sense from here on. `header()` says what was begun.
    Truncated,           // it ended inside a message
    BadSize,             // a size below that of the header
    TooLarge,            // a body above the limit
    BadType,             // neither command nor reply
    TooManyDescriptors,  // above the limit, or more than this process can have open
  };
  // Reads on. After any of the last six the socket is to be closed.
  [[nodiscard]] Status receive();
  [[nodiscard]] const Header& header() const { return incoming_.header; }
  // Of the last receive() that was Complete.
  [[nodiscard]] Message take() { return std::exchange(complete_, Message{}); }
  // Whether a message was begun.
  [[nodiscard]] bool half_received() const { return received_ > 0; }

  // Sends, or keeps what the peer does not take now. `header.size` is filled in. Descriptors stay the caller's, and
  // duplicates are kept where needed.
  void send(Header header, std::span<const std::byte> body, std::span<const int> descriptors = {});
  // The same for several without descriptors, in one piece: up to 16 KiB of it are there for the peer at once.
  void send_together(const std::vector<Message>& messages);
  // Sends what was kept, as far as the peer takes it; false where the peer is gone.
  bool flush();
  [[nodiscard]] std::size_t unsent() const { return unsent_; }
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  struct Outgoing {
    std::vector<std::byte> bytes;
    std::size_t sent = 0;
    std::vector<FileDescriptor> descriptors;  // go with the first byte
  };

  static void put(Outgoing& out, Header header, std::span<const std::byte> body);
  void send(Outgoing out);

  // Bytes read, 0 at the end, negative where there are none now or the socket is broken (errno).
  [[nodiscard]] long read_some(std::span<std::byte> into);
  [[nodiscard]] std::optional<Status> check_header() const;

  FileDescriptor socket_;
  Limits limits_;
  Message incoming_;
  std::size_t received_ = 0;  // bytes of header and body
  bool descriptors_lost_ = false;
  Message complete_;
  std::deque<Outgoing> outgoing_;
  std::size_t unsent_ = 0;
  bool broken_ = false;
};

}  // namespace holdover::vfio_user
