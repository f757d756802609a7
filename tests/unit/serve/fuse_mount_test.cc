// SPDX-License-Identifier: MIT
// A mount whose kernel gives up while somebody reads.
#include "serve/sysfs/fuse_mount.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <thread>

#include "bench/booted_machine.h"
#include "pcie/error.h"
#include "serve/sysfs/mount_point.h"
#include "tests/support/bench_run.h"
#include "tests/support/fuse_missing.h"

namespace holdover::serve {
namespace {

class FuseMountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = fuse_missing(); !missing.empty()) GTEST_SKIP() << missing;
    std::string name = (std::filesystem::temp_directory_path() / "holdover-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    require_mount_point(directory_);
    mount_.emplace(tree_, directory_, [this](const std::function<void()>& request) {
      if (fails_) throw Error(ErrorCode::Unavailable, "the kernel is gone");
      request();
    });
    server_ = std::thread([this] {
      try {
        for (bool mounted = true; mounted && !stop_;) {
          pollfd wanted{mount_->descriptor(), POLLIN, 0};
          if (poll(&wanted, 1, 10) > 0) mounted = mount_->serve();
        }
      } catch (...) {
        thrown_ = std::current_exception();
      }
    });
  }
  void TearDown() override {
    if (directory_.empty()) return;
    stop_ = true;
    if (server_.joinable()) server_.join();
    mount_.reset();
    EXPECT_TRUE(std::filesystem::is_empty(directory_));
    std::filesystem::remove(directory_);
  }
  // Errno of a read of this attribute, 0 where it succeeds.
  int read(const std::string& path) {
    char byte = 0;
    const int descriptor = open((directory_ / path).c_str(), O_RDONLY);
    if (descriptor < 0) return errno;
    const int error = ::read(descriptor, &byte, 1) < 0 ? errno : 0;
    close(descriptor);
    return error;
  }

  static bench::RunOptions options() {
    bench::RunOptions options = bench::testing::short_run();
    options.disturb = "none";
    return options;
  }

  bench::BootedMachine machine_{options(), sim::build_machine};
  host::kernel::sysfs::Tree tree_{machine_.kernel()};
  std::filesystem::path directory_;
  std::atomic<bool> fails_{false};
  std::atomic<bool> stop_{false};
  std::optional<FuseMount> mount_;
  std::thread server_;
  std::exception_ptr thrown_;
};

TEST_F(FuseMountTest, WhatTheGuardThrowsIsEioForTheReaderAndThrownToTheServer) {
  EXPECT_EQ(read("devices/pci0000:00/0000:00:01.0/vendor"), 0);
  EXPECT_EQ(read("devices/pci0000:00/0000:00:01.0/nothing"), ENOENT);
  fails_ = true;
  EXPECT_EQ(read("devices/pci0000:00/0000:00:01.0/vendor"), EIO);
  server_.join();
  ASSERT_NE(thrown_, nullptr);
  EXPECT_THROW(std::rethrow_exception(thrown_), Error);
}

TEST_F(FuseMountTest, ADirectoryInUseIsNoMountPointUntilItIsFreeAgain) {
  EXPECT_THROW(require_mount_point(directory_), Error);
  stop_ = true;
  server_.join();
  mount_.reset();
  require_mount_point(directory_);
}

}  // namespace
}  // namespace holdover::serve
