// SPDX-License-Identifier: MIT
#include "serve/vfio_user/session.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::serve {

using namespace vfio_user;

namespace {

// Of one body: a region write at its longest, an answer to DMA_READ, or a proposal of capabilities.
constexpr std::size_t kMostBody = sizeof(RegionAccess) + std::max<std::uint64_t>(kMaxTransfer, kMostVersionBytes);
// No memory request is larger, and none is cut in two.
constexpr std::uint64_t kLeastTransfer = 4096;
// Commands that the client may leave unanswered while the machine goes on, and while it stands still.
constexpr std::size_t kMostWrites = 256;
constexpr std::size_t kMostCommands = 32768;
constexpr std::size_t kMostUnsent = 16 << 20;
// Of one visit, so that others get their turn.
constexpr unsigned kMostMessages = 64;

// Whether a reply names the bytes that it was asked for, as far as it names any.
bool repeats(const Message& reply, const DmaAccess& asked) {
  const auto bytes = std::as_bytes(std::span(&asked, 1));
  const std::size_t repeated = std::min(reply.body.size(), bytes.size());
  return std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(repeated), reply.body.begin());
}

}  // namespace

Session::Session(FileDescriptor socket, Function& function, ClientMemory& memory)
    : socket_(std::move(socket), {kMostBody, kMaxDescriptors}),
      function_(function),
      memory_(memory),
      config_(function),
      interrupts_(function, config_) {}

Session::~Session() {
  if (!established_) return;
  memory_.disconnect();
  interrupts_.clear();
  config_.reset_to_firmware();
}

