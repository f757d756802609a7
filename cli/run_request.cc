// SPDX-License-Identifier: MIT
#include "cli/run_request.h"

#include <set>
#include <string>
#include <string_view>

#include "cli/config_file.h"
#include "cli/run_options.h"
#include "cli/version.h"
#include "pcie/error.h"
#include "pcie/own_files.h"

namespace holdover::cli {
namespace {

bool is_wave_window(std::string_view option) { return option == "wave-from" || option == "wave-to"; }

std::filesystem::path own_image() {
  static const std::string kName = "holdover-kernel-image";
  return own_file(kName).value_or(own_object().parent_path() / kName);
}

void apply(bench::RunOptions& options, const std::string& name, const std::string& text, const std::string& where) {
  const OptionEntry* entry = find_run_option(name);
  HOLDOVER_CHECK(entry != nullptr);
  try {
    entry->apply(options, text);
  } catch (const Error& error) {
    throw Error(error.code(), where + error.what());
  }
}

}  // namespace

bench::RunOptions compose(const RunRequest& request) {
  bench::RunOptions options;
  options.own_image = own_image();
  options.program = request.program;
  options.version = kVersion;
  options.commit = kCommit;
  bool wave_window = false;
  if (request.config) {
    if (request.config->empty()) {
      throw Error(ErrorCode::InvalidArgument, "--config: «» is not possible; it takes the path of a TOML file");
    }
    options.sources.push_back(*request.config);
    for (const Setting& setting : read_config_file(*request.config)) {
      wave_window = wave_window || is_wave_window(setting.name);
      apply(options, setting.name, setting.value, setting.where + ": " + setting.name + ": ");
    }
  }
  // A repeatable option on the command line replaces the file's list, as every other option replaces its value.
  std::set<std::string> seen;
  for (const auto& [name, text] : request.settings) {
    if (seen.insert(name).second) {
      if (name == "fault") options.faults.clear();
      if (name == "policy") options.policies.clear();
    }
    wave_window = wave_window || is_wave_window(name);
    apply(options, name, text, "--" + name + ": ");
  }
  if (wave_window && options.wave.empty()) {
    throw Error(ErrorCode::InvalidArgument, "--wave-from and --wave-to need --wave FILE.fst");
  }
  return options;
}

}  // namespace holdover::cli
