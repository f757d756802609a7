// SPDX-License-Identifier: MIT
// What passes between RemotePlatform and PlatformServer: packets over a SOCK_SEQPACKET pair between two processes of
// one build on one machine, so numbers are in native byte order. DRAM is shared by its descriptor and never passes
// here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pcie/file_descriptor.h"

namespace holdover::sim::remote {

enum class Operation : std::uint8_t {
  ConfigRead = 1,
  ConfigWrite,
  MmioRead,
  MmioWrite,
  TakeInterrupt,
  Now,
  Wait,
  Jump,
  Console,  // one way; the line follows the request in the same packet
  Mark,     // answered, so that DRAM is as it was when the mark was made
};

struct Request {
  Operation operation = Operation::Now;
  std::uint8_t size = 0;  // of a configuration or MMIO access
  std::uint8_t phase = 0;
  std::uint8_t step = 0;
  std::uint16_t segment = 0;
  std::uint16_t function = 0;  // bus, device, function as in a requester ID
  std::uint64_t address = 0;   // offset, bus address, picoseconds or boot parameters
  std::uint64_t value = 0;
};
static_assert(sizeof(Request) == 24);

struct Reply {
  std::uint64_t value = 0;  // TakeInterrupt: the vector, kNoInterrupt where none is pending
  std::uint64_t time = 0;   // of the machine after the call, in picoseconds
};
static_assert(sizeof(Reply) == 16);
inline constexpr std::uint64_t kNoInterrupt = ~std::uint64_t{0};

// A longer console line is cut.
inline constexpr std::size_t kMostText = 4096;

}  // namespace holdover::sim::remote

namespace holdover::sim {

struct Connection {
  FileDescriptor machine;  // for PlatformServer; closed by an execve
  FileDescriptor host;     // for RemotePlatform; stays open across an execve
};
// Throws Error{Unavailable}.
[[nodiscard]] Connection make_connection();

}  // namespace holdover::sim
