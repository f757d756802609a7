// SPDX-License-Identifier: MIT
// libpci over a tree of plain files: what it finds, what it cannot have, and what is said of each function.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "host/backend/sysfs/resource_file.h"
#include "host/backend/sysfs/survey.h"
#include "host/backend/sysfs/sysfs_tree.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

using namespace pcie::config;

constexpr unsigned kMonitorAt = 0x100;

class PlainTree : public ::testing::Test {
 protected:
  PlainTree() {
    std::string name = (std::filesystem::temp_directory_path() / "holdover-sysfs-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(devices());
  }
  ~PlainTree() override { std::filesystem::remove_all(root_); }

  [[nodiscard]] std::filesystem::path devices() const { return root_ / "bus/pci/devices"; }
  [[nodiscard]] std::filesystem::path folder(const std::string& bdf) const { return devices() / bdf; }
  void attribute(const std::string& bdf, const std::string& name, const std::string& text) const {
    std::ofstream(folder(bdf) / name) << text << '\n';
  }
  void link(const std::string& bdf, const std::string& name, const std::string& target) const {
    std::filesystem::create_directory_symlink(target, folder(bdf) / name);
  }

  // Configuration space of an endpoint, or of something that is none.
  static std::vector<std::uint8_t> space(bool endpoint) {
    std::vector<std::uint8_t> bytes(kSpaceBytes);
    const auto put = [&](unsigned offset, std::uint32_t value) { std::memcpy(&bytes[offset], &value, 4); };
    put(kVendorId, 0x0d17'1172);
    put(kCommand, std::uint32_t{kStatusCapabilityList} << 16);
    put(kRevision, 0x1200'0001);
    put(kCapabilityPointer, 0x40);
    put(0x40, 0x0002'5010);  // Express, then MSI-X
    put(0x50, 0x001f'0011);
    if (endpoint) {
      put(kMonitorAt, 1u << 16 | kExtCapVendor);
      put(kMonitorAt + 4, 0x0101'0d17);
    }
    return bytes;
  }
  void add(const std::string& bdf, bool endpoint, unsigned class_code = 0x120000,
           std::size_t bytes = kSpaceBytes) const {
    std::filesystem::create_directories(folder(bdf));
    const std::vector<std::uint8_t> all = space(endpoint);
    std::ofstream(folder(bdf) / "config", std::ios::binary)
        .write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(bytes));
    char text[16];
    std::snprintf(text, sizeof text, "0x%06x", class_code);
    attribute(bdf, "class", text);
    attribute(bdf, "vendor", "0x1172");
    attribute(bdf, "device", "0x0d17");
    attribute(bdf, "irq", "0");
    attribute(bdf, "resource", "0x00000000e0000000 0x00000000e0000fff 0x0000000000040200");
  }

  static Surroundings all_open() {
    Surroundings surroundings;
    surroundings.root = true;
    surroundings.exists = [](const std::filesystem::path&) { return true; };
    surroundings.accessible = surroundings.exists;
    return surroundings;
  }
  // What stands in the way of the only function, one sentence after the other.
  std::string obstacles(bool here = true, const Surroundings& surroundings = all_open()) const {
    std::string text;
    const std::vector<SurveyedFunction> functions = survey(root_, here, surroundings);
    for (const Obstacle& each : functions.at(0).obstacles) text += each.what + "|" + each.remedy + "\n";
    return text;
  }

  std::filesystem::path root_;
};

TEST_F(PlainTree, ATreeThatIsNoneIsAnError) {
  try {
    const SysfsTree tree(root_ / "nothing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
    EXPECT_NE(std::string(error.what()).find((root_ / "nothing/bus/pci/devices").string()), std::string::npos);
  }
}

TEST_F(PlainTree, TheRootAndWhatLspciTakesAreTheSameTree) {
  add("0000:01:00.0", true);
  for (const std::filesystem::path& path : {root_, root_ / "bus/pci", root_ / "bus/pci/"}) {
    EXPECT_EQ(std::filesystem::canonical(sysfs_root(path)), std::filesystem::canonical(root_)) << path;
    EXPECT_EQ(SysfsTree(path).functions().size(), 1u) << path;
    const std::string remedy = survey(path, false, all_open()).at(0).obstacles.at(0).remedy;
    EXPECT_EQ(remedy.find("bus/pci/bus/pci"), std::string::npos) << remedy;
  }
  EXPECT_EQ(sysfs_root(root_ / "bus"), root_ / "bus");
}

TEST_F(PlainTree, WhatLibpciGivesUpOnIsAnErrorAndNotTheEndOfTheProcess) {
  std::filesystem::create_directories(folder("no-function"));
  try {
    const SysfsTree tree(root_);
    FAIL() << "libpci took it";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Unavailable);
    EXPECT_NE(std::string(error.what()).find("libpci gives up"), std::string::npos) << error.what();
  }
}

TEST_F(PlainTree, AnEmptyTreeHasNoFunctions) {
  const SysfsTree tree(root_);
  EXPECT_TRUE(tree.functions().empty());
  EXPECT_THROW((void)tree.open(pcie::Bdf{0, 1, 0, 0}), Error);
}

TEST_F(PlainTree, FunctionsComeInOrderWithWhatTheTreeSays) {
  add("0000:02:00.0", true);
  add("0000:01:1f.7", false);
  add("0001:00:00.0", false);
  const SysfsTree tree(root_);
  const auto functions = tree.functions();
  ASSERT_EQ(functions.size(), 3u);
  EXPECT_EQ(functions[0]->bdf(), (pcie::Bdf{0, 1, 0x1f, 7}));
  EXPECT_EQ(functions[1]->bdf(), (pcie::Bdf{0, 2, 0, 0}));
  EXPECT_EQ(functions[2]->bdf(), (pcie::Bdf{1, 0, 0, 0}));
  EXPECT_EQ(functions[1]->vendor_id(), 0x1172);
  EXPECT_EQ(functions[1]->device_class(), 0x1200);
  EXPECT_EQ(functions[1]->attribute("class"), "0x120000");
  EXPECT_EQ(functions[1]->attribute("numa_node"), std::nullopt);
  EXPECT_EQ(functions[1]->link("driver"), std::nullopt);
  EXPECT_EQ(functions[1]->bars()[0].address, BusAddress{0xe000'0000});
  EXPECT_EQ(functions[1]->bars()[0].size, Bytes{4096});
  const std::vector<SysfsCapability> capabilities = functions[1]->capabilities();
  ASSERT_EQ(capabilities.size(), 3u);
  EXPECT_EQ(capability_name(capabilities[0]), "Express");
  EXPECT_EQ(capability_name(capabilities[2]), "Vendor");
  EXPECT_TRUE(capabilities[2].extended);
  EXPECT_EQ(capability_name({0x7e, 0, false}), "0x7e");
  EXPECT_EQ(capability_name({0x7e, 0, true}), "0x007e");
}

TEST_F(PlainTree, WhatTheKernelHidesReadsAsOnes) {
  add("0000:01:00.0", true, 0x120000, 64);
  const SysfsTree tree(root_);
  const auto function = tree.functions()[0] == nullptr ? nullptr : tree.open(pcie::Bdf{0, 1, 0, 0});
  EXPECT_EQ(function->config_read(Bytes{0}, 4), 0x0d17'1172u);
  EXPECT_EQ(function->config_read(Bytes{0x3c}, 1), 0u);
  EXPECT_EQ(function->config_read(Bytes{0x40}, 4), 0xffff'ffffu);
  EXPECT_EQ(function->config_read(Bytes{0x100}, 2), 0xffffu);
}

TEST_F(PlainTree, AWriteThatIsRefusedSaysSo) {
  add("0000:01:00.0", true);
  const SysfsTree tree(root_);
  const auto function = tree.open(pcie::Bdf{0, 1, 0, 0});
  function->config_write(Bytes{0x3c}, 1, 0x77);
  EXPECT_EQ(function->config_read(Bytes{0x3c}, 4), 0x77u);
  std::filesystem::remove(folder("0000:01:00.0") / "config");
  const SysfsTree again(root_);
  try {
    again.open(pcie::Bdf{0, 1, 0, 0})->config_write(Bytes{4}, 2, 6);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Refused);
    EXPECT_EQ(error.errno_value(), ENOENT);
    EXPECT_NE(std::string(error.what()).find("0000:01:00.0"), std::string::npos) << error.what();
  }
}

TEST_F(PlainTree, ABarThatCanBeMappedIsMapped) {
  add("0000:01:00.0", true);
  std::ofstream(folder("0000:01:00.0") / "resource0", std::ios::binary) << "DLOH" << std::string(4092, '\0');
  EXPECT_TRUE(ResourceFile(folder("0000:01:00.0") / "resource0", Bytes{4096}).mapped());
  const SysfsTree tree(root_);
  const auto function = tree.open(pcie::Bdf{0, 1, 0, 0});
  EXPECT_EQ(function->load(0, Bytes{0}, 4), 0x484f4c44u);
  EXPECT_EQ(function->load(0, Bytes{1}, 1), 0x4cu);
  function->store(0, Bytes{8}, 8, 0x1122'3344'5566'7788);
  EXPECT_EQ(function->load(0, Bytes{12}, 4), 0x1122'3344u);
  EXPECT_EQ(function->load(0, Bytes{8}, 2), 0x7788u);
  for (const auto& [offset, size] : {std::pair{2u, 4u}, {0u, 3u}, {0u, 16u}, {4096u, 1u}, {4092u, 8u}}) {
    EXPECT_THROW((void)function->load(0, Bytes{offset}, size), Error) << offset << " " << size;
  }
  EXPECT_THROW((void)function->load(1, Bytes{0}, 4), Error) << "it has no such BAR";
  EXPECT_THROW((void)function->load(7, Bytes{0}, 4), Error);
}

TEST_F(PlainTree, AFreeEndpointOnItsOwnCanBeUsed) {
  add("0000:01:00.0", true);
  link("0000:01:00.0", "driver", "../../drivers/vfio-pci");
  link("0000:01:00.0", "iommu_group", "../../../../kernel/iommu_groups/12");
  EXPECT_EQ(obstacles(), "");
  const SurveyedFunction function = survey(root_, true, all_open())[0];
  EXPECT_TRUE(function.usable() && function.endpoint);
  EXPECT_EQ(function.driver, "vfio-pci");
  EXPECT_EQ(function.iommu_group, "12");
}

TEST_F(PlainTree, EachObstacleIsNamedWithWhatHelps) {
  add("0000:01:00.0", true);
  const std::string device = folder("0000:01:00.0").string();
  const std::string bind = "echo vfio-pci > " + device + "/driver_override && echo 0000:01:00.0 > " +
                           (root_ / "bus/pci/drivers_probe").string();
  EXPECT_EQ(obstacles(), "no driver has it|" + bind +
                             "\nit is in no IOMMU group|switch the IOMMU on in the firmware, and boot with "
                             "intel_iommu=on or amd_iommu=on\n");
  link("0000:01:00.0", "iommu_group", "../../../../kernel/iommu_groups/3");
  link("0000:01:00.0", "driver", "../../drivers/nvme");
  EXPECT_EQ(obstacles(), "the driver nvme has it|echo 0000:01:00.0 > " + device + "/driver/unbind && " + bind + "\n");
}

TEST_F(PlainTree, ANeighbourInTheGroupStandsInTheWayUnlessItIsABridgeOrFree) {
  for (const char* bdf : {"0000:01:00.0", "0000:01:00.1", "0000:01:00.2", "0000:01:00.3"}) {
    add(bdf, true, std::string(bdf).back() == '3' ? 0x060400 : 0x120000);
    link(bdf, "iommu_group", "../../../../kernel/iommu_groups/3");
  }
  link("0000:01:00.0", "driver", "../../drivers/vfio-pci");
  link("0000:01:00.1", "driver", "../../drivers/nvme");
  link("0000:01:00.3", "driver", "../../drivers/pcieport");
  EXPECT_EQ(obstacles(), "its IOMMU group 3 has 0000:01:00.1 in it, which the driver nvme has|echo 0000:01:00.1 > " +
                             (folder("0000:01:00.1") / "driver/unbind").string() + "\n");
}

TEST_F(PlainTree, DeviceFilesCountOnThisMachineAlone) {
  add("0000:01:00.0", true);
  link("0000:01:00.0", "driver", "../../drivers/vfio-pci");
  link("0000:01:00.0", "iommu_group", "../../../../kernel/iommu_groups/3");
  Surroundings closed = all_open();
  closed.accessible = [](const std::filesystem::path&) { return false; };
  EXPECT_EQ(obstacles(true, closed), "/dev/vfio/3 is closed to this user|run this as root, or chown it\n");
  EXPECT_EQ(obstacles(false, closed), "");
  Surroundings none = all_open();
  none.exists = [](const std::filesystem::path&) { return false; };
  EXPECT_EQ(obstacles(true, none),
            "there is neither /dev/vfio/vfio nor /dev/iommu|modprobe vfio-pci disable_idle_d3=1\n");
}

TEST_F(PlainTree, WhatIsNoEndpointCannotBeUsedAndABridgeNeither) {
  add("0000:01:00.0", false);
  EXPECT_NE(obstacles().find("no Holdover endpoint"), std::string::npos) << obstacles();
  Surroundings user = all_open();
  user.root = false;
  EXPECT_NE(obstacles(true, user).find("only root sees"), std::string::npos);
  std::filesystem::remove_all(folder("0000:01:00.0"));
  add("0000:01:00.0", true, 0x060400);
  EXPECT_EQ(obstacles(), "it is a bridge|\n");
}

TEST_F(PlainTree, AFunctionThatDoesNotAnswerIsSaidToBeGone) {
  add("0000:01:00.0", true);
  std::ofstream(folder("0000:01:00.0") / "config", std::ios::binary) << std::string(4096, '\xff');
  EXPECT_EQ(obstacles().substr(0, 19), "it does not answer|");
}

}  // namespace
}  // namespace holdover::host
