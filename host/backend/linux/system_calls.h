// SPDX-License-Identifier: MIT
// The system calls that the backends of a real Linux make, as narrow as they need them: the boundary at which tests put
// recorded answers in place of a kernel.
//
// Every call returns what the kernel returns: a value that is not negative, or a negated errno. A call that a signal
// interrupts is made again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace holdover::host {

class SystemCalls {
 public:
  SystemCalls() = default;
  SystemCalls(const SystemCalls&) = delete;
  SystemCalls& operator=(const SystemCalls&) = delete;
  virtual ~SystemCalls() = default;

  // `flags` of open(2); O_CLOEXEC is added.
  [[nodiscard]] virtual int open(const std::string& path, int flags) = 0;
  [[nodiscard]] virtual int close(int descriptor) = 0;
  [[nodiscard]] virtual int ioctl(int descriptor, unsigned long request, std::span<std::byte> argument) = 0;
  // Requests whose argument is a number in place of a pointer.
  [[nodiscard]] virtual int ioctl(int descriptor, unsigned long request, unsigned long argument) = 0;
  // MAP_SHARED, read and write. The address, or a negated errno.
  [[nodiscard]] virtual std::int64_t mmap(int descriptor, std::uint64_t offset, std::uint64_t bytes) = 0;
  [[nodiscard]] virtual int munmap(std::uint64_t address, std::uint64_t bytes) = 0;
  [[nodiscard]] virtual std::int64_t read(int descriptor, std::span<std::byte> bytes) = 0;
  [[nodiscard]] virtual std::int64_t write(int descriptor, std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual std::int64_t pread(int descriptor, std::span<std::byte> bytes, std::uint64_t offset) = 0;
  [[nodiscard]] virtual std::int64_t pwrite(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) = 0;
  // Counts from 0, O_CLOEXEC and O_NONBLOCK.
  [[nodiscard]] virtual int eventfd() = 0;
  // MFD_CLOEXEC and MFD_ALLOW_SEALING.
  [[nodiscard]] virtual int memfd_create(const std::string& name) = 0;
  [[nodiscard]] virtual int ftruncate(int descriptor, std::uint64_t bytes) = 0;
  // fcntl(F_ADD_SEALS).
  [[nodiscard]] virtual int add_seals(int descriptor, unsigned seals) = 0;
  // The size of a regular file behind a descriptor.
  [[nodiscard]] virtual std::int64_t file_size(int descriptor) = 0;

  // LINUX_REBOOT_CMD_… of linux/reboot.h.
  [[nodiscard]] virtual int reboot(unsigned command) = 0;
  virtual void sync() = 0;
  // `initrd` -1: none.
  [[nodiscard]] virtual int kexec_file_load(int kernel, int initrd, const std::string& command_line,
                                            unsigned long flags) = 0;
  [[nodiscard]] virtual int delete_module(const std::string& name) = 0;

  // The target of a symbolic link into `target`, or a negated errno.
  [[nodiscard]] virtual int readlink(const std::string& path, std::string& target) = 0;
  // The names in a directory, sorted, without «.» and «..», or a negated errno.
  [[nodiscard]] virtual int list(const std::string& path, std::vector<std::string>& names) = 0;

  // clock_gettime(CLOCK_MONOTONIC).
  [[nodiscard]] virtual std::chrono::nanoseconds now() = 0;
  virtual void sleep(std::chrono::nanoseconds duration) = 0;
};

// The kernel that this process runs on. Stateless.
class KernelSystemCalls : public SystemCalls {
 public:
  [[nodiscard]] int open(const std::string& path, int flags) override;
  [[nodiscard]] int close(int descriptor) override;
  [[nodiscard]] int ioctl(int descriptor, unsigned long request, std::span<std::byte> argument) override;
  [[nodiscard]] int ioctl(int descriptor, unsigned long request, unsigned long argument) override;
  [[nodiscard]] std::int64_t mmap(int descriptor, std::uint64_t offset, std::uint64_t bytes) override;
  [[nodiscard]] int munmap(std::uint64_t address, std::uint64_t bytes) override;
  [[nodiscard]] std::int64_t read(int descriptor, std::span<std::byte> bytes) override;
  [[nodiscard]] std::int64_t write(int descriptor, std::span<const std::byte> bytes) override;
  [[nodiscard]] std::int64_t pread(int descriptor, std::span<std::byte> bytes, std::uint64_t offset) override;
  [[nodiscard]] std::int64_t pwrite(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) override;
  [[nodiscard]] int eventfd() override;
  [[nodiscard]] int memfd_create(const std::string& name) override;
  [[nodiscard]] int ftruncate(int descriptor, std::uint64_t bytes) override;
  [[nodiscard]] int add_seals(int descriptor, unsigned seals) override;
  [[nodiscard]] std::int64_t file_size(int descriptor) override;
  [[nodiscard]] int reboot(unsigned command) override;
  void sync() override;
  [[nodiscard]] int kexec_file_load(int kernel, int initrd, const std::string& command_line,
                                    unsigned long flags) override;
  [[nodiscard]] int delete_module(const std::string& name) override;
  [[nodiscard]] int readlink(const std::string& path, std::string& target) override;
  [[nodiscard]] int list(const std::string& path, std::vector<std::string>& names) override;
  [[nodiscard]] std::chrono::nanoseconds now() override;
  void sleep(std::chrono::nanoseconds duration) override;
};

// The object behind a call's argument or answer, as the kernel sees it.
template <typename T>
[[nodiscard]] std::span<std::byte> bytes_of(T& object) {
  return std::as_writable_bytes(std::span<T, 1>(&object, 1));
}

}  // namespace holdover::host
