// SPDX-License-Identifier: MIT
#include "host/backend/vfio/iommu_door.h"

#include <fcntl.h>

#include <cerrno>

#include "host/backend/refusal.h"
#include "host/backend/vfio/vfio_abi.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

std::string hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[value & 0xf]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

std::string_view way_out_of_map(int error) {
  switch (error) {
    case ENOMEM:
      return "the memory that a process may lock is limited: run it as root, or raise `ulimit -l`";
    case EADDRINUSE:
    case EEXIST:
      return "the range is taken, by another mapping or by the platform (/sys/kernel/iommu_groups/*/reserved_regions)";
    case EINVAL:
    case ERANGE:
      return "the range is misaligned, or beyond what this IOMMU translates";
    case EBUSY:
      return "nothing can be mapped while the address space is preserved";
    default:
      return {};
  }
}

std::string mapping_of(const std::string& who, Iova iova, std::uint64_t bytes) {
  return "a mapping of " + std::to_string(bytes) + " bytes at IOVA " + hex(iova.raw()) + " for " + who;
}

}  // namespace

std::uint32_t Iommufd::bind(int device) {
  vfio_abi::BindIommufd argument;
  argument.iommufd = file_.number();
  const int answer = calls_.ioctl(device, vfio_abi::kBindIommufd, bytes_of(argument));
  require(answer, "to bind " + who_ + " to an iommufd",
          answer == -EPERM   ? "what the kernel before left its requests translated by is still in place, and this "
                               "kernel does not give it back"
          : answer == -EBUSY ? "another process uses it, or it is incoming and only a session gives it out"
          : answer == -EINVAL
              ? "it was bound already, or another function of its IOMMU group belongs to a driver of the kernel"
              : "");
  device_id_ = argument.device_id;
  return device_id_;
}

std::uint32_t Iommufd::ioas() {
  if (ioas_ != 0) return ioas_;
  vfio_abi::IoasAlloc argument;
  require(calls_.ioctl(file_.number(), vfio_abi::kIoasAlloc, bytes_of(argument)), "an address space for " + who_);
  return ioas_ = argument.ioas;
}

void Iommufd::map(const DmaMapping& mapping) {
  const std::uint32_t flags =
      vfio_abi::kMapFixed | vfio_abi::kMapReadable | (mapping.device_writes ? vfio_abi::kMapWriteable : 0);
  int answer = -ENOTTY;
  const std::uint32_t where = ioas();
  // Only what is mapped from a file can be handed over.
  if (by_file_ && mapping.file >= 0) {
    vfio_abi::IoasMapFile argument;
    argument.flags = flags;
    argument.ioas = where;
    argument.file = mapping.file;
    argument.start = mapping.offset.count();
    argument.length = mapping.bytes.size();
    argument.iova = mapping.iova.raw();
    answer = calls_.ioctl(file_.number(), vfio_abi::kIoasMapFile, bytes_of(argument));
    by_file_ = answer != -ENOTTY;
  }
  if (answer == -ENOTTY) {
    vfio_abi::IoasMap argument;
    argument.flags = flags;
    argument.ioas = where;
    argument.address = reinterpret_cast<std::uint64_t>(mapping.bytes.data());
    argument.length = mapping.bytes.size();
    argument.iova = mapping.iova.raw();
    answer = calls_.ioctl(file_.number(), vfio_abi::kIoasMap, bytes_of(argument));
  }
  if (answer == -EADDRINUSE) answer = -EEXIST;
  require(answer, mapping_of(who_, mapping.iova, mapping.bytes.size()), way_out_of_map(-answer));
}

void Iommufd::unmap(Iova iova, Bytes size) {
  vfio_abi::IoasUnmap argument;
  argument.ioas = ioas();
  argument.iova = iova.raw();
  argument.length = size.count();
  const int answer = calls_.ioctl(file_.number(), vfio_abi::kIoasUnmap, bytes_of(argument));
  require(answer, "to take away " + mapping_of(who_, iova, size.count()),
          answer == -EBUSY ? "nothing can be unmapped while the address space is preserved" : "");
}

