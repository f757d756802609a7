// SPDX-License-Identifier: MIT
#include "cli/access_speed.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <thread>
#include <vector>

#include "host/backend/vfio_user/connection.h"
#include "pcie/config_space.h"
#include "serve/vfio_user/server.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned kAccesses = 1000;
constexpr unsigned kLargeAccesses = 20;

AccessTimes measure(const std::function<void()>& access, unsigned accesses = kAccesses) {
  std::vector<std::chrono::microseconds> times;
  for (unsigned i = 0; i < accesses; ++i) {
    const Clock::time_point begin = Clock::now();
    access();
    times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin));
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.back()};
}

// Ends the server when the client is done, however that comes about.
class Running {
 public:
  Running(serve::Server& server, std::atomic<bool>& stop) : stop_(stop), thread_([&server] { server.run(); }) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool>& stop_;
  std::thread thread_;
};

}  // namespace

AccessSpeed measure_accesses(const std::filesystem::path& folder) {
  std::atomic<bool> stop{false};
  serve::ServerOptions options;
  options.socket = folder / "s.sock";
  options.machine.disturbance = sim::select_disturbances("none");
  options.stop = &stop;
  serve::Server server{options, sim::build_machine_over};
  const Running running{server, stop};
  host::KernelSystemCalls calls;
  host::VfioUserConnection connection{options.socket, calls};
  std::uint32_t word = pcie::config::kCommandMemory;
  const auto bytes = std::as_writable_bytes(std::span(&word, 1));
  connection.write_region(vfio_user::kRegionConfig, pcie::config::kCommand, bytes.first(2));
  AccessSpeed speed;
  speed.config_read = measure([&] { connection.read_region(vfio_user::kRegionConfig, 0, bytes); });
  std::vector<std::byte> space(pcie::config::kSpaceBytes);
  speed.config_space = measure([&] { connection.read_region(vfio_user::kRegionConfig, 0, space); }, kLargeAccesses);
  speed.register_read = measure([&] { connection.read_region(0, 0, bytes); });
  speed.register_write = measure([&] { connection.write_region(2, 0, bytes); });
  return speed;
}

}  // namespace holdover::cli
