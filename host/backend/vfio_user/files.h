// SPDX-License-Identifier: MIT
// What stands behind the files of a vfio-user system: memory, sets of mappings, the one device. A file is held by
// whoever has it open and by the sessions that it was put into, and goes with the last of them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "host/backend/linux/memfd_memory.h"
#include "host/backend/vfio_user/connection.h"
#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::host {

// One lifetime of user space, from its start to the jump into the next: nothing of it reaches the server afterwards.
struct VfioUserEra {
  KernelSystemCalls calls;  // outlives all memory
  std::unique_ptr<VfioUserConnection> connection;
  bool over = false;
  // Whether descriptors of memory go with mappings; the server reads and writes by messages otherwise.
  bool pass_descriptors = true;
};

class SpaceFile {
 public:
  struct Mapping {
    std::uint64_t size = 0;
    std::shared_ptr<MemfdMemory> memory;
    std::uint64_t offset = 0;
    bool device_writes = false;
  };

  // `era` outlives the file.
  explicit SpaceFile(VfioUserEra& era) : era_(era) {}

  // 0 or an errno, as AddressSpace says. In force at once where the device is attached.
  [[nodiscard]] int map(std::uint64_t iova, const Mapping& mapping);
  [[nodiscard]] int unmap(std::uint64_t iova, std::uint64_t size);
  // Where the server knows them already, `in_force`.
  void adopt(std::uint64_t iova, const Mapping& mapping) { mappings_.emplace(iova, mapping); }

  // All or nothing.
  void attach();
  void detach();
  void attach_in_force() { attached_ = true; }
  [[nodiscard]] bool attached() const { return attached_; }

  [[nodiscard]] const std::map<std::uint64_t, Mapping>& mappings() const { return mappings_; }
  // The mapping that holds all of a range; null where there is none.
  [[nodiscard]] const Mapping* find(std::uint64_t address, std::uint64_t size, std::uint64_t& offset) const;

  std::optional<std::uint64_t> mark;
  bool preserved = false;

 private:
  void send_map(std::uint64_t iova, const Mapping& mapping);
  void send_unmap(std::uint64_t iova, std::uint64_t size);

  VfioUserEra& era_;
  std::map<std::uint64_t, Mapping> mappings_;
  bool attached_ = false;
};

class DeviceFile final : private DmaTarget {
 public:
  // Asks the server what the function is. `era` outlives the file. Throws Error{NotFound} where it is no PCI function.
  DeviceFile(VfioUserEra& era, pcie::Bdf bdf);
  DeviceFile(const DeviceFile&) = delete;
  DeviceFile& operator=(const DeviceFile&) = delete;
  // As close() of a VFIO device: nothing of what user space set up stays.
  ~DeviceFile();

  // As open() of one: function at rest, memory decode on.
  void open();
  void attach(const std::shared_ptr<SpaceFile>& space);
  // It is attached to this one since before.
  void attach_in_force(const std::shared_ptr<SpaceFile>& space);
  [[nodiscard]] const std::shared_ptr<SpaceFile>& space() const { return space_; }
  [[nodiscard]] pcie::Bdf bdf() const { return bdf_; }
  [[nodiscard]] Bytes bar_size(unsigned bar) const;

  [[nodiscard]] std::uint32_t config_read(unsigned offset, unsigned size);
  void config_write(unsigned offset, unsigned size, std::uint32_t value);
  [[nodiscard]] std::uint64_t load(unsigned bar, std::uint64_t offset, unsigned size);
  void store(unsigned bar, std::uint64_t offset, std::uint32_t value);
  void set_command(std::uint16_t bits, bool on);

  // Throws Error{Refused} with ENOSPC where there are fewer.
  void enable_interrupts(unsigned count);
  void disable_interrupts();
  [[nodiscard]] std::uint64_t take_interrupts(unsigned vector);
  void reset();
  // No message leaves the function any more, until interrupts are enabled again; events stay pending in it.
  void mask_function();
  [[nodiscard]] bool interrupts_enabled() const { return enabled_; }
  void adopt_interrupts() { enabled_ = true; }
  // There is a connection anew, and the era goes on: everything is as it was before mask_function().
  void go_on();

 private:
  static constexpr unsigned kBars = 6;

  [[nodiscard]] int dma_read(std::uint64_t address, std::span<std::byte> data) override;
  [[nodiscard]] int dma_write(std::uint64_t address, std::span<const std::byte> data) override;
  void set_function_mask(bool masked);
  void close() noexcept;

  VfioUserEra& era_;
  pcie::Bdf bdf_;
  std::array<std::uint64_t, kBars> bars_{};
  unsigned vectors_ = 0;  // that the function has
  unsigned msix_ = 0;     // offset of the capability; 0: there is none
  std::shared_ptr<SpaceFile> space_;
  std::vector<FileDescriptor> events_;
  bool enabled_ = false;
};

}  // namespace holdover::host
