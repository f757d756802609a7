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

struct ErrorName {
  unsigned bit;
  std::string_view name;
};
constexpr std::array<ErrorName, 13> kUncorrectable = {{{4, "Data Link Protocol Error"},
                                                       {5, "Surprise Down"},
                                                       {12, "Poisoned TLP Received"},
                                                       {13, "Flow Control Protocol Error"},
                                                       {14, "Completion Timeout"},
                                                       {15, "Completer Abort"},
                                                       {16, "Unexpected Completion"},
                                                       {17, "Receiver Overflow"},
                                                       {18, "Malformed TLP"},
                                                       {19, "ECRC Error"},
                                                       {20, "Unsupported Request"},
                                                       {21, "ACS Violation"},
                                                       {22, "Uncorrectable Internal Error"}}};
constexpr std::array<ErrorName, 8> kCorrectable = {{{0, "Receiver Error"},
                                                    {6, "Bad TLP"},
                                                    {7, "Bad DLLP"},
                                                    {8, "REPLAY_NUM Rollover"},
                                                    {12, "Replay Timer Timeout"},
                                                    {13, "Advisory Non-Fatal Error"},
                                                    {14, "Corrected Internal Error"},
                                                    {15, "Header Log Overflow"}}};

std::string names_of(std::uint32_t status, std::span<const ErrorName> table) {
  std::string names;
  for (const ErrorName& error : table) {
    if ((status >> error.bit & 1) == 0) continue;
    status &= ~(1u << error.bit);
    if (!names.empty()) names += ", ";
    names += error.name;
  }
  if (status != 0) names += names.empty() ? "another error" : ", another error";
  return names;
}

}  // namespace

std::string aer_uncorrectable_names(std::uint32_t status) { return names_of(status, kUncorrectable); }
std::string aer_correctable_names(std::uint32_t status) { return names_of(status, kCorrectable); }

std::string_view header_register_name(unsigned offset, bool bridge) {
  if (offset >= 0x40) return "capability register";
  return (bridge ? kType1 : kType0)[offset / 4];
}

}  // namespace holdover::pcie::config
