// SPDX-License-Identifier: MIT
#include "cli/config_file.h"

#include <algorithm>
#include <utility>

#include "cli/run_options.h"
#include "cli/toml_file.h"
#include "pcie/error.h"

namespace holdover::cli {
namespace {

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
  const toml::table table = [&] {
    try {
      return read_toml_file(path);
    } catch (const Error& error) {
      throw Error(error.code(), std::string("--config: ") + error.what());
    }
  }();
  std::vector<std::pair<toml::source_position, Setting>> found;
  for (const auto& [toml_key, node] : table) {
    const std::string key(toml_key.str());
    const std::string where = "--config: " + place(path, toml_key.source());
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
