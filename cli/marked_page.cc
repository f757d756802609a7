// SPDX-License-Identifier: MIT
#include "cli/marked_page.h"

#include <fstream>
#include <sstream>

#include "pcie/error.h"

namespace holdover::cli {

std::string page_with(const std::string& verb, const std::string& path, const std::string& part) {
  const std::string begin_mark = "<!-- holdover " + verb + ": begin -->";
  const std::string end_mark = "<!-- holdover " + verb + ": end -->";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  if (page.empty()) return begin_mark + "\n" + part + end_mark + "\n";
  const std::size_t begin = page.find(begin_mark + "\n");
  const std::size_t end = page.find(end_mark + "\n");
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    throw Error(ErrorCode::InvalidArgument, "--markdown: " + path + " has no «" + begin_mark + "» and «" + end_mark +
                                                "» to write between; name a page that has them, or a new one");
  }
  return page.substr(0, begin + begin_mark.size() + 1) + part + page.substr(end);
}

}  // namespace holdover::cli