void Iommufd::attach(int device) {
  // A page table that is asked for can be marked; a kernel without the call makes one by itself.
  vfio_abi::HwptAlloc table;
  table.device_id = device_id_;
  table.page_table = ioas();
  const int answer = calls_.ioctl(file_.number(), vfio_abi::kHwptAlloc, bytes_of(table));
  if (answer != -ENOTTY && answer != -EOPNOTSUPP) require(answer, "a page table for " + who_);

  vfio_abi::AttachPageTable argument;
  argument.page_table = answer < 0 ? ioas() : table.hwpt;
  const int attached = calls_.ioctl(device, vfio_abi::kAttachPageTable, bytes_of(argument));
  require(attached, "to attach " + who_ + " to its address space",
          attached == -EBUSY
              ? "what the kernel before handed over still translates its requests, or another function of its "
                "IOMMU group is attached elsewhere"
              : "");
  hwpt_ = argument.page_table;
}

void Iommufd::mark_for_preservation(std::uint64_t token) {
  const std::string call = "to mark the address space of " + who_ + " for preservation";
  if (token > ~std::uint32_t{0}) refuse(EINVAL, call, "its token has more than 32 bits");
  vfio_abi::HwptPreserve argument;
  argument.hwpt = hwpt_;
  argument.token = static_cast<std::uint32_t>(token);
  const int answer = calls_.ioctl(file_.number(), vfio_abi::kHwptPreserve, bytes_of(argument));
  require(answer, call, answer == -ENOTTY ? "this kernel cannot hand an iommufd over" : "");
}

Type1Container::Type1Container(SystemCalls& calls, const KernelPaths& paths, const Descriptor& group, std::string who)
    : calls_(calls), who_(std::move(who)) {
  const std::string path = paths.dev + "/vfio/vfio";
  const int number = calls.open(path, O_RDWR);
  require(number, "to open " + path,
          number == -ENOENT   ? std::string("load the module: ") + kLoadVfioPci
          : number == -EACCES ? "run it as root"
                              : "");
  file_ = Descriptor(calls, number);
  if (calls.ioctl(number, VFIO_GET_API_VERSION, 0ul) != VFIO_API_VERSION ||
      calls.ioctl(number, VFIO_CHECK_EXTENSION, static_cast<unsigned long>(VFIO_TYPE1v2_IOMMU)) <= 0) {
    throw Error(ErrorCode::Unavailable, path + " offers no IOMMU of type 1, through which " + who_ +
                                            " could reach memory; load vfio_iommu_type1, and start the kernel with the "
                                            "IOMMU on.");
  }
  int container = number;
  require(calls.ioctl(group.number(), VFIO_GROUP_SET_CONTAINER, bytes_of(container)),
          "to put the IOMMU group of " + who_ + " into a container");
  const int answer = calls.ioctl(number, VFIO_SET_IOMMU, static_cast<unsigned long>(VFIO_TYPE1v2_IOMMU));
  require(answer, "an IOMMU of type 1 for " + who_,
          answer == -EPERM
              ? "the platform remaps no interrupts, which vfio_iommu_type1 demands (allow_unsafe_interrupts)"
              : "");
}

void Type1Container::map(const DmaMapping& mapping) {
  vfio_iommu_type1_dma_map argument{};
  argument.argsz = sizeof(argument);
  argument.flags = VFIO_DMA_MAP_FLAG_READ | (mapping.device_writes ? VFIO_DMA_MAP_FLAG_WRITE : 0u);
  argument.vaddr = reinterpret_cast<std::uint64_t>(mapping.bytes.data());
  argument.iova = mapping.iova.raw();
  argument.size = mapping.bytes.size();
  const int answer = calls_.ioctl(file_.number(), VFIO_IOMMU_MAP_DMA, bytes_of(argument));
  require(answer, mapping_of(who_, mapping.iova, mapping.bytes.size()), way_out_of_map(-answer));
}

void Type1Container::unmap(Iova iova, Bytes size) {
  vfio_iommu_type1_dma_unmap argument{};
  argument.argsz = sizeof(argument);
  argument.iova = iova.raw();
  argument.size = size.count();
  require(calls_.ioctl(file_.number(), VFIO_IOMMU_UNMAP_DMA, bytes_of(argument)),
          "to take away " + mapping_of(who_, iova, size.count()));
}

void Type1Container::mark_for_preservation(std::uint64_t) {
  refuse(ENOTTY, "to mark the address space of " + who_ + " for preservation",
         "a container of type 1 cannot be handed over; use a kernel with /dev/vfio/devices and /dev/iommu");
}

}  // namespace holdover::host
