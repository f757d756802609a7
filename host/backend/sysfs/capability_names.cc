// SPDX-License-Identifier: MIT
#include <array>
#include <cstdio>

#include "host/backend/sysfs/survey.h"

namespace holdover::host {
namespace {

struct Named {
  unsigned id;
  const char* name;
};

constexpr std::array kNames{Named{0x01, "PM"},    Named{0x03, "VPD"},     Named{0x05, "MSI"},   Named{0x09, "Vendor"},
                            Named{0x0d, "SSVID"}, Named{0x10, "Express"}, Named{0x11, "MSI-X"}, Named{0x12, "SATA"},
                            Named{0x13, "AF"},    Named{0x14, "EA"}};
constexpr std::array kExtendedNames{
    Named{0x01, "AER"},    Named{0x02, "VC"},        Named{0x03, "DSN"},   Named{0x04, "PowerBudget"},
    Named{0x0b, "Vendor"}, Named{0x0d, "ACS"},       Named{0x0e, "ARI"},   Named{0x0f, "ATS"},
    Named{0x10, "SR-IOV"}, Named{0x13, "PRI"},       Named{0x15, "ReBAR"}, Named{0x17, "TPH"},
    Named{0x18, "LTR"},    Named{0x19, "Secondary"}, Named{0x1b, "PASID"}, Named{0x1d, "DPC"},
    Named{0x1e, "L1SS"},   Named{0x1f, "PTM"},       Named{0x23, "DVSEC"}, Named{0x25, "DLFeature"},
    Named{0x26, "16GT"},   Named{0x27, "Margining"}, Named{0x2a, "32GT"},  Named{0x2e, "DOE"}};

template <typename Names>
const char* find(const Names& names, unsigned id) {
  for (const Named& named : names) {
    if (named.id == id) return named.name;
  }
  return nullptr;
}

}  // namespace

std::string capability_name(const SysfsCapability& capability) {
  const char* const name = capability.extended ? find(kExtendedNames, capability.id) : find(kNames, capability.id);
  if (name != nullptr) return name;
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), capability.extended ? "0x%04x" : "0x%02x", capability.id);
  return text.data();
}

}  // namespace holdover::host
