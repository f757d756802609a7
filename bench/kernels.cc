// SPDX-License-Identifier: MIT
#include "bench/kernels.h"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include "bench/run.h"
#include "host/kernel/policy.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

std::string name_of(const std::string& policy) { return policy.substr(0, policy.find('=')); }

void require_once(const std::vector<std::string>& policies) {
  std::set<std::string> seen;
  for (const std::string& policy : policies) {
    if (seen.insert(name_of(policy)).second) continue;
    throw Error{ErrorCode::InvalidArgument,
                "the policy " + name_of(policy) + " is given twice for one kernel; give it one value"};
  }
}

KernelChoice choice(const std::string& option, const std::string& text) {
  try {
    return parse_kernel(text);
  } catch (const Error& error) {
    throw Error{error.code(), option + ": " + error.what()};
  }
}

std::vector<KernelChoice> named(const RunOptions& options) {
  if (options.chain.empty()) {
    return {
        choice(options.from.empty() ? "--profile" : "--from", options.from.empty() ? options.profile : options.from),
        choice(options.to.empty() ? "--profile" : "--to", options.to.empty() ? options.profile : options.to)};
  }
  if (!options.from.empty() || !options.to.empty() || options.profile != RunOptions{}.profile) {
    throw Error{ErrorCode::InvalidArgument,
                "--chain names every kernel; leave out --profile, --from and --to, or leave out --chain"};
  }
  std::vector<KernelChoice> all;
  std::istringstream words(options.chain + ",");
  for (std::string word; std::getline(words, word, ',');) all.push_back(choice("--chain", word));
  if (all.size() < 2) {
    throw Error{ErrorCode::InvalidArgument,
                "--chain: " + options.chain + " is one kernel; name two or more, separated by commas"};
  }
  return all;
}

}  // namespace

KernelChoice parse_kernel(std::string_view text) {
  KernelChoice kernel;
  if (text.ends_with(':')) {
    throw Error{ErrorCode::InvalidArgument, "«" + std::string(text) + "» ends where a policy should follow"};
  }
  std::istringstream words{std::string(text)};
  std::getline(words, kernel.profile, ':');
  for (std::string word; std::getline(words, word, ':');) kernel.policies.push_back(word);
  require_once(kernel.policies);
  (void)policies_of(kernel);
  return kernel;
}

std::string to_string(const KernelChoice& kernel) {
  std::string text = kernel.profile;
  for (const std::string& policy : kernel.policies) text += ":" + policy;
  return text;
}

host::kernel::Policies policies_of(const KernelChoice& kernel) {
  std::optional<host::kernel::Policies> policies = host::kernel::find_profile(kernel.profile);
  if (!policies) {
    std::string possible;
    for (const host::kernel::Profile& profile : host::kernel::profiles()) {
      possible += (possible.empty() ? "" : ", ") + std::string(profile.name);
    }
    throw Error{ErrorCode::InvalidArgument, "there is no «" + kernel.profile + "»; there are: " + possible};
  }
  for (const std::string& policy : kernel.policies) host::kernel::change_policy(*policies, policy);
  return *policies;
}

std::vector<KernelChoice> kernels(const RunOptions& options) {
  require_once(options.policies);
  host::kernel::Policies probe;
  for (const std::string& policy : options.policies) {
    try {
      host::kernel::change_policy(probe, policy);
    } catch (const Error& error) {
      throw Error{error.code(), std::string("--policy: ") + error.what()};
    }
  }
  std::vector<KernelChoice> all = named(options);
  for (KernelChoice& kernel : all) {
    std::vector<std::string> common;
    for (const std::string& policy : options.policies) {
      const bool own = std::any_of(kernel.policies.begin(), kernel.policies.end(),
                                   [&](const std::string& other) { return name_of(other) == name_of(policy); });
      if (!own) common.push_back(policy);
    }
    kernel.policies.insert(kernel.policies.begin(), common.begin(), common.end());
  }
  return all;
}

}  // namespace holdover::bench
