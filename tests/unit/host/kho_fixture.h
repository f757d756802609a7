// SPDX-License-Identifier: MIT
// KHO over successive kernels, and what they write on the console.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "host/kernel/kho/kho.h"
#include "tests/unit/host/successive_kernels.h"

namespace holdover::host::kernel {

class KhoFixture : public ::testing::Test {
 protected:
  KhoFixture() { boot(); }

  void boot() { boot(true); }
  void boot(bool scratch_check) {
    kho_.reset();
    pages_ = memory_.begin_kernel();
    kho_ = std::make_unique<Kho>(
        *pages_, memory_.parameters(), true, [this](std::string_view line) { console_.emplace_back(line); },
        scratch_check);
  }
  void kexec() {
    memory_.jump(kho_->fdt());
    boot();
  }
  Kho& kho() { return *kho_; }
  PhysicalAddress allocate(std::uint64_t count, std::uint64_t alignment = 1) {
    return pages_->allocate(count, PageState::Dma, alignment).value();
  }

  testing::Memory memory_;
  std::vector<std::string> console_;
  std::unique_ptr<PageAllocator> pages_;
  std::unique_ptr<Kho> kho_;
};

}  // namespace holdover::host::kernel
