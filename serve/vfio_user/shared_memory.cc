// SPDX-License-Identifier: MIT
#include "serve/vfio_user/shared_memory.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <mutex>
#include <utility>

#include "pcie/error.h"

namespace holdover::serve {
namespace {

// Where a copy under way is left when its memory is gone.
thread_local sigjmp_buf* volatile escape = nullptr;
struct sigaction before {};

void on_bus_error(int number, siginfo_t* information, void* context) {
  if (escape != nullptr) siglongjmp(*escape, 1);
  // Not ours: as if this handler were not there.
  if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) {
    before.sa_sigaction(number, information, context);
    return;
  }
  static_cast<void>(::signal(SIGBUS, SIG_DFL));
}

void watch_bus_errors() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    // The handler is left by a jump: the signal must not stay blocked.
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    HOLDOVER_CHECK(::sigaction(SIGBUS, &action, &before) == 0);
  });
}

// A processor sees eight aligned bytes at once, and what has the higher address not before the lower.
void copy(std::byte* to, std::span<const std::byte> from) {
  std::size_t at = 0;
  for (; at < from.size() && reinterpret_cast<std::uintptr_t>(to + at) % 8 != 0; ++at) to[at] = from[at];
  for (; at + 8 <= from.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, from.data() + at, sizeof word);
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(to + at), word, __ATOMIC_RELEASE);
  }
  for (; at < from.size(); ++at) to[at] = from[at];
}

// False where a bus error ended it. The fences keep the copy where the handler can be left.
template <typename Copy>
bool guarded(const Copy& copy) {
  sigjmp_buf here;
  if (sigsetjmp(here, 0) != 0) {
    escape = nullptr;
    return false;
  }
  escape = &here;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  copy();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  escape = nullptr;
  return true;
}

}  // namespace

bool SharedMemory::can_map(int descriptor) {
  struct stat file {};
  struct statfs system {};
  if (::fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode) || ::fstatfs(descriptor, &system) != 0) return false;
  constexpr std::array<unsigned long, 5> kStill{TMPFS_MAGIC, HUGETLBFS_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
                                                BTRFS_SUPER_MAGIC};
  return std::find(kStill.begin(), kStill.end(), static_cast<unsigned long>(system.f_type)) != kStill.end();
}

std::optional<SharedMemory> SharedMemory::map(int descriptor, std::uint64_t offset, std::uint64_t size, bool writable) {
  struct stat file {};
  if (::fstat(descriptor, &file) != 0) return std::nullopt;
  const auto length = static_cast<std::uint64_t>(file.st_size);
  if (offset > length || size > length - offset) {
    errno = EINVAL;
    return std::nullopt;
  }
  watch_bus_errors();
  struct statfs system {};
  const bool huge = ::fstatfs(descriptor, &system) == 0 && system.f_type == HUGETLBFS_MAGIC;
  const std::uint64_t unit = huge ? static_cast<std::uint64_t>(system.f_bsize) : 4096;
  const std::uint64_t begin = offset / unit * unit;
  const std::uint64_t whole = (offset + size - begin + unit - 1) / unit * unit;
  void* const mapped = ::mmap(nullptr, whole, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_NORESERVE,
                              descriptor, static_cast<off_t>(begin));
  if (mapped == MAP_FAILED) return std::nullopt;
  const std::span<std::byte> all{static_cast<std::byte*>(mapped), whole};
  return SharedMemory{all, all.subspan(offset - begin, size)};
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : mapped_(std::exchange(other.mapped_, {})), bytes_(std::exchange(other.bytes_, {})) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(mapped_, other.mapped_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (!mapped_.empty()) static_cast<void>(::munmap(mapped_.data(), mapped_.size()));
}

bool SharedMemory::read(std::uint64_t offset, std::span<std::byte> data) const {
  HOLDOVER_CHECK(offset <= bytes_.size() && data.size() <= bytes_.size() - offset);
  const std::byte* const from = bytes_.data() + offset;
  return data.empty() || guarded([&] { std::memcpy(data.data(), from, data.size()); });
}

bool SharedMemory::write(std::uint64_t offset, std::span<const std::byte> data) {
  HOLDOVER_CHECK(offset <= bytes_.size() && data.size() <= bytes_.size() - offset);
  std::byte* const to = bytes_.data() + offset;
  return data.empty() || guarded([&] { copy(to, data); });
}

}  // namespace holdover::serve
