// SPDX-License-Identifier: MIT
#include "host/backend/linux/system_calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>
#include <memory>

namespace holdover::host {
namespace {

template <typename Value>
[[nodiscard]] Value or_errno(Value value) {
  return value == Value{-1} ? static_cast<Value>(-errno) : value;
}

// What a signal interrupts is asked for again.
template <typename Call>
[[nodiscard]] auto retried(const Call& call) {
  for (;;) {
    const auto answer = or_errno(call());
    if (answer != -EINTR) return answer;
  }
}

}  // namespace

int KernelSystemCalls::open(const std::string& path, int flags) {
  return retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC); });
}

// Never repeated: the descriptor is gone even where a signal came (close(2)).
int KernelSystemCalls::close(int descriptor) { return or_errno(::close(descriptor)); }

int KernelSystemCalls::ioctl(int descriptor, unsigned long request, std::span<std::byte> argument) {
  return retried([&] { return ::ioctl(descriptor, request, argument.data()); });
}

int KernelSystemCalls::ioctl(int descriptor, unsigned long request, unsigned long argument) {
  return retried([&] { return ::ioctl(descriptor, request, argument); });
}

std::int64_t KernelSystemCalls::mmap(int descriptor, std::uint64_t offset, std::uint64_t bytes) {
  void* const address =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, static_cast<off_t>(offset));
  return address == MAP_FAILED ? -errno : reinterpret_cast<std::int64_t>(address);
}

int KernelSystemCalls::munmap(std::uint64_t address, std::uint64_t bytes) {
  return or_errno(::munmap(reinterpret_cast<void*>(address), bytes));
}

std::int64_t KernelSystemCalls::read(int descriptor, std::span<std::byte> bytes) {
  return retried([&] { return ::read(descriptor, bytes.data(), bytes.size()); });
}

std::int64_t KernelSystemCalls::write(int descriptor, std::span<const std::byte> bytes) {
  return retried([&] { return ::write(descriptor, bytes.data(), bytes.size()); });
}

std::int64_t KernelSystemCalls::pread(int descriptor, std::span<std::byte> bytes, std::uint64_t offset) {
  return retried([&] { return ::pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
}

std::int64_t KernelSystemCalls::pwrite(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) {
  return retried([&] { return ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
}

int KernelSystemCalls::eventfd() { return or_errno(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int KernelSystemCalls::memfd_create(const std::string& name) {
  return or_errno(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

int KernelSystemCalls::ftruncate(int descriptor, std::uint64_t bytes) {
  return retried([&] { return ::ftruncate(descriptor, static_cast<off_t>(bytes)); });
}

int KernelSystemCalls::add_seals(int descriptor, unsigned seals) {
  return or_errno(::fcntl(descriptor, F_ADD_SEALS, seals));
}

std::int64_t KernelSystemCalls::file_size(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) != 0 ? -errno : status.st_size;
}

int KernelSystemCalls::reboot(unsigned command) {
  return static_cast<int>(or_errno(::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, nullptr)));
}

void KernelSystemCalls::sync() { ::sync(); }

int KernelSystemCalls::kexec_file_load(int kernel, int initrd, const std::string& command_line, unsigned long flags) {
  // The length counts the terminating zero.
  return static_cast<int>(
      or_errno(::syscall(SYS_kexec_file_load, kernel, initrd, command_line.size() + 1, command_line.c_str(),
                         flags | (initrd < 0 ? KEXEC_FILE_NO_INITRAMFS : 0))));
}

int KernelSystemCalls::delete_module(const std::string& name) {
  return static_cast<int>(or_errno(::syscall(SYS_delete_module, name.c_str(), O_NONBLOCK)));
}

int KernelSystemCalls::readlink(const std::string& path, std::string& target) {
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlink(path.c_str(), text.data(), text.size());
  if (length < 0) return -errno;
  target.assign(text.data(), static_cast<std::size_t>(length));
  return 0;
}

int KernelSystemCalls::list(const std::string& path, std::vector<std::string>& names) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (!folder) return -errno;
  names.clear();
  errno = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return -errno;
}

std::chrono::nanoseconds KernelSystemCalls::now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void KernelSystemCalls::sleep(std::chrono::nanoseconds duration) {
  const std::chrono::nanoseconds until = now() + duration;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(until);
  const timespec time{seconds.count(), (until - seconds).count()};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

}  // namespace holdover::host
