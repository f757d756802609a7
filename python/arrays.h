// SPDX-License-Identifier: MIT
// NumPy arrays over memory of a machine, without a copy.
#pragma once

#include <pybind11/numpy.h>

#include <memory>
#include <span>

#include "python/parts.h"

namespace holdover::python {

// What an array keeps alive: the memory it looks at, and the machine that this lies in.
class ArrayOwner {
 public:
  // Inside use().
  ArrayOwner(std::shared_ptr<OwnedMachine> machine, std::shared_ptr<MemoryPart> part)
      : machine_(std::move(machine)), dram_(machine_->memory_owner()), part_(std::move(part)) {}
  ArrayOwner(const ArrayOwner&) = delete;
  ArrayOwner& operator=(const ArrayOwner&) = delete;
  ~ArrayOwner() { machine_->retire(std::move(part_)); }

 private:
  std::shared_ptr<OwnedMachine> machine_;
  std::shared_ptr<bench::BootedMachine> dram_;
  std::shared_ptr<MemoryPart> part_;
};

template <typename Item>
pybind11::array array_over(std::span<std::byte> bytes, std::unique_ptr<ArrayOwner> owner, bool writable) {
  const pybind11::capsule base(owner.release(), [](void* pointer) { delete static_cast<ArrayOwner*>(pointer); });
  pybind11::array array(pybind11::dtype::of<Item>(), {bytes.size() / sizeof(Item)}, {sizeof(Item)}, bytes.data(), base);
  if (!writable) array.attr("setflags")(pybind11::arg("write") = false);
  return array;
}

}  // namespace holdover::python
