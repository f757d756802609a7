// SPDX-License-Identifier: MIT
#include "tests/support/machine_kernel.h"

#include <linux/reboot.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "host/backend/linux/live_update_abi.h"
#include "host/backend/vfio/vfio_abi.h"
#include "pcie/error.h"

namespace holdover::testing {
namespace {

namespace abi = host::vfio_abi;
namespace update = host::live_update_abi;

constexpr std::chrono::nanoseconds kClockCost{50};
constexpr unsigned kRegionShift = 40;  // of a region's offset in the device file
constexpr unsigned kVectors = 32;
constexpr std::uint32_t kDeviceId = 1;
constexpr std::uint32_t kIoas = 1;
constexpr std::uint32_t kHwpt = 2;

template <typename T>
T from(std::span<const std::byte> bytes) {
  T object{};
  std::memcpy(&object, bytes.data(), std::min(sizeof(T), bytes.size()));
  return object;
}
template <typename T>
int answer(std::span<std::byte> bytes, const T& object) {
  if (bytes.size() < sizeof(T)) return -EINVAL;
  std::memcpy(bytes.data(), &object, sizeof(T));
  return 0;
}

// The errno of whatever the emulated kernel refuses.
template <typename Call>
int errno_of(const Call& call) {
  try {
    call();
    return 0;
  } catch (const Error& error) {
    return error.errno_value() != 0 ? -error.errno_value() : -EINVAL;
  }
}

}  // namespace

struct MachineKernel::File {
  std::string content{};  // of a small file, from `read` on
  std::size_t read = 0;
  bool small = false;
  bool memfd = false;
  bool sealed = false;
  std::unique_ptr<host::Memory> memory{};
  std::unique_ptr<host::AddressSpace> space{};  // of an iommufd
  bool iommufd = false;
  bool page_table = false;
  std::unique_ptr<host::Device> device{};
  int bound = -1;  // the iommufd of a device
  bool attached = false;
  std::vector<int> eventfds{};
  int interrupting = -1;  // the device of an eventfd
  unsigned vector = 0;
  std::unique_ptr<host::LiveUpdate> live_update{};
  std::unique_ptr<host::Session> session{};
};

MachineKernel::MachineKernel(host::System& system) : system_(system) {
  const std::vector<pcie::Bdf> devices = system.devices();
  if (!devices.empty()) bdf_ = devices.front();
}
MachineKernel::~MachineKernel() = default;

int MachineKernel::install(std::unique_ptr<File> file) {
  int number = 3;
  while (files_.count(number) != 0) ++number;
  files_[number] = std::move(file);
  return number;
}

MachineKernel::File* MachineKernel::find(int descriptor) {
  const auto found = files_.find(descriptor);
  return found == files_.end() ? nullptr : found->second.get();
}

int MachineKernel::open(const std::string& path, int) {
  auto file = std::make_unique<File>();
  if (path == "/dev/iommu") {
    file->iommufd = true;
    file->space = system_.create_address_space();
  } else if (path == "/dev/vfio/devices/vfio0") {
    if (const int error = errno_of([&] { file->device = system_.open_device(bdf_); }); error != 0) return error;
  } else if (path == "/dev/liveupdate") {
    if (const int error = errno_of([&] { file->live_update = system_.open_live_update(); }); error != 0) return error;
  } else if (path == "/sys/kernel/kexec_loaded") {
    file->small = true;
    file->content = "1\n";
  } else if (path == "/proc/cmdline") {
    file->small = true;
    file->content = system_.command_line();
  } else if (path.starts_with("/sys/bus/pci/devices/") && path.ends_with("/class")) {
    file->small = true;
    file->content = "0x120000\n";
  } else {
    return -ENOENT;
  }
  return install(std::move(file));
}

int MachineKernel::close(int descriptor) { return files_.erase(descriptor) == 1 ? 0 : -EBADF; }

std::int64_t MachineKernel::read(int descriptor, std::span<std::byte> bytes) {
  File* const file = find(descriptor);
  if (file == nullptr) return -EBADF;
  if (file->small) {
    const std::size_t length = std::min(bytes.size(), file->content.size() - file->read);
    std::memcpy(bytes.data(), file->content.data() + file->read, length);
    file->read += length;
    return static_cast<std::int64_t>(length);
  }
  File* const device = find(file->interrupting);
  if (device == nullptr || device->device == nullptr) return -EAGAIN;
  const std::uint64_t count = device->device->take_interrupts(file->vector);
  if (count == 0) return -EAGAIN;
  std::memcpy(bytes.data(), &count, sizeof count);
  return sizeof count;
}

int MachineKernel::eventfd() { return install(std::make_unique<File>()); }

int MachineKernel::memfd_create(const std::string&) {
  auto file = std::make_unique<File>();
  file->memfd = true;
  return install(std::move(file));
}

int MachineKernel::ftruncate(int descriptor, std::uint64_t bytes) {
  File* const file = find(descriptor);
  if (file == nullptr || !file->memfd) return -EBADF;
  if (file->memory != nullptr) return -EPERM;
  return errno_of([&] { file->memory = system_.create_memory(Bytes{bytes}); });
}

int MachineKernel::add_seals(int descriptor, unsigned) {
  File* const file = find(descriptor);
  if (file == nullptr || file->memory == nullptr) return -EBADF;
  file->sealed = true;
  return 0;
}

std::int64_t MachineKernel::file_size(int descriptor) {
  File* const file = find(descriptor);
  return file == nullptr || file->memory == nullptr ? -EBADF : static_cast<std::int64_t>(file->memory->bytes().size());
}

std::int64_t MachineKernel::mmap(int descriptor, std::uint64_t offset, std::uint64_t bytes) {
  File* const file = find(descriptor);
  // BARs of a machine are no memory of this process.
  if (file == nullptr || file->memory == nullptr || offset + bytes > file->memory->bytes().size()) return -EINVAL;
  return reinterpret_cast<std::int64_t>(file->memory->bytes().data() + offset);
}

std::int64_t MachineKernel::pread(int descriptor, std::span<std::byte> bytes, std::uint64_t offset) {
  File* const file = find(descriptor);
  if (file == nullptr || file->device == nullptr) return -EBADF;
  if (file->bound < 0) return -EINVAL;
  const auto region = static_cast<unsigned>(offset >> kRegionShift);
  const Bytes at{offset & ((std::uint64_t{1} << kRegionShift) - 1)};
  const auto size = static_cast<unsigned>(bytes.size());
  std::uint64_t value = 0;
  const int error = errno_of([&] {
    value = region == VFIO_PCI_CONFIG_REGION_INDEX ? file->device->config_read(at, size)
                                                   : file->device->load(region, at, size);
  });
  if (error != 0) return error;
  std::memcpy(bytes.data(), &value, size);
  return size;
}

std::int64_t MachineKernel::pwrite(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) {
  File* const file = find(descriptor);
  if (file == nullptr || file->device == nullptr) return -EBADF;
  if (file->bound < 0) return -EINVAL;
  const auto region = static_cast<unsigned>(offset >> kRegionShift);
  const Bytes at{offset & ((std::uint64_t{1} << kRegionShift) - 1)};
  const auto value = from<std::uint32_t>(bytes);
  const int error = errno_of([&] {
    if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
      file->device->config_write(at, static_cast<unsigned>(bytes.size()), value);
    } else {
      file->device->write(region, at, value);
    }
  });
  return error != 0 ? error : static_cast<std::int64_t>(bytes.size());
}

