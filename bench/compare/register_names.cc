// SPDX-License-Identifier: MIT
#include "bench/compare/register_names.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>

#include "pcie/capability.h"
#include "pcie/config_space.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;

struct Place {
  unsigned offset;
  std::string_view name;
};

constexpr std::array kCommon{Place{0x04, "COMMAND"}, Place{0x06, "STATUS"}, Place{0x0c, "CACHELINE"},
                             Place{0x0d, "LATENCY"}, Place{0x0f, "BIST"},   Place{0x10, "BAR0"},
                             Place{0x14, "BAR1"},    Place{0x3c, "INTLINE"}};
constexpr std::array kType0{Place{0x18, "BAR2"}, Place{0x1c, "BAR3"}, Place{0x20, "BAR4"}, Place{0x24, "BAR5"},
                            Place{0x30, "ROM"}};
constexpr std::array kType1{Place{0x18, "BUSES"},   Place{0x19, "SECBUS"},     Place{0x1a, "SUBBUS"},
                            Place{0x1c, "IOWIN"},   Place{0x1e, "SECSTATUS"},  Place{0x20, "MEMWIN"},
                            Place{0x24, "PREFWIN"}, Place{0x28, "PREFBASEHI"}, Place{0x2c, "PREFLIMITHI"},
                            Place{0x30, "IOWINHI"}, Place{0x38, "ROM"},        Place{0x3e, "BRIDGECTL"}};

// PCI Power Management 1.2, 3.2; PCI Local Bus 3.0, 6.8; PCIe 5.0, 7.5.3, 7.7.2, 7.7.8, 7.8.
constexpr std::array kPower{Place{4, "PMCSR"}};
constexpr std::array kMsi{Place{2, "Ctl"}, Place{4, "Addr"}, Place{8, "AddrHi"}, Place{12, "Data"}};
constexpr std::array kMsix{Place{2, "Ctl"}};
constexpr std::array kExpress{Place{0x08, "DevCtl"},  Place{0x0a, "DevSta"},  Place{0x10, "LnkCtl"},
                              Place{0x12, "LnkSta"},  Place{0x18, "SltCtl"},  Place{0x1a, "SltSta"},
                              Place{0x1c, "RootCtl"}, Place{0x20, "RootSta"}, Place{0x28, "DevCtl2"},
                              Place{0x30, "LnkCtl2"}};
constexpr std::array kAer{Place{0x04, "UncSta"}, Place{0x08, "UncMsk"}, Place{0x0c, "UncSev"},  Place{0x10, "CorSta"},
                          Place{0x14, "CorMsk"}, Place{0x18, "CapCtl"}, Place{0x2c, "RootCmd"}, Place{0x30, "RootSta"}};
constexpr std::array kControl6{Place{6, "Ctl"}};
constexpr std::array kDpc{Place{6, "Ctl"}, Place{8, "Sta"}};

struct Capability {
  std::string_view name;
  bool extended;
  std::uint16_t id;
  std::span<const Place> places;
};
constexpr std::array kCapabilities{
    Capability{"PM", false, config::kCapPowerManagement, kPower},
    Capability{"MSI", false, config::kCapMsi, kMsi},
    Capability{"MSIX", false, config::kCapMsix, kMsix},
    Capability{"PCIE", false, config::kCapExpress, kExpress},
    Capability{"AER", true, config::kExtCapAer, kAer},
    Capability{"ACS", true, config::kExtCapAcs, kControl6},
    Capability{"ARI", true, config::kExtCapAri, kControl6},
    Capability{"DPC", true, config::kExtCapDpc, kDpc},
};

std::optional<std::string> name_in(std::span<const Place> places, unsigned offset) {
  const auto found =
      std::find_if(places.begin(), places.end(), [offset](const Place& place) { return place.offset == offset; });
  if (found == places.end()) return std::nullopt;
  return std::string(found->name);
}

std::optional<std::string> find_name(RegisterNames::Header header, const RegisterNames::Capabilities& capabilities,
                                     unsigned offset) {
  if (auto name = name_in(kCommon, offset)) return name;
  const std::span<const Place> own = header == RegisterNames::Header::Type0 ? std::span<const Place>(kType0) : kType1;
  if (auto name = name_in(own, offset)) return name;
  for (const Capability& capability : kCapabilities) {
    const auto found = capabilities.find(capability.name);
    if (found == capabilities.end() || offset < found->second) continue;
    if (const auto name = name_in(capability.places, offset - found->second)) {
      return std::string(capability.name) + "." + *name;
    }
  }
  return std::nullopt;
}

}  // namespace

RegisterNames RegisterNames::of_function(std::span<const std::byte> space) {
  const pcie::ConfigReader read = [space](unsigned offset) {
    std::uint32_t value = ~std::uint32_t{0};
    if (offset + sizeof value <= space.size()) std::memcpy(&value, &space[offset], sizeof value);
    return value;
  };
  Capabilities capabilities;
  for (const Capability& capability : kCapabilities) {
    const auto found = capability.extended ? pcie::find_extended_capability(read, capability.id)
                                           : pcie::find_capability(read, static_cast<std::uint8_t>(capability.id));
    if (found) capabilities.emplace(capability.name, *found);
  }
  const bool bridge = (read(config::kHeaderType & 0xffcu) >> 16 & 0x7f) == 1;
  return {bridge ? Header::Type1 : Header::Type0, std::move(capabilities)};
}

RegisterNames RegisterNames::of_log(const ConfigLog& log) {
  Capabilities capabilities;
  for (const LoggedWrite& write : log.writes) {
    for (const Capability& capability : kCapabilities) {
      for (const Place& place : capability.places) {
        if (write.name != std::string(capability.name) + "." + std::string(place.name)) continue;
        if (write.offset >= place.offset) capabilities.emplace(capability.name, write.offset - place.offset);
      }
    }
  }
  return {Header::Type0, std::move(capabilities)};
}

std::string RegisterNames::name(unsigned offset) const {
  if (auto found = find_name(header_, capabilities_, offset)) return *found;
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "@0x%03x", offset);
  return text.data();
}

bool RegisterNames::knows(unsigned offset) const { return find_name(header_, capabilities_, offset).has_value(); }

bool is_routing(std::string_view register_name) {
  constexpr std::array<std::string_view, 9> kRouting{"BUSES",  "SECBUS",  "SUBBUS",     "IOWIN",      "IOWINHI",
                                                     "MEMWIN", "PREFWIN", "PREFBASEHI", "PREFLIMITHI"};
  return std::find(kRouting.begin(), kRouting.end(), register_name) != kRouting.end();
}

bool depends_on_position(std::string_view register_name) {
  return register_name.substr(0, 3) == "BAR" || register_name == "ROM" || register_name == "INTLINE" ||
         is_routing(register_name);
}

}  // namespace holdover::bench
