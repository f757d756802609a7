// SPDX-License-Identifier: MIT
// A machine that Python objects share: who may use it, and when it, and what was opened on it, goes.
//
// Objects of Python hold parts; a part is what one of them opened. Closing the machine drops the parts in the order in
// which they lean on each other. Whatever order Python forgets its objects in, nothing of the host is destroyed but by
// the thread whose turn it is, and no memory goes while an array looks at it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/booted_machine.h"
#include "host/driver/endpoint_driver.h"
#include "pcie/error.h"
#include "python/errors.h"
#include "python/interruption.h"
#include "python/watched_machine.h"

namespace holdover::python {

class Part {
 public:
  Part() = default;
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  virtual ~Part() = default;
  // Destroys what it opened; a second call does nothing.
  virtual void drop() = 0;
  // Parts of a lower rank lean on those of a higher one.
  [[nodiscard]] virtual unsigned rank() const = 0;
};

// What went wrong on the machine, as a witness saw it.
class Alarms final : public sim::Witness {
 public:
  struct Alarm {
    std::uint64_t time_ps;
    std::string rule;  // of a broken protocol rule; else empty
    std::string sentence;
  };

  void on_violation(const sim::Violation& violation) override;
  void on_request_refused(Time time, unsigned endpoint, sim::FunctionIndex where, const pcie::Tlp& tlp,
                          std::string_view reason) override;
  void on_iommu_fault(Time time, pcie::RequesterId requester, Iova iova, bool write, std::string_view reason) override;
  void on_console(Time time, std::string_view line) override;

  [[nodiscard]] const std::vector<Alarm>& all() const { return all_; }
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::string>>& console() const { return console_; }

 private:
  void add(Alarm alarm);

  std::vector<Alarm> all_;
  std::vector<std::pair<std::uint64_t, std::string>> console_;
};

class OwnedMachine {
 public:
  // Boots it. Throws what bench::BootedMachine throws, and what a signal handler of Python raised meanwhile.
  explicit OwnedMachine(bench::RunOptions options);
  ~OwnedMachine();
  OwnedMachine(const OwnedMachine&) = delete;
  OwnedMachine& operator=(const OwnedMachine&) = delete;

  // Runs `work(system, interruption)` in user space with nobody else on the machine, and without the global interpreter
  // lock. Throws Closed, what `work` throws, and what a signal handler raised.
  template <typename Work>
  auto use(Work work);
  // The same for what needs no kernel: `work(machine)`.
  template <typename Work>
  auto look(Work work);

  // Makes it known, so that close() finds it. Inside use().
  template <typename Kind>
  std::shared_ptr<Kind> adopt(std::shared_ptr<Kind> part) {
    parts_.push_back(part);
    return part;
  }
  // From any thread at any time: the part is destroyed when somebody has the next turn.
  void retire(std::shared_ptr<Part> part);

  // Drops all parts, completes the files, and lets the machine go as soon as no array looks at its memory. A second
  // call does nothing. Throws Error{Unavailable} where a file cannot be completed; it is closed all the same.
  void close();
  [[nodiscard]] bool closed() const { return closed_; }
  // What has to live as long as an array over the machine's memory. Inside use().
  [[nodiscard]] std::shared_ptr<bench::BootedMachine> memory_owner() const { return booted_; }
  [[nodiscard]] const bench::RunOptions& options() const { return options_; }
  // What drivers of its endpoints set: the machine answers no later.
  [[nodiscard]] std::chrono::nanoseconds completion_timeout() const { return completion_timeout_; }
  [[nodiscard]] const Alarms& alarms() const { return alarms_; }

 private:
  // One thread at a time. Throws Left where `interruption` ends the wait for it.
  class Turn {
   public:
    Turn(OwnedMachine& machine, Interruption& interruption);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    OwnedMachine& machine_;
  };

  void require_open() const;
  void collect();
  void drop_parts();

  bench::RunOptions options_;
  Alarms alarms_;  // outlives the machine
  std::timed_mutex turn_;
  std::atomic<std::thread::id> user_{};
  std::atomic<bool> closed_{false};
  Interruption* interruption_ = nullptr;  // of whoever has the turn
  Time patience_{0};                      // after this a kernel is left that does not come back by itself
  std::chrono::nanoseconds completion_timeout_{0};
  std::shared_ptr<bench::BootedMachine> booted_;
  std::vector<std::weak_ptr<Part>> parts_;
  std::mutex retired_lock_;
  std::vector<std::shared_ptr<Part>> retired_;
};

template <typename Work>
auto OwnedMachine::look(Work work) {
  using Result = decltype(work(std::declval<bench::BootedMachine&>(), std::declval<Interruption&>()));
  Interruption interruption;
  const auto take_turn = [&] {
    const OthersRun others_run;
    const Turn turn(*this, interruption);
    require_open();
    collect();
    return work(*booted_, interruption);
  };
  try {
    if constexpr (std::is_void_v<Result>) {
      take_turn();
      interruption.rethrow();
      return;
    } else {
      Result result = take_turn();
      interruption.rethrow();
      return result;
    }
  } catch (const Left&) {
    interruption.rethrow();
    throw Closed("the machine was left in the middle of a wait");
  } catch (const Error&) {
    interruption.rethrow();
    throw;
  }
}

template <typename Work>
auto OwnedMachine::use(Work work) {
  using Result = decltype(work(std::declval<host::System&>(), std::declval<Interruption&>()));
  if constexpr (std::is_void_v<Result>) {
    look([&work](bench::BootedMachine& booted, Interruption& interruption) {
      booted.run([&](host::System& system) { work(system, interruption); });
    });
  } else {
    return look([&work](bench::BootedMachine& booted, Interruption& interruption) {
      std::optional<Result> result;
      booted.run([&](host::System& system) { result.emplace(work(system, interruption)); });
      return std::move(*result);
    });
  }
}

}  // namespace holdover::python
