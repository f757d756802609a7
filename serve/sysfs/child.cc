// SPDX-License-Identifier: MIT
#include "serve/sysfs/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "pcie/error.h"

namespace holdover::serve {
namespace {

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

Child::Child(const std::vector<std::string>& command) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const std::string complaint = "holdover: «" + command.front() + "» cannot be run: ";
  process_ = fork();
  if (process_ < 0) {
    throw Error(ErrorCode::Unavailable, std::string("no process can be started (") + std::strerror(errno) + ")");
  }
  if (process_ > 0) return;
  execvp(words[0], words.data());
  const int error = errno;
  const char* const reason = std::strerror(error);
  for (const char* part : {complaint.c_str(), reason, "\n"}) {
    if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  constexpr int kNotFound = 127;
  constexpr int kNotExecutable = 126;
  _exit(error == ENOENT ? kNotFound : kNotExecutable);
}

Child::~Child() {
  ask_to_end();
  wait();
}

std::optional<int> Child::ended() {
  int status = 0;
  if (!code_ && waitpid(process_, &status, WNOHANG) == process_) code_ = code_of(status);
  return code_;
}

void Child::wait() {
  int status = 0;
  while (!code_) {
    const pid_t ended = waitpid(process_, &status, 0);
    if (ended == process_) code_ = code_of(status);
    if (ended < 0 && errno != EINTR) code_ = code_of(0);
  }
}

void Child::ask_to_end() {
  if (code_ || asked_) return;
  asked_ = true;
  kill(process_, SIGTERM);
}

}  // namespace holdover::serve
