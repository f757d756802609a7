// SPDX-License-Identifier: MIT
// Clients of a vfio-user server: the parser of messages, and a whole session over a function without a machine.
//
// An input is a variant byte and then steps: what is done, how many bytes belong to it, and these.
#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "serve/vfio_user/session.h"
#include "tests/fuzz/target.h"
#include "tests/support/scripted_function.h"
#include "vfio_user/message_socket.h"
#include "vfio_user/version.h"

namespace holdover::fuzz {
namespace {

using namespace vfio_user;

constexpr std::uint64_t kMost = 4096;

std::vector<std::byte> to_bytes(std::span<const std::uint8_t> input) {
  std::vector<std::byte> bytes(input.size());
  if (!input.empty()) std::memcpy(bytes.data(), input.data(), input.size());
  return bytes;
}

unsigned open_descriptors() {
  unsigned count = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

void check_ranges(const Message& message) {
  if (const auto map = parse_dma_map(message); map.error == 0) {
    require(map.value.size != 0 && map.value.address + (map.value.size - 1) >= map.value.address,
            "a mapping has a range");
    require(map.value.address % kPageBytes == 0 && map.value.size % kPageBytes == 0, "a mapping has whole pages");
  }
  if (const auto unmap = parse_dma_unmap(message); unmap.error == 0 && (unmap.value.flags & kDmaUnmapAll) == 0) {
    require(unmap.value.size != 0 && unmap.value.address + (unmap.value.size - 1) >= unmap.value.address,
            "an unmapping has a range");
  }
  if (const auto irqs = parse_set_irqs(message); irqs.error == 0) {
    const IrqSet& set = irqs.value.set;
    require(set.index < kIrqTypes && set.start + std::uint64_t{set.count} <= 0xffff'ffff, "interrupts have a range");
    require((set.flags & kIrqDataBool) == 0 || irqs.value.booleans.size() == set.count, "each interrupt has a boolean");
  }
  if (const auto read = parse_region_read(message, kMost); read.error == 0) {
    require(read.value.count <= kMost, "a read is no longer than is allowed");
  }
  if (const auto write = parse_region_write(message, kMost); write.error == 0) {
    require(write.value.data.size() == write.value.access.count, "a write has the data that it says");
  }
  for (const bool with_data : {false, true}) {
    const auto dma = parse_dma_access(message, with_data, kMost);
    require(dma.error != 0 || dma.value.data.size() == (with_data ? dma.value.access.count : 0),
            "an answer has the data that it says");
  }
}

// What a client does, step by step.
class Client {
 public:
  Client(std::span<const std::uint8_t> input, int server_end, int client_end)
      : input_(input), socket_(client_end), session_(FileDescriptor{server_end}, function_, memory_) {}
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void run(bool establish) {
    ::fcntl(socket_, F_SETFL, O_NONBLOCK);
    // Accesses of the client take time, in which the function reads on and interrupts.
    function_.meanwhile = [this] {
      if (++accesses_ % 8 != 0) return;
      read_memory(accesses_ * 128, 8);
      session_.listener().on_vector(static_cast<unsigned>(accesses_ / 8 % 4));
      memory_.refuse_overdue_reads(Time{accesses_}, Time{256});
    };
    if (establish) {
      send(Command::Version, version_body(Version{}), 0);
      visit();
    }
    while (open_ && !input_.empty()) step();
  }

 private:
  // The next `count` bytes of the input, fewer at its end.
  std::span<const std::uint8_t> take(std::size_t count) {
    const auto taken = input_.first(std::min(count, input_.size()));
    input_ = input_.subspan(taken.size());
    return taken;
  }
  std::uint8_t byte() {
    const auto one = take(1);
    return one.empty() ? 0 : one[0];
  }

  void step() {
    const std::uint8_t what = byte();
    switch (what % 8) {
      case 0:
        write_raw(to_bytes(take(byte())), 0);
        break;
      case 1: {
        const auto command = static_cast<Command>(byte() % 20);
        send(command, to_bytes(take(byte())), what / 8);
        break;
      }
      case 2: {
        const std::uint8_t place = byte();
        std::vector<std::byte> body;
        append(body, DmaMap{sizeof(DmaMap), byte() % 4u, (what & 16) != 0 ? (place & 3u) * kPageBytes : 0,
                            place / 4 * kPageBytes, (byte() % 8u) * kPageBytes});
        send(Command::DmaMap, body, what / 8);
        break;
      }
      case 3: {
        std::vector<std::byte> body;
        const std::uint8_t place = byte();
        append(body, DmaUnmap{sizeof(DmaUnmap), (what & 8) != 0 ? kDmaUnmapAll : 0, place / 4 * kPageBytes,
                              (byte() % 8u) * kPageBytes});
        send(Command::DmaUnmap, body, 0);
        break;
      }
      case 4: {
        const std::size_t size = (byte() % 4 + 1) * 4u;
        read_memory(byte() * 1024u, size);
        break;
      }
      case 5: {
        const std::vector<std::byte> data((byte() % 4 + 1) * 4u);
        static_cast<void>(memory_.write(PhysicalAddress{byte() * 1024u}, data, what >> 4, what & 0xf));
        break;
      }
      case 6:
        if ((what & 8) != 0) {
          session_.listener().on_error();
        } else {
          session_.listener().on_vector(byte());
        }
        break;
      default:
        answer(what);
    }
    visit();
  }

  void read_memory(std::uint64_t address, std::size_t size) {
    std::vector<std::byte> data(size);
    const sim::ReadTicket ticket{&waiter_, next_read_++};
    const auto answer = memory_.read(PhysicalAddress{address}, data, ticket);
    if (answer == sim::RequestMemory::Answer::Later) ++waiter_.expected;
  }

  // The oldest question of the server, rightly or not.
  void answer(std::uint8_t how) {
    if (questions_.empty()) return;
    const Message question = std::move(questions_.front());
    questions_.pop_front();
    Header header = question.header;
    header.flags = kFlagReply | ((how & 8) != 0 ? kFlagError : 0);
    header.error = (how & 8) != 0 ? byte() : 0;
    std::vector<std::byte> body;
    if ((how & 8) == 0) {
      body.assign(question.body.begin(),
                  question.body.begin() + std::min<long>(16, static_cast<long>(question.body.size())));
      DmaAccess access;
      std::memcpy(&access, question.body.data(), std::min(sizeof access, question.body.size()));
      if (question.command() == Command::DmaRead) body.resize(body.size() + access.count);
      if ((how & 16) != 0) body.resize(byte());
    }
    header.size = static_cast<std::uint32_t>(sizeof header + body.size());
    std::vector<std::byte> bytes;
    append(bytes, header);
    bytes.insert(bytes.end(), body.begin(), body.end());
    write_raw(bytes, 0);
  }

  void send(Command command, const std::vector<std::byte>& body, unsigned descriptors) {
    Header header;
    header.id = ++id_;
    header.command = static_cast<std::uint16_t>(command);
    header.size = static_cast<std::uint32_t>(sizeof header + body.size());
    header.flags = (descriptors & 16) != 0 ? kFlagNoReply : 0;
    std::vector<std::byte> bytes;
    append(bytes, header);
    bytes.insert(bytes.end(), body.begin(), body.end());
    write_raw(bytes, descriptors % 4);
  }

  void write_raw(const std::vector<std::byte>& bytes, unsigned descriptors) {
    if (bytes.empty()) return;
    const FileDescriptor file{::memfd_create("fuzz", MFD_CLOEXEC)};
    static_cast<void>(!::ftruncate(file.number(), 3 * static_cast<off_t>(kPageBytes)));
    const FileDescriptor event{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    const std::array<int, 3> numbers{(id_ & 1) != 0 ? file.number() : event.number(), event.number(), socket_};
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof numbers)> control{};
    if (descriptors != 0) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors);
      cmsghdr* const head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(sizeof(int) * descriptors);
      std::memcpy(CMSG_DATA(head), numbers.data(), sizeof(int) * descriptors);
    }
    static_cast<void>(::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
    // What is mapped from it becomes shorter behind the server's back.
    if ((id_ & 6) == 6) static_cast<void>(!::ftruncate(file.number(), 0));
  }

  void visit() {
    open_ = session_.pump() && session_.settle();
    require(open_ || !session_.ending().empty(), "an end has a reason");
    receive();
  }

  // Everything that the server sends is sound.
  void receive() {
    std::array<std::byte, 65536> piece;
    ssize_t count = 0;
    while ((count = ::recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT)) > 0) {
      received_.insert(received_.end(), piece.begin(), piece.begin() + count);
    }
    std::size_t at = 0;
    while (received_.size() - at >= sizeof(Header)) {
      Message message;
      std::memcpy(&message.header, received_.data() + at, sizeof(Header));
      require(message.header.size >= sizeof(Header), "a message of the server has a header");
      require(message.header.size <= sizeof(Header) + sizeof(RegionAccess) + kMost,
              "a message is as short as was agreed");
      if (received_.size() - at < message.header.size) break;
      message.body.assign(received_.begin() + static_cast<long>(at + sizeof(Header)),
                          received_.begin() + static_cast<long>(at + message.header.size));
      at += message.header.size;
      if (message.is_reply()) {
        const bool failed = (message.header.flags & kFlagError) != 0;
        require(!failed || (message.header.error != 0 && message.body.empty()), "a refusal has an errno and no body");
      } else {
        require(message.command() == Command::DmaRead || message.command() == Command::DmaWrite,
                "a server asks for memory");
        questions_.push_back(std::move(message));
      }
    }
    received_.erase(received_.begin(), received_.begin() + static_cast<long>(at));
  }

 public:
  // Told once, whatever the client does.
  class Waiter final : public sim::ReadWaiter {
   public:
    void on_read(std::uint64_t, std::span<const std::byte>) override { ++told; }
    void on_read_refused(std::uint64_t) override { ++told; }
    unsigned expected = 0;
    unsigned told = 0;
  };
  [[nodiscard]] const Waiter& waiter() const { return waiter_; }
  [[nodiscard]] serve::ClientMemory& memory() { return memory_; }

 private:
  std::span<const std::uint8_t> input_;
  int socket_;
  Waiter waiter_;
  serve::ScriptedFunction function_;
  serve::ClientMemory memory_;
  serve::Session session_;
  bool open_ = true;
  std::uint16_t id_ = 0;
  std::uint64_t next_read_ = 0;
  std::uint64_t accesses_ = 0;
  std::vector<std::byte> received_;
  std::deque<Message> questions_;
};

}  // namespace

void run_vfio_user_message(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  Message message;
  message.header.flags = (input[0] & 1) != 0 ? kFlagReply : kFlagCommand;
  message.body = to_bytes(input.subspan(1));
  message.header.size = static_cast<std::uint32_t>(sizeof(Header) + message.body.size());
  for (unsigned i = 0; i < input[0] / 2 % 4u; ++i) message.descriptors.emplace_back();
  check_ranges(message);
  const Parsed<Version> version = parse_version(message.body);
  if (version.error == 0) {
    const Parsed<Version> again = parse_version(version_body(version.value));
    require(again.error == 0 && again.value.capabilities.max_transfer == version.value.capabilities.max_transfer,
            "what is written again reads the same");
  }
}

void run_vfio_user_session(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const unsigned before = open_descriptors();
  {
    std::array<int, 2> ends{};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, "a connection can be made");
    Client client(input.subspan(1), ends[0], ends[1]);
    client.run(input[0] % 2 == 0);
    client.memory().refuse_reads();
    require(client.waiter().told == client.waiter().expected, "whoever waits for memory is told once");
  }
  require(open_descriptors() == before, "no descriptor outlives a session");
}

}  // namespace holdover::fuzz
