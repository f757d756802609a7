// SPDX-License-Identifier: MIT
#include "host/backend/linux/small_file.h"

#include <fcntl.h>

#include <array>

#include "host/backend/linux/descriptor.h"
#include "pcie/error.h"

namespace holdover::host {

std::optional<std::string> read_text(SystemCalls& calls, const std::string& path) {
  const int number = calls.open(path, O_RDONLY);
  if (number < 0) return std::nullopt;
  const Descriptor file(calls, number);
  std::string text;
  std::array<std::byte, 4096> bytes{};
  for (;;) {
    const std::int64_t length = calls.read(number, bytes);
    if (length < 0) return std::nullopt;
    if (length == 0) break;
    text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
  return text;
}

std::string boot_id(SystemCalls& calls, const KernelPaths& paths) {
  const std::string path = paths.proc + "/sys/kernel/random/boot_id";
  std::optional<std::string> id = read_text(calls, path);
  if (id && !id->empty()) return *std::move(id);
  throw Error(ErrorCode::Unavailable, path + " cannot be read, so nothing tells one boot from another; mount /proc");
}

int write_text(SystemCalls& calls, const std::string& path, std::string_view text) {
  const int number = calls.open(path, O_WRONLY);
  if (number < 0) return number;
  const Descriptor file(calls, number);
  const std::int64_t written = calls.write(number, std::as_bytes(std::span(text)));
  return written < 0 ? static_cast<int>(written) : 0;
}

std::optional<std::string> link_name(SystemCalls& calls, const std::string& path) {
  std::string target;
  if (calls.readlink(path, target) < 0) return std::nullopt;
  return target.substr(target.find_last_of('/') + 1);
}

}  // namespace holdover::host
