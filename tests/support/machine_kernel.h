// SPDX-License-Identifier: MIT
// A kernel at the boundary of system calls whose hardware is a machine: VFIO, iommufd, memfd and /dev/liveupdate as far
// as the backends of a real Linux use them, over the user space of the emulated kernel. It refuses what the real one
// refuses when things come in another order.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/backend/linux/system_calls.h"
#include "host/system.h"

namespace holdover::testing {

class MachineKernel final : public host::SystemCalls {
 public:
  // `system` outlives it. The function is the first that a device file can be opened for.
  explicit MachineKernel(host::System& system);
  ~MachineKernel() override;

  // No call for it, as in kernels before the series: ENOTTY.
  bool preserves_address_spaces = true;

  [[nodiscard]] int open(const std::string& path, int flags) override;
  [[nodiscard]] int close(int descriptor) override;
  [[nodiscard]] int ioctl(int descriptor, unsigned long request, std::span<std::byte> argument) override;
  [[nodiscard]] int ioctl(int descriptor, unsigned long request, unsigned long argument) override;
  [[nodiscard]] std::int64_t mmap(int descriptor, std::uint64_t offset, std::uint64_t bytes) override;
  [[nodiscard]] int munmap(std::uint64_t, std::uint64_t) override { return 0; }
  [[nodiscard]] std::int64_t read(int descriptor, std::span<std::byte> bytes) override;
  [[nodiscard]] std::int64_t write(int, std::span<const std::byte>) override { return -EBADF; }
  [[nodiscard]] std::int64_t pread(int descriptor, std::span<std::byte> bytes, std::uint64_t offset) override;
  [[nodiscard]] std::int64_t pwrite(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) override;
  [[nodiscard]] int eventfd() override;
  [[nodiscard]] int memfd_create(const std::string& name) override;
  [[nodiscard]] int ftruncate(int descriptor, std::uint64_t bytes) override;
  [[nodiscard]] int add_seals(int descriptor, unsigned seals) override;
  [[nodiscard]] std::int64_t file_size(int descriptor) override;
  [[nodiscard]] int reboot(unsigned command) override;
  void sync() override {}
  [[nodiscard]] int kexec_file_load(int, int, const std::string&, unsigned long) override { return -ENOSYS; }
  [[nodiscard]] int delete_module(const std::string&) override { return -ENOENT; }
  [[nodiscard]] int readlink(const std::string& path, std::string& target) override;
  [[nodiscard]] int list(const std::string& path, std::vector<std::string>& names) override;
  // Looking at the clock takes a little of it.
  [[nodiscard]] std::chrono::nanoseconds now() override;
  void sleep(std::chrono::nanoseconds duration) override { system_.wait(duration); }

 private:
  struct File;

  [[nodiscard]] int install(std::unique_ptr<File> file);
  [[nodiscard]] File* find(int descriptor);
  int device_ioctl(File& file, unsigned long request, std::span<std::byte> argument);
  int iommu_ioctl(File& file, unsigned long request, std::span<std::byte> argument);
  int session_ioctl(File& file, unsigned long request, std::span<std::byte> argument);
  int live_update_ioctl(File& file, unsigned long request, std::span<std::byte> argument);
  int set_irqs(File& file, std::span<const std::byte> argument);
  [[nodiscard]] std::unique_ptr<File> retrieve(host::Session& session, std::uint64_t token);

  host::System& system_;
  pcie::Bdf bdf_;
  std::map<int, std::unique_ptr<File>> files_;
};

}  // namespace holdover::testing
