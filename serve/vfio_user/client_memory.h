// SPDX-License-Identifier: MIT
// The memory of a client, as requests of the function reach it: what the client has mapped, through the file that it
// passed on or through messages. Without a client there is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "serve/vfio_user/shared_memory.h"
#include "sim/request_memory.h"
#include "vfio_user/protocol.h"

namespace holdover::serve {

// What is written there is an interrupt and no memory (Intel SDM vol. 3A, 11.11.1). Linux keeps it out of the addresses
// that a VFIO user may map.
inline constexpr std::uint64_t kInterruptWindow = 0xfee0'0000;
inline constexpr std::uint64_t kInterruptWindowBytes = 1 << 20;

// How messages reach the client. `number` comes back with its answer.
class ClientMessages {
 public:
  virtual void send_dma_read(std::uint64_t number, std::uint64_t address, std::uint64_t size) = 0;
  virtual void send_dma_write(std::uint64_t number, std::uint64_t address, std::span<const std::byte> data) = 0;

 protected:
  ~ClientMessages() = default;
};

class ClientMemory final : public sim::RequestMemory {
 public:
  // `messages` lives until disconnect().
  void connect(ClientMessages& messages, std::uint64_t max_mappings);
  // Nothing is mapped any more, and nobody waits for answers.
  void disconnect();

  // 0 or an errno: EEXIST where a part of the range is mapped, ENOSPC where there are too many, EINVAL where the range
  // touches the interrupt window or the file is shorter than that, or what mmap() says. Files that cannot be mapped
  // safely are reached by messages.
  [[nodiscard]] int map(const vfio_user::DmaMap& request, int descriptor);
  // All mappings inside the range, of which clients with an IOMMU of their own name larger ones than they have mapped.
  // ENOENT where there is none, EINVAL where one is only partly inside. Whoever waits for an answer from them gets
  // none.
  [[nodiscard]] int unmap(std::uint64_t address, std::uint64_t size);
  void unmap_all();

  [[nodiscard]] Answer read(PhysicalAddress address, std::span<std::byte> data, sim::ReadTicket ticket) override;
  [[nodiscard]] bool write(PhysicalAddress address, std::span<const std::byte> data, unsigned first_be,
                           unsigned last_be) override;

  // The client has answered. False where there was no such question. Nothing in `data`: it refused.
  [[nodiscard]] bool read_answered(std::uint64_t number, std::optional<std::span<const std::byte>> data);
  [[nodiscard]] bool write_answered(std::uint64_t number, bool success);
  // Reads wait for the client no longer.
  void refuse_reads();
  // The same for those that have waited for `patience` of simulated time when this is asked again and again.
  void refuse_overdue_reads(Time now, Time patience);

  // While it lives no read waits for the client: those that would are refused, before it and from now on.
  class Haste {
   public:
    explicit Haste(ClientMemory& memory) : memory_(memory) {
      memory_.hasty_ = true;
      memory_.refuse_reads();
    }
    Haste(const Haste&) = delete;
    Haste& operator=(const Haste&) = delete;
    ~Haste() { memory_.hasty_ = false; }

   private:
    ClientMemory& memory_;
  };

  // What the client has not answered yet, and somebody waits for.
  [[nodiscard]] std::size_t reads_waiting() const { return reads_waiting_; }
  [[nodiscard]] std::size_t writes_waiting() const { return writes_.size(); }
  // Number of the oldest write that waits, or one that no write has had yet.
  [[nodiscard]] std::uint64_t oldest_write() const { return writes_.empty() ? next_ : *writes_.begin(); }
  // Of the next message.
  [[nodiscard]] std::uint64_t next_number() const { return next_; }

  // Requests that found no memory, or none that permits them, or were refused by the client.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  struct Mapping {
    std::uint64_t last = 0;  // address of the last byte
    std::uint32_t flags = 0;
    std::optional<SharedMemory> memory;  // none: by messages
  };
  using Mappings = std::map<std::uint64_t, Mapping>;  // by first address
  struct WaitingRead {
    std::uint64_t address = 0;
    std::size_t size = 0;
    sim::ReadTicket ticket;  // without a waiter: nobody wants the answer any more
    std::optional<Time> since;
  };

  // The mapping that contains all of [address, address + size) and permits this; null where there is none.
  [[nodiscard]] Mappings::value_type* find(std::uint64_t address, std::size_t size, std::uint32_t permission);
  [[nodiscard]] bool put(Mappings::value_type& mapping, std::uint64_t address, std::span<const std::byte> data);
  void forget_reads(std::uint64_t first, std::uint64_t last);
  void refuse(const std::vector<sim::ReadTicket>& tickets);

  ClientMessages* messages_ = nullptr;
  std::uint64_t max_mappings_ = 0;
  Mappings mappings_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, WaitingRead> reads_;
  std::size_t reads_waiting_ = 0;  // of them, those with a waiter
  bool hasty_ = false;
  std::set<std::uint64_t> writes_;
  std::uint64_t refused_ = 0;
};

}  // namespace holdover::serve
