// SPDX-License-Identifier: MIT
#include "host/backend/sysfs/sysfs_tree.h"

extern "C" {
#include <pci/pci.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "host/backend/sysfs/resource_file.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

std::string formatted(const char* format, va_list arguments) {
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  return text.data();
}

// libpci passes nothing on to these but what it has to say. Its own ones end the process.
thread_local std::string last_warning;

// Of the type that libpci declares: there the attribute is a part of it.
__attribute__((noreturn)) void on_error(char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const std::string text = formatted(format, arguments);
  va_end(arguments);
  throw Error(ErrorCode::Unavailable, "libpci gives up: " + text);
}

void on_warning(char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  last_warning = formatted(format, arguments);
  va_end(arguments);
}

void on_debug(char*, ...) {}

// Contents of a small file without the line feed at its end.
std::optional<std::string> contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return std::nullopt;
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

std::filesystem::path sysfs_root(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path / "bus/pci/devices", error)) return path;
  const std::filesystem::path whole = std::filesystem::canonical(path, error);
  if (error || whole.filename() != "pci" || whole.parent_path().filename() != "bus") return path;
  return whole.parent_path().parent_path();
}

class SysfsTree::Access {
 public:
  explicit Access(const std::filesystem::path& root) : root_(sysfs_root(root)) {
    const std::filesystem::path devices = root_ / "bus/pci/devices";
    std::error_code error;
    if (!std::filesystem::is_directory(devices, error)) {
      throw Error(ErrorCode::NotFound,
                  "«" + devices.string() +
                      "» is not there: this machine has no PCI, or the path is not where sysfs, or "
                      "a tree of `holdover mount`, is mounted");
    }
    access_ = pci_alloc();
    access_->error = on_error;
    access_->warning = on_warning;
    access_->debug = on_debug;
    access_->method = PCI_ACCESS_SYS_BUS_PCI;
    std::string parameter = "sysfs.path";
    std::string path = (root_ / "bus/pci").string();
    try {
      pci_set_param(access_, parameter.data(), path.data());
      pci_init(access_);
      pci_scan_bus(access_);
    } catch (...) {
      pci_cleanup(access_);
      throw;
    }
  }
  ~Access() { pci_cleanup(access_); }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  [[nodiscard]] pci_access* get() const { return access_; }
  [[nodiscard]] std::filesystem::path folder(pcie::Bdf bdf) const {
    return root_ / "bus/pci/devices" / bdf.to_string();
  }

  [[nodiscard]] std::string name(int flags, int first, int second) const {
    std::array<char, 256> buffer{};
    const char* const found =
        pci_lookup_name(access_, buffer.data(), static_cast<int>(buffer.size()), flags, first, second);
    return found == nullptr ? std::string() : found;
  }

 private:
  std::filesystem::path root_;
  pci_access* access_ = nullptr;
};

class SysfsFunction::State {
 public:
  // `device` belongs to the access.
  State(std::shared_ptr<SysfsTree::Access> access, pci_dev* device) : access_(std::move(access)), device_(device) {
    pci_fill_info(device_, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_BASES | PCI_FILL_SIZES);
  }

  [[nodiscard]] pci_dev* device() const { return device_; }
  [[nodiscard]] const SysfsTree::Access& access() const { return *access_; }
  [[nodiscard]] pcie::Bdf bdf() const {
    return {static_cast<std::uint16_t>(device_->domain), device_->bus, device_->dev, device_->func};
  }
  [[nodiscard]] std::filesystem::path folder() const { return access_->folder(bdf()); }
  [[nodiscard]] ResourceFile& resource(unsigned bar) {
    if (bar >= files_.size() || device_->size[bar] == 0) {
      throw Error(ErrorCode::InvalidArgument, bdf().to_string() + " has no BAR " + std::to_string(bar) + ".");
    }
    if (files_[bar] == nullptr) {
      files_[bar] =
          std::make_unique<ResourceFile>(folder() / ("resource" + std::to_string(bar)), Bytes{device_->size[bar]});
    }
    return *files_[bar];
  }

 private:
  std::shared_ptr<SysfsTree::Access> access_;
  pci_dev* device_;
  std::array<std::unique_ptr<ResourceFile>, 6> files_;
};

SysfsFunction::SysfsFunction(std::unique_ptr<State> state) : state_(std::move(state)) {}

SysfsFunction::~SysfsFunction() = default;

pcie::Bdf SysfsFunction::bdf() const { return state_->bdf(); }

