// SPDX-License-Identifier: MIT
#include "sim/remote/remote_platform.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "pcie/error.h"

namespace holdover::sim {
namespace {

using remote::Operation;
using remote::Reply;
using remote::Request;

[[noreturn]] void peer_died() {
  throw Error(ErrorCode::PeerDied, "the machine's process is gone: its end of the connection is closed");
}

[[noreturn]] void unreachable_machine(int error) {
  if (error == EPIPE || error == ECONNRESET || error == ENOTCONN) peer_died();
  throw Error(ErrorCode::Unavailable,
              std::string{"the connection to the machine's process failed: "} + std::strerror(error));
}

Request access(Operation operation, unsigned size, std::uint64_t address, std::uint64_t value) {
  Request request;
  request.operation = operation;
  request.size = static_cast<std::uint8_t>(size);
  request.address = address;
  request.value = value;
  return request;
}

Request config_access(Operation operation, pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  Request request = access(operation, size, offset.count(), value);
  request.segment = function.segment;
  request.function = function.requester_id();
  return request;
}

void transmit(int socket, const Request& request, std::string_view text) {
  Request copy = request;
  iovec parts[2];
  parts[0].iov_base = &copy;
  parts[0].iov_len = sizeof copy;
  parts[1].iov_base = const_cast<char*>(text.data());  // sendmsg() does not write to it
  parts[1].iov_len = text.size();
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = text.empty() ? 1 : 2;
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) unreachable_machine(errno);
  }
}

}  // namespace

RemotePlatform::RemotePlatform(FileDescriptor socket, FileDescriptor dram)
    : socket_(std::move(socket)), dram_(std::move(dram)) {
  struct stat status {};
  if (::fstat(dram_.number(), &status) != 0 || status.st_size <= 0) {
    throw Error(ErrorCode::Unavailable, "descriptor " + std::to_string(dram_.number()) +
                                            " is not the machine's DRAM; a host process is started by the bench");
  }
  const std::size_t size = static_cast<std::size_t>(status.st_size);
  void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, dram_.number(), 0);
  if (mapped == MAP_FAILED) {
    throw Error(ErrorCode::Unavailable, std::string{"the machine's DRAM cannot be mapped: "} + std::strerror(errno));
  }
  dram_bytes_ = {static_cast<std::byte*>(mapped), size};
}

RemotePlatform::~RemotePlatform() { static_cast<void>(::munmap(dram_bytes_.data(), dram_bytes_.size())); }

std::uint64_t RemotePlatform::call(const Request& request) {
  transmit(socket_.number(), request, {});
  Reply reply;
  ssize_t count = 0;
  do {
    count = ::recv(socket_.number(), &reply, sizeof reply, 0);
  } while (count < 0 && errno == EINTR);
  if (count == 0) peer_died();
  if (count < 0) unreachable_machine(errno);
  HOLDOVER_CHECK(count == static_cast<ssize_t>(sizeof reply));
  time_ = Time{reply.time};
  time_known_ = true;
  interrupt_possible_ = true;
  return reply.value;
}

void RemotePlatform::post(const Request& request, std::string_view text) { transmit(socket_.number(), request, text); }

std::uint32_t RemotePlatform::config_read(pcie::Bdf function, Bytes offset, unsigned size) {
  return static_cast<std::uint32_t>(call(config_access(Operation::ConfigRead, function, offset, size, 0)));
}

void RemotePlatform::config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  static_cast<void>(call(config_access(Operation::ConfigWrite, function, offset, size, value)));
}

std::uint64_t RemotePlatform::mmio_read(BusAddress address, unsigned size) {
  return call(access(Operation::MmioRead, size, address.raw(), 0));
}

void RemotePlatform::mmio_write(BusAddress address, unsigned size, std::uint64_t value) {
  static_cast<void>(call(access(Operation::MmioWrite, size, address.raw(), value)));
}

std::optional<std::uint8_t> RemotePlatform::take_interrupt() {
  // A vector can become pending only while time passes, and time passes only inside calls.
  if (!interrupt_possible_) return std::nullopt;
  const std::uint64_t vector = call(access(Operation::TakeInterrupt, 0, 0, 0));
  if (vector != remote::kNoInterrupt) return static_cast<std::uint8_t>(vector);
  interrupt_possible_ = false;
  return std::nullopt;
}

Time RemotePlatform::now() {
  if (!time_known_) static_cast<void>(call(access(Operation::Now, 0, 0, 0)));
  return time_;
}

void RemotePlatform::wait(Time duration) { static_cast<void>(call(access(Operation::Wait, 0, duration.count(), 0))); }

void RemotePlatform::jump(PhysicalAddress boot_parameters) {
  static_cast<void>(call(access(Operation::Jump, 0, boot_parameters.raw(), 0)));
}

void RemotePlatform::console(std::string_view line) {
  post(access(Operation::Console, 0, 0, 0), line.substr(0, remote::kMostText));
}

void RemotePlatform::mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  Request request = access(Operation::Mark, 0, 0, value);
  request.phase = static_cast<std::uint8_t>(phase);
  request.step = static_cast<std::uint8_t>(step);
  static_cast<void>(call(request));
}

RemotePlatform::Descriptors RemotePlatform::release() { return Descriptors{socket_.release(), dram_.release()}; }

}  // namespace holdover::sim
