// SPDX-License-Identifier: MIT
// Memory, address spaces and the device as the seams have them, over the files behind them.
#pragma once

#include <memory>

#include "host/backend/vfio_user/files.h"
#include "host/device/device.h"

namespace holdover::host {

class VfioUserMemory final : public Memory {
 public:
  explicit VfioUserMemory(std::shared_ptr<MemfdMemory> file) : file_(std::move(file)) {}
  [[nodiscard]] std::span<std::byte> bytes() override { return file_->bytes(); }
  [[nodiscard]] const std::shared_ptr<MemfdMemory>& file() const { return file_; }

 private:
  std::shared_ptr<MemfdMemory> file_;
};

class VfioUserAddressSpace final : public AddressSpace {
 public:
  explicit VfioUserAddressSpace(std::shared_ptr<SpaceFile> file) : file_(std::move(file)) {}
  void map(Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) override;
  void unmap(Iova iova, Bytes size) override;
  void mark_for_preservation(std::uint64_t token) override;
  [[nodiscard]] const std::shared_ptr<SpaceFile>& file() const { return file_; }

 private:
  std::shared_ptr<SpaceFile> file_;
};

class VfioUserDevice final : public Device {
 public:
  explicit VfioUserDevice(std::shared_ptr<DeviceFile> file) : file_(std::move(file)) {}

  [[nodiscard]] pcie::Bdf bdf() const override { return file_->bdf(); }
  [[nodiscard]] std::uint32_t config_read(Bytes offset, unsigned size) override;
  void config_write(Bytes offset, unsigned size, std::uint32_t value) override;
  [[nodiscard]] std::uint64_t load(unsigned bar, Bytes offset, unsigned size) override;
  void write(unsigned bar, Bytes offset, std::uint32_t value) override;
  [[nodiscard]] Bytes bar_size(unsigned bar) const override { return file_->bar_size(bar); }
  void attach(AddressSpace& space) override;
  void enable_bus_master() override;
  void enable_interrupts(unsigned count) override { file_->enable_interrupts(count); }
  void disable_interrupts() override { file_->disable_interrupts(); }
  [[nodiscard]] std::uint64_t take_interrupts(unsigned vector) override { return file_->take_interrupts(vector); }
  void reset() override { file_->reset(); }
  [[nodiscard]] const std::shared_ptr<DeviceFile>& file() const { return file_; }

 private:
  std::shared_ptr<DeviceFile> file_;
};

}  // namespace holdover::host
