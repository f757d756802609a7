// SPDX-License-Identifier: MIT
// A server for one client after the other, with one machine for all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "serve/vfio_user/machine.h"
#include "serve/vfio_user/session.h"
#include "vfio_user/socket_file.h"

namespace holdover::serve {

struct ServerOptions {
  std::filesystem::path socket;
  sim::MachineConfig machine;
  unsigned function = 0;  // index among the endpoints of the topology
  bool once = false;      // the first client is the last
  // Wall time that a client may take to agree on a version; the next one waits so long.
  std::chrono::milliseconds patience{5000};
  // Set from elsewhere (a signal) to end the server.
  const std::atomic<bool>* stop = nullptr;
  // What happens, line by line.
  std::function<void(const std::string& line)> say;
};

class Server {
 public:
  // The socket is there and can be connected to when this returns. Throws as ListeningSocket and ServedMachine do.
  Server(ServerOptions options, const MachineFactory& factory);
  ~Server();

  // Until `stop`, or the end of the first client. Simulated time passes while a client is there and has nothing to ask.
  void run();
  // Completes the trace. Throws Error{Unavailable}.
  void close_files() { machine_.close_files(); }

  [[nodiscard]] ServedMachine& machine() { return machine_; }

 private:
  [[nodiscard]] bool stopped() const { return options_.stop != nullptr && options_.stop->load(); }
  [[nodiscard]] bool next_waits() const;
  void wait_for_somebody();
  void visit_client();
  void visit_door();
  void end_session();

  ServerOptions options_;
  ServedMachine machine_;
  vfio_user::ListeningSocket door_;
  std::unique_ptr<Session> session_;
  std::chrono::steady_clock::time_point session_begin_;
  bool served_ = false;  // a client was here
  std::uint64_t refused_before_ = 0;
};

}  // namespace holdover::serve
