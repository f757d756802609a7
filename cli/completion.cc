// SPDX-License-Identifier: MIT
#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <regex>
#include <string_view>

#include "cli/list_command.h"

namespace holdover::cli {
namespace {

using Words = std::vector<std::string>;

// What descriptions do not enumerate: values, or a section of `holdover list`.
struct Known {
  std::string_view option;
  std::string_view section;
  std::array<std::string_view, 3> values;
};
constexpr std::array<Known, 8> kKnown{{
    {"--isolation", {}, {"process", "in-process"}},
    {"--jump", {}, {"kexec", "crash", "none"}},
    {"--finish", {}, {"before-preserve", "after-preserve"}},
    {"--interrupts-at-freeze", {}, {"keep", "off"}},
    {"--trace-detail", {}, {"tlps", "memory"}},
    {"--from", "profiles", {}},
    {"--to", "profiles", {}},
    {"--chain", "profiles", {}},
}};

// «Data path: 64, 128, 256 (default) or 512; and so on»: the words of the enumeration. None where it is none.
Words enumerated(std::string text) {
  static const std::regex kAside(R"( ?\([^)]*\))");
  static const std::regex kBetween(R"(, or | or |, )");
  static const std::regex kWord(R"([A-Za-z0-9_.-]+)");
  text = std::regex_replace(text, kAside, "");
  text = text.substr(0, text.find(';'));
  if (const std::size_t colon = text.rfind(": "); colon != std::string::npos) text = text.substr(colon + 2);
  const Words parts(std::sregex_token_iterator(text.begin(), text.end(), kBetween, -1), std::sregex_token_iterator());
  const bool words = std::all_of(parts.begin(), parts.end(), [](const auto& each) { return regex_match(each, kWord); });
  return words && parts.size() > 1 ? parts : Words{};
}

// «…; `holdover list faults`»: its names.
Words listed(const std::string& text) {
  static const std::regex kList("`holdover list ([a-z]+)`");
  std::smatch found;
  return std::regex_search(text, found, kList) ? names_in_list(found[1]) : Words{};
}

bool is_file(const std::string& type) {
  return type.rfind("FILE", 0) == 0 || type.rfind("DIR", 0) == 0 || type.rfind("PATH", 0) == 0;
}

Completion values_of(const CLI::Option& option, const std::string& typed) {
  const std::string type = option.get_type_name();
  if (is_file(type)) return {{}, true};
  Words values = listed(option.get_description());
  if (values.empty()) values = enumerated(option.get_description());
  for (const Known& known : kKnown) {
    if (option.get_name() != known.option) continue;
    if (!known.section.empty()) values = names_in_list(std::string(known.section));
    for (const std::string_view each : known.values) {
      if (!each.empty()) values.emplace_back(each);
    }
  }
  // In a list the last item is completed.
  const std::size_t comma = typed.rfind(',');
  if (comma != std::string::npos) {
    for (std::string& each : values) each.insert(0, typed, 0, comma + 1);
  }
  return {values, option.get_positional() && values.empty()};
}

const CLI::Option* find_option(const CLI::App& verb, const std::string& name) {
  for (const CLI::Option* option : verb.get_options()) {
    if (option->check_name(name)) return option;
  }
  return nullptr;
}

Words names_below(const CLI::App& verb) {
  Words names;
  for (const CLI::App* each : verb.get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); })) {
    names.push_back(each->get_name());
  }
  return names;
}

Words option_names(const CLI::App& verb) {
  Words names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

const CLI::Option* positional(const CLI::App& verb, std::size_t index) {
  for (const CLI::Option* option : verb.get_options()) {
    if (!option->get_positional()) continue;
    if (index == 0 || option->get_items_expected_max() > 1) return option;
    --index;
  }
  return nullptr;
}

Completion candidates(const CLI::App& app, const Words& words) {
  const CLI::App* verb = &app;
  const CLI::Option* waiting = nullptr;  // for its value
  std::size_t positionals = 0;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (waiting != nullptr) {
      waiting = nullptr;
      continue;
    }
    if (words[i].rfind('-', 0) == 0) {
      const CLI::Option* const option = find_option(*verb, words[i]);
      if (option != nullptr && option->get_items_expected_max() > 0) waiting = option;
      continue;
    }
    const auto below = verb->get_subcommands([&](const CLI::App* each) { return each->check_name(words[i]); });
    if (below.empty()) {
      ++positionals;
    } else {
      verb = below.front();
    }
  }
  const std::string& last = words.back();
  if (waiting != nullptr) return values_of(*waiting, last);
  if (last.rfind('-', 0) == 0) {
    if (const std::size_t equals = last.find('='); equals != std::string::npos) {
      const CLI::Option* const option = find_option(*verb, last.substr(0, equals));
      if (option == nullptr) return {};
      Completion completion = values_of(*option, last.substr(equals + 1));
      for (std::string& each : completion.candidates) each.insert(0, last, 0, equals + 1);
      return completion;
    }
    return {option_names(*verb), false};
  }
  if (const Words below = names_below(*verb); !below.empty()) return {below, false};
  const CLI::Option* const next = positional(*verb, positionals);
  return next == nullptr ? Completion{option_names(*verb), false} : values_of(*next, last);
}

}  // namespace

Completion complete(const CLI::App& app, const Words& words) {
  if (words.empty()) return {};
  Completion completion = candidates(app, words);
  std::erase_if(completion.candidates, [&](const std::string& each) { return each.rfind(words.back(), 0) != 0; });
  return completion;
}

Command add_complete_command(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("complete", "What can come next, for shells: candidates, or «:files»");
  verb->group("");
  const auto words = std::make_shared<Words>();
  verb->add_option("words", *words, "What stands on the line, the last word as far as it was typed");
  return {verb, [words, &app] {
            const Completion completion = complete(app, *words);
            for (const std::string& each : completion.candidates) std::cout << each << '\n';
            if (completion.files) std::cout << ":files\n";
            require_written();
            return 0;
          }};
}

}  // namespace holdover::cli
