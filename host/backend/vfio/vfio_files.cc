// SPDX-License-Identifier: MIT
#include "host/backend/vfio/vfio_files.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "host/backend/refusal.h"
#include "host/backend/vfio/vfio_abi.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

constexpr char kDriver[] = "vfio-pci";
constexpr char kStub[] = "pci-stub";

std::string way_out_of_open(int error) {
  switch (error) {
    case EBUSY:
      return "another process has it open, or it is incoming and only a session gives it out";
    case EACCES:
    case EPERM:
      return "run it as root, or give its file to this user";
    case ENOENT:
      return std::string("load the module: ") + kLoadVfioPci;
    default:
      return {};
  }
}

[[noreturn]] void not_found(const std::string& sentence) { throw Error(ErrorCode::NotFound, sentence); }

}  // namespace

std::vector<std::string> bind_commands(const std::string& bdf, const std::optional<std::string>& driver) {
  const std::string folder = "/sys/bus/pci/devices/" + bdf;
  std::vector<std::string> commands{kLoadVfioPci, "echo vfio-pci > " + folder + "/driver_override"};
  if (driver) commands.push_back("echo " + bdf + " > " + folder + "/driver/unbind");
  commands.push_back("echo " + bdf + " > /sys/bus/pci/drivers_probe");
  return commands;
}

std::vector<pcie::Bdf> VfioFiles::devices() {
  if (!only_.empty()) return only_;
  std::vector<std::string> names;
  const std::string folder = paths_.sysfs + "/bus/pci/devices";
  require(calls_.list(folder, names), "to list " + folder);
  std::vector<pcie::Bdf> all;
  for (const std::string& name : names) {
    if (link_name(calls_, folder + "/" + name + "/driver") == kDriver) all.push_back(pcie::Bdf::parse(name));
  }
  std::sort(all.begin(), all.end());
  return all;
}

void VfioFiles::require_driver(const std::string& bdf) {
  const auto driver = link_name(calls_, paths_.function(bdf) + "/driver");
  if (driver == kDriver) return;
  if (!driver && !read_text(calls_, paths_.function(bdf) + "/vendor")) {
    not_found("There is no function at " + bdf + "; lspci -D lists those there are.");
  }
  std::string commands;
  for (const std::string& command : bind_commands(bdf, driver)) {
    commands += (commands.empty() ? "" : " && ") + command;
  }
  not_found(bdf + (driver ? " is bound to the driver " + *driver : std::string(" has no driver")) +
            "; bind it to vfio-pci: " + commands + ".");
}

std::unique_ptr<Device> VfioFiles::open(pcie::Bdf bdf) {
  const std::string name = bdf.to_string();
  if (!only_.empty() && std::find(only_.begin(), only_.end(), bdf) == only_.end()) {
    not_found(name + " is not the function that was named.");
  }
  require_driver(name);
  std::vector<std::string> files;
  if (calls_.list(paths_.function(name) + "/vfio-dev", files) == 0 && !files.empty()) {
    const int iommu = calls_.open(paths_.dev + "/iommu", O_RDWR);
    if (iommu >= 0) return open_by_file(bdf, files.front(), Descriptor(calls_, iommu));
    if (iommu != -ENOENT) require(iommu, "to open " + paths_.dev + "/iommu", way_out_of_open(-iommu));
  }
  return open_by_group(bdf);
}

std::unique_ptr<Device> VfioFiles::open_by_file(pcie::Bdf bdf, const std::string& name, Descriptor iommu) {
  const std::string path = paths_.dev + "/vfio/devices/" + name;
  const int number = calls_.open(path, O_RDWR);
  if (number == -ENOENT) return open_by_group(bdf);  // built without CONFIG_VFIO_DEVICE_CDEV
  require(number, "to open " + path + " of " + bdf.to_string(), way_out_of_open(-number));
  Descriptor file(calls_, number);
  auto door = std::make_unique<Iommufd>(calls_, std::move(iommu), bdf.to_string());
  door->bind(number);
  return std::make_unique<VfioDevice>(calls_, bdf, Descriptor(), std::move(door), std::move(file));
}

std::string VfioFiles::group_of(const std::string& bdf) {
  const auto group = link_name(calls_, paths_.function(bdf) + "/iommu_group");
  if (group) return *group;
  not_found(bdf +
            " has no IOMMU group: no IOMMU translates its requests; switch it on in the firmware (VT-d, AMD-Vi) "
            "and start the kernel with intel_iommu=on where it is off by default.");
}

