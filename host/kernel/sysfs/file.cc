// SPDX-License-Identifier: MIT
#include "host/kernel/sysfs/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pcie/error.h"

namespace holdover::host::kernel::sysfs {
namespace {

constexpr std::size_t kPage = kPageSize.count();
constexpr unsigned kAnyoneReads = 0444;
constexpr unsigned kAnyoneWrites = 0222;

}  // namespace

int check_open(const Node& node, bool reads, bool writes) {
  const auto check = [&](unsigned mode, bool readable, bool writable) {
    if (reads && ((mode & kAnyoneReads) == 0 || !readable)) return EACCES;
    if (writes && ((mode & kAnyoneWrites) == 0 || !writable)) return EACCES;
    return 0;
  };
  if (const auto* text = std::get_if<Text>(&node)) {
    return check(text->mode, static_cast<bool>(text->show), static_cast<bool>(text->store));
  }
  if (const auto* binary = std::get_if<Binary>(&node)) {
    return check(binary->mode, static_cast<bool>(binary->read), static_cast<bool>(binary->write));
  }
  return EISDIR;
}

// seq_read_iter()
Transfer OpenAttribute::read(const Text& text, std::uint64_t offset, std::span<std::byte> into) {
  if (offset == 0 || offset != position_) {
    Shown shown = text.show();
    if (shown.error != 0) return {shown.error, 0};
    shown_ = std::move(shown.text);
  }
  const std::size_t from = std::min<std::uint64_t>(offset, shown_.size());
  const std::size_t count = std::min({into.size(), shown_.size() - from, kPage});
  std::memcpy(into.data(), shown_.data() + from, count);
  position_ = offset + count;
  return {0, count};
}

Transfer OpenAttribute::read(std::uint64_t offset, std::span<std::byte> into) {
  if (const auto* text = std::get_if<Text>(&node_)) return read(*text, offset, into);
  const auto* binary = std::get_if<Binary>(&node_);
  HOLDOVER_CHECK(binary != nullptr);
  const std::uint64_t size = binary->size.count();
  if (into.empty() || offset >= size) return {};
  const std::uint64_t most = std::min<std::uint64_t>({into.size(), size - offset, kPage});
  return binary->read(offset, into.first(most));
}

Transfer OpenAttribute::write(std::uint64_t offset, std::span<const std::byte> from) {
  if (from.empty()) return {};
  from = from.first(std::min(from.size(), kPage));
  if (const auto* text = std::get_if<Text>(&node_)) {
    const int error = text->store({reinterpret_cast<const char*>(from.data()), from.size()});
    return {error, error == 0 ? from.size() : 0};
  }
  const auto* binary = std::get_if<Binary>(&node_);
  HOLDOVER_CHECK(binary != nullptr);
  const std::uint64_t size = binary->size.count();
  if (offset >= size) return {EFBIG, 0};
  return binary->write(offset, from.first(std::min<std::uint64_t>(from.size(), size - offset)));
}

}  // namespace holdover::host::kernel::sysfs
