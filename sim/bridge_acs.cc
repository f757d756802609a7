// SPDX-License-Identifier: MIT
#include "sim/bridge_acs.h"

namespace holdover::sim {
namespace {

constexpr unsigned kControl = 6;
constexpr std::uint8_t kRelaxedOrdering = 1u << 1;

}  // namespace

BridgeAcs::BridgeAcs(RegisterFile& registers, unsigned offset, unsigned next, bool present)
    : registers_(registers), control_(offset + kControl) {
  if (!present) return;
  constexpr std::uint16_t kControls =
      kSourceValidation | kTranslationBlocking | kRequestRedirect | kCompletionRedirect | kUpstreamForwarding;
  registers_.define(offset, 4, (next << 20) | 0x0001'0000u | pcie::config::kExtCapAcs);
  registers_.define(offset + 4, 2, kControls);
  registers_.define(control_, 2, 0, kControls);
}

std::optional<std::string_view> BridgeAcs::violation(const pcie::Tlp& request, bool owned) const {
  if (enabled(kSourceValidation) && !owned) return "its requester's bus is not below the port (ACS source validation)";
  if (enabled(kTranslationBlocking) && request.address_type != 0) {
    return "its address claims to be translated (ACS translation blocking)";
  }
  return std::nullopt;
}

bool BridgeAcs::redirects(const pcie::Tlp& completion) const {
  return enabled(kCompletionRedirect) && (completion.attributes & kRelaxedOrdering) == 0;
}

}  // namespace holdover::sim
