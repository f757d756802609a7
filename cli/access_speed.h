// SPDX-License-Identifier: MIT
// What one access over vfio-user takes in wall time: socket, request on the simulated link, and back.
#pragma once

#include <chrono>
#include <filesystem>

namespace holdover::cli {

struct AccessTimes {
  std::chrono::microseconds median{};
  std::chrono::microseconds longest{};
};

struct AccessSpeed {
  AccessTimes config_read;
  AccessTimes config_space;  // all 4096 bytes in one request, the largest that there is
  AccessTimes register_read;
  AccessTimes register_write;
};

// With a server in a thread of this process and nothing else for the endpoint to do; its socket stands in `folder`.
[[nodiscard]] AccessSpeed measure_accesses(const std::filesystem::path& folder);

}  // namespace holdover::cli
