// SPDX-License-Identifier: MIT
#include "cli/config_file.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <system_error>

#include "cli/run_options.h"
#include "pcie/error.h"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace holdover::cli {
namespace {

constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 20;

[[noreturn]] void refuse(const std::string& where, const std::string& sentence) {
  throw Error(ErrorCode::InvalidArgument, where + ": " + sentence);
}

std::string known_names() {
  std::string names;
  for (const OptionEntry& entry : run_options()) {
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  }
  return names;
}

std::string text_of(const toml::node& node, const std::string& key, const std::string& where) {
  if (const auto* text = node.as_string()) {
    return text->get();
  }
  if (const auto* number = node.as_integer()) {
    return std::to_string(number->get());
  }
  refuse(where, "«" + key + "» takes a string or a whole number");
}

}  // namespace

std::vector<Setting> read_config_file(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(ErrorCode::Unavailable,
                "--config: " + file + " is " +
                    (std::filesystem::is_directory(status) ? "a directory" : "no regular file") +
                    "; it takes a TOML file");
  }
  if (std::filesystem::file_size(path, error) > kMostBytes && !error) {
    throw Error(ErrorCode::Unavailable, "--config: " + file + " is larger than 1 MiB; it takes a TOML file of options");
  }
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  if (!stream || !(text << stream.rdbuf() || stream.peek() == std::ifstream::traits_type::eof())) {
    throw Error(ErrorCode::Unavailable, "--config: " + file + " cannot be read; it takes a TOML file");
  }

  toml::table table;
  try {
    table = toml::parse(text.str(), file);
  } catch (const toml::parse_error& problem) {
    refuse("--config: " + file + ":" + std::to_string(problem.source().begin.line),
           "this is no TOML: " + std::string(problem.description()));
  }

  std::vector<std::pair<toml::source_position, Setting>> found;
  for (const auto& [toml_key, node] : table) {
    const std::string key(toml_key.str());
    const std::string where = "--config: " + file + ":" + std::to_string(toml_key.source().begin.line);
    const OptionEntry* entry = find_run_option(key);
    if (entry == nullptr) {
      refuse(where, "«" + key + "» is no option; possible are " + known_names());
    }
    if (const auto* list = node.as_array(); list != nullptr && entry->repeats) {
      for (const toml::node& item : *list) {
        found.push_back({item.source().begin, {key, text_of(item, key, where), where}});
      }
    } else {
      found.push_back({node.source().begin, {key, text_of(node, key, where), where}});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });

  std::vector<Setting> settings;
  settings.reserve(found.size());
  for (auto& [position, setting] : found) {
    settings.push_back(std::move(setting));
  }
  return settings;
}

}  // namespace holdover::cli
