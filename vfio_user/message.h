// SPDX-License-Identifier: MIT
// One message with the descriptors that came or go with it, and its parts as values. Nothing of a body is believed
// before it was looked at: each parse_*() says with an errno what the sender is told where it is malformed.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "pcie/file_descriptor.h"
#include "vfio_user/protocol.h"

namespace holdover::vfio_user {

struct Message {
  Header header;
  std::vector<std::byte> body;  // what follows the header
  std::vector<FileDescriptor> descriptors;

  [[nodiscard]] bool is_reply() const { return (header.flags & kFlagTypeMask) == kFlagReply; }
  [[nodiscard]] bool wants_reply() const { return (header.flags & kFlagNoReply) == 0; }
  [[nodiscard]] Command command() const { return static_cast<Command>(header.command); }
};

// `value` where `error` is 0.
template <typename T>
struct Parsed {
  int error = 0;
  T value{};
};

template <typename T>
[[nodiscard]] Parsed<T> parse_fixed(std::span<const std::byte> body) {
  static_assert(std::is_trivially_copyable_v<T>);
  Parsed<T> parsed;
  if (body.size() < sizeof(T)) {
    parsed.error = EINVAL;
  } else {
    std::memcpy(&parsed.value, body.data(), sizeof(T));
  }
  return parsed;
}

// Appends a value as it lies on the wire.
template <typename T>
void append(std::vector<std::byte>& body, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto bytes = std::as_bytes(std::span(&value, 1));
  body.insert(body.end(), bytes.begin(), bytes.end());
}

// Range not empty, within 64 bits, of whole pages, readable or writable or both; an offset of whole pages, and none
// without a descriptor; at most one descriptor.
[[nodiscard]] Parsed<DmaMap> parse_dma_map(const Message& message);
// A range not empty and within 64 bits, or all (then address and size are 0). Dirty bitmaps are not kept: EOPNOTSUPP.
[[nodiscard]] Parsed<DmaUnmap> parse_dma_unmap(const Message& message);
// Body and argsz have room for the reply's fixed part.
[[nodiscard]] Parsed<DeviceInfo> parse_device_info(const Message& message);
[[nodiscard]] Parsed<RegionInfo> parse_region_info(const Message& message);
[[nodiscard]] Parsed<IrqInfo> parse_irq_info(const Message& message);

struct SetIrqs {
  IrqSet set;
  std::vector<bool> booleans;  // with kIrqDataBool: `count` of them
};
// One kind of data, one action, and the data or descriptors that these say; `index` below kIrqTypes. Whether the range
// exists is for the device to say.
[[nodiscard]] Parsed<SetIrqs> parse_set_irqs(const Message& message);

// No more than `most` bytes.
[[nodiscard]] Parsed<RegionAccess> parse_region_read(const Message& message, std::uint64_t most);

struct RegionData {
  RegionAccess access;
  std::span<const std::byte> data;  // inside the message
};
[[nodiscard]] Parsed<RegionData> parse_region_write(const Message& message, std::uint64_t most);

struct DmaData {
  DmaAccess access;
  std::span<const std::byte> data;  // inside the message
};
// Of the server: kDmaRead without, kDmaWrite with data; and the replies to them, where these are the other way round.
[[nodiscard]] Parsed<DmaData> parse_dma_access(const Message& message, bool with_data, std::uint64_t most);

}  // namespace holdover::vfio_user
