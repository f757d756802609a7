// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>

#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::sim {
namespace {

void require(unsigned value, unsigned least, unsigned most, const char* strap) {
  if (value >= least && value <= most) return;
  throw Error(ErrorCode::InvalidArgument, std::string(strap) + " of the endpoint is " + std::to_string(value) +
                                              "; choose one from " + std::to_string(least) + " to " +
                                              std::to_string(most) + ".");
}

}  // namespace

void validate(const EndpointConfig& config) {
  if (std::find(kDataWidths.begin(), kDataWidths.end(), config.data_width) == kDataWidths.end()) {
    throw Error(ErrorCode::InvalidArgument, "data_width of the endpoint is " + std::to_string(config.data_width) +
                                                "; choose 64, 128, 256 or 512 bits.");
  }
  require(config.channels, 1, kMostChannels, "channels");
  // BAR 0 holds 64 KiB of registers below 4 GiB; BAR 2 has 64 bits.
  require(config.bar0_size_log2, 16, 31, "bar0_size_log2");
  require(config.bar2_size_log2, 12, 48, "bar2_size_log2");
  require(config.max_payload_supported, 0, 2, "max_payload_supported");
  require(config.msix_vectors, 1, 32, "msix_vectors");
  require(config.aspm, 0, kAspmAll, "aspm");
  require(config.class_code, 0, 0xff'ffff, "class_code");
  // All ones is what a read of an absent function gives.
  require(config.vendor_id, 0, 0xfffe, "vendor_id");
}

}  // namespace holdover::sim
