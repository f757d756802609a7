// SPDX-License-Identifier: MIT
#include "serve/sysfs/server.h"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include "host/agent/stage.h"
#include "host/kernel/sysfs/tree.h"
#include "pcie/error.h"
#include "serve/sysfs/child.h"
#include "serve/sysfs/fuse_mount.h"
#include "serve/sysfs/mount_point.h"

namespace holdover::serve {
namespace {

// A request waits no longer than the endpoints take for this.
constexpr std::chrono::nanoseconds kSlice{5'000};
// Wall time between two slices where no traffic runs: the machine is not to use a processor up for nothing.
constexpr int kIdlePoll = 10;  // ms

host::Streams start_traffic(host::System& system) {
  host::Streams all;
  for (const pcie::Bdf bdf : system.devices()) {
    all.push_back(std::make_unique<host::EndpointStreams>(system, static_cast<unsigned>(all.size())));
    all.back()->open(bdf);
  }
  for (const auto& streams : all) streams->start();
  return all;
}

// False: there is nothing to read within `timeout` milliseconds.
bool wait_for_request(int descriptor, int timeout) {
  pollfd wanted{descriptor, POLLIN, 0};
  const int ready = poll(&wanted, 1, timeout);
  if (ready < 0 && errno != EINTR) {
    throw Error(ErrorCode::Unavailable, std::string("poll of /dev/fuse failed (") + std::strerror(errno) + ")");
  }
  return ready > 0;
}

}  // namespace

int serve_sysfs(bench::BootedMachine& machine, const SysfsOptions& options, const std::atomic<bool>& stop) {
  require_mount_point(options.directory);
  host::Streams streams;
  machine.run([&](host::System& system) {
    if (options.traffic) streams = start_traffic(system);
  });
  const host::kernel::sysfs::Tree tree(machine.kernel());
  std::optional<Child> child;  // outlives the mount: its end must not wait for an answer
  FuseMount mount(tree, options.directory, [&machine](const std::function<void()>& request) {
    machine.run([&request](host::System&) { request(); });
  });
  if (!options.command.empty()) child.emplace(options.command);
  if (options.on_ready) options.on_ready();
  const int patience = streams.empty() ? kIdlePoll : 0;
  for (bool mounted = true;;) {
    if (child && child->ended()) return *child->ended();
    if ((stop || !mounted) && !child) return 0;
    if (stop) child->ask_to_end();
    if (mounted && wait_for_request(mount.descriptor(), patience)) {
      mounted = mount.serve();
      continue;
    }
    machine.run([&](host::System& system) { host::let_run(system, streams, kSlice); });
  }
}

}  // namespace holdover::serve
