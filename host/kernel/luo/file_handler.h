// SPDX-License-Identifier: MIT
// What a subsystem gives LUO so that its files, and data whose life is tied to them, survive a kexec.
// Verbs return 0 or a positive errno.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "host/kernel/luo/kernel_file.h"

namespace holdover::host::kernel {

// State of one preserved file, kept by LUO between callbacks.
struct FileState {
  KernelFile* file = nullptr;  // preserve..unpreserve: the file; from a successful retrieve on: what retrieve set
  std::uint64_t token = 0;
  std::uint64_t handle = 0;  // set by preserve, may be replaced by freeze; all that the next kernel's retrieve gets
  int retrieve_status = 0;   // finish: 0 never tried, 1 retrieved, below 0 failed with that errno
  std::shared_ptr<void> private_data;  // of the handler, from preserve to unpreserve
};

// The callbacks without which a handler cannot be registered.
enum class FileCallback { CanPreserve, Preserve, Unpreserve, Retrieve, Finish };
enum class FlbCallback { Preserve, Unpreserve, Retrieve, Finish };

class FileHandler {
 public:
  virtual ~FileHandler() = default;

  // At most 47 characters.
  [[nodiscard]] virtual std::string_view compatible() const = 0;
  // Whether the driver's table has the callback; a handler that lacks a required one is refused.
  [[nodiscard]] virtual bool has(FileCallback) const { return true; }
  // The handler's module is being unloaded: no new file gets into its hands.
  [[nodiscard]] virtual bool going_away() const { return false; }
  // Cheap; decides which handler owns the file.
  [[nodiscard]] virtual bool can_preserve(const KernelFile& file) const = 0;
  // The workload still runs. Sets handle.
  [[nodiscard]] virtual int preserve(FileState& state) = 0;
  virtual void unpreserve(FileState& state) = 0;
  // Inside reboot(KEXEC), before devices are shut down.
  [[nodiscard]] virtual int freeze(FileState&) { return 0; }
  virtual void unfreeze(FileState&) {}
  // New kernel. Sets file.
  [[nodiscard]] virtual int retrieve(FileState& state) = 0;
  [[nodiscard]] virtual bool can_finish(const FileState&) const { return true; }
  virtual void finish(FileState& state) = 0;
  // Identity for the test whether a file is preserved already, among the files of all handlers.
  [[nodiscard]] virtual const void* identity(const KernelFile& file) const { return &file; }
};

// File-lifecycle-bound data: one object per kernel, preserved with the first file of the handlers it is registered with
// and finished with the last. The object itself lives in the implementation.
class Flb {
 public:
  virtual ~Flb() = default;

  [[nodiscard]] virtual std::string_view compatible() const = 0;
  // As for a handler.
  [[nodiscard]] virtual bool has(FlbCallback) const { return true; }
  [[nodiscard]] virtual bool going_away() const { return false; }
  // Old kernel. Sets data: all that the next kernel's retrieve gets.
  [[nodiscard]] virtual int preserve(std::uint64_t& data) = 0;
  virtual void unpreserve(std::uint64_t data) = 0;
  // New kernel, once, at the first use.
  [[nodiscard]] virtual int retrieve(std::uint64_t data) = 0;
  virtual void finish(std::uint64_t data) = 0;
};

}  // namespace holdover::host::kernel
