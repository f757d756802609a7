// SPDX-License-Identifier: MIT
#include "sim/host_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "pcie/error.h"

namespace holdover::sim {

static_assert(std::endian::native == std::endian::little, "DRAM words are little-endian as on the host");

namespace {

// A file that is removed unless it gets its name.
class PartialFile {
 public:
  explicit PartialFile(const std::filesystem::path& path)
      : path_(path),
        partial_(path.string() + ".partial"),
        file_(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (file_.number() < 0) refuse();
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile() {
    std::error_code ignored;  // nobody is left to be told
    if (!complete_) std::filesystem::remove(partial_, ignored);
  }

  void resize(std::uint64_t size) {
    if (::ftruncate(file_.number(), static_cast<off_t>(size)) != 0) refuse();
  }
  void write(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(file_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) refuse();
      offset += static_cast<std::uint64_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  void complete() {
    if (::close(file_.release()) != 0 || ::rename(partial_.c_str(), path_.c_str()) != 0) refuse();
    complete_ = true;
  }

 private:
  [[noreturn]] void refuse() const {
    throw Error(ErrorCode::Unavailable, "the dump of DRAM " + path_.string() + " cannot be written: " +
                                            std::generic_category().message(errno) + "; choose another place for it");
  }

  std::filesystem::path path_;
  std::filesystem::path partial_;
  FileDescriptor file_;
  bool complete_ = false;
};

}  // namespace

HostMemory::HostMemory(Bytes size) {
  HOLDOVER_CHECK(size.count() > 0 && size.count() % kPageSize.count() == 0);
  // Without MFD_CLOEXEC: the descriptor is what a host process inherits.
  descriptor_ = FileDescriptor{::memfd_create("holdover-dram", 0)};
  if (descriptor_.number() < 0 || ::ftruncate(descriptor_.number(), static_cast<off_t>(size.count())) != 0) {
    throw Error(ErrorCode::Unavailable, "no memory file of " + std::to_string(size.count() >> 20) +
                                            " MiB for the machine's DRAM: " + std::strerror(errno) +
                                            "; a smaller DRAM may fit");
  }
  void* mapped = ::mmap(nullptr, size.count(), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_.number(), 0);
  if (mapped == MAP_FAILED) {
    throw Error(ErrorCode::Unavailable, "the machine's DRAM of " + std::to_string(size.count() >> 20) +
                                            " MiB cannot be mapped: " + std::strerror(errno) +
                                            "; a smaller DRAM may fit");
  }
  bytes_ = {static_cast<std::byte*>(mapped), size.count()};
}

HostMemory::~HostMemory() { static_cast<void>(::munmap(bytes_.data(), bytes_.size())); }

bool HostMemory::contains(PhysicalAddress address, Bytes size) const {
  return address.raw() <= bytes_.size() && size.count() <= bytes_.size() - address.raw();
}

bool HostMemory::read(PhysicalAddress address, std::span<std::byte> data) const {
  if (!contains(address, Bytes{data.size()})) return false;
  if (!data.empty()) std::memcpy(data.data(), bytes_.data() + address.raw(), data.size());
  return true;
}

void HostMemory::note_change(std::uint64_t address, std::uint64_t size) {
  const std::uint64_t last = (address + size - 1) / kPageSize.count();
  for (std::uint64_t page = address / kPageSize.count(); page <= last; ++page) changed_.push_back(page);
}

bool HostMemory::write(PhysicalAddress address, std::span<const std::byte> data) {
  if (!contains(address, Bytes{data.size()})) return false;
  if (data.empty()) return true;
  if (watched_) note_change(address.raw(), data.size());
  std::memcpy(bytes_.data() + address.raw(), data.data(), data.size());
  return true;
}

bool HostMemory::write(PhysicalAddress address, std::span<const std::byte> data, unsigned first_be, unsigned last_be) {
  HOLDOVER_CHECK(data.size() % 4 == 0 && address.raw() % 4 == 0);
  if (!contains(address, Bytes{data.size()})) return false;
  if (data.empty()) return true;
  if (watched_) note_change(address.raw(), data.size());
  const std::size_t last = data.size() - 4;
  std::byte* const target = bytes_.data() + address.raw();
  for (unsigned lane = 0; lane < 4; ++lane) {
    if ((first_be >> lane) & 1u) target[lane] = data[lane];
  }
  if (last == 0) return true;
  if (last > 4) std::memcpy(target + 4, data.data() + 4, last - 4);
  for (unsigned lane = 0; lane < 4; ++lane) {
    if ((last_be >> lane) & 1u) target[last + lane] = data[last + lane];
  }
  return true;
}

bool HostMemory::read_word(PhysicalAddress address, std::uint64_t& word) const {
  HOLDOVER_CHECK(address.raw() % 8 == 0);
  if (!contains(address, Bytes{8})) return false;
  std::memcpy(&word, bytes_.data() + address.raw(), sizeof word);
  return true;
}

void HostMemory::poison(std::uint64_t page) {
  HOLDOVER_CHECK(page < pages());
  if (watched_) note_change(page * kPageSize.count(), kPageSize.count());
  const std::uint64_t word = poison_word(page);
  std::byte* const target = bytes_.data() + page * kPageSize.count();
  for (std::uint64_t at = 0; at < kPageSize.count(); at += sizeof word) std::memcpy(target + at, &word, sizeof word);
}

void HostMemory::visit_touched(const std::function<void(std::uint64_t page)>& visit) const {
  const std::uint64_t page_bytes = kPageSize.count();
  const std::uint64_t size = bytes_.size();
  for (std::uint64_t begin = 0; begin < size;) {
    std::uint64_t end = size;
    // What was never touched has no page in the memory file; reading it would make one.
    const off_t data = ::lseek(descriptor_.number(), static_cast<off_t>(begin), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return;
    if (data >= 0) {
      const off_t hole = ::lseek(descriptor_.number(), data, SEEK_HOLE);
      begin = static_cast<std::uint64_t>(data) / page_bytes * page_bytes;
      if (hole > data) end = std::min(size, static_cast<std::uint64_t>(hole));
    }
    for (; begin < end; begin += page_bytes) visit(begin / page_bytes);
  }
}

void HostMemory::save(const std::filesystem::path& path) const {
  static constexpr std::array<std::byte, kPageSize.count()> kZeroes{};
  PartialFile file{path};
  file.resize(bytes_.size());
  visit_touched([&](std::uint64_t page) {
    const std::span<const std::byte> bytes = this->bytes().subspan(page * kZeroes.size(), kZeroes.size());
    if (std::memcmp(bytes.data(), kZeroes.data(), kZeroes.size()) != 0) file.write(page * kZeroes.size(), bytes);
  });
  file.complete();
}

}  // namespace holdover::sim
