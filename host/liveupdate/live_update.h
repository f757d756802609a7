// SPDX-License-Identifier: MIT
// The verbs of /dev/liveupdate (linux include/uapi/linux/liveupdate.h), whatever kernel stands behind them.
//
// Every verb throws Error{Refused} with the kernel's errno.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "host/device/device.h"
#include "host/device/file.h"

namespace holdover::host {

// A named set of files under tokens. Outgoing: destroying it unpreserves everything in it (closing the last
// descriptor). Incoming: destroying it finishes it.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  // Outgoing: hands `file` to the next kernel under `token`. EEXIST: token in use. EBUSY: file preserved already.
  // ENOENT: no handler for such a file. `file` stays open until the session ends.
  virtual void preserve(File& file, std::uint64_t token) = 0;

  // Incoming: ENOENT for an unknown token; a failed retrieve fails with the same error for ever.
  [[nodiscard]] virtual std::unique_ptr<Memory> retrieve_memory(std::uint64_t token) = 0;
  [[nodiscard]] virtual std::unique_ptr<AddressSpace> retrieve_address_space(std::uint64_t token) = 0;
  [[nodiscard]] virtual std::unique_ptr<Device> retrieve_device(std::uint64_t token) = 0;

  // Incoming: all or nothing; EBUSY where a file is not ready to be finished.
  virtual void finish() = 0;
};

class LiveUpdate {
 public:
  LiveUpdate() = default;
  LiveUpdate(const LiveUpdate&) = delete;
  LiveUpdate& operator=(const LiveUpdate&) = delete;
  virtual ~LiveUpdate() = default;

  // EINVAL for a name that is empty or longer than 63 characters, EEXIST for one in use.
  [[nodiscard]] virtual std::unique_ptr<Session> create_session(const std::string& name) = 0;
  // ENOENT for an unknown name, EINVAL where it was retrieved already.
  [[nodiscard]] virtual std::unique_ptr<Session> retrieve_session(const std::string& name) = 0;
};

}  // namespace holdover::host
