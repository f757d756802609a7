// SPDX-License-Identifier: MIT
// What the two ends of a connection agree on first: protocol version and capabilities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vfio_user/message.h"
#include "vfio_user/protocol.h"

namespace holdover::vfio_user {

inline constexpr std::uint16_t kMajorVersion = 0;
inline constexpr std::uint16_t kMinorVersion = 1;
// A longer proposal is not read.
inline constexpr std::size_t kMostVersionBytes = 4096;

// What the sender takes. Migration and twin sockets are never offered, and posted writes never joined.
struct Capabilities {
  std::uint32_t max_descriptors = kDefaultMaxDescriptors;  // in one message
  std::uint64_t max_transfer = kDefaultMaxTransfer;        // bytes of one access
  std::uint64_t max_mappings = kDefaultMaxMappings;        // at one time
  std::uint64_t page_sizes = kPageBytes;                   // or'ed together
};

struct Version {
  std::uint16_t major = kMajorVersion;
  std::uint16_t minor = kMinorVersion;
  Capabilities capabilities;
  // Which of the optional ones the sender has named.
  bool names_mappings = false;
  bool names_page_sizes = false;
};

// Either end's message. EINVAL: no version, no JSON object, or a capability of the wrong type or of 0 bytes.
// Capabilities that are not known are passed over.
[[nodiscard]] Parsed<Version> parse_version(std::span<const std::byte> body);
// The body of such a message. The optional capabilities are told where `version` names them.
[[nodiscard]] std::vector<std::byte> version_body(const Version& version);

}  // namespace holdover::vfio_user
