// SPDX-License-Identifier: MIT
// Claims about reboot(KEXEC) of a whole kernel: what it demands before it begins, and what a failure leaves.
#include <gtest/gtest.h>

#include <cerrno>

#include "host/backend/emulated/emulated_system.h"
#include "host/kernel/errno.h"
#include "host/kernel/kernel.h"
#include "pcie/error.h"
#include "tests/support/fake_platform.h"

namespace holdover::host::kernel {
namespace {

constexpr char kCommandLine[] = "profile=continuous";

class Kexec : public ::testing::Test {
 protected:
  Kexec() { kernel_.boot(); }
  Luo& luo() { return kernel_.live_update().luo(); }
  void create_session() {
    LuoSession* session = nullptr;
    ASSERT_EQ(luo().create_session("s", session), 0);
  }
  BootParameters next_parameters() { return read_boot_parameters(platform_.dram(), next_); }

  testing::FakePlatform platform_;
  Kernel kernel_{platform_, platform_.write_boot_page(kCommandLine)};
  PhysicalAddress next_;
};

TEST_F(Kexec, WithoutAnImageIsEinval) {
  EXPECT_EQ(kernel_.kexec(next_), EINVAL);
  ASSERT_EQ(kernel_.load_image(kCommandLine), 0);
  ASSERT_EQ(kernel_.unload_image(), 0);
  EXPECT_EQ(kernel_.kexec(next_), EINVAL);
  EXPECT_FALSE(luo().frozen()) << "the image comes before LUO";
  EXPECT_FALSE(platform_.jumped_to.has_value());
}

TEST_F(Kexec, ASecondOneIsEbusyAndSoIsAnotherImage) {
  ASSERT_EQ(kernel_.load_image(kCommandLine), 0);
  ASSERT_EQ(kernel_.kexec(next_), 0);
  EXPECT_EQ(kernel_.kexec(next_), EBUSY);
  EXPECT_EQ(kernel_.load_image(kCommandLine), EBUSY);
  EXPECT_EQ(kernel_.unload_image(), EBUSY);
}

TEST_F(Kexec, ImageWithoutRoomInScratchIsEaddrnotavail) {
  while (kernel_.pages().allocate(1, PageState::Scratch)) {
  }
  EXPECT_EQ(kernel_.load_image(kCommandLine), EADDRNOTAVAIL);
  EXPECT_EQ(kernel_.kexec(next_), EINVAL);
}

TEST_F(Kexec, ARefusedImageLeavesTheOneThatWasLoaded) {
  ASSERT_EQ(kernel_.load_image(kCommandLine), 0);
  EXPECT_EQ(kernel_.load_image(std::string(5000, 'x')), EINVAL) << "the command line is too long";
  EXPECT_TRUE(kernel_.image_loaded());
  ASSERT_EQ(kernel_.kexec(next_), 0);
  EXPECT_STREQ(next_parameters().command_line.data(), kCommandLine);
}

TEST_F(Kexec, ImageLiesInScratchAndBringsTreeAndScratchAlong) {
  ASSERT_EQ(kernel_.load_image(kCommandLine), 0);
  ASSERT_EQ(kernel_.load_image(kCommandLine), 0) << "replaces the first one";
  ASSERT_EQ(kernel_.kexec(next_), 0);
  const BootParameters next = next_parameters();
  EXPECT_EQ(next.kho_fdt, kernel_.live_update().kho().fdt().raw());
  EXPECT_EQ(next.kho_scratch, kernel_.parameters().kho_scratch);
  EXPECT_GE(next_.raw(), next.kho_scratch);
  EXPECT_LT(next_.raw(), next.kho_scratch + next.kho_scratch_bytes);
}

TEST_F(Kexec, AJumpImageSkipsLuo) {
  create_session();
  ASSERT_EQ(kernel_.load_image(kCommandLine, Kernel::ImageKind::Jump), 0);
  ASSERT_EQ(kernel_.kexec(next_), 0);
  EXPECT_FALSE(luo().frozen());
  EXPECT_EQ(next_parameters().kho_fdt, 0u);
}

TEST_F(Kexec, AnyOtherImageFreezesLuo) {
  create_session();
  ASSERT_EQ(kernel_.load_image(kCommandLine), 0);
  ASSERT_EQ(kernel_.kexec(next_), 0);
  EXPECT_TRUE(luo().frozen());
}

TEST_F(Kexec, WhatNeverReturnsIsSaidSoToTheAgent) {
  EmulatedSystem system(kernel_);
  const std::unique_ptr<LiveUpdate> live_update = system.open_live_update();
  ASSERT_EQ(luo().freeze(), 0);
  try {
    (void)live_update->create_session("late");
    ADD_FAILURE() << "came back";
  } catch (const Error& error) {
    EXPECT_EQ(error.errno_value(), kNeverReturns);
    EXPECT_NE(std::string(error.what()).find("never comes back"), std::string::npos);
  }
}

TEST_F(Kexec, DescriptorsOfTheAgentAreNumberedAndClosed) {
  EmulatedSystem system(kernel_);
  {
    const std::unique_ptr<Memory> memory = system.create_memory(8_KiB);
    const std::unique_ptr<LiveUpdate> live_update = system.open_live_update();
    const std::unique_ptr<Session> session = live_update->create_session("s");
    session->preserve(*memory, 1);
    EXPECT_EQ(luo().outgoing().front()->file_count(), 1u);
    EXPECT_NE(kernel_.descriptors().find(4), nullptr) << "the session";
    EXPECT_EQ(kernel_.descriptors().find(5), nullptr) << "only while the memory was preserved";
  }
  EXPECT_TRUE(luo().outgoing().empty());
  EXPECT_EQ(kernel_.descriptors().find(3), nullptr);
}

}  // namespace
}  // namespace holdover::host::kernel
