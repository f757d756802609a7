// SPDX-License-Identifier: MIT
// The client's end of a vfio-user connection: one request at a time, and the answers to what the server asks meanwhile.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/backend/linux/system_calls.h"
#include "vfio_user/message_socket.h"
#include "vfio_user/version.h"

namespace holdover::host {

// Memory that the server reaches by messages. 0 or an errno.
class DmaTarget {
 public:
  [[nodiscard]] virtual int dma_read(std::uint64_t address, std::span<std::byte> data) = 0;
  [[nodiscard]] virtual int dma_write(std::uint64_t address, std::span<const std::byte> data) = 0;

 protected:
  ~DmaTarget() = default;
};

// Whatever throws Error{Refused} has the errno of the server's reply. Everything throws Error{PeerDied} where the
// server is gone, makes no sense, leaves a request unanswered for kPatience, whatever it asks itself meanwhile, or asks
// for more than kMostWaiting.
class VfioUserConnection {
 public:
  static constexpr std::chrono::milliseconds kPatience{30'000};
  // Bytes of answers that the server does not take, or of commands that wait for resume().
  static constexpr std::size_t kMostWaiting = 16 << 20;

  // Connects and agrees on version and capabilities. Throws as vfio_user::connect_to() does. Of `calls`, which outlive
  // the connection, only the clock is used.
  VfioUserConnection(const std::filesystem::path& socket, SystemCalls& calls);
  // One on which that was done, by a predecessor in this process or before an execve. What the server asks is kept
  // until resume(): its questions are about memory that is yet to be found again.
  VfioUserConnection(FileDescriptor socket, const vfio_user::Capabilities& server, SystemCalls& calls);

  void resume();
  // Who answers DMA_READ and DMA_WRITE; null: nobody, they are refused.
  void set_target(DmaTarget* target) { target_ = target; }
  [[nodiscard]] const vfio_user::Capabilities& server() const { return server_; }

  // Errnos are thrown as Error{Refused}, with `call` in the sentence: «to reset the device».
  [[nodiscard]] std::vector<std::byte> request(vfio_user::Command command, std::span<const std::byte> body,
                                               const std::string& call, std::span<const int> descriptors = {});
  void read_region(std::uint32_t region, std::uint64_t offset, std::span<std::byte> data);
  struct RegionPart {
    std::uint32_t region = 0;
    std::uint64_t offset = 0;
    std::span<std::byte> data;
  };
  // One after the other, asked for in one piece: a server that takes up what is there finds them all.
  void read_regions(std::span<const RegionPart> parts);
  void write_region(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data);
  // Answers what the server asks, for so long, and one question at least where there is any.
  void serve(std::chrono::nanoseconds duration);

  [[nodiscard]] int descriptor() const { return socket_.descriptor(); }
  // The connection lives on without this object, whose last call this is: between two messages, with nothing unsent.
  [[nodiscard]] FileDescriptor release();

 private:
  using Message = vfio_user::Message;
  // The next message; nothing where there is none before `end` (SystemCalls::now()).
  [[nodiscard]] std::optional<Message> receive(std::chrono::nanoseconds end);
  // The reply to a command that was sent, be it an error.
  [[nodiscard]] Message await(const vfio_user::Header& header, const std::string& call, std::chrono::nanoseconds end);
  static void require(const Message& reply, const std::string& call);
  [[nodiscard]] vfio_user::Header next_header(vfio_user::Command command);
  void take_command(Message command);
  void answer(const Message& command);
  [[noreturn]] void give_up(const std::string& why) const;

  SystemCalls& calls_;
  vfio_user::MessageSocket socket_;
  vfio_user::Capabilities server_;
  DmaTarget* target_ = nullptr;
  bool keeping_ = false;
  std::vector<Message> kept_;
  std::size_t kept_bytes_ = 0;
  std::uint16_t next_id_ = 0;
};

}  // namespace holdover::host
