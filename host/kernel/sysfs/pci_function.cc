// SPDX-License-Identifier: MIT
#include "host/kernel/sysfs/pci_function.h"

#include <algorithm>
#include <cerrno>

#include "host/kernel/pci/port_driver.h"
#include "host/kernel/pci/runtime_power.h"
#include "host/kernel/pci/setup_device.h"
#include "host/kernel/sysfs/format.h"
#include "host/kernel/sysfs/link_speed.h"
#include "host/kernel/sysfs/pci_config.h"
#include "host/kernel/sysfs/resource_lines.h"
#include "host/kernel/vfio/vfio_device.h"
#include "pcie/config_space.h"

namespace holdover::host::kernel::sysfs {
namespace {

using namespace pcie::config;

std::string path_of(const PciDevice& device) {
  const std::string above = device.upstream == nullptr ? "pci0000:00" : path_of(*device.upstream);
  return above + "/" + device.bdf.to_string();
}

Text settable(std::function<std::string()> show, std::function<int(std::string_view)> store) {
  Text text = shows(std::move(show));
  text.mode = 0644;
  text.store = std::move(store);
  return text;
}

// A switch of the kernel's own: any number, 0 is off.
std::function<int(std::string_view)> sets(bool& flag, bool inverted = false) {
  return [&flag, inverted](std::string_view text) {
    const std::optional<unsigned long> value = parse_unsigned(text);
    if (!value) return EINVAL;
    flag = (*value != 0) != inverted;
    return 0;
  };
}

// Offset of its subsystem identifiers; 0: none.
unsigned subsystem_of(const PciDevice& device) {
  if (!device.bridge) return kSubsystemVendorId;
  const unsigned capability = device.config.capability(kCapSubsystem);
  return capability == 0 ? 0 : capability + kBridgeSubsystemVendorId;
}

MessageInterrupts messages_of(const PciDevice& device) {
  if (device.port_driver != nullptr) return device.port_driver->messages();
  if (device.open != nullptr) return device.open->messages();
  return {};
}

}  // namespace

PciFunction::PciFunction(Kernel& kernel, PciDevice& device) : kernel_(kernel), device_(device), path_(path_of(device)) {
  const ConfigAccess& config = device.config;
  if (const unsigned subsystem = subsystem_of(device); subsystem != 0) {
    subsystem_vendor_ = config.read16(subsystem);
    subsystem_device_ = config.read16(subsystem + 2);
  }
  if (config.read8(kInterruptPin) != 0) line_ = config.read8(kInterruptLine);
  if (device.express != 0 && !device.bridge) {
    function_reset_ = (config.read32(device.express + kExpressDeviceCapabilities) & kDeviceCapabilitiesFlr) != 0;
  }
  if (device.bridge) wide_prefetch_ = (config.read16(kPrefetchBase) & 0xf) == 1;
}

std::string_view PciFunction::driver() const {
  if (device_.port_driver != nullptr) return kPortDriverName;
  return device_.driver != nullptr ? device_.driver->name() : std::string_view{};
}

std::string PciFunction::to_root() const {
  std::string up = "../";
  for (const char c : path_) up += c == '/' ? "../" : "";
  return up + "../";
}

std::string PciFunction::modalias() const {
  return emit("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", device_.vendor_id, device_.device_id, subsystem_vendor_,
              subsystem_device_, device_.class_code >> 16, device_.class_code >> 8 & 0xff, device_.class_code & 0xff);
}

std::string PciFunction::uevent() const {
  const std::string bound(driver());
  std::string text = bound.empty() ? "" : "DRIVER=" + bound + "\n";
  text += emit("PCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n", device_.class_code, device_.vendor_id,
               device_.device_id, subsystem_vendor_, subsystem_device_);
  return text + "PCI_SLOT_NAME=" + name() + "\nMODALIAS=" + modalias() + "\n";
}

std::string PciFunction::resources() const {
  std::string text;
  for (const ResourceLine& line : resource_lines(device_, wide_prefetch_)) {
    text += emit("0x%016llx 0x%016llx 0x%016llx\n", line.start, line.end, line.flags);
  }
  return text;
}

std::vector<Entry> PciFunction::entries() {
  std::vector<Entry> entries;
  add_identity(entries);
  add_settings(entries);
  if (device_.bridge) {
    add_bridge(entries);
  } else {
    add_override(entries);
  }
  if (device_.express != 0) add_link_state(entries);
  if (function_reset_) add_reset(entries);
  if (device_.root_port() && device_.aer != 0 && device_.port_driver != nullptr) add_errors(entries);
  add_binaries(entries);
  add_links(entries);
  if (!messages_of(device_).vectors.empty()) {
    entries.push_back({"msi_irqs", Folder{[this] { return message_interrupts(); }}});
  }
  return entries;
}

void PciFunction::add_identity(std::vector<Entry>& entries) {
  const auto add = [&entries](const char* name, std::string text) {
    entries.push_back({name, shows([text = std::move(text)] { return text + "\n"; })});
  };
  add("vendor", emit("0x%04x", device_.vendor_id));
  add("device", emit("0x%04x", device_.device_id));
  add("subsystem_vendor", emit("0x%04x", subsystem_vendor_));
  add("subsystem_device", emit("0x%04x", subsystem_device_));
  add("class", emit("0x%06x", device_.class_code));
  add("revision", emit("0x%02x", device_.revision));
  add("modalias", modalias());
  entries.push_back({"uevent", shows([this] { return uevent(); })});
  entries.push_back({"resource", shows([this] { return resources(); })});
  entries.push_back({"irq", shows([this] {
                       const MessageInterrupts messages = messages_of(device_);
                       const bool msi = messages.kind == MessageInterrupts::Kind::Msi && !messages.vectors.empty();
                       return emit("%u\n", msi ? messages.vectors.front() : line_);
                     })});
}

void PciFunction::add_settings(std::vector<Entry>& entries) {
  const auto number = [](unsigned value) { return emit("%u\n", value); };
  entries.push_back({"enable", settable([this, number] { return number(device_.enabled ? 1 : 0); },
                                        [this](std::string_view text) { return enable(text); })});
  entries.push_back({"broken_parity_status",
                     settable([this, number] { return number(broken_parity_ ? 1 : 0); }, sets(broken_parity_))});
  bool& denied = device_.bridge ? device_.no_messages_below : device_.no_messages;
  entries.push_back({"msi_bus", settable([&denied, number] { return number(denied ? 0 : 1); }, sets(denied, true))});
  // One processor, and no node that it would belong to.
  entries.push_back({"numa_node", settable([] { return "-1\n"; },
                                           [](std::string_view text) { return parse_int(text) == -1 ? 0 : EINVAL; })});
  entries.push_back({"local_cpus", shows([] { return "1\n"; })});
  entries.push_back({"local_cpulist", shows([] { return "0\n"; })});
  // What a function starts with, and no driver of this kernel changes.
  entries.push_back({"dma_mask_bits", shows([] { return "32\n"; })});
  entries.push_back({"consistent_dma_mask_bits", shows([] { return "32\n"; })});
  entries.push_back({"power_state", shows([this] {
                       if (device_.suspended) return "D3hot\n";
                       return device_.power_known ? "D0\n" : "unknown\n";
                     })});
  entries.push_back({"ari_enabled", shows([this, number] {
                       return number(device_.upstream != nullptr && device_.upstream->ari_enabled ? 1 : 0);
                     })});
}

// driver_override_store(): a C string, of which an empty line takes it away.
void PciFunction::add_override(std::vector<Entry>& entries) {
  entries.push_back({"driver_override", settable(
                                            [this] {
                                              const std::string& name = device_.driver_override;
                                              return (name.empty() ? "(null)" : name) + "\n";
                                            },
                                            [this](std::string_view text) {
                                              if (text.size() >= kPageSize.count() - 1) return EINVAL;
                                              device_.driver_override =
                                                  text.substr(0, text.find_first_of(std::string_view("\n\0", 2)));
                                              return 0;
                                            })});
}

void PciFunction::add_bridge(std::vector<Entry>& entries) {
  const auto bus = [this](unsigned offset) {
    return shows([this, offset] { return emit("%u\n", device_.config.read8(offset)); });
  };
  entries.push_back({"secondary_bus_number", bus(kSecondaryBus)});
  entries.push_back({"subordinate_bus_number", bus(kSubordinateBus)});
}

void PciFunction::add_link_state(std::vector<Entry>& entries) {
  const auto status = [this] { return device_.config.read16(device_.express + kExpressLinkStatus); };
  const auto width = [](std::uint32_t value) { return emit("%u\n", value >> 4 & 0x3f); };
  entries.push_back({"current_link_speed", shows([status] { return speed_name(status() & 0xf) + "\n"; })});
  entries.push_back({"current_link_width", shows([status, width] { return width(status()); })});
  entries.push_back({"max_link_speed", shows([this] { return speed_name(fastest_speed(device_)) + "\n"; })});
  entries.push_back({"max_link_width", shows([this, width] {
                       return width(device_.config.read32(device_.express + kExpressLinkCapabilities));
                     })});
}

void PciFunction::add_reset(std::vector<Entry>& entries) {
  Text now;
  now.mode = 0200;
  now.store = [this](std::string_view text) { return reset(text); };
  entries.push_back({"reset", std::move(now)});
  entries.push_back({"reset_method", settable([this] { return reset_allowed_ ? "flr\n" : ""; },
                                              [this](std::string_view text) { return choose_reset(text); })});
}

void PciFunction::add_errors(std::vector<Entry>& entries) {
  const auto total = [this](std::uint64_t RootErrors::*count) {
    return shows([this, count] {
      return emit("%llu\n", static_cast<unsigned long long>(device_.port_driver->errors().*count));
    });
  };
  entries.push_back({"aer_rootport_total_err_cor", total(&RootErrors::correctable)});
  entries.push_back({"aer_rootport_total_err_fatal", total(&RootErrors::fatal)});
  entries.push_back({"aer_rootport_total_err_nonfatal", total(&RootErrors::non_fatal)});
}

void PciFunction::add_binaries(std::vector<Entry>& entries) {
  entries.push_back({"config", config_attribute(device_)});
  for (unsigned bar = 0; bar < device_.bars.size(); ++bar) {
    if (!device_.bars[bar].assigned) continue;
    entries.push_back({"resource" + std::to_string(bar), resource_attribute(kernel_.hardware(), device_, bar)});
  }
}

void PciFunction::add_links(std::vector<Entry>& entries) {
  entries.push_back({"subsystem", Link{to_root() + "bus/pci"}});
  if (!driver().empty()) {
    entries.push_back({"driver", Link{to_root() + "bus/pci/drivers/" + std::string(driver())}});
  }
  if (const std::optional<unsigned> group = kernel_.dma().group(device_.bdf)) {
    entries.push_back({"iommu_group", Link{to_root() + "kernel/iommu_groups/" + std::to_string(*group)}});
  }
}

std::vector<Entry> PciFunction::message_interrupts() const {
  const MessageInterrupts messages = messages_of(device_);
  const char* const kind = messages.kind == MessageInterrupts::Kind::Msi ? "msi\n" : "msix\n";
  std::vector<Entry> entries;
  for (const std::uint8_t vector : messages.vectors) {
    entries.push_back({std::to_string(vector), shows([kind] { return kind; })});
  }
  return entries;
}

// enable_store()
int PciFunction::enable(std::string_view text) {
  const std::optional<unsigned long> value = parse_unsigned(text);
  if (!value) return EINVAL;
  if (!driver().empty()) return EBUSY;
  if (*value != 0) {
    enable_device(device_);
    return 0;
  }
  if (!device_.enabled) return EIO;
  disable_device(device_);
  return 0;
}

// reset_store()
int PciFunction::reset(std::string_view text) {
  if (parse_unsigned(text) != 1ul) return EINVAL;
  if (!reset_allowed_) return ENOTTY;
  return kernel_.reset(device_.bdf);
}

// reset_method_store()
int PciFunction::choose_reset(std::string_view text) {
  const std::string_view wanted = trimmed(text);
  if (wanted.empty()) {
    reset_allowed_ = false;
    return 0;
  }
  if (wanted != "flr" && wanted != "default") return EINVAL;
  reset_allowed_ = true;
  return 0;
}

}  // namespace holdover::host::kernel::sysfs
