// SPDX-License-Identifier: MIT
#include "serve/vfio_user/server.h"

#include <poll.h>

#include <array>
#include <utility>

namespace holdover::serve {
namespace {

// Simulated time between two looks at the socket: what a client waits for at most before its request is taken up.
constexpr Time kSlice = 1_us;
// Wall time between two looks at `stop`.
constexpr int kPatience = 100;  // ms

}  // namespace

Server::Server(ServerOptions options, const MachineFactory& factory)
    : options_(std::move(options)), machine_(options_.machine, options_.function, factory), door_(options_.socket) {}

Server::~Server() { end_session(); }

void Server::run() {
  while (!stopped() && !(options_.once && served_ && !session_)) {
    wait_for_somebody();
    if (session_) visit_client();
    visit_door();
    if (session_ && session_->may_run()) machine_.wait(kSlice);
    if (session_ && !session_->settle()) end_session();
  }
  end_session();
}

// Whoever has not said anything yet may be none, and whoever has gone leaves soon.
bool Server::next_waits() const { return session_ && (!session_->established() || session_->abandoned()); }

void Server::wait_for_somebody() {
  const bool busy = session_ && session_->may_run();
  std::array<pollfd, 2> watched{{{next_waits() ? -1 : door_.descriptor(), POLLIN, 0}, {-1, 0, 0}}};
  if (session_) watched[1] = {session_->descriptor(), session_->events(), 0};
  static_cast<void>(::poll(watched.data(), watched.size(), busy ? 0 : kPatience));
}

void Server::visit_client() {
  const bool known = session_->established();
  const bool open = session_->pump(options_.stop);
  if (!known && session_->established()) {
    served_ = true;
    if (options_.say) options_.say("a client has connected");
  }
  const bool silent = !session_->established() && std::chrono::steady_clock::now() - session_begin_ > options_.patience;
  if (!open || silent) end_session();
}

void Server::visit_door() {
  if (next_waits()) return;
  while (auto client = door_.accept()) {
    if (session_ || (options_.once && served_)) {
      if (options_.say) options_.say("another client was refused: there is one already");
      continue;
    }
    refused_before_ = machine_.memory().refused();
    session_begin_ = std::chrono::steady_clock::now();
    session_ = std::make_unique<Session>(std::move(*client), machine_, machine_.memory());
    machine_.set_listener(&session_->listener());
    return;
  }
}

void Server::end_session() {
  if (!session_) return;
  const bool known = session_->established();
  std::string line = "the client has left after " + std::to_string(session_->requests()) +
                     " requests: " + (session_->ending().empty() ? "the server ends" : session_->ending());
  session_.reset();
  machine_.set_listener(nullptr);
  const std::uint64_t refused = machine_.memory().refused() - refused_before_;
  if (refused != 0) line += "; " + std::to_string(refused) + " requests of the endpoint found no memory of it";
  const Misuse& misuse = machine_.misuse();
  if (misuse.count != 0) {
    line += "; " + std::to_string(misuse.count) + " packets of the endpoint were against a rule, as the client had " +
            "programmed it: " + misuse.first;
  }
  if (known && options_.say) options_.say(line);
}

}  // namespace holdover::serve
