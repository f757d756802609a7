// SPDX-License-Identifier: MIT
#include "pcie/own_files.h"

#include <dlfcn.h>
#include <link.h>

#include <array>
#include <system_error>

namespace holdover {
namespace {

// Seen from the folder of own_object().
constexpr std::array<const char*, 6> kPlaces{
    ".",
    "../lib",             // build tree: models, from bin
    "../lib/holdover",    // installed: from bin
    "../../bin",          // build tree: kernel image, from python/holdover
    "../../lib",          // build tree: models, from python/holdover
    "../../../holdover",  // installed: from lib/python3/dist-packages/holdover
};

constexpr char kAnchor = 0;

}  // namespace

std::filesystem::path own_object() {
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(&kAnchor, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) != 0 && map != nullptr &&
      map->l_name != nullptr && *map->l_name != '\0') {
    return map->l_name;
  }
  // The executable itself has no name among the loaded objects.
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path{} : self;
}

std::vector<std::filesystem::path> own_folders() {
  std::vector<std::filesystem::path> folders;
  const std::filesystem::path here = std::filesystem::absolute(own_object()).parent_path();
  for (const char* place : kPlaces) {
    const std::filesystem::path folder = (here / place).lexically_normal();
    std::error_code error;
    if (std::filesystem::is_directory(folder, error)) folders.push_back(folder);
  }
  return folders;
}

std::optional<std::filesystem::path> own_file(const std::string& name) {
  for (const std::filesystem::path& folder : own_folders()) {
    std::error_code error;
    if (std::filesystem::is_regular_file(folder / name, error)) return folder / name;
  }
  return {};
}

}  // namespace holdover
