// SPDX-License-Identifier: MIT
// A command that runs beside the server.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace holdover::serve {

class Child {
 public:
  // Starts the command, found as a shell would. Throws Error{Unavailable} where no process can be made; a command that
  // cannot be executed ends with 127 or 126, and says so on standard error.
  explicit Child(const std::vector<std::string>& command);
  // Asks it to end, and waits for it.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Its exit code, 128 and the number of the signal that ended it; nothing while it runs.
  [[nodiscard]] std::optional<int> ended();
  // SIGTERM, once.
  void ask_to_end();

 private:
  void wait();

  pid_t process_ = -1;
  bool asked_ = false;
  std::optional<int> code_;
};

}  // namespace holdover::serve
