// SPDX-License-Identifier: MIT
// A server with the endpoint in RTL, in a thread of this process.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve/vfio_user/server.h"
#include "sim/witness.h"

namespace holdover::test {

class ServedEndpoint {
 public:
  explicit ServedEndpoint(const std::string& topology = "direct", unsigned function = 0,
                          const std::string& disturb = "none") {
    std::string name = (std::filesystem::temp_directory_path() / "holdover-serve-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    serve::ServerOptions options;
    options.socket = socket();
    options.machine.topology = topology;
    options.machine.dram_size = 1_MiB;
    options.machine.disturbance = sim::select_disturbances(disturb);
    options.machine.endpoint.completion_timeout = sim::longest_answer(options.machine) + 50_us;
    options.function = function;
    options.stop = &stop_;
    options.patience = std::chrono::milliseconds(200);
    options.say = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      said_.push_back(line);
    };
    server_ = std::make_unique<serve::Server>(options, sim::build_machine_over);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~ServedEndpoint() {
    stop();
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  ServedEndpoint(const ServedEndpoint&) = delete;
  ServedEndpoint& operator=(const ServedEndpoint&) = delete;

  [[nodiscard]] std::filesystem::path socket() const { return folder_ / "s.sock"; }
  // Nothing happens any more; the machine may be looked at.
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] serve::Server& server() { return *server_; }
  [[nodiscard]] std::vector<std::string> said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }

 private:
  std::filesystem::path folder_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::string> said_;
  std::unique_ptr<serve::Server> server_;
  std::thread thread_;
};

}  // namespace holdover::test
