// SPDX-License-Identifier: MIT
#include "host/backend/vfio_user/connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "host/backend/refusal.h"
#include "pcie/error.h"
#include "vfio_user/socket_file.h"

namespace holdover::host {

using namespace vfio_user;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

// Of one body: what is asked for in one piece, and what a server writes in one piece.
constexpr std::size_t kMostBody = kDefaultMaxTransfer + sizeof(DmaAccess);
constexpr std::size_t kMostAnswered = kDefaultMaxTransfer;
// A server passes none on to us.
constexpr std::size_t kMostDescriptors = 8;

}  // namespace

VfioUserConnection::VfioUserConnection(const std::filesystem::path& socket, SystemCalls& calls)
    : calls_(calls), socket_(connect_to(socket), {kMostBody, kMostDescriptors}) {
  Version proposal;
  proposal.capabilities.max_descriptors = kMostDescriptors;
  proposal.names_mappings = true;
  const Parsed<Version> agreed =
      parse_version(request(Command::Version, version_body(proposal), "to agree on a version"));
  if (agreed.error != 0 || agreed.value.major != kMajorVersion || agreed.value.minor > kMinorVersion) {
    give_up("answers the proposed version with another");
  }
  server_ = agreed.value.capabilities;
}

VfioUserConnection::VfioUserConnection(FileDescriptor socket, const Capabilities& server, SystemCalls& calls)
    : calls_(calls), socket_(std::move(socket), {kMostBody, kMostDescriptors}), server_(server), keeping_(true) {}

void VfioUserConnection::give_up(const std::string& why) const {
  throw Error(ErrorCode::PeerDied, "the vfio-user server " + why + "; start it again");
}

std::optional<Message> VfioUserConnection::receive(nanoseconds end) {
  for (;;) {
    if (!socket_.flush()) give_up("is gone");
    switch (socket_.receive()) {
      case MessageSocket::Status::Complete:
        return socket_.take();
      case MessageSocket::Status::Wait:
        break;
      case MessageSocket::Status::Closed:
        give_up("has closed the connection: it has ended, or has a client already");
      default:
        give_up("sends what is no message");
    }
    const auto left = std::chrono::duration_cast<milliseconds>(end - calls_.now());
    if (left.count() < 0) return std::nullopt;
    const auto events = static_cast<short>(socket_.unsent() > 0 ? POLLIN | POLLOUT : POLLIN);
    pollfd watched{socket_.descriptor(), events, 0};
    static_cast<void>(::poll(&watched, 1, static_cast<int>(left.count()) + 1));
  }
}

Header VfioUserConnection::next_header(Command command) {
  Header header;
  header.id = next_id_++;
  header.command = static_cast<std::uint16_t>(command);
  return header;
}

Message VfioUserConnection::await(const Header& header, const std::string& call, nanoseconds end) {
  for (;;) {
    std::optional<Message> message = receive(end);
    if (!message) give_up("leaves " + call + " unanswered");
    if (!message->is_reply()) {
      take_command(std::move(*message));
      if (calls_.now() > end) give_up("asks for more and more, and leaves " + call + " unanswered");
      continue;
    }
    if (message->header.id != header.id || message->header.command != header.command)
      give_up("answers what nobody asked");
    return std::move(*message);
  }
}

void VfioUserConnection::require(const Message& reply, const std::string& call) {
  if ((reply.header.flags & kFlagError) == 0) return;
  const auto error = static_cast<int>(reply.header.error);
  refuse(error != 0 ? error : EIO, call);
}

std::vector<std::byte> VfioUserConnection::request(Command command, std::span<const std::byte> body,
                                                   const std::string& call, std::span<const int> descriptors) {
  const Header header = next_header(command);
  socket_.send(header, body, descriptors);
  Message reply = await(header, call, calls_.now() + kPatience);
  require(reply, call);
  return std::move(reply.body);
}

void VfioUserConnection::take_command(Message command) {
  if (keeping_) {
    kept_bytes_ += sizeof(Message) + command.body.size();
    kept_.push_back(std::move(command));
  } else {
    answer(command);
  }
  if (kept_bytes_ > kMostWaiting) give_up("asks for more than can wait for this program");
}

