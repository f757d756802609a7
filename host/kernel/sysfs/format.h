// SPDX-License-Identifier: MIT
// How sysfs writes numbers and reads them.
#pragma once

#include <cstdarg>
#include <optional>
#include <string>
#include <string_view>

#include "host/kernel/sysfs/node.h"

namespace holdover::host::kernel::sysfs {

// sysfs_emit()
[[gnu::format(printf, 1, 2)]] [[nodiscard]] std::string emit(const char* format, ...);
// A read-only attribute whose text is `show()`.
[[nodiscard]] Text shows(std::function<std::string()> show);

// kstrtoul() and kstrtoint() of base 0: «16», «0x10», «020», with one line feed at most behind them. Nothing: EINVAL.
[[nodiscard]] std::optional<unsigned long> parse_unsigned(std::string_view text);
[[nodiscard]] std::optional<int> parse_int(std::string_view text);
// Without the line feed that `echo` appends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace holdover::host::kernel::sysfs
