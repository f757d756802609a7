// SPDX-License-Identifier: MIT
#include "host/backend/vfio/region.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "host/backend/refusal.h"
#include "host/backend/vfio/vfio_abi.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

constexpr std::size_t kAnswerBytes = 512;
constexpr std::size_t kMostAreas = 16;

using Answer = std::array<std::byte, kAnswerBytes>;

template <typename T>
bool copy_from(const Answer& answer, std::size_t offset, T& object) {
  if (offset > answer.size() || sizeof(T) > answer.size() - offset) return false;
  std::memcpy(&object, answer.data() + offset, sizeof(T));
  return true;
}

// The parts of the region that may be mapped where not all of it may: the areas of the capability.
std::vector<vfio_region_sparse_mmap_area> sparse_areas(const Answer& answer, std::uint32_t at, bool& sparse) {
  std::vector<vfio_region_sparse_mmap_area> areas;
  vfio_info_cap_header header{};
  for (unsigned n = 0; at != 0 && n < kMostAreas && copy_from(answer, at, header); ++n, at = header.next) {
    if (header.id != VFIO_REGION_INFO_CAP_SPARSE_MMAP) continue;
    sparse = true;
    vfio_abi::SparseMmap list;
    if (!copy_from(answer, at, list)) break;
    vfio_region_sparse_mmap_area area{};
    for (std::uint32_t i = 0; i < list.areas && i < kMostAreas; ++i) {
      if (!copy_from(answer, at + sizeof(list) + i * sizeof(area), area)) break;
      areas.push_back(area);
    }
  }
  return areas;
}

template <typename T>
std::uint64_t load_as(const std::byte* at) {
  return *reinterpret_cast<const volatile T*>(at);
}

}  // namespace

VfioRegion::VfioRegion(SystemCalls& calls, int device, unsigned index, std::string name)
    : calls_(&calls), device_(device), name_(std::move(name)) {
  Answer answer{};
  vfio_region_info info{};
  info.argsz = kAnswerBytes;
  info.index = index;
  std::memcpy(answer.data(), &info, sizeof(info));
  require(calls.ioctl(device, VFIO_DEVICE_GET_REGION_INFO, answer), "to describe " + name_);
  std::memcpy(&info, answer.data(), sizeof(info));
  size_ = Bytes{info.size};
  offset_ = info.offset;
  if (info.size == 0 || (info.flags & VFIO_REGION_INFO_FLAG_MMAP) == 0) return;
  bool sparse = false;
  std::vector<vfio_region_sparse_mmap_area> areas;
  if ((info.flags & VFIO_REGION_INFO_FLAG_CAPS) != 0) areas = sparse_areas(answer, info.cap_offset, sparse);
  if (!sparse) areas.push_back({0, info.size});
  for (const vfio_region_sparse_mmap_area& area : areas) {
    if (area.offset <= info.size && area.size <= info.size - area.offset && area.size != 0) map(area.offset, area.size);
  }
}

void VfioRegion::map(std::uint64_t first, std::uint64_t bytes) {
  try {
    areas_.push_back({Bytes{first}, Mapped(*calls_, device_, offset_ + first, bytes, name_)});
  } catch (const Error&) {
    // Slower, and the same: every access to it asks the kernel.
  }
}

std::byte* VfioRegion::mapped(Bytes offset, unsigned bytes) const {
  for (const Area& area : areas_) {
    const Bytes size{area.mapped.bytes().size()};
    if (offset >= area.first && offset + Bytes{bytes} <= area.first + size) {
      return area.mapped.bytes().data() + (offset - area.first).count();
    }
  }
  return nullptr;
}

std::uint64_t VfioRegion::load(Bytes offset, unsigned bytes) const {
  if (const std::byte* const at = mapped(offset, bytes)) {
    switch (bytes) {
      case 1:
        return load_as<std::uint8_t>(at);
      case 2:
        return load_as<std::uint16_t>(at);
      case 4:
        return load_as<std::uint32_t>(at);
      default:
        return load_as<std::uint64_t>(at);
    }
  }
  std::uint64_t value = 0;
  const std::int64_t answer =
      calls_->pread(device_, std::as_writable_bytes(std::span(&value, 1)).first(bytes), offset_ + offset.count());
  if (answer == -EIO) return bytes == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1;
  require(answer, "a read of " + name_);
  return value;
}

void VfioRegion::store(Bytes offset, unsigned bytes, std::uint32_t value) const {
  if (std::byte* const at = mapped(offset, bytes); at != nullptr && bytes == 4) {
    *reinterpret_cast<volatile std::uint32_t*>(at) = value;
    return;
  }
  const std::int64_t answer =
      calls_->pwrite(device_, std::as_bytes(std::span(&value, 1)).first(bytes), offset_ + offset.count());
  // A posted write that nobody takes is lost, as on the bus.
  if (answer != -EIO) require(answer, "a write to " + name_);
}

}  // namespace holdover::host