void VfioUserConnection::resume() {
  keeping_ = false;
  kept_bytes_ = 0;
  for (const Message& command : std::exchange(kept_, {})) answer(command);
}

void VfioUserConnection::answer(const Message& command) {
  Header header = command.header;
  header.flags = kFlagReply;
  std::vector<std::byte> body;
  const bool is_write = command.command() == Command::DmaWrite;
  int error = is_write || command.command() == Command::DmaRead ? 0 : EOPNOTSUPP;
  if (error == 0) {
    const Parsed<DmaData> parsed = parse_dma_access(command, is_write, kMostAnswered);
    error = parsed.error != 0 ? parsed.error : target_ == nullptr ? ENODEV : 0;
    if (error == 0) {
      append(body, parsed.value.access);
      if (is_write) {
        error = target_->dma_write(parsed.value.access.address, parsed.value.data);
      } else {
        body.resize(sizeof(DmaAccess) + parsed.value.access.count);
        error = target_->dma_read(parsed.value.access.address, std::span(body).subspan(sizeof(DmaAccess)));
      }
    }
  }
  if (!command.wants_reply()) return;
  if (error != 0) {
    header.flags |= kFlagError;
    header.error = static_cast<std::uint32_t>(error);
    body.clear();
  }
  socket_.send(header, body);
  if (socket_.unsent() > kMostWaiting) give_up("takes no answer to what it asks");
}

void VfioUserConnection::read_region(std::uint32_t region, std::uint64_t offset, std::span<std::byte> data) {
  const RegionPart part{region, offset, data};
  read_regions(std::span(&part, 1));
}

void VfioUserConnection::read_regions(std::span<const RegionPart> parts) {
  const auto call = [](const RegionPart& part) { return "to read region " + std::to_string(part.region); };
  std::vector<Message> commands;
  for (const RegionPart& part : parts) {
    commands.push_back({next_header(Command::RegionRead), {}, {}});
    append(commands.back().body, RegionAccess{part.offset, part.region, static_cast<std::uint32_t>(part.data.size())});
  }
  socket_.send_together(commands);
  const nanoseconds end = calls_.now() + kPatience;
  // All replies are taken before one of them throws.
  std::vector<Message> replies;
  for (std::size_t n = 0; n < parts.size(); ++n) replies.push_back(await(commands[n].header, call(parts[n]), end));
  for (std::size_t n = 0; n < parts.size(); ++n) {
    require(replies[n], call(parts[n]));
    const std::vector<std::byte>& body = replies[n].body;
    const std::span<std::byte> data = parts[n].data;
    if (body.size() != sizeof(RegionAccess) + data.size()) give_up("answers a read with another number of bytes");
    std::memcpy(data.data(), body.data() + sizeof(RegionAccess), data.size());
  }
}

void VfioUserConnection::write_region(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> data) {
  std::vector<std::byte> body;
  append(body, RegionAccess{offset, region, static_cast<std::uint32_t>(data.size())});
  body.insert(body.end(), data.begin(), data.end());
  static_cast<void>(request(Command::RegionWrite, body, "to write region " + std::to_string(region)));
}

void VfioUserConnection::serve(nanoseconds duration) {
  const nanoseconds end = calls_.now() + duration;
  while (std::optional<Message> message = receive(end)) {
    if (message->is_reply()) give_up("answers what nobody asked");
    take_command(std::move(*message));
    if (calls_.now() > end) return;
  }
}

FileDescriptor VfioUserConnection::release() {
  const nanoseconds end = calls_.now() + kPatience;
  while (socket_.half_received() || socket_.unsent() > 0) {
    if (calls_.now() > end) give_up("asks for more and more, and there is no end to its messages");
    std::optional<Message> message = receive(end);
    if (!message) give_up("stops in the middle of a message");
    if (message->is_reply()) give_up("answers what nobody asked");
    take_command(std::move(*message));
  }
  return socket_.release();
}

}  // namespace holdover::host
