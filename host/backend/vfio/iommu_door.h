// SPDX-License-Identifier: MIT
// What stands between a device's requests and memory, as VFIO offers it to one device: an iommufd of its own, or a
// container of type 1. A device file answers only once one of them is behind it, so each device brings its own.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "host/backend/linux/descriptor.h"
#include "host/backend/linux/small_file.h"
#include "pcie/units.h"

namespace holdover::host {

// Part of a memory file that a device reaches.
struct DmaMapping {
  std::span<std::byte> bytes;
  int file = -1;
  Bytes offset;  // in the file
  Iova iova;
  bool device_writes = false;
};

class IommuDoor {
 public:
  IommuDoor() = default;
  IommuDoor(const IommuDoor&) = delete;
  IommuDoor& operator=(const IommuDoor&) = delete;
  virtual ~IommuDoor() = default;

  // Throws Error{Refused} with EEXIST where the range is taken, ENOMEM at the limit of locked memory.
  virtual void map(const DmaMapping& mapping) = 0;
  virtual void unmap(Iova iova, Bytes size) = 0;
  // From now on the requests of `device` are translated by what is mapped.
  virtual void attach(int device) = 0;
  // Throws Error{Refused} with ENOTTY where the kernel has no call for it.
  virtual void mark_for_preservation(std::uint64_t token) = 0;
  // What a session preserves; -1 where there is no such file.
  [[nodiscard]] virtual int descriptor() const = 0;
};

// What a device file and the door behind it are called in sentences: «0000:01:00.0».
class Iommufd final : public IommuDoor {
 public:
  // `file` is a new /dev/iommu. `calls` outlives it.
  Iommufd(SystemCalls& calls, Descriptor file, std::string who)
      : calls_(calls), file_(std::move(file)), who_(std::move(who)) {}

  // Before anything else of the device answers. Returns the device's number in this iommufd. Throws Error{Refused}.
  std::uint32_t bind(int device);
  void rename(std::string who) { who_ = std::move(who); }

  void map(const DmaMapping& mapping) override;
  void unmap(Iova iova, Bytes size) override;
  void attach(int device) override;
  void mark_for_preservation(std::uint64_t token) override;
  [[nodiscard]] int descriptor() const override { return file_.number(); }

 private:
  [[nodiscard]] std::uint32_t ioas();

  SystemCalls& calls_;
  Descriptor file_;
  std::string who_;
  std::uint32_t device_id_ = 0;
  std::uint32_t ioas_ = 0;
  std::uint32_t hwpt_ = 0;
  bool by_file_ = true;  // IOMMU_IOAS_MAP_FILE, until the kernel says that it has none
};

class Type1Container final : public IommuDoor {
 public:
  // A container of its own with `group` in it. Throws Error{Unavailable} where the kernel has no IOMMU of type 1,
  // Error{Refused}. `group` outlives the container.
  Type1Container(SystemCalls& calls, const KernelPaths& paths, const Descriptor& group, std::string who);

  void map(const DmaMapping& mapping) override;
  void unmap(Iova iova, Bytes size) override;
  void attach(int) override {}
  void mark_for_preservation(std::uint64_t token) override;
  [[nodiscard]] int descriptor() const override { return -1; }

 private:
  SystemCalls& calls_;
  Descriptor file_;
  std::string who_;
};

}  // namespace holdover::host
