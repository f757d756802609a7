// SPDX-License-Identifier: MIT
#include "cli/profile_file.h"

#include <algorithm>
#include <sstream>

#include "bench/kernels.h"
#include "cli/toml_file.h"
#include "pcie/error.h"

namespace holdover::cli {
namespace {

bool is_file(const std::string& profile) {
  return profile.find('/') != std::string::npos || profile.ends_with(".toml");
}

std::string name_of(const std::string& policy) { return policy.substr(0, policy.find('=')); }

class ProfileFile {
 public:
  explicit ProfileFile(std::string path) : path_(std::move(path)) {}

  bench::KernelChoice read() const {
    const toml::table table = read_toml_file(path_);
    const toml::node* const base = table.get("base");
    if (base == nullptr) refuse(table, "there is no «base»; it names the profile that this one begins as");
    bench::KernelChoice kernel = parse(*base, text_of(*base, "base"));
    for (const auto& [key, node] : table) {
      if (key == "base") continue;
      if (key != "policies") refuse(node, "«" + std::string(key.str()) + "» is not known; there are base and policies");
      const toml::table* const policies = node.as_table();
      if (policies == nullptr) refuse(node, "«policies» is a table of names and values");
      for (const auto& [name, value] : *policies) {
        kernel.policies.push_back(std::string(name.str()) + "=" + text_of(value, std::string(name.str())));
        (void)parse(value, bench::to_string(kernel));
      }
    }
    return kernel;
  }

 private:
  [[noreturn]] void refuse(const toml::node& node, const std::string& sentence) const {
    throw Error(ErrorCode::InvalidArgument, place(path_, node.source()) + ": " + sentence);
  }
  std::string text_of(const toml::node& node, const std::string& key) const {
    const auto* const text = node.as_string();
    if (text == nullptr) refuse(node, "«" + key + "» takes a string");
    return text->get();
  }
  bench::KernelChoice parse(const toml::node& node, const std::string& text) const {
    try {
      return bench::parse_kernel(text);
    } catch (const Error& error) {
      refuse(node, error.what());
    }
  }

  std::string path_;
};

std::string resolved(const std::string& kernel, std::vector<std::filesystem::path>& sources) {
  const std::string profile = kernel.substr(0, kernel.find(':'));
  if (!is_file(profile)) return kernel;
  bench::KernelChoice choice = ProfileFile(profile).read();
  sources.emplace_back(profile);
  std::istringstream words(kernel.substr(std::min(kernel.size(), profile.size() + 1)));
  for (std::string word; std::getline(words, word, ':');) {
    std::erase_if(choice.policies, [&](const std::string& policy) { return name_of(policy) == name_of(word); });
    choice.policies.push_back(word);
  }
  return bench::to_string(choice);
}

}  // namespace

std::string with_profile_files(const std::string& kernels, std::vector<std::filesystem::path>& sources) {
  std::string all;
  for (std::size_t begin = 0; begin <= kernels.size();) {
    const std::size_t end = std::min(kernels.find(',', begin), kernels.size());
    const std::string word = kernels.substr(begin, end - begin);
    if (word.empty()) {
      throw Error(ErrorCode::InvalidArgument, "«" + kernels + "» leaves out the name of a kernel" +
                                                  (kernels.empty() ? "" : "; leave out the comma too"));
    }
    all += (all.empty() ? "" : ",") + resolved(word, sources);
    begin = end + 1;
  }
  return all;
}

}  // namespace holdover::cli
