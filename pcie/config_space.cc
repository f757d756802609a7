// SPDX-License-Identifier: MIT
#include "pcie/config_space.h"

#include <array>

namespace holdover::pcie::config {
namespace {

constexpr std::array<std::string_view, 16> kType0 = {"Vendor ID / Device ID",
                                                     "COMMAND / STATUS",
                                                     "Revision / Class Code",
                                                     "Cache Line / Latency / Header Type",
                                                     "BAR 0",
                                                     "BAR 1",
                                                     "BAR 2",
                                                     "BAR 3",
                                                     "BAR 4",
                                                     "BAR 5",
                                                     "CardBus CIS",
                                                     "Subsystem",
                                                     "ROM BAR",
                                                     "Capability Pointer",
                                                     "Reserved",
                                                     "Interrupt Line / Pin"};
constexpr std::array<std::string_view, 16> kType1 = {"Vendor ID / Device ID",
                                                     "COMMAND / STATUS",
                                                     "Revision / Class Code",
                                                     "Cache Line / Latency / Header Type",
                                                     "BAR 0",
                                                     "BAR 1",
                                                     "Bus Numbers",
                                                     "I/O Window / Secondary Status",
                                                     "Memory Window",
                                                     "Prefetchable Window",
                                                     "Prefetchable Base Upper",
                                                     "Prefetchable Limit Upper",
                                                     "I/O Window Upper",
                                                     "Capability Pointer",
                                                     "ROM BAR",
                                                     "Interrupt Line / Bridge Control"};

}  // namespace

std::string_view header_register_name(unsigned offset, bool bridge) {
  if (offset >= 0x40) return "capability register";
  return (bridge ? kType1 : kType0)[offset / 4];
}

}  // namespace holdover::pcie::config