int MachineKernel::ioctl(int descriptor, unsigned long request, std::span<std::byte> argument) {
  File* const file = find(descriptor);
  if (file == nullptr) return -EBADF;
  if (file->device != nullptr) return device_ioctl(*file, request, argument);
  if (file->iommufd) return iommu_ioctl(*file, request, argument);
  if (file->session != nullptr) return session_ioctl(*file, request, argument);
  if (file->live_update != nullptr) return live_update_ioctl(*file, request, argument);
  return -ENOTTY;
}

int MachineKernel::ioctl(int descriptor, unsigned long request, unsigned long) {
  File* const file = find(descriptor);
  if (file == nullptr || file->device == nullptr || request != VFIO_DEVICE_RESET) return -ENOTTY;
  return errno_of([&] { file->device->reset(); });
}

int MachineKernel::device_ioctl(File& file, unsigned long request, std::span<std::byte> argument) {
  if (request == abi::kBindIommufd) {
    auto bind = from<abi::BindIommufd>(argument);
    const File* const iommufd = find(bind.iommufd);
    if (iommufd == nullptr || !iommufd->iommufd || file.bound >= 0) return -EINVAL;
    file.bound = bind.iommufd;
    bind.device_id = kDeviceId;
    return answer(argument, bind);
  }
  if (file.bound < 0) return -EINVAL;
  switch (request) {
    case abi::kAttachPageTable: {
      const auto attach = from<abi::AttachPageTable>(argument);
      File* const iommufd = find(file.bound);
      if (iommufd == nullptr || attach.page_table != (iommufd->page_table ? kHwpt : kIoas)) return -ENOENT;
      file.attached = true;
      return errno_of([&] { file.device->attach(*iommufd->space); });
    }
    case VFIO_DEVICE_GET_INFO: {
      auto info = from<vfio_device_info>(argument);
      info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
      return answer(argument, info);
    }
    case VFIO_DEVICE_GET_REGION_INFO: {
      auto info = from<vfio_region_info>(argument);
      info.offset = std::uint64_t{info.index} << kRegionShift;
      info.size = info.index == VFIO_PCI_CONFIG_REGION_INDEX ? 4096 : file.device->bar_size(info.index).count();
      info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
      return answer(argument, info);
    }
    case VFIO_DEVICE_GET_IRQ_INFO: {
      auto info = from<vfio_irq_info>(argument);
      info.count = kVectors;
      return answer(argument, info);
    }
    case VFIO_DEVICE_SET_IRQS:
      return set_irqs(file, argument);
    case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: {
      abi::HotResetInfo info = from<abi::HotResetInfo>(argument);
      info.count = 1;
      const vfio_pci_dependent_device only{kDeviceId, bdf_.segment, bdf_.bus,
                                           static_cast<std::uint8_t>(bdf_.requester_id() & 0xff)};
      if (argument.size() < sizeof info + sizeof only) return -ENOSPC;
      std::memcpy(argument.data() + sizeof info, &only, sizeof only);
      return answer(argument, info);
    }
    default:
      return -ENOTTY;
  }
}

