// SPDX-License-Identifier: MIT
// LUO over successive kernels, with files and a handler that write down what is asked of them.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/kernel/luo/luo.h"
#include "tests/unit/host/successive_kernels.h"

namespace holdover::host::kernel {

class FakeFile : public KernelFile {};
class OtherFile : public KernelFile {};

// Preserves FakeFiles and writes down what LUO asks of it.
class FakeHandler : public FileHandler {
 public:
  explicit FakeHandler(std::vector<std::string>& log, std::string name = "fake-v1")
      : log_(log), name_(std::move(name)) {}

  std::string_view compatible() const override { return name_; }
  bool has(FileCallback callback) const override { return callback != missing; }
  bool going_away() const override { return leaving; }
  const void* identity(const KernelFile& file) const override { return alias != nullptr ? alias : &file; }
  bool can_preserve(const KernelFile& file) const override { return dynamic_cast<const FakeFile*>(&file) != nullptr; }
  int preserve(FileState& state) override {
    note("preserve", state);
    state.handle = state.token + 1000;
    return preserve_error;
  }
  void unpreserve(FileState& state) override { note("unpreserve", state); }
  int freeze(FileState& state) override {
    note("freeze", state);
    if (state.token == failing_freeze) return EIO;
    state.handle += 1;
    return 0;
  }
  void unfreeze(FileState& state) override {
    note("unfreeze", state);
    state.handle -= 1;
  }
  int retrieve(FileState& state) override {
    note("retrieve", state);
    retrieved_handle = state.handle;
    if (retrieve_error != 0) return retrieve_error;
    state.file = &file_made;
    return 0;
  }
  bool can_finish(const FileState& state) const override { return state.token != unfinished; }
  void finish(FileState& state) override {
    note("finish", state);
    finish_status = state.retrieve_status;
  }

  std::optional<FileCallback> missing;
  bool leaving = false;
  const void* alias = nullptr;  // what every file is to this handler
  int preserve_error = 0;
  int retrieve_error = 0;
  std::optional<std::uint64_t> failing_freeze;
  std::optional<std::uint64_t> unfinished;
  std::uint64_t retrieved_handle = 0;
  int finish_status = 99;
  FakeFile file_made;

 private:
  void note(const char* what, const FileState& state) { log_.push_back(what + std::to_string(state.token)); }

  std::vector<std::string>& log_;
  std::string name_;
};

using Log = std::vector<std::string>;

class LuoTest : public ::testing::Test {
 protected:
  LuoTest() { boot(); }
  ~LuoTest() override { luo_.reset(); }

  // `handler_present`: whether the kernel has the driver.
  void boot(bool handler_present = true) {
    luo_.reset();
    kho_.reset();
    pages_ = memory_.begin_kernel();
    const auto console = [this](std::string_view line) { console_.emplace_back(line); };
    kho_ = std::make_unique<Kho>(*pages_, memory_.parameters(), true, console);
    luo_ = std::make_unique<Luo>(*kho_, console,
                                 [this](pcie::Step step, std::uint64_t value) { marks_.emplace_back(step, value); });
    if (handler_present) {
      EXPECT_EQ(luo_->register_handler(handler_), 0);
    }
    log_.clear();
    marks_.clear();
  }
  void jump() { memory_.jump(kho_->fdt()); }
  LuoSession& session(const std::string& name = "s") {
    LuoSession* session = nullptr;
    EXPECT_EQ(luo_->create_session(name, session), 0);
    return *session;
  }
  LuoSession& retrieved(const std::string& name = "s") {
    EXPECT_EQ(luo_->open(), 0);
    LuoSession* session = nullptr;
    EXPECT_EQ(luo_->retrieve_session(name, session), 0);
    return *session;
  }

  testing::Memory memory_;
  std::vector<std::string> console_;
  std::vector<std::pair<pcie::Step, std::uint64_t>> marks_;
  Log log_;
  FakeHandler handler_{log_};
  FakeFile a_;
  FakeFile b_;
  FakeFile c_;
  FakeFile d_;
  FakeFile e_;
  std::vector<std::unique_ptr<FakeFile>> many_;
  std::unique_ptr<PageAllocator> pages_;
  std::unique_ptr<Kho> kho_;
  std::unique_ptr<Luo> luo_;
};

}  // namespace holdover::host::kernel
