// SPDX-License-Identifier: MIT
// The one file of the bench that knows how a machine is reached from another process (sim/remote/).
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bench/firmware.h"
#include "bench/runner.h"
#include "pcie/error.h"
#include "sim/remote/platform_server.h"
#include "sim/remote/protocol.h"

namespace holdover::bench {
namespace {

constexpr int kExecFailed = 127;
constexpr int kPanicked = 1;

// A child that never outlives this object, nor this process.
class KernelProcess {
 public:
  KernelProcess(const RunOptions& options, int host_socket, int dram_descriptor) {
    std::vector<std::string> words = {first_image(options).string(),
                                      "--platform-fd",
                                      std::to_string(host_socket),
                                      "--dram-fd",
                                      {},
                                      "--boot-parameters",
                                      std::to_string(kColdBootParameters.raw())};
    if (!options.next_image.empty()) {
      words.push_back("--next-image");
      words.push_back(options.next_image.string());
    }
    // A duplicate that an execve leaves open.
    const FileDescriptor dram{fcntl(dram_descriptor, F_DUPFD, 3)};
    if (dram.number() < 0) refuse("its DRAM descriptor cannot be duplicated");
    words[4] = std::to_string(dram.number());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) refuse("no process can be made");
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kExecFailed);
    // What a terminal sends to everybody is for the bench, which ends its kernels itself.
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) signal(number, SIG_IGN);
    execv(arguments.front(), arguments.data());
    _exit(kExecFailed);
  }
  KernelProcess(const KernelProcess&) = delete;
  KernelProcess& operator=(const KernelProcess&) = delete;
  ~KernelProcess() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    wait();
  }

  // How it ended; waits for that.
  int wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  [[noreturn]] static void refuse(const std::string& what) {
    throw Error{ErrorCode::Unavailable, "the kernel image cannot be started: " + what + " (" + std::strerror(errno) +
                                            "); --isolation in-process needs no other process"};
  }

  pid_t pid_ = -1;
};

RunEnd end_of(int status, const RunOptions& options) {
  if (WIFEXITED(status)) {
    switch (WEXITSTATUS(status)) {
      case 0:
        return {RunEnd::Kind::Halted, {}};
      case kPanicked:
        return {RunEnd::Kind::Panicked, "kernel panic"};
      case kExecFailed:
        throw Error{ErrorCode::Unavailable,
                    std::string(options.kernel_image.empty() ? "--isolation process" : "--kernel-image") +
                        ": the kernel image " + first_image(options).string() +
                        " cannot be executed by this system; --isolation in-process needs none"};
      default:
        return {RunEnd::Kind::Died, "the host process exited with " + std::to_string(WEXITSTATUS(status))};
    }
  }
  if (!WIFSIGNALED(status)) return {RunEnd::Kind::Died, "the host process ended without a status"};
  const int number = WTERMSIG(status);
  const char* const name = sigabbrev_np(number);
  return {RunEnd::Kind::Died, "the host process was killed by signal " + std::to_string(number) +
                                  (name != nullptr ? " (SIG" + std::string(name) + ")" : std::string())};
}

}  // namespace

RunEnd run_in_processes(GuardedPlatform& platform, int dram_descriptor, const RunOptions& options) {
  sim::Connection connection = sim::make_connection();
  KernelProcess process{options, connection.host.number(), dram_descriptor};
  connection.host.reset();  // so that the server notices when the process is gone
  sim::PlatformServer server{platform, std::move(connection.machine)};
  const auto asked_to_stop = [&platform] { return platform.ending() || platform.is_stopped(); };
  try {
    for (;;) {
      const sim::ServeResult served = server.serve(asked_to_stop);
      if (asked_to_stop()) return {RunEnd::Kind::Stopped, {}};
      if (served.kind == sim::ServeResult::Kind::PeerClosed) return end_of(process.wait(), options);
      if (served.kind == sim::ServeResult::Kind::Silent) {
        constexpr auto kSeconds = std::chrono::duration_cast<std::chrono::seconds>(sim::PlatformServer::kPatience);
        return {RunEnd::Kind::Died, "the host process lives, but made no access for " +
                                        std::to_string(kSeconds.count()) + " s of wall time, and was killed"};
      }
    }
  } catch (const RunStopped&) {
    return {RunEnd::Kind::Stopped, {}};
  }
}

}  // namespace holdover::bench
