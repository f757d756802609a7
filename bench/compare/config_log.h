// SPDX-License-Identifier: MIT
// A recorded log of the configuration writes that a function received: lines «CFG_WRITE off= size= val= old= new= NAME»
// and «#### PHASE n text», each with a time before it. Other lines say nothing of interest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace holdover::bench {

struct LoggedWrite {
  unsigned line = 0;  // from 1
  unsigned offset = 0;
  unsigned size = 0;         // bytes: 1, 2 or 4
  std::uint32_t value = 0;   // as wide as the write, and so are both of these
  std::uint32_t before = 0;  // of the register
  std::uint32_t after = 0;
  std::string name;  // what the log calls the register; empty where it has no name for it
};

struct LoggedMark {
  unsigned number = 0;
  std::string text;
  std::size_t writes = 0;  // that stand before it
};

struct ConfigLog {
  std::vector<LoggedWrite> writes;
  std::vector<LoggedMark> marks;
};

// `name` is what sentences call the log. Throws Error{InvalidArgument} for lines that are cut off and for text without
// any configuration write.
[[nodiscard]] ConfigLog read_config_log(std::istream& in, const std::string& name);

}  // namespace holdover::bench
