// SPDX-License-Identifier: MIT
#include "sim/host_memory.h"

#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "pcie/error.h"

namespace holdover::sim {

static_assert(std::endian::native == std::endian::little, "DRAM words are little-endian as on the host");

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

bool HostMemory::write(PhysicalAddress address, std::span<const std::byte> data) {
  if (!contains(address, Bytes{data.size()})) return false;
  if (!data.empty()) std::memcpy(bytes_.data() + address.raw(), data.data(), data.size());
  return true;
}

bool HostMemory::write(PhysicalAddress address, std::span<const std::byte> data, unsigned first_be, unsigned last_be) {
  HOLDOVER_CHECK(data.size() % 4 == 0 && address.raw() % 4 == 0);
  if (!contains(address, Bytes{data.size()})) return false;
  if (data.empty()) return true;
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
  const std::uint64_t word = poison_word(page);
  std::byte* const target = bytes_.data() + page * kPageSize.count();
  for (std::uint64_t at = 0; at < kPageSize.count(); at += sizeof word) std::memcpy(target + at, &word, sizeof word);
}

}  // namespace holdover::sim
