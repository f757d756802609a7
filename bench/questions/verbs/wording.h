// SPDX-License-Identifier: MIT
// Words for what experiments see.
#pragma once

#include <string>
#include <vector>

#include "pcie/bdf.h"

namespace holdover::bench {

// «v4, v5 and v9»; «none» for an empty list.
[[nodiscard]] std::string join(const std::vector<std::string>& names);
[[nodiscard]] std::string join(const std::vector<pcie::Bdf>& functions);
// «0», «EBUSY», «never returns».
[[nodiscard]] std::string errno_text(int error);
// «1 line», «3 lines».
[[nodiscard]] std::string count_of(std::size_t count, const std::string& thing);

}  // namespace holdover::bench
