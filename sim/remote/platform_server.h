// SPDX-License-Identifier: MIT
// A machine for a host in another process: the server end, in the machine's process.
#pragma once

#include <chrono>
#include <functional>

#include "pcie/file_descriptor.h"
#include "pcie/platform.h"

namespace holdover::sim {

struct ServeResult {
  enum class Kind {
    Jumped,      // the host left through jump(); the next image continues on the same connection: call serve() again
    PeerClosed,  // the host's process closed its end or died
    Stopped,     // `stop` said so
    Silent,      // the host's process lives, and asked for nothing for the patience of the server
  };
  Kind kind = Kind::PeerClosed;
  PhysicalAddress boot_parameters;  // Jumped: where the next image finds its parameters
};

class PlatformServer {
 public:
  // `platform` outlives the server. `socket` is the machine's end of a make_connection() pair. `patience`: wall time
  // that a host may let pass between two requests; in simulated time nothing passes then.
  PlatformServer(pcie::Platform& platform, FileDescriptor socket, std::chrono::milliseconds patience = kPatience);

  static constexpr std::chrono::milliseconds kPatience{60'000};

  // Answers requests, one after the other, until one of these results. `stop`, where given, is asked before each
  // request and at least every 100 ms of wall time, or when a signal arrives, while no request comes. Throws
  // Error{Corrupt} for a packet that is no request.
  [[nodiscard]] ServeResult serve(const std::function<bool()>& stop = nullptr);

 private:
  pcie::Platform& platform_;
  FileDescriptor socket_;
  std::chrono::milliseconds patience_;
};

}  // namespace holdover::sim
