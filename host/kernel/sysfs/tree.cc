// SPDX-License-Identifier: MIT
#include "host/kernel/sysfs/tree.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "host/kernel/pci/port_driver.h"
#include "host/kernel/sysfs/format.h"

namespace holdover::host::kernel::sysfs {
namespace {

constexpr char kRootBus[] = "pci0000:00";
constexpr std::uint64_t kMessageWindow = 1u << 20;  // bytes

std::vector<Entry> sorted(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Folder fixed(std::vector<Entry> entries) {
  return Folder{[entries = sorted(std::move(entries))] { return entries; }};
}

Text takes(std::function<int(std::string_view)> store) {
  Text text;
  text.mode = 0200;
  text.store = std::move(store);
  return text;
}

const char* type_name(DefaultDomain kind) {
  switch (kind) {
    case DefaultDomain::None:
      return nullptr;
    case DefaultDomain::Blocked:
      return "blocked\n";
    case DefaultDomain::Dma:
      return "DMA\n";
    case DefaultDomain::Identity:
      return "identity\n";
  }
  return nullptr;
}

}  // namespace

Tree::Tree(Kernel& kernel) : kernel_(kernel) {
  kernel.pci().for_each(
      [&](PciDevice& device) { functions_.push_back(std::make_unique<PciFunction>(kernel, device)); });
}

std::optional<Node> Tree::find(std::string_view path) const {
  Node node = Folder{[this] {
    return std::vector<Entry>{{"bus", fixed({{"pci", Folder{[this] { return bus_entries(); }}}})},
                              {"devices", fixed({{kRootBus, Folder{[this] { return functions_below(nullptr); }}}})},
                              {"kernel", fixed({{"iommu_groups", Folder{[this] { return group_entries(); }}}})}};
  }};
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name.empty()) continue;
    const auto* folder = std::get_if<Folder>(&node);
    if (folder == nullptr) return std::nullopt;
    std::vector<Entry> entries = folder->entries();
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.name == name; });
    if (found == entries.end()) return std::nullopt;
    Node next = std::move(found->node);
    node = std::move(next);
  }
  return node;
}

PciFunction* Tree::named(std::string_view name) const {
  const auto found = std::find_if(functions_.begin(), functions_.end(),
                                  [&](const auto& function) { return function->name() == name; });
  return found == functions_.end() ? nullptr : found->get();
}

template <typename Wanted>
std::vector<Entry> Tree::links(unsigned depth, const Wanted& wanted) const {
  std::string up;
  for (unsigned level = 0; level < depth; ++level) up += "../";
  std::vector<Entry> entries;
  for (const auto& function : functions_) {
    if (wanted(*function)) entries.push_back({function->name(), Link{up + "devices/" + function->path()}});
  }
  return entries;
}

std::vector<Entry> Tree::bus_entries() const {
  std::vector<Entry> drivers;
  for (const std::string& name : kernel_.driver_names()) {
    drivers.push_back({name, Folder{[this, name] { return driver_entries(name); }}});
  }
  return {{"devices", Folder{[this] { return sorted(links(3, [](const PciFunction&) { return true; })); }}},
          {"drivers", fixed(std::move(drivers))},
          {"drivers_probe", takes([this](std::string_view text) {
             PciFunction* const function = named(trimmed(text));
             return function == nullptr ? ENODEV : kernel_.probe_drivers(function->device().bdf);
           })},
          {"slots", fixed({})}};
}

std::vector<Entry> Tree::driver_entries(const std::string& driver) const {
  std::vector<Entry> entries = links(4, [&](const PciFunction& function) { return function.driver() == driver; });
  if (driver != kPortDriverName) {
    entries.push_back({"bind", takes([this, driver](std::string_view text) {
                         PciFunction* const function = named(trimmed(text));
                         return function == nullptr ? ENODEV : kernel_.bind(function->device().bdf, driver);
                       })});
    entries.push_back({"unbind", takes([this, driver](std::string_view text) {
                         PciFunction* const function = named(trimmed(text));
                         if (function == nullptr || function->driver() != driver) return ENODEV;
                         return kernel_.unbind(function->device().bdf);
                       })});
  }
  return sorted(std::move(entries));
}

std::vector<Entry> Tree::functions_below(const PciDevice* bridge) const {
  std::vector<Entry> entries;
  for (const auto& function : functions_) {
    if (function->device().upstream != bridge) continue;
    entries.push_back({function->name(), Folder{[this, function = function.get()] {
                         std::vector<Entry> all = function->entries();
                         std::vector<Entry> below = functions_below(&function->device());
                         std::move(below.begin(), below.end(), std::back_inserter(all));
                         return sorted(std::move(all));
                       }}});
  }
  return sorted(std::move(entries));
}

std::vector<Entry> Tree::group_entries() const {
  std::vector<Entry> groups;
  for (const auto& function : functions_) {
    const std::optional<unsigned> group = kernel_.dma().group(function->device().bdf);
    if (group) groups.push_back({std::to_string(*group), Folder{[this, group] { return group_entries(*group); }}});
  }
  return sorted(std::move(groups));
}

std::vector<Entry> Tree::group_entries(unsigned group) const {
  const auto belongs = [this, group](PciFunction& function) {
    return kernel_.dma().group(function.device().bdf) == group;
  };
  std::vector<Entry> entries{{"devices", Folder{[this, belongs] { return sorted(links(4, belongs)); }}},
                             {"reserved_regions", shows([this] {
                                const unsigned long long base = kernel_.parameters().msi_base;
                                return emit("0x%016llx 0x%016llx msi\n", base, base + kMessageWindow - 1);
                              })}};
  if (const char* const type = type_name(kernel_.policies().default_domain)) {
    entries.push_back({"type", shows([type] { return type; })});
  }
  return entries;
}

}  // namespace holdover::host::kernel::sysfs
