// SPDX-License-Identifier: MIT
#include "cli/child_run.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <sstream>
#include <utility>

#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

// The check of the earliest finding; kCheckCount where there is none.
unsigned first_failed(const bench::Verdict& verdict) {
  unsigned first = bench::kCheckCount;
  for (unsigned check = 0; check < bench::kCheckCount; ++check) {
    const auto& finding = verdict.checks[check].first;
    if (!finding || verdict.checks[check].status != bench::CheckStatus::Fail) continue;
    if (first == bench::kCheckCount || finding->time < verdict.checks[first].first->time) first = check;
  }
  return first;
}

unsigned failed_mask(const bench::Verdict& verdict) {
  unsigned mask = 0;
  for (unsigned check = 0; check < bench::kCheckCount; ++check) {
    if (verdict.checks[check].status == bench::CheckStatus::Fail) mask |= 1u << check;
  }
  return mask;
}

// What the child says in its pipe: outcome, clocks, microseconds of wall time, failed checks, the first of them, and a
// sentence to the end.
std::string answer_of(const bench::RunOptions& options) {
  std::ostringstream answer;
  try {
    const bench::Report report = bench::run(options, sim::build_machine);
    answer << bench::exit_code(report) << ' ' << report.clocks.count() << ' '
           << std::chrono::duration_cast<std::chrono::microseconds>(report.wall).count() << ' '
           << failed_mask(report.verdict) << ' ' << first_failed(report.verdict) << ' ' << report.verdict.headline;
  } catch (const std::exception& error) {
    answer << "2 0 0 0 " << bench::kCheckCount << ' ' << error.what();
  }
  return answer.str();
}

void write_all(int descriptor, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t written = ::write(descriptor, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    at += static_cast<std::size_t>(written);
  }
}

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorCode::Unavailable,
              std::string("no process can be made for a run: ") + what + " (" + std::strerror(errno) + ")");
}

}  // namespace

ChildRun::ChildRun(bench::RunOptions options) : options_(std::move(options)) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) refuse("no pipe");
  pipe_ = FileDescriptor{ends[0]};
  const FileDescriptor answers{ends[1]};
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) refuse("no fork");
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  write_all(answers.number(), answer_of(options_));
  ::_exit(0);
}

ChildRun::ChildRun(ChildRun&& other) noexcept
    : options_(std::move(other.options_)),
      pipe_(std::move(other.pipe_)),
      pid_(std::exchange(other.pid_, -1)),
      text_(std::move(other.text_)) {}

ChildRun& ChildRun::operator=(ChildRun&& other) noexcept {
  if (this == &other) return *this;
  end();
  options_ = std::move(other.options_);
  pipe_ = std::move(other.pipe_);
  pid_ = std::exchange(other.pid_, -1);
  text_ = std::move(other.text_);
  return *this;
}

ChildRun::~ChildRun() { end(); }

void ChildRun::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool ChildRun::read() {
  std::array<char, 4096> bytes{};
  const ssize_t size = ::read(pipe_.number(), bytes.data(), bytes.size());
  if (size < 0) return errno != EINTR && errno != EAGAIN;
  text_.append(bytes.data(), static_cast<std::size_t>(size));
  return size == 0;
}

RunResult ChildRun::result() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  RunResult result;
  if (WIFSIGNALED(status)) {
    const char* const name = sigabbrev_np(WTERMSIG(status));
    result.outcome = RunResult::Outcome::Fail;
    result.sentence = std::string("the run crashed with SIG") + (name == nullptr ? "?" : name);
    return result;
  }
  std::istringstream answer(text_);
  int code = 2;
  unsigned failed = 0;
  unsigned first = bench::kCheckCount;
  if (!(answer >> code >> result.clocks >> result.wall_microseconds >> failed >> first)) {
    result.outcome = RunResult::Outcome::Fail;
    result.sentence = "the run ended without an answer";
    return result;
  }
  std::getline(answer >> std::ws, result.sentence, '\0');
  for (unsigned check = 0; check < bench::kCheckCount; ++check) {
    if (((failed >> check) & 1) != 0) result.failed.push_back(static_cast<bench::Check>(check));
  }
  if (first < bench::kCheckCount) result.first_failed = static_cast<bench::Check>(first);
  using Outcome = RunResult::Outcome;
  result.outcome = code == 0   ? Outcome::Pass
                   : code == 1 ? Outcome::Fail
                   : code == 3 ? Outcome::Inconclusive
                               : Outcome::Error;
  return result;
}

}  // namespace holdover::cli