int MachineKernel::set_irqs(File& file, std::span<const std::byte> argument) {
  const auto head = from<std::array<std::uint32_t, 5>>(argument);  // argsz, flags, index, start, count
  const std::uint32_t count = head[4];
  if (count == 0) return errno_of([&] { file.device->disable_interrupts(); });
  if (head[0] != argument.size() || argument.size() != sizeof head + count * sizeof(std::int32_t)) return -EINVAL;
  const int self =
      std::find_if(files_.begin(), files_.end(), [&](const auto& each) { return each.second.get() == &file; })->first;
  for (std::uint32_t vector = 0; vector < count; ++vector) {
    File* const eventfd =
        find(from<std::int32_t>(argument.subspan(sizeof head + vector * sizeof(std::int32_t), sizeof(std::int32_t))));
    if (eventfd == nullptr) return -EBADF;
    eventfd->interrupting = self;
    eventfd->vector = vector;
  }
  return errno_of([&] { file.device->enable_interrupts(count); });
}

int MachineKernel::iommu_ioctl(File& file, unsigned long request, std::span<std::byte> argument) {
  switch (request) {
    case abi::kIoasAlloc: {
      auto alloc = from<abi::IoasAlloc>(argument);
      alloc.ioas = kIoas;
      return answer(argument, alloc);
    }
    case abi::kIoasMapFile: {
      const auto map = from<abi::IoasMapFile>(argument);
      File* const memory = find(map.file);
      if (map.ioas != kIoas || memory == nullptr || memory->memory == nullptr) return -EINVAL;
      return errno_of([&] {
        file.space->map(*memory->memory, Bytes{map.start}, Iova{map.iova}, Bytes{map.length},
                        (map.flags & abi::kMapWriteable) != 0);
      });
    }
    case abi::kIoasUnmap: {
      const auto unmap = from<abi::IoasUnmap>(argument);
      return errno_of([&] { file.space->unmap(Iova{unmap.iova}, Bytes{unmap.length}); });
    }
    case abi::kHwptAlloc: {
      auto alloc = from<abi::HwptAlloc>(argument);
      if (alloc.page_table != kIoas || alloc.device_id != kDeviceId) return -ENOENT;
      alloc.hwpt = kHwpt;
      file.page_table = true;
      return answer(argument, alloc);
    }
    case abi::kHwptPreserve: {
      if (!preserves_address_spaces) return -ENOTTY;
      const auto mark = from<abi::HwptPreserve>(argument);
      if (mark.hwpt != kHwpt || !file.page_table) return -ENOENT;
      return errno_of([&] { file.space->mark_for_preservation(mark.token); });
    }
    default:
      return -ENOTTY;
  }
}

