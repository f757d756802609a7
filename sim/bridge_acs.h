// SPDX-License-Identifier: MIT
// Access Control Services of a port with a link below (PCIe 5.0, 6.12 and 7.7.8): what it does with packets from below
// that are not simply on their way up.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pcie/tlp.h"
#include "sim/register_file.h"

namespace holdover::sim {

class BridgeAcs {
 public:
  // `registers` outlives it; defines its own fields there, where `present`.
  BridgeAcs(RegisterFile& registers, unsigned offset, unsigned next, bool present);

  // Why a request from below violates access control; nothing where it does not. `owned`: the port's bus numbers
  // contain its requester's.
  [[nodiscard]] std::optional<std::string_view> violation(const pcie::Tlp& request, bool owned) const;
  // Requests for a peer go to the root first.
  [[nodiscard]] bool redirects_requests() const { return enabled(kRequestRedirect); }
  // So do completions for a peer, but for those that may be reordered anyway.
  [[nodiscard]] bool redirects(const pcie::Tlp& completion) const;
  // What is addressed to the port's own windows was redirected below, and goes on upwards.
  [[nodiscard]] bool forwards_upstream() const { return enabled(kUpstreamForwarding); }

 private:
  static constexpr std::uint16_t kSourceValidation = 1u << 0;
  static constexpr std::uint16_t kTranslationBlocking = 1u << 1;
  static constexpr std::uint16_t kRequestRedirect = 1u << 2;
  static constexpr std::uint16_t kCompletionRedirect = 1u << 3;
  static constexpr std::uint16_t kUpstreamForwarding = 1u << 4;

  [[nodiscard]] bool enabled(std::uint16_t control) const { return (registers_.word(control_) & control) != 0; }

  RegisterFile& registers_;
  unsigned control_;  // offset; reads 0 where there is no capability
};

}  // namespace holdover::sim
