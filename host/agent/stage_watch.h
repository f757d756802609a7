// SPDX-License-Identifier: MIT
// Whoever looks on from inside the agent's process: where the machine cannot be seen from outside, the endpoint itself
// is the witness, and only those who hold its file can ask it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/agent/endpoint_streams.h"
#include "host/system.h"
#include "pcie/error.h"

namespace holdover::host {

using Streams = std::vector<std::unique_ptr<EndpointStreams>>;

// Called between two steps of a stage. What is passed is valid during the call. Nothing that it does may change what a
// stream does.
class StageWatch {
 public:
  StageWatch() = default;
  StageWatch(const StageWatch&) = delete;
  StageWatch& operator=(const StageWatch&) = delete;
  virtual ~StageWatch() = default;

  // The agent made this mark; it holds these streams.
  virtual void on_mark(pcie::Phase phase, pcie::Step step, std::uint64_t value, const Streams& all) = 0;
  // Everything is preserved, and the kexec comes next.
  virtual void on_jump(const Streams& all) = 0;
  // A function is open again under the next kernel, and the agent has done nothing to it yet.
  virtual void on_function(Device& device) = 0;
  // A stream moved nothing after the update, for longer than a sound one ever does.
  virtual void on_standstill(const std::string& sentence) = 0;
  // Traffic has run its time, and is stopped next.
  virtual void on_stop(const Streams& all) = 0;
  // The agent gives up; what it holds is still there, the last of it perhaps not whole.
  virtual void on_failure(const Error& error, const Streams& all) = 0;
};

}  // namespace holdover::host
