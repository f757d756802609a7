// SPDX-License-Identifier: MIT
#include "host/backend/sysfs/resource_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "pcie/error.h"

namespace holdover::host {
namespace {

// Calls `access` with a volatile pointer of that width: one instruction, and no other.
template <typename Access>
auto at_width(std::byte* where, unsigned size, const Access& access) {
  switch (size) {
    case 1:
      return access(reinterpret_cast<volatile std::uint8_t*>(where));
    case 2:
      return access(reinterpret_cast<volatile std::uint16_t*>(where));
    case 4:
      return access(reinterpret_cast<volatile std::uint32_t*>(where));
    default:
      return access(reinterpret_cast<volatile std::uint64_t*>(where));
  }
}

}  // namespace

ResourceFile::ResourceFile(std::filesystem::path path, Bytes size) : path_(std::move(path)), size_(size) {
  descriptor_ = open(path_.c_str(), O_RDWR | O_SYNC | O_CLOEXEC);
  if (descriptor_ < 0) refuse("opened");
  void* const mapping = mmap(nullptr, size.count(), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (mapping != MAP_FAILED) mapping_ = static_cast<std::byte*>(mapping);
}

ResourceFile::~ResourceFile() {
  if (mapping_ != nullptr) munmap(mapping_, size_.count());
  close(descriptor_);
}

void ResourceFile::refuse(const char* what) const {
  const int error = errno;
  throw Error(ErrorCode::Refused, "«" + path_.string() + "» cannot be " + what + ": " + std::strerror(error), error);
}

void ResourceFile::check(Bytes offset, unsigned size) const {
  const bool width = std::has_single_bit(size) && size <= 8;
  if (width && offset.count() % size == 0 && offset < size_ && Bytes{size} <= size_ - offset) return;
  throw Error(ErrorCode::InvalidArgument, "«" + path_.string() + "» has no register of " + std::to_string(size) +
                                              " bytes at offset " + std::to_string(offset.count()) + ".");
}

std::uint64_t ResourceFile::load(Bytes offset, unsigned size) const {
  check(offset, size);
  if (mapping_ != nullptr) {
    return at_width(mapping_ + offset.count(), size,
                    [](const auto* where) { return static_cast<std::uint64_t>(*where); });
  }
  std::uint64_t value = 0;
  if (pread(descriptor_, &value, size, static_cast<off_t>(offset.count())) != static_cast<ssize_t>(size)) {
    refuse("read");
  }
  return value;
}

void ResourceFile::store(Bytes offset, unsigned size, std::uint64_t value) const {
  check(offset, size);
  if (mapping_ != nullptr) {
    at_width(mapping_ + offset.count(), size, [value](auto* where) {
      *where = static_cast<std::remove_volatile_t<std::remove_pointer_t<decltype(where)>>>(value);
    });
    return;
  }
  if (pwrite(descriptor_, &value, size, static_cast<off_t>(offset.count())) != static_cast<ssize_t>(size)) {
    refuse("written");
  }
}

}  // namespace holdover::host