std::string VfioFiles::strangers(const std::string& bdf) {
  std::vector<std::string> names;
  const std::string folder = paths_.function(bdf) + "/iommu_group/devices";
  std::string text;
  if (calls_.list(folder, names) < 0) return text;
  for (const std::string& name : names) {
    const auto driver = link_name(calls_, paths_.function(name) + "/driver");
    if (!driver || *driver == kDriver || *driver == kStub || *driver == "pcieport") continue;
    text += (text.empty() ? "" : ", ") + name + " (" + *driver + ")";
  }
  return text;
}

std::unique_ptr<Device> VfioFiles::open_by_group(pcie::Bdf bdf) {
  const std::string name = bdf.to_string();
  const std::string number = group_of(name);
  const std::string path = paths_.dev + "/vfio/" + number;
  const int opened = calls_.open(path, O_RDWR);
  require(opened, "to open " + path + " of " + name, way_out_of_open(-opened));
  Descriptor group(calls_, opened);
  vfio_group_status status{};
  status.argsz = sizeof(status);
  require(calls_.ioctl(opened, VFIO_GROUP_GET_STATUS, bytes_of(status)), "the state of IOMMU group " + number);
  if ((status.flags & VFIO_GROUP_FLAGS_VIABLE) == 0) {
    const std::string others = strangers(name);
    not_found("IOMMU group " + number + " of " + name +
              " cannot be used: " + (others.empty() ? std::string("a function of it") : others) +
              " belongs to a driver of the kernel; bind every function of the group to vfio-pci, or unbind it.");
  }
  auto door = std::make_unique<Type1Container>(calls_, paths_, group, name);
  std::array<std::byte, 16> text{};  // «0000:01:00.0» and a zero
  std::memcpy(text.data(), name.data(), std::min(name.size(), text.size() - 1));
  const int file = calls_.ioctl(opened, VFIO_GROUP_GET_DEVICE_FD, text);
  require(file, "the device file of " + name, file == -EBUSY ? "it is incoming: only a session gives it out" : "");
  Descriptor device(calls_, file);
  return std::make_unique<VfioDevice>(calls_, bdf, std::move(group), std::move(door), std::move(device));
}

std::unique_ptr<Device> VfioFiles::adopt(Descriptor file) {
  const int iommu = calls_.open(paths_.dev + "/iommu", O_RDWR);
  require(iommu, "to open " + paths_.dev + "/iommu", way_out_of_open(-iommu));
  auto door = std::make_unique<Iommufd>(calls_, Descriptor(calls_, iommu), "the function that was handed over");
  const std::uint32_t device_id = door->bind(file.number());
  const pcie::Bdf bdf = bdf_of(file.number(), device_id);
  door->rename(bdf.to_string());
  return std::make_unique<VfioDevice>(calls_, bdf, Descriptor(), std::move(door), std::move(file));
}

// The kernel lists the functions that a reset of the bus would reach under their numbers in the iommufd. Where such a
// reset is not possible it lists none, and the name of the file leads to the function.
pcie::Bdf VfioFiles::bdf_of(int device, std::uint32_t device_id) {
  constexpr std::size_t kMost = 64;
  std::array<std::byte, sizeof(vfio_abi::HotResetInfo) + kMost * sizeof(vfio_pci_dependent_device)> answer{};
  vfio_abi::HotResetInfo info;
  info.argsz = answer.size();
  std::memcpy(answer.data(), &info, sizeof(info));
  if (calls_.ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, answer) == 0) {
    std::memcpy(&info, answer.data(), sizeof(info));
    for (std::size_t i = 0; i < std::min<std::size_t>(info.count, kMost); ++i) {
      vfio_pci_dependent_device each{};
      std::memcpy(&each, answer.data() + sizeof(info) + i * sizeof(each), sizeof(each));
      if (each.group_id != device_id) continue;
      return pcie::Bdf::from_requester_id(static_cast<pcie::RequesterId>(each.bus << 8 | each.devfn), each.segment);
    }
  }
  const auto name = link_name(calls_, paths_.proc + "/self/fd/" + std::to_string(device));
  const auto function = link_name(calls_, paths_.sysfs + "/class/vfio-dev/" + name.value_or("") + "/device");
  if (function) return pcie::Bdf::parse(*function);
  not_found("The device file that was handed over does not tell which function it belongs to.");
}

}  // namespace holdover::host
