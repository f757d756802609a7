// SPDX-License-Identifier: MIT
#include "cli/child_pool.h"

#include <poll.h>

#include <cstddef>
#include <utility>

#include "cli/interruption.h"

namespace holdover::cli {

ChildPool::ChildPool(unsigned jobs, Next next, Finished finished)
    : jobs_(jobs), next_(std::move(next)), finished_(std::move(finished)) {}

void ChildPool::run() {
  while (!SignalsAreRequests::requested()) {
    while (running_.size() < jobs_) {
      std::optional<bench::RunOptions> options = next_();
      if (!options) break;
      running_.emplace_back(std::move(*options));
    }
    if (running_.empty()) return;
    wait();
  }
}

void ChildPool::wait() {
  constexpr int kMilliseconds = 500;  // a signal may fall between the test and the wait
  std::vector<pollfd> descriptors;
  descriptors.reserve(running_.size());
  for (const ChildRun& child : running_) descriptors.push_back({child.descriptor(), POLLIN, 0});
  if (::poll(descriptors.data(), descriptors.size(), kMilliseconds) <= 0) return;
  for (std::size_t i = descriptors.size(); i-- > 0;) {
    if (descriptors[i].revents == 0 || !running_[i].read()) continue;
    if (SignalsAreRequests::requested()) return;  // what ended was told to
    finished_(running_[i].options(), running_[i].result());
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace holdover::cli
