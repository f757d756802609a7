// SPDX-License-Identifier: MIT
#include "vfio_user/version.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace holdover::vfio_user {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCapabilities = "capabilities";
constexpr const char* kMaxDescriptors = "max_msg_fds";
constexpr const char* kMaxTransfer = "max_data_xfer_size";
constexpr const char* kMaxMappings = "max_dma_maps";
constexpr const char* kPageSizes = "pgsizes";

// False where it is there and no whole number from `least` on. `named`: whether it is there.
bool read_number(const Json& object, const char* name, std::uint64_t least, std::uint64_t& value, bool& named) {
  const auto found = object.find(name);
  named = found != object.end();
  if (!named) return true;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < least) return false;
  value = found->get<std::uint64_t>();
  return true;
}

bool read_capabilities(const Json& object, Version& version) {
  if (!object.is_object()) return false;
  Capabilities& capabilities = version.capabilities;
  std::uint64_t descriptors = capabilities.max_descriptors;
  bool named = false;
  if (!read_number(object, kMaxDescriptors, 0, descriptors, named)) return false;
  capabilities.max_descriptors = static_cast<std::uint32_t>(std::min<std::uint64_t>(descriptors, 0xffff'ffff));
  return read_number(object, kMaxTransfer, 1, capabilities.max_transfer, named) &&
         read_number(object, kMaxMappings, 1, capabilities.max_mappings, version.names_mappings) &&
         read_number(object, kPageSizes, 1, capabilities.page_sizes, version.names_page_sizes);
}

}  // namespace

Parsed<Version> parse_version(std::span<const std::byte> body) {
  Parsed<Version> parsed;
  const Parsed<VersionHeader> header = parse_fixed<VersionHeader>(body);
  if (header.error != 0) {
    parsed.error = header.error;
    return parsed;
  }
  parsed.value.major = header.value.major;
  parsed.value.minor = header.value.minor;
  if (body.size() == sizeof(VersionHeader)) return parsed;
  std::string_view text(reinterpret_cast<const char*>(body.data()) + sizeof(VersionHeader),
                        body.size() - sizeof(VersionHeader));
  text = text.substr(0, text.find('\0'));
  const bool ended = text.size() + 1 == body.size() - sizeof(VersionHeader);
  const Json json = ended && body.size() <= kMostVersionBytes ? Json::parse(text, nullptr, false) : Json();
  bool sound = json.is_object();
  if (const auto found = sound ? json.find(kCapabilities) : json.end(); sound && found != json.end()) {
    sound = read_capabilities(*found, parsed.value);
  }
  if (!sound) parsed.error = EINVAL;
  return parsed;
}

std::vector<std::byte> version_body(const Version& version) {
  Json capabilities{{kMaxDescriptors, version.capabilities.max_descriptors},
                    {kMaxTransfer, version.capabilities.max_transfer}};
  if (version.names_mappings) capabilities[kMaxMappings] = version.capabilities.max_mappings;
  if (version.names_page_sizes) capabilities[kPageSizes] = version.capabilities.page_sizes;
  const std::string text = Json{{kCapabilities, capabilities}}.dump();
  std::vector<std::byte> body;
  append(body, VersionHeader{version.major, version.minor});
  const auto bytes = std::as_bytes(std::span(text.c_str(), text.size() + 1));
  body.insert(body.end(), bytes.begin(), bytes.end());
  return body;
}

}  // namespace holdover::vfio_user
