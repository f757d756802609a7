// SPDX-License-Identifier: MIT
// Open files of one kernel. A file lives as long as somebody holds it: user space through references, and the live
// update orchestrator for everything that is preserved or retrieved.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "host/kernel/luo/kernel_file.h"
#include "pcie/error.h"

namespace holdover::host::kernel {

class FileTable;

// What the table keeps of a file.
class TableEntry {
 public:
  TableEntry() = default;
  TableEntry(const TableEntry&) = delete;
  TableEntry& operator=(const TableEntry&) = delete;
  virtual ~TableEntry() = default;

  // Gives back what the file holds: memory, interrupts, the function. Called once, when the last holder lets go while
  // the kernel still runs. The destructor touches neither hardware nor DRAM.
  virtual void release() = 0;

 protected:
  void close_in_table();

 private:
  friend class FileTable;
  FileTable* table_ = nullptr;
};

// Base of a file that the table keeps; Interface is what the live update handlers see of it.
template <typename Interface>
class OpenFile : public Interface, public TableEntry {
 private:
  void last_dropped() final { close_in_table(); }
};

// Owns every open file, and outlives every holder.
class FileTable {
 public:
  FileTable() = default;
  FileTable(const FileTable&) = delete;
  FileTable& operator=(const FileTable&) = delete;

  // The file has no holder yet: hold it, or make a FileReference.
  template <typename T>
  T& add(std::unique_ptr<T> file) {
    HOLDOVER_CHECK(file != nullptr);
    T& added = *file;
    files_.push_back(std::move(file));
    files_.back()->table_ = this;
    return added;
  }

  // The kernel has stopped running: closing a file does nothing to hardware or DRAM any more.
  void abandon() { abandoned_ = true; }
  [[nodiscard]] bool abandoned() const { return abandoned_; }

 private:
  friend class TableEntry;
  void close(TableEntry& file);

  std::vector<std::unique_ptr<TableEntry>> files_;
  bool abandoned_ = false;
};

// One descriptor: holds the file. Copying opens another one; an empty reference holds nothing.
template <typename T>
class FileReference {
 public:
  FileReference() = default;
  explicit FileReference(T& file) : file_(&file) { file_->hold(); }
  FileReference(const FileReference& other) : file_(other.file_) {
    if (file_ != nullptr) file_->hold();
  }
  FileReference(FileReference&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  FileReference& operator=(FileReference other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~FileReference() { close(); }

  void close() {
    if (T* file = std::exchange(file_, nullptr); file != nullptr) file->drop();
  }

  [[nodiscard]] T* file() const { return file_; }
  [[nodiscard]] T& operator*() const { return *file_; }
  [[nodiscard]] T* operator->() const { return file_; }
  [[nodiscard]] explicit operator bool() const { return file_ != nullptr; }

 private:
  T* file_ = nullptr;
};

}  // namespace holdover::host::kernel