int MachineKernel::live_update_ioctl(File& file, unsigned long request, std::span<std::byte> argument) {
  auto wanted = from<update::SessionArgument>(argument);
  auto session = std::make_unique<File>();
  const std::string name(wanted.name, strnlen(wanted.name, sizeof wanted.name));
  const int error = errno_of([&] {
    session->session = request == update::kCreateSession ? file.live_update->create_session(name)
                                                         : file.live_update->retrieve_session(name);
  });
  if (error != 0) return error;
  wanted.descriptor = install(std::move(session));
  return answer(argument, wanted);
}

// Which type the file of a token has, the kernel alone knows.
std::unique_ptr<MachineKernel::File> MachineKernel::retrieve(host::Session& session, std::uint64_t token) {
  auto file = std::make_unique<File>();
  if (errno_of([&] { file->memory = session.retrieve_memory(token); }) == 0) {
    file->memfd = file->sealed = true;
  } else if (errno_of([&] { file->device = session.retrieve_device(token); }) != 0) {
    file->space = session.retrieve_address_space(token);
    file->iommufd = true;
  }
  return file;
}

int MachineKernel::session_ioctl(File& file, unsigned long request, std::span<std::byte> argument) {
  if (request == update::kFinish) return errno_of([&] { file.session->finish(); });
  auto wanted = from<update::FileArgument>(argument);
  if (request == update::kPreserveFile) {
    File* const preserved = find(wanted.descriptor);
    if (preserved == nullptr) return -EBADF;
    host::File* object = preserved->memory.get();
    if (preserved->device != nullptr) object = preserved->device.get();
    if (preserved->space != nullptr) object = preserved->space.get();
    return errno_of([&] { file.session->preserve(*object, wanted.token); });
  }
  std::unique_ptr<File> found;
  const int error = errno_of([&] { found = retrieve(*file.session, wanted.token); });
  if (error != 0) return error;
  wanted.descriptor = install(std::move(found));
  return answer(argument, wanted);
}

int MachineKernel::reboot(unsigned command) {
  if (command != LINUX_REBOOT_CMD_KEXEC) return -EINVAL;
  return errno_of([&] { system_.kexec(); });
}

int MachineKernel::readlink(const std::string& path, std::string& target) {
  if (path != "/sys/bus/pci/devices/" + bdf_.to_string() + "/driver") return -ENOENT;
  target = "../../../bus/pci/drivers/vfio-pci";
  return 0;
}

int MachineKernel::list(const std::string& path, std::vector<std::string>& names) {
  if (path == "/sys/bus/pci/devices") {
    names.clear();
    for (const pcie::Bdf bdf : system_.functions()) names.push_back(bdf.to_string());
    return 0;
  }
  if (path != "/sys/bus/pci/devices/" + bdf_.to_string() + "/vfio-dev") return -ENOENT;
  names = {"vfio0"};
  return 0;
}

std::chrono::nanoseconds MachineKernel::now() {
  system_.wait(kClockCost);
  return system_.now();
}

}  // namespace holdover::testing