std::uint32_t SysfsFunction::config_read(Bytes offset, unsigned size) {
  check_config_access(offset, size);
  const int position = static_cast<int>(offset.count());
  switch (size) {
    case 1:
      return pci_read_byte(state_->device(), position);
    case 2:
      return pci_read_word(state_->device(), position);
    default:
      return pci_read_long(state_->device(), position);
  }
}

void SysfsFunction::config_write(Bytes offset, unsigned size, std::uint32_t value) {
  check_config_access(offset, size);
  const int position = static_cast<int>(offset.count());
  last_warning.clear();
  errno = 0;
  int written = 0;
  switch (size) {
    case 1:
      written = pci_write_byte(state_->device(), position, static_cast<u8>(value));
      break;
    case 2:
      written = pci_write_word(state_->device(), position, static_cast<u16>(value));
      break;
    default:
      written = pci_write_long(state_->device(), position, value);
  }
  if (written != 0) return;
  const int error = errno;
  throw Error(ErrorCode::Refused,
              "The configuration space of " + bdf().to_string() +
                  " cannot be written: " + (last_warning.empty() ? std::string(std::strerror(error)) : last_warning),
              error);
}

std::uint16_t SysfsFunction::vendor_id() const { return state_->device()->vendor_id; }

std::uint16_t SysfsFunction::device_id() const { return state_->device()->device_id; }

std::uint16_t SysfsFunction::device_class() const { return state_->device()->device_class; }

std::string SysfsFunction::vendor_name() const { return state_->access().name(PCI_LOOKUP_VENDOR, vendor_id(), 0); }

std::string SysfsFunction::device_name() const {
  return state_->access().name(PCI_LOOKUP_DEVICE, vendor_id(), device_id());
}

std::string SysfsFunction::class_name() const { return state_->access().name(PCI_LOOKUP_CLASS, device_class(), 0); }

std::vector<SysfsCapability> SysfsFunction::capabilities() const {
  pci_fill_info(state_->device(), PCI_FILL_CAPS | PCI_FILL_EXT_CAPS);
  std::vector<SysfsCapability> all;
  for (const pci_cap* capability = state_->device()->first_cap; capability != nullptr; capability = capability->next) {
    all.push_back({capability->id, capability->addr, capability->type == PCI_CAP_EXTENDED});
  }
  return all;
}

std::array<SysfsBar, 6> SysfsFunction::bars() const {
  std::array<SysfsBar, 6> bars;
  for (unsigned bar = 0; bar < bars.size(); ++bar) {
    const pciaddr_t base = state_->device()->base_addr[bar];
    SysfsBar& out = bars[bar];
    out.size = Bytes{state_->device()->size[bar]};
    out.io = (base & PCI_BASE_ADDRESS_SPACE) == PCI_BASE_ADDRESS_SPACE_IO;
    out.address = BusAddress{base & (out.io ? PCI_ADDR_IO_MASK : PCI_ADDR_MEM_MASK)};
    out.wide = !out.io && (base & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
    out.prefetchable = !out.io && (base & PCI_BASE_ADDRESS_MEM_PREFETCH) != 0;
  }
  return bars;
}

std::optional<std::string> SysfsFunction::attribute(const std::string& name) const {
  return contents(state_->folder() / name);
}

std::optional<std::string> SysfsFunction::link(const std::string& name) const {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::read_symlink(state_->folder() / name, error);
  if (error) return std::nullopt;
  return target.filename().string();
}

std::uint64_t SysfsFunction::load(unsigned bar, Bytes offset, unsigned size) {
  return state_->resource(bar).load(offset, size);
}

void SysfsFunction::store(unsigned bar, Bytes offset, unsigned size, std::uint64_t value) {
  state_->resource(bar).store(offset, size, value);
}

SysfsTree::SysfsTree(const std::filesystem::path& root) : access_(std::make_shared<Access>(root)) {}

SysfsTree::~SysfsTree() = default;

std::vector<std::unique_ptr<SysfsFunction>> SysfsTree::functions() const {
  std::vector<std::unique_ptr<SysfsFunction>> all;
  for (pci_dev* device = access_->get()->devices; device != nullptr; device = device->next) {
    all.emplace_back(new SysfsFunction(std::make_unique<SysfsFunction::State>(access_, device)));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->bdf() < b->bdf(); });
  return all;
}

std::unique_ptr<SysfsFunction> SysfsTree::open(pcie::Bdf bdf) const {
  for (std::unique_ptr<SysfsFunction>& function : functions()) {
    if (function->bdf() == bdf) return std::move(function);
  }
  throw Error(ErrorCode::NotFound, "There is no function at " + bdf.to_string() + ".");
}

}  // namespace holdover::host
