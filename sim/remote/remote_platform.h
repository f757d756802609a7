// SPDX-License-Identifier: MIT
// A machine in another process: the client end, in the host's process.
#pragma once

#include <cstdint>
#include <span>

#include "pcie/file_descriptor.h"
#include "pcie/platform.h"
#include "sim/remote/protocol.h"

namespace holdover::sim {

// Lockstep: every call waits for its answer, so that simulated time passes only inside calls here as in the machine.
// Every call throws Error{PeerDied} when the machine's process is gone.
class RemotePlatform final : public pcie::Platform {
 public:
  // `socket` is the host's end of a make_connection() pair, `dram` the machine's DRAM descriptor; this object owns
  // both. Both stay open across an execve: the next image builds its RemotePlatform from the same numbers. Throws
  // Error{Unavailable} where DRAM cannot be mapped.
  RemotePlatform(FileDescriptor socket, FileDescriptor dram);
  ~RemotePlatform() override;

  [[nodiscard]] std::uint32_t config_read(pcie::Bdf function, Bytes offset, unsigned size) override;
  void config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t mmio_read(BusAddress address, unsigned size) override;
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override;
  [[nodiscard]] std::span<std::byte> dram() override { return dram_bytes_; }
  [[nodiscard]] std::optional<std::uint8_t> take_interrupt() override;
  [[nodiscard]] Time now() override;
  void wait(Time duration) override;
  void jump(PhysicalAddress boot_parameters) override;
  void console(std::string_view line) override;
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override;

  // The two descriptors, for an execve: closing is up to the process from then on.
  struct Descriptors {
    int socket = -1;
    int dram = -1;
  };
  [[nodiscard]] Descriptors release();

 private:
  [[nodiscard]] std::uint64_t call(const remote::Request& request);
  void post(const remote::Request& request, std::string_view text);

  FileDescriptor socket_;
  FileDescriptor dram_;
  std::span<std::byte> dram_bytes_;
  bool time_known_ = false;
  Time time_;  // of the machine, as of the last answer
  bool interrupt_possible_ = true;
};

}  // namespace holdover::sim
