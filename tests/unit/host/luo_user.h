// SPDX-License-Identifier: MIT
// A process under LUO: everything goes through descriptors and ioctl bytes.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "host/kernel/errno.h"
#include "host/kernel/luo/ioctl.h"
#include "host/kernel/luo/uapi.h"
#include "tests/unit/host/luo_fixture.h"

namespace holdover::host::kernel {

class LuoUser : public LuoTest {
 protected:
  LuoUser() { start_process(); }
  ~LuoUser() override { end_kernel(); }

  void start_process() {
    files_ = std::make_unique<FileTable>();
    descriptors_ = std::make_unique<DescriptorTable>();
    ioctl_ = std::make_unique<class LuoIoctl>(*luo_, *files_, *descriptors_);
  }
  // Nothing of this kernel runs any more.
  void end_kernel() {
    if (files_ == nullptr) return;
    files_->abandon();
    luo_.reset();
    descriptors_.reset();
    files_.reset();
    device_ = -1;
  }
  // reboot(KEXEC), and what the next kernel finds.
  void kexec(bool handler_present = true) {
    ASSERT_EQ(luo_->freeze(), 0);
    jump();
    end_kernel();
    boot(handler_present);
    start_process();
  }

  // The device node, opened at the first use.
  int device() {
    if (device_ < 0) {
      EXPECT_EQ(ioctl_->open(device_), 0);
    }
    return device_;
  }
  template <typename Argument>
  int call(int descriptor, std::uint32_t request, Argument& argument) {
    argument.size = sizeof(argument);
    return ioctl_->ioctl(descriptor, request, UserMemory{std::as_writable_bytes(std::span(&argument, 1))});
  }
  static luo_uapi::SessionArgument named(const std::string& name) {
    luo_uapi::SessionArgument argument{};
    std::memcpy(argument.name, name.data(), std::min(name.size(), luo_uapi::kNameBytes));
    return argument;
  }
  int try_session(std::uint32_t request, const std::string& name) {
    auto argument = named(name);
    return call(device(), request, argument);
  }
  int try_create(const std::string& name) { return try_session(luo_uapi::kCreateSession, name); }
  int try_retrieve_session(const std::string& name) { return try_session(luo_uapi::kRetrieveSession, name); }
  int create(const std::string& name = "s") {
    auto argument = named(name);
    EXPECT_EQ(call(device(), luo_uapi::kCreateSession, argument), 0);
    return argument.fd;
  }
  int retrieve_session(const std::string& name = "s") {
    auto argument = named(name);
    EXPECT_EQ(call(device(), luo_uapi::kRetrieveSession, argument), 0);
    return argument.fd;
  }
  int preserve(int session, int file, std::uint64_t token) {
    luo_uapi::FileArgument argument{0, file, token};
    return call(session, luo_uapi::kPreserveFd, argument);
  }
  int preserve(int session, KernelFile& file, std::uint64_t token) {
    const int descriptor = descriptors_->install(file);
    const int error = preserve(session, descriptor, token);
    (void)descriptors_->close(descriptor);
    return error;
  }
  int retrieve(int session, std::uint64_t token, int* descriptor = nullptr) {
    luo_uapi::FileArgument argument{0, -1, token};
    const int error = call(session, luo_uapi::kRetrieveFd, argument);
    if (descriptor != nullptr) *descriptor = argument.fd;
    return error;
  }
  int finish(int session) {
    luo_uapi::FinishArgument argument{};
    return call(session, luo_uapi::kFinish, argument);
  }
  int close(int descriptor) { return ioctl_->close(descriptor); }
  // No page is left for anything.
  void exhaust_memory() {
    while (pages_->allocate(1, PageState::Kernel)) {
    }
  }

  std::unique_ptr<FileTable> files_;
  std::unique_ptr<DescriptorTable> descriptors_;
  std::unique_ptr<class LuoIoctl> ioctl_;

 private:
  int device_ = -1;
};

}  // namespace holdover::host::kernel
