// SPDX-License-Identifier: MIT
// What stands behind «vfio:0000:01:00.0» or «vfio-user:PATH»: a system with one endpoint.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/system.h"
#include "pcie/bdf.h"

namespace holdover::host {

struct Target {
  enum class Kind { Vfio, VfioUser };
  Kind kind = Kind::Vfio;
  pcie::Bdf bdf;     // Vfio
  std::string path;  // VfioUser: of the server's socket

  // «BDF», «vfio:BDF» or «vfio-user:PATH». Throws Error{InvalidArgument} with a sentence that says what is possible.
  [[nodiscard]] static Target parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

// For a target of a real kernel; what a target has no use for does not count.
struct TargetOptions {
  std::string parameters{};  // «name=value», apart by blanks: what System::parameter() finds
  std::string kernel{};      // that a kexec enters; empty: the one that is loaded
  std::string initrd{};
  std::string command_line{};  // of that kernel; empty: that of the running one
  std::function<void(std::string_view)> print{};
  const std::atomic<bool>* stop = nullptr;  // set from a signal handler: waits throw Error{Interrupted}
  // For a server: how this program is called again in place of a kexec, with «{}» where the descriptor of what it takes
  // along belongs; and that descriptor, where this is the program that was called (-1: it is not).
  std::vector<std::string> again{};
  int carried = -1;
};

// Owns all that is behind the system.
class OpenTarget {
 public:
  OpenTarget() = default;
  OpenTarget(const OpenTarget&) = delete;
  OpenTarget& operator=(const OpenTarget&) = delete;
  virtual ~OpenTarget() = default;

  [[nodiscard]] virtual System& system() = 0;
  // Whether System::now() is the endpoint's time and not that of the processor.
  [[nodiscard]] virtual bool device_time() const { return false; }
};

// Throws Error{Unavailable} where nothing answers. Whether a function can be opened is known when it is opened.
[[nodiscard]] std::unique_ptr<OpenTarget> open_target(const Target& target, TargetOptions options);

}  // namespace holdover::host
