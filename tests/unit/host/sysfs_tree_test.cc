// SPDX-License-Identifier: MIT
// The tree of the kernel's sysfs: what attributes say and take, and where links lead.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "host/kernel/sysfs/tree.h"
#include "pcie/error.h"
#include "tests/unit/host/kernel_fixture.h"

namespace holdover::host::kernel::sysfs {
namespace {

using namespace pcie::config;

class SysfsTree : public KernelTest {
 protected:
  void boot(const std::string& line = "profile=continuous") {
    kernel_ = std::make_unique<Kernel>(platform_, platform_.write_boot_page(line));
    kernel_->boot();
    system_ = std::make_unique<EmulatedSystem>(*kernel_);
    tree_ = std::make_unique<Tree>(*kernel_);
  }
  std::string show(const std::string& path) {
    const std::optional<Node> node = tree_->find(path);
    const auto* text = node ? std::get_if<Text>(&*node) : nullptr;
    if (text == nullptr || !text->show) return "no text at " + path;
    const Shown shown = text->show();
    return shown.error != 0 ? "errno " + std::to_string(shown.error) : shown.text;
  }
  int store(const std::string& path, const std::string& value) {
    const std::optional<Node> node = tree_->find(path);
    const auto* text = node ? std::get_if<Text>(&*node) : nullptr;
    return text == nullptr || !text->store ? -1 : text->store(value);
  }
  bool exists(const std::string& path) { return tree_->find(path).has_value(); }
  std::string link(const std::string& path) {
    const std::optional<Node> node = tree_->find(path);
    const auto* found = node ? std::get_if<Link>(&*node) : nullptr;
    return found == nullptr ? "no link at " + path : found->target;
  }
  std::vector<std::string> names(const std::string& path) {
    std::vector<std::string> found;
    const std::optional<Node> node = tree_->find(path);
    if (!node) return {"nothing at " + path};
    for (const Entry& entry : std::get<Folder>(*node).entries()) found.push_back(entry.name);
    return found;
  }