bool Session::abandoned() const {
  pollfd end{socket_.descriptor(), POLLRDHUP, 0};
  return ::poll(&end, 1, 0) == 1 && (end.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// While replies wait for room no further requests are taken in, but answers are: a client may have to send them before
// it reads on.
bool Session::listens() const { return socket_.unsent() == 0 || !commands_.empty(); }

short Session::events() const {
  return static_cast<short>((listens() ? POLLIN : 0) | (socket_.unsent() > 0 ? POLLOUT : 0));
}

bool Session::may_run() const {
  return established_ && memory_.reads_waiting() == 0 && memory_.writes_waiting() < kMostWrites;
}

bool Session::settle() {
  if (established_) interrupts_.release(memory_.oldest_write());
  if (overflow_ || socket_.unsent() > kMostUnsent) return end("the client leaves DMA_READ and DMA_WRITE unanswered");
  return true;
}

bool Session::end(std::string why) {
  if (ending_.empty()) ending_ = std::move(why);
  return false;
}

bool Session::pump(const std::atomic<bool>* stop) {
  for (unsigned count = 0; count < kMostMessages; ++count) {
    if (!socket_.flush()) return end("the client is gone");
    if (!listens() || (stop != nullptr && stop->load())) return true;
    const MessageSocket::Status status = socket_.receive();
    if (status == MessageSocket::Status::Wait) return true;
    if (status == MessageSocket::Status::Closed) return end("the client has closed the connection");
    if (status != MessageSocket::Status::Complete) return refuse_stream(status);
    if (!take(socket_.take()) || !settle()) return false;
  }
  return true;
}

// Where the next message begins is not known any more: one error reply, and an end.
bool Session::refuse_stream(MessageSocket::Status status) {
  using Status = MessageSocket::Status;
  const bool answerable = status == Status::TooLarge || status == Status::TooManyDescriptors;
  const int error = status == Status::TooLarge ? E2BIG : EINVAL;
  const Header header = socket_.header();
  if (answerable && (header.flags & kFlagTypeMask) == kFlagCommand && (header.flags & kFlagNoReply) == 0) {
    reply(header, {error, {}});
  }
  switch (status) {
    case Status::Truncated:
      return end("the client has closed the connection inside a message");
    case Status::BadSize:
      return end("a message is shorter than its header");
    case Status::TooLarge:
      return end("a message of " + std::to_string(header.size) + " bytes is longer than any may be");
    case Status::BadType:
      return end("a message is neither command nor reply");
    default:
      return end("a message came with more descriptors than were agreed on");
  }
}

bool Session::take(Message message) {
  if (message.is_reply()) return take_reply(message);
  if (!established_) return negotiate(message);
  ++requests_;
  const Outcome outcome = carry_out(message);
  if (message.wants_reply()) reply(message.header, outcome);
  return true;
}

void Session::reply(const Header& to, const Outcome& outcome) {
  Header header;
  header.id = to.id;
  header.command = to.command;
  header.flags = kFlagReply | (outcome.error != 0 ? kFlagError : 0);
  header.error = static_cast<std::uint32_t>(outcome.error);
  socket_.send(header, outcome.error != 0 ? std::span<const std::byte>{} : outcome.body);
}

bool Session::negotiate(const Message& message) {
  const auto refuse = [&](int error, const std::string& why) {
    if (message.wants_reply()) reply(message.header, {error, {}});
    return end(why);
  };
  if (message.command() != Command::Version) return refuse(EINVAL, "the first message proposes no version");
  const Parsed<Version> proposed = parse_version(message.body);
  if (proposed.error != 0 || !message.descriptors.empty()) return refuse(EINVAL, "the proposed version is malformed");
  if (proposed.value.major != kMajorVersion) {
    return refuse(EINVAL, "the client speaks version " + std::to_string(proposed.value.major) + " of the protocol");
  }
  if (proposed.value.capabilities.max_transfer < kLeastTransfer) {
    return refuse(EINVAL, "the client takes less than " + std::to_string(kLeastTransfer) + " bytes in a DMA_WRITE");
  }
  Version agreed = proposed.value;
  agreed.minor = std::min(proposed.value.minor, kMinorVersion);
  agreed.capabilities = {kMaxDescriptors, kMaxTransfer,
                         std::min(proposed.value.capabilities.max_mappings, kMaxMappings), kPageBytes};
  agreed.names_mappings = true;  // who hears nothing of it may take more for granted
  memory_.connect(*this, agreed.capabilities.max_mappings);
  established_ = true;
  if (message.wants_reply()) reply(message.header, {0, version_body(agreed)});
  return true;
}

bool Session::take_reply(const Message& message) {
  const auto found = commands_.find(message.header.id);
  if (found == commands_.end()) return end("a reply answers no command");
  const auto [number, asked] = found->second;
  const bool failed = (message.header.flags & kFlagError) != 0;
  const bool is_read = message.command() == Command::DmaRead;
  const Parsed<DmaData> parsed = parse_dma_access(message, is_read, kMaxTransfer);
  if (!failed && parsed.error != 0) return end("a reply to a DMA command is malformed");
  if (!failed && !repeats(message, asked))
    return end("a reply to a DMA command names other bytes than it was asked for");
  std::optional<std::span<const std::byte>> data;
  if (!failed) data = parsed.value.data;
  const bool known = is_read ? memory_.read_answered(number, data)
                             : message.command() == Command::DmaWrite && memory_.write_answered(number, !failed);
  if (!known) return end("a reply names another command than it answers");
  commands_.erase(message.header.id);
  return true;
}

void Session::send_command(Command command, std::uint64_t number, const DmaAccess& access,
                           std::span<const std::byte> data) {
  std::vector<std::byte> body;
  append(body, access);
  body.insert(body.end(), data.begin(), data.end());
  Header header;
  header.id = static_cast<std::uint16_t>(number);
  header.command = static_cast<std::uint16_t>(command);
  // An ID that is still in use, 65536 commands later, belongs to one that is never answered.
  if (commands_.size() >= kMostCommands || !commands_.emplace(header.id, Asked{number, access}).second) {
    overflow_ = true;
    return;
  }
  socket_.send(header, body);
}

void Session::send_dma_read(std::uint64_t number, std::uint64_t address, std::uint64_t size) {
  send_command(Command::DmaRead, number, {address, size}, {});
}

void Session::send_dma_write(std::uint64_t number, std::uint64_t address, std::span<const std::byte> data) {
  send_command(Command::DmaWrite, number, {address, data.size()}, data);
}

void Session::on_vector(unsigned vector) {
  if (!established_) return;
  interrupts_.raise(kIrqMsix, vector, memory_.next_number());
  interrupts_.release(memory_.oldest_write());
}

void Session::on_error() {
  if (!established_) return;
  interrupts_.raise_error(memory_.next_number());
  interrupts_.release(memory_.oldest_write());
}

}  // namespace holdover::serve
