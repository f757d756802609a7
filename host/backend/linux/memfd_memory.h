// SPDX-License-Identifier: MIT
// Memory over a memfd, mapped into this process.
#pragma once

#include <memory>

#include "host/backend/linux/descriptor.h"
#include "host/device/file.h"

namespace holdover::host {

// A shared mapping of a file.
class Mapped {
 public:
  Mapped() = default;
  // Throws Error{Refused}; `what` is for its sentence: «BAR 0 of 0000:01:00.0».
  Mapped(SystemCalls& calls, int descriptor, std::uint64_t offset, std::uint64_t bytes, const std::string& what);
  Mapped(Mapped&& other) noexcept;
  Mapped& operator=(Mapped&& other) noexcept;
  ~Mapped();

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  SystemCalls* calls_ = nullptr;
  std::span<std::byte> bytes_;
};

class MemfdMemory final : public Memory, public DescriptorFile {
 public:
  // Zeroed. Sealed against growing and shrinking and against other seals, as iommufd demands of what it hands over.
  // Throws Error{Refused}, with EINVAL for a size that is 0 or no multiple of the page size.
  [[nodiscard]] static std::unique_ptr<MemfdMemory> create(SystemCalls& calls, Bytes size);
  // Around a memfd that came from elsewhere (a session); its size is asked for. Throws Error{Refused}.
  [[nodiscard]] static std::unique_ptr<MemfdMemory> adopt(SystemCalls& calls, Descriptor file);

  [[nodiscard]] std::span<std::byte> bytes() override { return mapped_.bytes(); }
  [[nodiscard]] int descriptor() const override { return file_.number(); }

 private:
  MemfdMemory(Descriptor file, Mapped mapped) : file_(std::move(file)), mapped_(std::move(mapped)) {}

  Descriptor file_;
  Mapped mapped_;
};

}  // namespace holdover::host
