// SPDX-License-Identifier: MIT
// One client of a server, from its first message to its last. Never waits for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "serve/vfio_user/client_memory.h"
#include "serve/vfio_user/config_view.h"
#include "serve/vfio_user/function.h"
#include "serve/vfio_user/interrupts.h"
#include "vfio_user/message_socket.h"
#include "vfio_user/version.h"

namespace holdover::serve {

// What a server takes. The most descriptors and the most bytes that its clients are known to accept as an answer; a
// region access moves no more than a whole configuration space.
inline constexpr std::uint32_t kMaxDescriptors = 16;
inline constexpr std::uint64_t kMaxTransfer = 4096;
// Below what a process may have (vm.max_map_count, 65530 by default), its own included.
inline constexpr std::uint64_t kMaxMappings = 60000;

class Session final : private ClientMessages, private FunctionListener {
 public:
  // Whoever owns the function passes its events on to listener(). Both outlive the session.
  Session(FileDescriptor socket, Function& function, ClientMemory& memory);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  // The function is reset, and nothing of the client's is left. Does nothing where it said nothing yet.
  ~Session();

  [[nodiscard]] FunctionListener& listener() { return *this; }
  [[nodiscard]] int descriptor() const { return socket_.descriptor(); }
  // For poll().
  [[nodiscard]] short events() const;
  // The client has ended its side, whatever it may have said before that.
  [[nodiscard]] bool abandoned() const;

  // Takes in what has come, until `stop` is set; null: nobody sets it. False: it is over, and ending() says why.
  [[nodiscard]] bool pump(const std::atomic<bool>* stop = nullptr);
  [[nodiscard]] const std::string& ending() const { return ending_; }

  // Version and capabilities are agreed on.
  [[nodiscard]] bool established() const { return established_; }
  // The machine need not stand still until the client has answered.
  [[nodiscard]] bool may_run() const;
  // The machine has run: signals what can be signalled. False where the client leaves too much unanswered.
  [[nodiscard]] bool settle();
  [[nodiscard]] std::uint64_t requests() const { return requests_; }

 private:
  using Message = vfio_user::Message;
  // Of a command: 0 and the body of its reply, or an errno.
  struct Outcome {
    int error = 0;
    std::vector<std::byte> body;
  };

  void send_dma_read(std::uint64_t number, std::uint64_t address, std::uint64_t size) override;
  void send_dma_write(std::uint64_t number, std::uint64_t address, std::span<const std::byte> data) override;
  void on_vector(unsigned vector) override;
  void on_error() override;

  void send_command(vfio_user::Command command, std::uint64_t number, const vfio_user::DmaAccess& access,
                    std::span<const std::byte> data);
  [[nodiscard]] bool listens() const;
  [[nodiscard]] bool end(std::string why);
  [[nodiscard]] bool take(Message message);
  [[nodiscard]] bool take_reply(const Message& message);
  [[nodiscard]] bool negotiate(const Message& message);
  [[nodiscard]] bool refuse_stream(vfio_user::MessageSocket::Status status);
  void reply(const vfio_user::Header& to, const Outcome& outcome);

  [[nodiscard]] Outcome carry_out(Message& message);
  [[nodiscard]] Outcome map(Message& message);
  [[nodiscard]] Outcome unmap(const Message& message);
  [[nodiscard]] Outcome device_info(const Message& message);
  [[nodiscard]] Outcome region_info(const Message& message);
  [[nodiscard]] Outcome irq_info(const Message& message);
  [[nodiscard]] Outcome set_irqs(Message& message);
  [[nodiscard]] Outcome read_region(const Message& message);
  [[nodiscard]] Outcome write_region(const Message& message);
  [[nodiscard]] Outcome reset(const Message& message);

  [[nodiscard]] std::uint64_t region_size(std::uint32_t region) const;
  [[nodiscard]] bool inside(const vfio_user::RegionAccess& access) const;
  void read_bar(unsigned bar, std::uint64_t offset, std::span<std::byte> data);
  void write_bar(unsigned bar, std::uint64_t offset, std::span<const std::byte> data);
  void read_clock(std::uint64_t offset, std::span<std::byte> data);

  vfio_user::MessageSocket socket_;
  Function& function_;
  ClientMemory& memory_;
  ConfigView config_;
  Interrupts interrupts_;
  bool established_ = false;
  bool overflow_ = false;  // the client leaves too much unanswered
  struct Asked {
    std::uint64_t number;
    vfio_user::DmaAccess access;
  };
  std::map<std::uint16_t, Asked> commands_;  // those under way, by message ID
  std::uint64_t requests_ = 0;
  std::string ending_;
};

}  // namespace holdover::serve
