// SPDX-License-Identifier: MIT
#include "sim/model_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "pcie/error.h"
#include "pcie/own_files.h"
#include "sim/endpoint_model.h"

namespace holdover::sim {
namespace {

std::string name_of(const ModelSize& size) {
  return std::to_string(size.data_width) + "x" + std::to_string(size.channels);
}

constexpr char kFilePrefix[] = "holdover-endpoint-";

std::filesystem::path file_of(const std::filesystem::path& folder, const ModelSize& size, bool wave) {
  return folder / (kFilePrefix + name_of(size) + (wave ? "-wave" : "") + ".so");
}

bool is_own(const EndpointConfig& config) { return ModelSize{config.data_width, config.channels} == kOwnModel; }

[[noreturn]] void refuse(const EndpointConfig& config, const std::string& why, const std::filesystem::path& folder) {
  std::string there;
  for (const ModelSize& size : built_models(folder)) there += (there.empty() ? "" : ", ") + name_of(size);
  throw Error(ErrorCode::Unavailable, "the endpoint of " + std::to_string(config.data_width) + " bits and " +
                                          std::to_string(config.channels) + " channels " + why +
                                          "; `make models` builds the others, and there are: " + there);
}

const EndpointModel& load(const EndpointConfig& config, const std::filesystem::path& folder, bool wave) {
  const std::filesystem::path file = file_of(folder, {config.data_width, config.channels}, wave);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    refuse(config, wave ? "is not built with waveforms" : "is not built", folder);
  }
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    refuse(config, std::string("cannot be loaded (") + (reason == nullptr ? "no reason given" : reason) + ")", folder);
  }
  using Entry = const EndpointModel* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(library, kEndpointModelEntry));
  const EndpointModel* const model = entry == nullptr ? nullptr : entry();
  if (model == nullptr || model->abi != kEndpointModelAbi || model->layout != kEndpointModelLayout ||
      model->data_width != config.data_width || model->channels != config.channels) {
    refuse(config, "in " + file.string() + " was not built for this program", folder);
  }
  return *model;
}

}  // namespace

std::filesystem::path default_model_folder() {
  for (const std::filesystem::path& folder : own_folders()) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      if (entry.path().filename().string().rfind(kFilePrefix, 0) == 0) return folder;
    }
  }
  return own_object().parent_path().parent_path() / "lib";
}

std::vector<ModelSize> built_models(const std::filesystem::path& folder) {
  std::vector<ModelSize> sizes;
  std::error_code ignored;
  for (const unsigned width : kDataWidths) {
    for (unsigned channels = 1; channels <= kMostChannels; ++channels) {
      const ModelSize size{width, channels};
      if (size == kOwnModel || std::filesystem::exists(file_of(folder, size, false), ignored)) sizes.push_back(size);
    }
  }
  return sizes;
}

std::unique_ptr<Endpoint> make_endpoint(const EndpointConfig& config, const std::filesystem::path& pin_record,
                                        const std::filesystem::path& folder) {
  if (is_own(config)) return make_verilated_endpoint(config, pin_record);
  return std::unique_ptr<Endpoint>(load(config, folder, false).make(config, {}, pin_record));
}

std::unique_ptr<Endpoint> make_endpoint(const EndpointConfig& config, const WaveConfig& wave,
                                        const std::filesystem::path& folder) {
  if (is_own(config)) return make_traced_endpoint(config, wave);
  return std::unique_ptr<Endpoint>(load(config, folder, true).make(config, wave, {}));
}

}  // namespace holdover::sim
