// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
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

// Like the device whose configuration writes were recorded below a virtual machine (holdover compare-trace). Of what it
// had besides, nothing makes a kernel write as long as it is off: an MSI capability is written only where firmware left
// it enabled, or a driver uses it. Nor does what this endpoint has besides: its vendor-specific capability is only
// read.
void like_the_recorded(EndpointConfig& config) {
  config.bar0_wide = true;
  config.bar2_wide = false;
  config.bar2_size_log2 = 12;
  config.max_payload_supported = 0;
  config.msix_vectors = 4;
  config.ari = false;
  config.dsn = false;
  config.io_space = true;
  config.interrupt_pin = 1;
  config.extended_tag = false;
  config.slot_clock = false;
}

constexpr std::array<EndpointEntry, 2> kEndpoints = {{
    {"holdover", "registers in a 32-bit BAR, card memory in a 64-bit one, AER, ARI, serial number, 32 MSI-X vectors",
     [](EndpointConfig&) {}},
    {"recorded",
     "the device of recorded kernel logs: 64 KiB 64-bit BAR 0, 4 KiB 32-bit BAR 2, interrupt pin, AER, 4 vectors, 128 "
     "byte payload",
     like_the_recorded},
}};

}  // namespace

std::span<const EndpointEntry> endpoints() { return kEndpoints; }

EndpointConfig select_endpoint(std::string_view name) {
  std::string possible;
  for (const EndpointEntry& entry : kEndpoints) {
    if (entry.name == name) {
      EndpointConfig config;
      entry.apply(config);
      return config;
    }
    possible += (possible.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw Error(ErrorCode::InvalidArgument,
              "there is no endpoint «" + std::string(name) + "»; there are: " + possible + ".");
}

void validate(const EndpointConfig& config) {
  if (std::find(kDataWidths.begin(), kDataWidths.end(), config.data_width) == kDataWidths.end()) {
    throw Error(ErrorCode::InvalidArgument, "data_width of the endpoint is " + std::to_string(config.data_width) +
                                                "; choose 64, 128, 256 or 512 bits.");
  }
  require(config.channels, 1, kMostChannels, "channels");
  // BAR 0 holds 64 KiB of registers.
  require(config.bar0_size_log2, 16, 31, "bar0_size_log2");
  require(config.bar2_size_log2, 12, config.bar2_wide ? 48 : 31, "bar2_size_log2");
  require(config.interrupt_pin, 0, 4, "interrupt_pin");
  require(config.max_payload_supported, 0, 2, "max_payload_supported");
  require(config.msix_vectors, 1, 32, "msix_vectors");
  require(config.aspm, 0, kAspmAll, "aspm");
  require(config.class_code, 0, 0xff'ffff, "class_code");
  // All ones is what a read of an absent function gives.
  require(config.vendor_id, 0, 0xfffe, "vendor_id");
}

}  // namespace holdover::sim
