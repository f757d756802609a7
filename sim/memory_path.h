// SPDX-License-Identifier: MIT
// What a root port does with requests from below: translation, memory, messages, and the answers to reads. Legal
// unkindness lives here and in read_answers.h: latencies, splits and the order of completions are drawn from the seed.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "sim/bridge.h"
#include "sim/channel.h"
#include "sim/fault_plan.h"
#include "sim/interrupt_controller.h"
#include "sim/iommu.h"
#include "sim/memory_recorder.h"
#include "sim/packet.h"
#include "sim/random.h"
#include "sim/read_answers.h"
#include "sim/request_memory.h"
#include "sim/scheduler.h"

namespace holdover::sim {

// The part of the root complex that speaks for the host.
class HostSide {
 public:
  // A completion of a request of the host, after every posted request that came before it has taken effect.
  virtual void on_completion(const pcie::Tlp& completion) = 0;
  // A transmit queue has room again.
  virtual void on_room() = 0;

 protected:
  ~HostSide() = default;
};

// All outlive the paths that use them.
struct MemoryServices {
  Scheduler& scheduler;
  RequestMemory& memory;
  Iommu& iommu;
  InterruptController& interrupts;
  FaultPlan& faults;
  Witness& witness;
  MemoryRecorder* recorder = nullptr;  // where somebody wants to know what touches DRAM
};

// One read of a translation structure in memory. Walks of different requests go on side by side.
inline constexpr Time kWalkStep{40'000};

// No two reads that are answered late come within so many times their waiting time: traffic must go on as well.
inline constexpr std::uint64_t kLateSpacing = 32;

class MemoryPath final : private EventHandler, private ReadWaiter {
 public:
  // A read that is answered late sees memory when all others do, and its answer leaves `late` after it came; none is
  // where that is 0. `bridge` is the root port's, `down` the
  // channel that completions leave by; both outlive the path.
  MemoryPath(const MemoryServices& services, const Disturbance& disturbance, Time late, Random random, Bridge& bridge,
             Channel& down, HostSide& host);

  // A memory request, or a completion for the host. Always has room.
  void accept(Packet packet);
  // A write into the window of interrupt messages.
  [[nodiscard]] static bool is_message(const pcie::Tlp& tlp);
  // Sends completions while there is room.
  void pump() { answers_.pump(); }
  // The link went down: nobody waits for the answers any more.
  void drop_answers();

  [[nodiscard]] std::size_t writes_waiting() const { return writes_.size(); }
  [[nodiscard]] std::size_t reads_waiting() const { return reads_.size() - free_.size(); }
  [[nodiscard]] std::size_t answers_waiting() const { return answers_.waiting(); }

 private:
  struct Write {
    Packet packet;
    Time due;              // not before this, nor before the write ahead of it
    bool faulted = false;  // its translation failed when it arrived
  };
  struct Read {
    Packet packet;
    std::uint64_t after = 0;  // posted requests that came before it
    bool faulted = false;
    Time answered;      // not before this
    bool late = false;  // its answer is kept back, and then waits for nobody
    Translation to;     // of the access
  };
  struct Held {
    pcie::Tlp completion;
    std::uint64_t after = 0;
  };

  void on_event(std::uint64_t argument) override;
  void arm();
  void commit_oldest();
  void deliver(const Write& write);
  // A fault is recorded by the IOMMU, and is no error of the port: Advanced Error Reporting is not told of it.
  [[nodiscard]] Translation look_up(const pcie::Tlp& tlp);
  void deliver_message(const Packet& packet);
  void store(const Packet& packet, PhysicalAddress address, bool translated);
  void serve(std::size_t slot);
  // Memory that takes its time has answered.
  void on_read(std::uint64_t number, std::span<const std::byte> data) override;
  void on_read_refused(std::uint64_t number) override;
  [[nodiscard]] Read* waiting_read(std::uint64_t number);
  // Nothing was read without `data`.
  void finish(std::size_t slot, std::optional<std::vector<std::byte>> data);
  void answer(Read& read, pcie::CompletionStatus status, std::vector<std::byte> data);
  void release_waiting();
  [[nodiscard]] Time read_latency();
  [[nodiscard]] bool draw_late();

  MemoryServices services_;
  Disturbance disturbance_;
  Time late_;
  Time next_late_;  // no answer is kept back before this
  Random random_;
  Bridge& bridge_;
  HostSide& host_;

  std::deque<Write> writes_;
  bool armed_ = false;           // an event for the oldest write is on its way
  std::uint64_t accepted_ = 0;   // posted requests so far
  std::uint64_t committed_ = 0;  // of them have taken effect
  std::vector<Read> reads_;      // slots
  std::vector<std::size_t> free_;
  std::vector<std::size_t> waiting_;  // reads that are due but not before a write
  std::deque<Held> held_;
  ReadAnswers answers_;      // kLateSpacing leaves room for one that is kept back
  std::uint32_t epoch_ = 0;  // reads of an earlier one are void
  std::array<bool, 4096> enabled_{};
};

}  // namespace holdover::sim
