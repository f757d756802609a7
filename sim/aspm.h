// SPDX-License-Identifier: MIT
// Times of active state power management (PCIe 5.0, 5.4.1), and what ports and endpoints say of them.
#pragma once

#include "pcie/units.h"
#include "sim/witness.h"

namespace holdover::sim {

// Like those of real ports, and so short that they need no scaling. A transmitter must enter L0s within 7 us
// (5.4.1.1.1) and most do so sooner; L1 saves more and costs more, so a link waits for longer before it enters it.
// Leaving L0s takes a few hundred nanoseconds (fast training sequences), leaving L1 microseconds (recovery).
inline constexpr Time kL0sIdle{1'000'000};
inline constexpr Time kL0sExit{250'000};
inline constexpr Time kL1Idle{8'000'000};
inline constexpr Time kL1Exit{2'000'000};

// Exit latencies as Link Capabilities encode them (7.5.3.6): 128 ns to less than 256 ns, and 2 us to less than 4 us.
// rtl/config/ep_config_express.sv says the same.
inline constexpr unsigned kL0sExitEncoded = 2;
inline constexpr unsigned kL1ExitEncoded = 2;
static_assert(kL0sExit >= Time{128'000} && kL0sExit < Time{256'000});
static_assert(kL1Exit >= Time{2'000'000} && kL1Exit < Time{4'000'000});

// What leaving L0s takes where this may be enabled, and what leaving any state takes; 0 where none is entered.
[[nodiscard]] constexpr Time l0s_exit(unsigned aspm) { return (aspm & kAspmL0s) != 0 ? kL0sExit : Time{0}; }
[[nodiscard]] constexpr Time longest_exit(unsigned aspm) { return (aspm & kAspmL1) != 0 ? kL1Exit : l0s_exit(aspm); }

}  // namespace holdover::sim
