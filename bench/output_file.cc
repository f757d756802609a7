// SPDX-License-Identifier: MIT
#include "bench/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

#include "pcie/error.h"

namespace holdover::bench {
namespace {

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// In the directory of `path`, under a name of its own.
struct TemporaryFile {
  explicit TemporaryFile(const std::filesystem::path& path) {
    const std::string pattern = (directory_of(path) / ("." + path.filename().string() + ".XXXXXX")).string();
    name.assign(pattern.begin(), pattern.end());
    name.push_back('\0');
    descriptor = mkstemp(name.data());
    error = descriptor < 0 ? errno : 0;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor >= 0) ::close(descriptor);
    if (error == 0) unlink(name.data());
  }
  bool close() { return ::close(std::exchange(descriptor, -1)) == 0; }

  std::vector<char> name;
  int descriptor = -1;
  int error = 0;  // why there is none
};

mode_t mode_of_a_new_file() {
  const mode_t mask = umask(0);
  umask(mask);
  constexpr mode_t kEverybody = 0666;
  return kEverybody & ~mask;
}

// Why nothing can be written at `path`, which is no symbolic link; empty: it can.
std::string obstacle(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path directory = directory_of(path);
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  if (std::filesystem::is_directory(status) || !path.has_filename()) return "it is a directory";
  if (!std::filesystem::is_directory(directory, ignored)) return "there is no directory " + directory.string();
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) return "it is no regular file";
  if (access(directory.c_str(), W_OK | X_OK) != 0) return "nothing can be written into " + directory.string();
  if (std::filesystem::exists(status) && access(path.c_str(), W_OK) != 0) {
    return "it exists and may not be overwritten";
  }
  const TemporaryFile probe{path};
  return probe.error == 0 ? std::string{} : std::generic_category().message(probe.error);
}

}  // namespace

std::filesystem::path place_of(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) {
    std::filesystem::path target = std::filesystem::canonical(path, error);
    return error ? path : target;
  }
  const std::filesystem::path directory = std::filesystem::canonical(directory_of(path), error);
  return error ? path : directory / path.filename();
}

void require_writable(const std::string& option, const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path place = place_of(path);
  const std::string why = std::filesystem::is_symlink(place, ignored)
                              ? std::string("it is a symbolic link to a place that does not exist")
                              : obstacle(path.has_filename() ? place : path);
  if (why.empty()) return;
  throw Error{ErrorCode::Unavailable, option + ": " + path.string() + " cannot be written: " + why +
                                          "; name a file in a directory that exists"};
}

void write_whole(const std::string& option, const std::filesystem::path& path, const std::string& text) {
  const auto refuse = [&option, &path](int number) {
    throw Error{ErrorCode::Unavailable,
                option + ": " + path.string() + " cannot be written: " + std::generic_category().message(number),
                number};
  };
  const std::filesystem::path place = place_of(path);
  TemporaryFile file{place};
  if (file.error != 0) refuse(file.error);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = write(file.descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) refuse(errno);
    done += static_cast<std::size_t>(count);
  }
  if (fchmod(file.descriptor, mode_of_a_new_file()) != 0 || !file.close()) refuse(errno);
  if (rename(file.name.data(), place.c_str()) != 0) refuse(errno);
}

}  // namespace holdover::bench
