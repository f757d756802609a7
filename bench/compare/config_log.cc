// SPDX-License-Identifier: MIT
#include "bench/compare/config_log.h"

#include <algorithm>
#include <charconv>
#include <istream>
#include <optional>
#include <sstream>
#include <string_view>

#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

// «off=0x004», «size=2»: the number, where the word is this field.
std::optional<std::uint32_t> field(const std::string& word, std::string_view name) {
  if (word.size() <= name.size() || std::string_view(word).substr(0, name.size()) != name) return std::nullopt;
  std::string_view digits = std::string_view(word).substr(name.size());
  int base = 10;
  if (digits.substr(0, 2) == "0x") {
    digits.remove_prefix(2);
    base = 16;
  }
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

[[noreturn]] void refuse(const std::string& name, unsigned line, const std::string& what) {
  throw Error(ErrorCode::InvalidArgument, name + ", line " + std::to_string(line) + ": " + what);
}

LoggedWrite parse_write(std::istringstream& words, const std::string& name, unsigned line) {
  LoggedWrite write;
  write.line = line;
  struct Field {
    std::string_view name;
    std::uint32_t value;
  };
  Field fields[] = {{"off=", 0}, {"size=", 0}, {"val=", 0}, {"old=", 0}, {"new=", 0}};
  std::string word;
  for (Field& each : fields) {
    const std::optional<std::uint32_t> value = words >> word ? field(word, each.name) : std::nullopt;
    if (!value) {
      refuse(name, line,
             "this configuration write has no «" + std::string(each.name) +
                 "» with a number where it belongs; the line is cut off or broken, record the log anew");
    }
    each.value = *value;
  }
  write.offset = fields[0].value;
  write.size = fields[1].value;
  write.value = fields[2].value;
  write.before = fields[3].value;
  write.after = fields[4].value;
  const bool possible = (write.size == 1 || write.size == 2 || write.size == 4) && write.offset % write.size == 0 &&
                        write.offset < pcie::config::kSpaceBytes;
  if (!possible) {
    refuse(name, line,
           std::to_string(write.size) + " bytes at offset " + std::to_string(write.offset) +
               " are no configuration write");
  }
  const std::uint64_t limit = std::uint64_t{1} << 8 * write.size;
  if (write.value >= limit || write.before >= limit || write.after >= limit) {
    refuse(name, line, "a value is wider than the " + std::to_string(write.size) + " bytes that are written");
  }
  // «BAR1(hi of BAR0)» is BAR1.
  if (words >> word && word.front() != '[') write.name = word.substr(0, word.find('('));
  return write;
}

LoggedMark parse_mark(std::istringstream& words, std::size_t writes, const std::string& name, unsigned line) {
  LoggedMark mark;
  mark.writes = writes;
  std::string phase;
  if (!(words >> phase >> mark.number) || phase != "PHASE") {
    refuse(name, line, "this mark has no «PHASE» with a number; the line is cut off or broken, record the log anew");
  }
  std::getline(words >> std::ws, mark.text);
  return mark;
}

}  // namespace

ConfigLog read_config_log(std::istream& in, const std::string& name) {
  ConfigLog log;
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::istringstream words(line);
    std::string word;
    // The time, which a line may do without.
    words >> word;
    if (!word.empty() &&
        std::all_of(word.begin(), word.end(), [](unsigned char c) { return c == '.' || (c >= '0' && c <= '9'); })) {
      words >> word;
    }
    if (word == "CFG_WRITE") {
      log.writes.push_back(parse_write(words, name, number));
    } else if (word == "####") {
      log.marks.push_back(parse_mark(words, log.writes.size(), name, number));
    }
  }
  if (log.writes.empty()) {
    throw Error(ErrorCode::InvalidArgument,
                name + " is no log of configuration writes: no line of it says CFG_WRITE; name a recorded log");
  }
  return log;
}

}  // namespace holdover::bench
