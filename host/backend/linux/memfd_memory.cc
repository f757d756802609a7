// SPDX-License-Identifier: MIT
#include "host/backend/linux/memfd_memory.h"

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <utility>

#include "host/backend/refusal.h"

namespace holdover::host {

Mapped::Mapped(SystemCalls& calls, int descriptor, std::uint64_t offset, std::uint64_t bytes, const std::string& what)
    : calls_(&calls) {
  const std::int64_t address = require(calls.mmap(descriptor, offset, bytes), "to map " + what);
  bytes_ = {reinterpret_cast<std::byte*>(address), bytes};
}

Mapped::Mapped(Mapped&& other) noexcept : calls_(other.calls_), bytes_(std::exchange(other.bytes_, {})) {}

Mapped& Mapped::operator=(Mapped&& other) noexcept {
  std::swap(calls_, other.calls_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapped::~Mapped() {
  if (!bytes_.empty()) {
    static_cast<void>(calls_->munmap(reinterpret_cast<std::uint64_t>(bytes_.data()), bytes_.size()));
  }
}

std::unique_ptr<MemfdMemory> MemfdMemory::create(SystemCalls& calls, Bytes size) {
  const std::string what = "a memfd of " + std::to_string(size.count()) + " bytes";
  if (size == Bytes{0} || size % kPageSize != Bytes{0}) refuse(EINVAL, what, "its size is a multiple of 4 KiB");
  Descriptor file(calls, static_cast<int>(require(calls.memfd_create("holdover"), what)));
  require(calls.ftruncate(file.number(), size.count()), what);
  require(calls.add_seals(file.number(), F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), "to seal " + what);
  Mapped mapped(calls, file.number(), 0, size.count(), what);
  return std::unique_ptr<MemfdMemory>(new MemfdMemory(std::move(file), std::move(mapped)));
}

std::unique_ptr<MemfdMemory> MemfdMemory::adopt(SystemCalls& calls, Descriptor file) {
  const auto size = static_cast<std::uint64_t>(require(calls.file_size(file.number()), "the size of a memfd"));
  if (size == 0 || size % kPageSize.count() != 0) {
    refuse(EINVAL, "a memfd of " + std::to_string(size) + " bytes", "it was handed over with another size");
  }
  Mapped mapped(calls, file.number(), 0, size, "a memfd of " + std::to_string(size) + " bytes");
  return std::unique_ptr<MemfdMemory>(new MemfdMemory(std::move(file), std::move(mapped)));
}

}  // namespace holdover::host
