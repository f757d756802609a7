// SPDX-License-Identifier: MIT
// What a board needs, over trees of files that stand in for machines.
#include "host/backend/vfio/board_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "host/backend/target.h"
#include "pcie/error.h"
#include "tests/unit/backend/refused.h"

namespace holdover::host {
namespace {

namespace fs = std::filesystem;
using State = BoardFact::State;

// A machine in a folder: everything is there, until a test takes it away.
class BoardCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(::testing::TempDir()) /
            ("board_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(root_);
    paths_ = {(root_ / "sys").string(), (root_ / "proc").string(), (root_ / "dev").string()};
    write("sys/bus/pci/devices/0000:01:00.0/vendor", "0x1af4\n");
    write("sys/bus/pci/devices/0000:01:00.0/device", "0x5a5a\n");
    write("sys/bus/pci/devices/0000:01:00.0/class", "0x120000\n");
    write("sys/bus/pci/devices/0000:01:00.0/current_link_speed", "8.0 GT/s PCIe\n");
    write("sys/bus/pci/devices/0000:01:00.0/current_link_width", "8\n");
    write("sys/bus/pci/devices/0000:01:00.0/resource",
          "0x00000000f0000000 0x00000000f000ffff 0x0000000000040200\n0x0 0x0 0x0\n");
    config_[0x34] = 0x40;
    config_[0x40] = 0x01;  // power management, No_Soft_Reset
    config_[0x41] = 0x50;
    config_[0x44] = 0x08;
    config_[0x50] = 0x11;  // MSI-X, 32 vectors
    config_[0x51] = 0x60;
    config_[0x52] = 31;
    config_[0x60] = 0x10;  // PCI Express, function level reset
    config_[0x67] = 0x10;
    write_config();
    link("sys/bus/pci/drivers/vfio-pci", "sys/bus/pci/devices/0000:01:00.0/driver");
    link("sys/kernel/iommu_groups/17", "sys/bus/pci/devices/0000:01:00.0/iommu_group");
    fs::create_directories(root_ / "sys/kernel/iommu_groups/17/devices/0000:01:00.0");
    fs::create_directories(root_ / "sys/bus/pci/devices/0000:01:00.0/vfio-dev/vfio3");
    write("dev/iommu", "");
    write("dev/vfio/vfio", "");
    write("dev/liveupdate", "");
    write("proc/cmdline", "quiet kho=on liveupdate=on\n");
    write("proc/sys/kernel/kexec_load_disabled", "0\n");
    write("sys/kernel/kexec_loaded", "0\n");
    write("proc/self/limits", "Limit  Soft Limit  Hard Limit  Units\nMax locked memory  unlimited  unlimited  bytes\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void write_config() { write("sys/bus/pci/devices/0000:01:00.0/config", {config_.begin(), config_.end()}); }
  void link(const std::string& to, const std::string& from) {
    fs::create_directories(root_ / to);
    fs::create_directories((root_ / from).parent_path());
    fs::remove(root_ / from);
    fs::create_directory_symlink(root_ / to, root_ / from);
  }
  void remove(const std::string& path) { fs::remove_all(root_ / path); }
  BoardCheck check() { return check_board(calls_, paths_, pcie::Bdf::parse("01:00.0"), 1_MiB); }
  BoardFact fact(const std::string& subject) {
    const BoardCheck all = check();
    const auto found = std::find_if(all.facts.begin(), all.facts.end(),
                                    [&](const BoardFact& each) { return each.subject == subject; });
    return found == all.facts.end() ? BoardFact{"", State::Ok, "not said"} : *found;
  }
  void expect(const std::string& subject, State state, const std::string& words) {
    const BoardFact said = fact(subject);
    EXPECT_EQ(said.state, state) << said.sentence;
    EXPECT_NE(said.sentence.find(words), std::string::npos) << said.sentence;
    EXPECT_EQ(check().ready(), state != State::Missing);
  }

  KernelSystemCalls calls_;
  KernelPaths paths_;
  std::array<char, 256> config_{};

 private:
  fs::path root_;
};

TEST_F(BoardCheckTest, AMachineThatHasEverythingIsReady) {
  for (const BoardFact& each : check().facts) EXPECT_EQ(each.state, State::Ok) << each.subject << each.sentence;
  expect("function", State::Ok, "0x1af4:0x5a5a, class 0x120000, link 8.0 GT/s PCIe x8");
  expect("BAR 0", State::Ok, "65536 bytes");
  expect("IOMMU group", State::Ok, "17, alone");
  expect("device file", State::Ok, "vfio3 with an iommufd");
}

TEST_F(BoardCheckTest, AFunctionThatIsNotThereIsAnError) {
  const auto refusal = testing::refused([&] { (void)check_board(calls_, paths_, pcie::Bdf::parse("09:00.0"), 1_MiB); });
  EXPECT_EQ(refusal.code, ErrorCode::NotFound);
  EXPECT_TRUE(refusal.says("0000:09:00.0")) << refusal.sentence;
}

TEST_F(BoardCheckTest, ABridgeCannotBeTheEndpoint) {
  write("sys/bus/pci/devices/0000:01:00.0/class", "0x060400\n");
  const auto by_class = testing::refused([&] { (void)check(); });
  EXPECT_EQ(by_class.code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(by_class.says("0000:01:00.0 is a bridge, and a bridge cannot be the endpoint")) << by_class.sentence;
  write("sys/bus/pci/devices/0000:01:00.0/class", "0x060000\n");  // of the host: header type 0
  EXPECT_TRUE(testing::refused([&] { (void)check(); }).says("is a bridge"));
  write("sys/bus/pci/devices/0000:01:00.0/class", "0x120000\n");
  config_[0x0e] = static_cast<char>(0x81);
  write_config();
  EXPECT_TRUE(testing::refused([&] { (void)check(); }).says("is a bridge"));
}

TEST_F(BoardCheckTest, AnotherDriverIsNamedWithTheCommandsThatChangeIt) {
  link("sys/bus/pci/drivers/xdma", "sys/bus/pci/devices/0000:01:00.0/driver");
  expect("driver", State::Missing, "bound to xdma");
  EXPECT_EQ(fact("driver").commands.size(), 4u);
  EXPECT_EQ(fact("driver").commands.front(), "modprobe vfio-pci disable_idle_d3=1");
  remove("sys/bus/pci/devices/0000:01:00.0/driver");
  expect("driver", State::Missing, "none");
  EXPECT_EQ(fact("driver").commands.size(), 3u);
}

TEST_F(BoardCheckTest, WithoutIommuOrWithStrangersInTheGroupItIsNotReady) {
  link("sys/bus/pci/drivers/snd", "sys/bus/pci/devices/0000:01:00.1/driver");
  write("sys/kernel/iommu_groups/17/devices/0000:01:00.1/x", "");
  expect("IOMMU group", State::Missing, "0000:01:00.1 (snd)");
  EXPECT_EQ(fact("IOMMU group").commands.size(), 1u);
  remove("sys/bus/pci/devices/0000:01:00.0/iommu_group");
  expect("IOMMU group", State::Missing, "no IOMMU translates");
}

TEST_F(BoardCheckTest, AnOlderKernelCanMeasureAndHandNothingOver) {
  remove("dev/iommu");
  expect("device file", State::Note, "no kernel hands such a file over");
  remove("dev/vfio");
  expect("device file", State::Missing, "is not there");
}

TEST_F(BoardCheckTest, LiveUpdateHasToBeAskedForOnTheCommandLine) {
  remove("dev/liveupdate");
  expect("live update", State::Missing, "CONFIG_LIVEUPDATE");
  write("proc/cmdline", "quiet\n");
  expect("live update", State::Missing, "kho=on liveupdate=on");
}

TEST_F(BoardCheckTest, AKexecMayBeForbidden) {
  write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  expect("kexec", State::Note, "signed images");
  write("proc/sys/kernel/kexec_load_disabled", "1\n");
  expect("kexec", State::Missing, "kexec_load_disabled");
}

TEST_F(BoardCheckTest, TheHardBlockMayHaveBeenConfiguredWrong) {
  config_[0x52] = 3;
  write_config();
  expect("MSI-X", State::Missing, "4 vectors");
  config_[0x52] = 31;
  config_[0x67] = 0;
  write_config();
  expect("function level reset", State::Missing, "not supported");
  config_[0x67] = 0x10;
  config_[0x44] = 0;
  write_config();
  expect("No_Soft_Reset", State::Note, "D3hot loses");
  write("sys/bus/pci/devices/0000:01:00.0/resource", "0x0 0x0 0x0\n");
  expect("BAR 0", State::Missing, "0 bytes");
}

TEST_F(BoardCheckTest, ACapabilityListWithoutEndEnds) {
  config_[0x61] = 0x40;
  write_config();
  expect("MSI-X", State::Ok, "32 vectors");
}

TEST_F(BoardCheckTest, AUserWithoutRootIsToldWhatIsLimited) {
  write("sys/bus/pci/devices/0000:01:00.0/config", std::string(64, '\0'));
  expect("capabilities", State::Note, "only root");
  write("proc/self/limits", "Max locked memory  65536  65536  bytes\n");
  expect("locked memory", State::Note, "limit 65536 bytes");
  write("proc/self/limits", "Max locked memory  8388608  8388608  bytes\n");
  expect("locked memory", State::Ok, "limit 8388608 bytes");
}

TEST(TargetTest, IsABoardOrASocket) {
  EXPECT_EQ(Target::parse("vfio:01:00.0").to_string(), "vfio:0000:01:00.0");
  EXPECT_EQ(Target::parse("01:00.0").to_string(), "vfio:0000:01:00.0");
  EXPECT_EQ(Target::parse("vfio-user:/run/a b.sock").path, "/run/a b.sock");
  for (const char* wrong : {"", "01:00", "vfio-user:", "vfio:", "vfio:xyz", "pci:01:00.0"}) {
    EXPECT_EQ(testing::refused([&] { (void)Target::parse(wrong); }).code, ErrorCode::InvalidArgument) << wrong;
  }
  EXPECT_TRUE(testing::refused([&] { (void)Target::parse("pci:01:00.0"); }).says("vfio-user:PATH"));
}

}  // namespace
}  // namespace holdover::host