  const std::string root_path_ = "devices/pci0000:00/0000:00:01.0";
  const std::string endpoint_path_ = root_path_ + "/0000:01:00.0/0000:02:00.0/0000:03:00.0";
  std::unique_ptr<Kernel> kernel_;
  std::unique_ptr<EmulatedSystem> system_;
  std::unique_ptr<Tree> tree_;
};

TEST_F(SysfsTree, TheBusListsEveryFunctionAsALinkIntoTheTree) {
  boot();
  EXPECT_EQ(names("bus/pci"), (std::vector<std::string>{"devices", "drivers", "drivers_probe", "slots"}));
  EXPECT_EQ(names("bus/pci/devices"), (std::vector<std::string>{"0000:00:01.0", "0000:01:00.0", "0000:02:00.0",
                                                                "0000:02:01.0", "0000:03:00.0", "0000:04:00.0"}));
  EXPECT_EQ(link("bus/pci/devices/0000:03:00.0"), "../../../" + endpoint_path_);
  EXPECT_EQ(link(endpoint_path_ + "/subsystem"), "../../../../../../bus/pci");
  EXPECT_EQ(link(endpoint_path_ + "/driver"), "../../../../../../bus/pci/drivers/vfio-pci");
  EXPECT_EQ(link(endpoint_path_ + "/iommu_group"), "../../../../../../kernel/iommu_groups/0");
  EXPECT_EQ(link("kernel/iommu_groups/1/devices/0000:04:00.0"),
            "../../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:04:00.0");
  EXPECT_EQ(link(root_path_ + "/driver"), "../../../bus/pci/drivers/pcieport");
  EXPECT_FALSE(exists(root_path_ + "/iommu_group"));
  EXPECT_FALSE(exists("bus/usb"));
  EXPECT_FALSE(exists("bus/pci/devices/0000:03:00.0/vendor")) << "links are not followed";
  EXPECT_FALSE(exists(endpoint_path_ + "/vendor/x"));
  EXPECT_TRUE(exists("/") && exists("") && exists("//bus//pci/"));
}

TEST_F(SysfsTree, IdentityHasTheFormOfLinux) {
  boot();
  EXPECT_EQ(show(endpoint_path_ + "/vendor"), "0x1172\n");
  EXPECT_EQ(show(endpoint_path_ + "/device"), "0x0d17\n");
  EXPECT_EQ(show(endpoint_path_ + "/class"), "0x120000\n");
  EXPECT_EQ(show(endpoint_path_ + "/revision"), "0x01\n");
  EXPECT_EQ(show(endpoint_path_ + "/modalias"), "pci:v00001172d00000D17sv00000000sd00000000bc12sc00i00\n");
  EXPECT_EQ(show(endpoint_path_ + "/uevent"),
            "DRIVER=vfio-pci\nPCI_CLASS=120000\nPCI_ID=1172:0D17\nPCI_SUBSYS_ID=0000:0000\n"
            "PCI_SLOT_NAME=0000:03:00.0\nMODALIAS=pci:v00001172d00000D17sv00000000sd00000000bc12sc00i00\n");
  EXPECT_NE(show(root_path_ + "/uevent").find("PCI_CLASS=60400\n"), std::string::npos);
  EXPECT_EQ(show(root_path_ + "/secondary_bus_number"), "1\n");
  EXPECT_EQ(show(root_path_ + "/subordinate_bus_number"), "4\n");
  EXPECT_FALSE(exists(endpoint_path_ + "/secondary_bus_number"));
}

TEST_F(SysfsTree, ResourcesListBarsAndWindowsWithTheirFlags) {
  boot();
  const std::string zero = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
  std::string rest;
  for (unsigned line = 0; line < 10; ++line) rest += zero;
  const std::string lines = show(endpoint_path_ + "/resource");
  EXPECT_EQ(lines, "0x00000000e0000000 0x00000000e000ffff 0x0000000000040200\n" + zero +
                       "0x0000008000000000 0x000000800000ffff 0x000000000014220c\n" + rest);
  const std::string bridge = show(root_path_ + "/resource");
  EXPECT_EQ(std::count(bridge.begin(), bridge.end(), '\n'), 17);
  EXPECT_NE(bridge.find("0x00000000e0000000 0x00000000e01fffff 0x0000000000000200\n"
                        "0x0000008000000000 0x00000080001fffff 0x0000000000102201\n" +
                        zero),
            std::string::npos)
      << bridge;
  const auto bar = tree_->find(endpoint_path_ + "/resource2");
  ASSERT_TRUE(bar.has_value());
  EXPECT_EQ(std::get<Binary>(*bar).size, 64_KiB);
  EXPECT_FALSE(exists(endpoint_path_ + "/resource1"));
  EXPECT_FALSE(exists(endpoint_path_ + "/resource3"));
}

TEST_F(SysfsTree, LinkStateIsReadFromTheFunction) {
  end0_.set(holdover::testing::FakeFunction::kExpress + kExpressLinkCapabilities2, 4, 0x1e);
  end0_.set(holdover::testing::FakeFunction::kExpress + kExpressLinkCapabilities, 4, 0x104);
  end0_.set(holdover::testing::FakeFunction::kExpress + kExpressLinkStatus, 2, 0x0083);
  boot();
  EXPECT_EQ(show(endpoint_path_ + "/max_link_speed"), "16.0 GT/s PCIe\n");
  EXPECT_EQ(show(endpoint_path_ + "/max_link_width"), "16\n");
  EXPECT_EQ(show(endpoint_path_ + "/current_link_speed"), "8.0 GT/s PCIe\n");
  EXPECT_EQ(show(endpoint_path_ + "/current_link_width"), "8\n");
  end0_.set(holdover::testing::FakeFunction::kExpress + kExpressLinkStatus, 2, 0x001f);
  EXPECT_EQ(show(endpoint_path_ + "/current_link_speed"), "Unknown\n");
  EXPECT_EQ(show(endpoint_path_ + "/current_link_width"), "1\n");
  end0_.set(holdover::testing::FakeFunction::kExpress + kExpressLinkCapabilities2, 4, 0);
  EXPECT_EQ(show(endpoint_path_ + "/max_link_speed"), "Unknown\n") << "8 GT/s and more are in Link Capabilities 2";
  end0_.set(holdover::testing::FakeFunction::kExpress + kExpressLinkCapabilities, 4, 0x102);
  EXPECT_EQ(show(endpoint_path_ + "/max_link_speed"), "5.0 GT/s PCIe\n");
}

TEST_F(SysfsTree, InterruptsAppearWithTheDeviceFileThatHasThem) {
  boot();
  EXPECT_FALSE(exists(endpoint_path_ + "/msi_irqs"));
  const std::unique_ptr<Device> device = system_->open_device(kEndpoint);
  device->enable_interrupts(2);
  const std::vector<std::string> vectors = names(endpoint_path_ + "/msi_irqs");
  ASSERT_EQ(vectors.size(), 2u);
  EXPECT_EQ(show(endpoint_path_ + "/msi_irqs/" + vectors[0]), "msix\n");
  EXPECT_EQ(show(endpoint_path_ + "/irq"), "0\n") << "MSI-X does not change it";
}

TEST_F(SysfsTree, AFunctionWhoseInterruptsAreDeniedGetsNone) {
  boot();
  EXPECT_EQ(show(endpoint_path_ + "/msi_bus"), "1\n");
  EXPECT_EQ(store(endpoint_path_ + "/msi_bus", "0\n"), 0);
  EXPECT_EQ(show(endpoint_path_ + "/msi_bus"), "0\n");
  EXPECT_EQ(store(root_path_ + "/msi_bus", "x"), EINVAL);
  const std::unique_ptr<Device> device = system_->open_device(kEndpoint);
  EXPECT_THROW(device->enable_interrupts(1), Error);
  EXPECT_EQ(store(endpoint_path_ + "/msi_bus", "1"), 0);
  device->enable_interrupts(1);
  EXPECT_EQ(store(root_path_ + "/msi_bus", "0"), 0);
  const std::unique_ptr<Device> neighbour = system_->open_device(kNeighbour);
  EXPECT_THROW(neighbour->enable_interrupts(1), Error) << "denied on a bus above it";
}

TEST_F(SysfsTree, EnableIsForFunctionsWithoutADriver) {
  boot();
  EXPECT_EQ(store(endpoint_path_ + "/enable", "1"), EBUSY);
  EXPECT_EQ(store("bus/pci/drivers/vfio-pci/unbind", "0000:03:00.0\n"), 0);
  EXPECT_FALSE(exists(endpoint_path_ + "/driver"));
  EXPECT_EQ(show(endpoint_path_ + "/enable"), "0\n");
  EXPECT_EQ(store(endpoint_path_ + "/enable", "0"), EIO);
  EXPECT_EQ(store(endpoint_path_ + "/enable", "yes"), EINVAL);
  EXPECT_EQ(store(endpoint_path_ + "/enable", "1"), 0);
  EXPECT_EQ(show(endpoint_path_ + "/enable"), "1\n");
  EXPECT_NE(command(end0_) & kCommandMemory, 0u);
  EXPECT_EQ(store(endpoint_path_ + "/enable", "0"), 0);
  EXPECT_EQ(show(endpoint_path_ + "/enable"), "0\n");
}

TEST_F(SysfsTree, DriversAreUnboundAndBound) {
  boot();
  const std::string driver = "bus/pci/drivers/vfio-pci";
  EXPECT_EQ(names(driver), (std::vector<std::string>{"0000:03:00.0", "0000:04:00.0", "bind", "unbind"}));
  EXPECT_EQ(store(driver + "/unbind", "0000:09:00.0"), ENODEV);
  EXPECT_EQ(store(driver + "/unbind", "03:00.0"), ENODEV) << "names are whole";
  EXPECT_EQ(store(driver + "/unbind", "0000:00:01.0"), ENODEV) << "of another driver";
  EXPECT_EQ(store(driver + "/bind", "0000:03:00.0"), EBUSY);
  {
    const std::unique_ptr<Device> device = system_->open_device(kEndpoint);
    EXPECT_EQ(store(driver + "/unbind", "0000:03:00.0"), EBUSY) << "its device file is open";
  }
  EXPECT_EQ(store(driver + "/unbind", "0000:03:00.0"), 0);
  EXPECT_EQ(names(driver), (std::vector<std::string>{"0000:04:00.0", "bind", "unbind"}));
  EXPECT_EQ(system_->devices(), std::vector<pcie::Bdf>{kNeighbour});
  EXPECT_EQ(store(driver + "/bind", "0000:03:00.0"), 0);
  EXPECT_EQ(system_->devices().size(), 2u);
  EXPECT_EQ(names("bus/pci/drivers/pcieport"),
            (std::vector<std::string>{"0000:00:01.0", "0000:01:00.0", "0000:02:00.0", "0000:02:01.0"}));
}

TEST_F(SysfsTree, AnOverrideNamesTheOnlyDriverThatMayBind) {
  boot();
  const std::string name = "0000:03:00.0\n";
  EXPECT_EQ(names("bus/pci/drivers"), (std::vector<std::string>{"pci-stub", "pcieport", "vfio-pci"}));
  EXPECT_EQ(show(endpoint_path_ + "/driver_override"), "(null)\n");
  EXPECT_EQ(store("bus/pci/drivers/vfio-pci/unbind", name), 0);
  EXPECT_EQ(store(endpoint_path_ + "/driver_override", "pci-stub\n"), 0);
  EXPECT_EQ(show(endpoint_path_ + "/driver_override"), "pci-stub\n");
  EXPECT_EQ(store("bus/pci/drivers/vfio-pci/bind", name), ENODEV);
  EXPECT_EQ(store("bus/pci/drivers_probe", "0000:0f:00.0"), ENODEV);
  EXPECT_EQ(store("bus/pci/drivers_probe", name), 0);
  EXPECT_EQ(link(endpoint_path_ + "/driver"), "../../../../../../bus/pci/drivers/pci-stub");
  EXPECT_EQ(store("bus/pci/drivers_probe", name), 0) << "a bound function stays as it is";
  EXPECT_EQ(store("bus/pci/drivers/vfio-pci/unbind", name), ENODEV) << "it is another driver's";
  EXPECT_EQ(store("bus/pci/drivers/pci-stub/unbind", name), 0);
  EXPECT_EQ(store(endpoint_path_ + "/driver_override", std::string("some\0body", 9)), 0);
  EXPECT_EQ(show(endpoint_path_ + "/driver_override"), "some\n");
  EXPECT_EQ(store(endpoint_path_ + "/driver_override", "nobody"), 0);
  EXPECT_EQ(store("bus/pci/drivers_probe", name), 0);
  EXPECT_FALSE(exists(endpoint_path_ + "/driver"));
  EXPECT_EQ(store(endpoint_path_ + "/driver_override", "\n"), 0);
  EXPECT_EQ(store("bus/pci/drivers_probe", name), 0);
  EXPECT_EQ(link(endpoint_path_ + "/driver"), "../../../../../../bus/pci/drivers/vfio-pci");
  EXPECT_EQ(store(endpoint_path_ + "/driver_override", std::string(4096, 'x')), EINVAL);
  EXPECT_FALSE(exists(root_path_ + "/driver_override"));
}

TEST_F(SysfsTree, ResetIsAnFlrAndKeepsInterruptsAndConfiguration) {
  boot();
  const std::unique_ptr<Device> device = system_->open_device(kEndpoint);
  device->enable_interrupts(2);
  device->enable_bus_master();
  const unsigned before = end0_.resets;
  EXPECT_EQ(store(endpoint_path_ + "/reset", "2"), EINVAL);
  EXPECT_EQ(store(endpoint_path_ + "/reset", "1\n"), 0);
  EXPECT_EQ(end0_.resets, before + 1);
  EXPECT_NE(command(end0_) & kCommandBusMaster, 0u);
  EXPECT_EQ(names(endpoint_path_ + "/msi_irqs").size(), 2u);
  EXPECT_NE(end0_.get(holdover::testing::FakeFunction::kMsix + kMsixControl, 2) & kMsixControlEnable, 0u);
  EXPECT_EQ(store(endpoint_path_ + "/reset_method", "bus"), EINVAL);
  EXPECT_EQ(store(endpoint_path_ + "/reset_method", "\n"), 0);
  EXPECT_EQ(show(endpoint_path_ + "/reset_method"), "");
  EXPECT_EQ(store(endpoint_path_ + "/reset", "1\n"), ENOTTY);
  EXPECT_EQ(end0_.resets, before + 1);
  EXPECT_EQ(store(endpoint_path_ + "/reset_method", "default\n"), 0);
  EXPECT_EQ(show(endpoint_path_ + "/reset_method"), "flr\n");
  EXPECT_TRUE(exists(endpoint_path_ + "/reset"));
  EXPECT_FALSE(exists(root_path_ + "/reset"));
}

TEST_F(SysfsTree, AnIdleFunctionThatSleepsIsWokenForAReset) {
  boot("profile=stock-7.2");
  EXPECT_EQ(show(endpoint_path_ + "/power_state"), "D3hot\n");
  unsigned state_at_reset = 9;
  platform_.on_reset = [&](holdover::testing::FakeFunction& function) {
    state_at_reset = function.get(holdover::testing::FakeFunction::kPowerManagement + kPmControl, 2) & kPmStateMask;
  };
  EXPECT_EQ(store(endpoint_path_ + "/reset", "1"), 0);
  EXPECT_EQ(end0_.resets, 1u);
  EXPECT_EQ(state_at_reset, 0u);
  EXPECT_EQ(show(endpoint_path_ + "/power_state"), "D3hot\n");
  EXPECT_EQ(end0_.get(holdover::testing::FakeFunction::kPowerManagement + kPmControl, 2) & kPmStateMask, 3u);
  const std::unique_ptr<Device> device = system_->open_device(kEndpoint);
  EXPECT_EQ(show(endpoint_path_ + "/power_state"), "D0\n");
}

TEST_F(SysfsTree, AKernelWithoutADriverShowsNone) {
  boot("profile=stock-7.2 policy=endpoint-driver=none");
  EXPECT_EQ(names("bus/pci/drivers"), std::vector<std::string>{"pcieport"});
  EXPECT_FALSE(exists(endpoint_path_ + "/driver"));
  EXPECT_EQ(show(endpoint_path_ + "/uevent").find("DRIVER="), std::string::npos);
}

TEST_F(SysfsTree, OneProcessorAndNoNode) {
  boot();
  EXPECT_EQ(show(endpoint_path_ + "/numa_node"), "-1\n");
  EXPECT_EQ(store(endpoint_path_ + "/numa_node", "0"), EINVAL);
  EXPECT_EQ(store(endpoint_path_ + "/numa_node", "-1\n"), 0);
  EXPECT_EQ(show(endpoint_path_ + "/local_cpus"), "1\n");
  EXPECT_EQ(show(endpoint_path_ + "/local_cpulist"), "0\n");
  EXPECT_EQ(store(endpoint_path_ + "/broken_parity_status", "1"), 0);
  EXPECT_EQ(show(endpoint_path_ + "/broken_parity_status"), "1\n");
}

TEST_F(SysfsTree, AGroupSaysWhatIsReserved) {
  boot("profile=stock-7.2");
  EXPECT_EQ(names("kernel/iommu_groups"), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(show("kernel/iommu_groups/0/reserved_regions"), "0x00000000fee00000 0x00000000feefffff msi\n");
}

}  // namespace
}  // namespace holdover::host::kernel::sysfs
