// SPDX-License-Identifier: MIT
#include "host/kernel/descriptor_table.h"

#include <cerrno>

namespace holdover::host::kernel {
namespace {

constexpr int kFirstDescriptor = 3;

}  // namespace

int DescriptorTable::install(KernelFile& file, bool close_on_exec) {
  int descriptor = kFirstDescriptor;
  while (entries_.contains(descriptor)) ++descriptor;
  file.hold();
  entries_.emplace(descriptor, Entry{&file, close_on_exec});
  return descriptor;
}

KernelFile* DescriptorTable::find(int descriptor) const {
  const auto entry = entries_.find(descriptor);
  return entry == entries_.end() ? nullptr : entry->second.file;
}

bool DescriptorTable::close_on_exec(int descriptor) const { return entries_.at(descriptor).close_on_exec; }

int DescriptorTable::close(int descriptor) {
  const auto entry = entries_.find(descriptor);
  if (entry == entries_.end()) return EBADF;
  KernelFile* const file = entry->second.file;
  // The number is free before the file's last user is gone, as in every close().
  entries_.erase(entry);
  file->drop();
  return 0;
}

void DescriptorTable::close_all() {
  while (!entries_.empty()) (void)close(entries_.begin()->first);
}

}  // namespace holdover::host::kernel
