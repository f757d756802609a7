// SPDX-License-Identifier: MIT
#include "host/agent/stream_layout.h"

#include "pcie/error.h"

namespace holdover::host {
namespace {

// Lengths around a page, odd ones among them, and the unused bytes in front of each buffer: every start is unaligned,
// and every buffer longer than a page crosses one at an odd place.
constexpr std::array<std::uint32_t, kDescriptors> kLengths{4096, 1025, 8192, 1500, 4097, 2049,
                                                           7777, 1024, 5003, 3333, 6144, 8191};
constexpr std::array<std::uint32_t, kDescriptors> kGaps{13, 1, 64, 7, 3, 129, 5, 31, 2, 11, 1, 17};

}  // namespace

std::vector<Buffer> buffers(unsigned channel) {
  HOLDOVER_CHECK(channel < kChannels.size());
  const auto first = static_cast<std::uint32_t>(channel * kDataBytesPerChannel.count());
  std::vector<Buffer> all;
  std::uint32_t offset = first;
  std::uint64_t stream_offset = 0;
  for (unsigned index = 0; index < kDescriptors; ++index) {
    offset += kGaps[index];
    all.push_back(Buffer{{kRegionData, offset}, kLengths[index], stream_offset});
    offset += kLengths[index];
    stream_offset += kLengths[index];
  }
  HOLDOVER_CHECK(offset <= first + kDataBytesPerChannel.count());
  return all;
}

std::vector<Mapping> mappings(unsigned region) {
  switch (region) {
    case kRegionRings:
      return {{Bytes{0}, kPageSize * 2, false}, {kPageSize * 2, kPageSize * 2, true}};
    case kRegionData:
      return {{Bytes{0}, kDataBytesPerChannel, true}, {kDataBytesPerChannel, kDataBytesPerChannel, false}};
    default:
      HOLDOVER_CHECK(region == kRegionHeartbeat);
      return {{Bytes{0}, kPageSize * 2, true}, {kPageSize * 2, kPageSize, false}};
  }
}

std::uint32_t stream_seed(std::uint64_t run_seed, unsigned endpoint, unsigned stream) {
  // splitmix64's finalizer over (seed, endpoint, stream).
  std::uint64_t x = run_seed * 0x9E37'79B9'7F4A'7C15 + endpoint * 64 + stream + 1;
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
  return static_cast<std::uint32_t>(x ^ (x >> 31));
}

}  // namespace holdover::host
