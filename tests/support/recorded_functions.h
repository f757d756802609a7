// SPDX-License-Identifier: MIT
// A root port and an endpoint laid out like those whose configuration writes were recorded under real kernels, so that
// sequences of writes can be compared offset by offset.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_platform.h"

namespace holdover::testing {

// PCI Express at 54h, MSI-X with one entry at 48h, AER at 100h, ACS at 148h; configured by firmware: bus 1, windows.
[[nodiscard]] std::unique_ptr<FakeFunction> recorded_root_port();
// PCI Express at 70h, AER at 100h; a 64-bit BAR 0 and a 32-bit BAR 2, ASPM, no slot clock; COMMAND 0103h.
[[nodiscard]] std::unique_ptr<FakeFunction> recorded_endpoint();

// Bits of a register that can be written, over what was there.
void make_writable(FakeFunction& function, unsigned offset, unsigned size, std::uint32_t mask);
// «port 04/2=503», one for each write since the list was cleared.
[[nodiscard]] std::vector<std::string> as_text(const std::vector<ConfigWriteRecord>& writes);

}  // namespace holdover::testing
