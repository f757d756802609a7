// SPDX-License-Identifier: MIT
// A page of documentation that a verb writes a part of: what stands between its two marks, «<!-- holdover VERB: begin
// -->» and «<!-- holdover VERB: end -->».
#pragma once

#include <string>

namespace holdover::cli {

// The page at `path` with `part` (whole lines) between the marks of `verb`; everything else of it stays. A page that
// does not exist or is empty gets both. Throws Error{InvalidArgument} that names --markdown for a page without them.
[[nodiscard]] std::string page_with(const std::string& verb, const std::string& path, const std::string& part);

}  // namespace holdover::cli
