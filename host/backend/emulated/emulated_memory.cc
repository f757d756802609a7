// SPDX-License-Identifier: MIT
#include "host/backend/emulated/emulated_memory.h"

#include <cerrno>

#include "host/backend/emulated/refused.h"
#include "pcie/error.h"

namespace holdover::host {

void EmulatedAddressSpace::map(Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) {
  auto* emulated = dynamic_cast<EmulatedMemory*>(&memory);
  HOLDOVER_CHECK(emulated != nullptr);
  const Bytes available{memory.bytes().size()};
  const bool inside = offset <= available && size <= available - offset;
  check_answer(inside ? file_->map(iova, emulated->file().first() + offset, size, device_writes) : EINVAL, "a mapping");
}

void EmulatedAddressSpace::mark_for_preservation(std::uint64_t token) {
  check_answer(file_->mark(token), "to mark an address space with token " + std::to_string(token));
}

void EmulatedAddressSpace::unmap(Iova iova, Bytes size) { check_answer(file_->unmap(iova, size), "an unmapping"); }

}  // namespace holdover::host
