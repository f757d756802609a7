// SPDX-License-Identifier: MIT
#include "bench/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "pcie/error.h"

namespace holdover::bench {
namespace {

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

[[noreturn]] void refuse(const std::filesystem::path& path, int number) {
  throw Error{ErrorCode::Unavailable, path.string() + " cannot be written: " + std::strerror(number), number};
}

}  // namespace

void require_writable(const std::string& option, const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path directory = directory_of(path);
  std::string why;
  if (std::filesystem::is_directory(path, ignored) || !path.has_filename()) {
    why = "it is a directory";
  } else if (!std::filesystem::is_directory(directory, ignored)) {
    why = "there is no directory " + directory.string();
  } else if (access(directory.c_str(), W_OK | X_OK) != 0) {
    why = "nothing can be written into " + directory.string();
  } else if (std::filesystem::exists(path, ignored) && access(path.c_str(), W_OK) != 0) {
    why = "it exists and may not be overwritten";
  }
  if (why.empty()) return;
  throw Error{ErrorCode::Unavailable, option + ": " + path.string() + " cannot be written: " + why +
                                          "; name a file in a directory that exists"};
}

void write_whole(const std::filesystem::path& path, const std::string& text) {
  std::string name = (directory_of(path) / ("." + path.filename().string() + ".XXXXXX")).string();
  std::vector<char> pattern(name.begin(), name.end());
  pattern.push_back('\0');
  const int descriptor = mkstemp(pattern.data());
  if (descriptor < 0) refuse(path, errno);
  const auto give_up = [&](int number) {
    close(descriptor);
    unlink(pattern.data());
    refuse(path, number);
  };
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = write(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) give_up(errno);
    done += static_cast<std::size_t>(count);
  }
  constexpr mode_t kReadable = 0644;
  if (fchmod(descriptor, kReadable) != 0 || rename(pattern.data(), path.c_str()) != 0) give_up(errno);
  close(descriptor);
}

}  // namespace holdover::bench
