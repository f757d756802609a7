// SPDX-License-Identifier: MIT
#include "host/backend/sysfs/survey.h"

#include <unistd.h>

#include <algorithm>

#include "pcie/config_space.h"

namespace holdover::host {
namespace {

namespace config = pcie::config;

constexpr std::uint16_t kBridge = 0x06;  // base class
constexpr char kVfioPci[] = "vfio-pci";
// The monitor's capability (rtl/config).
constexpr unsigned kVendorHeader = 4;
constexpr std::uint32_t kMonitorId = 0x0d17;
constexpr std::uint32_t kMonitorRevision = 1;

class Survey {
 public:
  Survey(const std::filesystem::path& path, bool here, const Surroundings& surroundings)
      : root_(sysfs_root(path)), here_(here), surroundings_(surroundings) {}

  [[nodiscard]] std::vector<SurveyedFunction> run() const {
    const SysfsTree tree(root_);
    std::vector<SurveyedFunction> all;
    for (const auto& function : tree.functions()) all.push_back(facts(*function));
    for (SurveyedFunction& function : all) judge(function, all);
    return all;
  }

 private:
  [[nodiscard]] static SurveyedFunction facts(SysfsFunction& function) {
    SurveyedFunction facts;
    facts.bdf = function.bdf();
    facts.vendor_id = function.vendor_id();
    facts.device_id = function.device_id();
    facts.device_class = function.device_class();
    facts.vendor = function.vendor_name();
    facts.device = function.device_name();
    facts.class_name = function.class_name();
    facts.capabilities = function.capabilities();
    facts.link_speed = function.attribute("current_link_speed").value_or("");
    facts.link_width = function.attribute("current_link_width").value_or("");
    facts.max_link_speed = function.attribute("max_link_speed").value_or("");
    facts.max_link_width = function.attribute("max_link_width").value_or("");
    facts.driver = function.link("driver").value_or("");
    facts.iommu_group = function.link("iommu_group").value_or("");
    facts.endpoint = std::any_of(facts.capabilities.begin(), facts.capabilities.end(), [&](const auto& capability) {
      if (!capability.extended || capability.id != config::kExtCapVendor) return false;
      const std::uint32_t header = function.config_read(Bytes{capability.offset + kVendorHeader}, 4);
      return (header & 0xffff) == kMonitorId && (header >> 16 & 0xf) == kMonitorRevision;
    });
    if (function.config_read(Bytes{config::kVendorId}, 4) == 0xffff'ffff) {
      facts.obstacles.push_back({"it does not answer", "look at its link and its power"});
    }
    return facts;
  }

  void judge(SurveyedFunction& function, const std::vector<SurveyedFunction>& all) const {
    const auto add = [&function](std::string what, std::string remedy) {
      function.obstacles.push_back({std::move(what), std::move(remedy)});
    };
    if (function.device_class >> 8 == kBridge) {
      add("it is a bridge", "");
      return;
    }
    if (!function.endpoint) {
      // Without root a kernel hides where the capability stands.
      if (!surroundings_.root && here_) {
        add("only root sees whether it is a Holdover endpoint", "run this as root");
      } else {
        add("it is no Holdover endpoint: the vendor-specific capability 0d17 of its monitor is missing", "");
        return;
      }
    }
    judge_driver(function, add);
    judge_group(function, all, add);
    if (here_) judge_device_files(function, add);
  }

  template <typename Add>
  void judge_driver(const SurveyedFunction& function, const Add& add) const {
    if (function.driver == kVfioPci) return;
    const std::string device = (root_ / "bus/pci/devices" / function.bdf.to_string()).string();
    const std::string bind = "echo vfio-pci > " + device + "/driver_override && echo " + function.bdf.to_string() +
                             " > " + (root_ / "bus/pci/drivers_probe").string();
    if (function.driver.empty()) {
      add("no driver has it", bind);
    } else {
      add("the driver " + function.driver + " has it",
          "echo " + function.bdf.to_string() + " > " + device + "/driver/unbind && " + bind);
    }
  }

  template <typename Add>
  void judge_group(const SurveyedFunction& function, const std::vector<SurveyedFunction>& all, const Add& add) const {
    if (function.iommu_group.empty()) {
      add("it is in no IOMMU group",
          "switch the IOMMU on in the firmware, and boot with intel_iommu=on or amd_iommu=on");
      return;
    }
    for (const SurveyedFunction& other : all) {
      const bool shares = other.bdf != function.bdf && other.iommu_group == function.iommu_group;
      if (!shares || other.device_class >> 8 == kBridge || other.driver.empty() || other.driver == kVfioPci) continue;
      add("its IOMMU group " + function.iommu_group + " has " + other.bdf.to_string() + " in it, which the driver " +
              other.driver + " has",
          "echo " + other.bdf.to_string() + " > " +
              (root_ / "bus/pci/devices" / other.bdf.to_string() / "driver/unbind").string());
    }
  }

  template <typename Add>
  void judge_device_files(const SurveyedFunction& function, const Add& add) const {
    if (!surroundings_.exists("/dev/vfio/vfio") && !surroundings_.exists("/dev/iommu")) {
      add("there is neither /dev/vfio/vfio nor /dev/iommu", "modprobe vfio-pci disable_idle_d3=1");
    }
    if (function.driver != kVfioPci || function.iommu_group.empty()) return;
    const std::string group = "/dev/vfio/" + function.iommu_group;
    if (surroundings_.exists(group) && !surroundings_.accessible(group)) {
      add(group + " is closed to this user", "run this as root, or chown it");
    }
  }

  std::filesystem::path root_;
  bool here_;
  const Surroundings& surroundings_;
};

}  // namespace

Surroundings surroundings_of_this_process() {
  Surroundings surroundings;
  surroundings.root = geteuid() == 0;
  surroundings.exists = [](const std::filesystem::path& path) { return access(path.c_str(), F_OK) == 0; };
  surroundings.accessible = [](const std::filesystem::path& path) { return access(path.c_str(), R_OK | W_OK) == 0; };
  return surroundings;
}

std::vector<SurveyedFunction> survey(const std::filesystem::path& root, bool here, const Surroundings& surroundings) {
  return Survey(root, here, surroundings).run();
}

}  // namespace holdover::host
