// SPDX-License-Identifier: MIT
// A kernel that plays recorded answers: a script of calls with the bytes that they must bring and the answer that they
// get. A call that does not come next in the script fails the test and is answered with EBADRQC.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "host/backend/linux/system_calls.h"

namespace holdover::testing {

using Recorded = std::vector<std::byte>;

// The bytes of a structure.
template <typename T>
requires(!std::is_convertible_v<const T&, std::string_view>) [[nodiscard]] Recorded recorded(const T& object) {
  const auto bytes = std::as_bytes(std::span<const T, 1>(&object, 1));
  return {bytes.begin(), bytes.end()};
}
[[nodiscard]] inline Recorded recorded(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class ScriptedSystemCalls : public host::SystemCalls {
 public:
  ~ScriptedSystemCalls() override {
    for (const Step& step : script_) ADD_FAILURE() << "never called: " << step.call;
  }

  // «open /dev/iommu», «ioctl 5 0x3b81»: descriptor and request; arguments that are bytes in `in`; the answer, and the
  // bytes that the kernel puts in place of the argument.
  void expect(std::string call, std::int64_t answer, Recorded in = {}, Recorded out = {}) {
    script_.push_back({std::move(call), std::move(in), answer, std::move(out)});
  }
  template <typename T>
  void expect_ioctl(int descriptor, unsigned long request, const T& in, std::int64_t answer, const T& out) {
    expect(ioctl_name(descriptor, request), answer, recorded(in), recorded(out));
  }
  template <typename T>
  void expect_ioctl(int descriptor, unsigned long request, const T& in, std::int64_t answer = 0) {
    expect_ioctl(descriptor, request, in, answer, in);
  }
  void expect_ioctl_number(int descriptor, unsigned long request, unsigned long argument, std::int64_t answer) {
    expect(ioctl_name(descriptor, request) + " " + std::to_string(argument), answer);
  }
  // A whole small file, in the order in which it is read: open, read until the end, close.
  void expect_file(const std::string& path, int descriptor, std::string_view content) {
    expect("open " + path, descriptor);
    expect("read " + std::to_string(descriptor), static_cast<std::int64_t>(content.size()), {}, recorded(content));
    if (!content.empty()) expect("read " + std::to_string(descriptor), 0);
    expect("close " + std::to_string(descriptor), 0);
  }
  [[nodiscard]] bool over() const { return script_.empty(); }

  [[nodiscard]] int open(const std::string& path, int) override { return play_int("open " + path); }
  [[nodiscard]] int close(int descriptor) override { return play_int("close " + std::to_string(descriptor)); }
  [[nodiscard]] int ioctl(int descriptor, unsigned long request, std::span<std::byte> argument) override {
    return static_cast<int>(play(ioctl_name(descriptor, request), argument, argument));
  }
  [[nodiscard]] int ioctl(int descriptor, unsigned long request, unsigned long argument) override {
    return play_int(ioctl_name(descriptor, request) + " " + std::to_string(argument));
  }
  [[nodiscard]] std::int64_t mmap(int descriptor, std::uint64_t offset, std::uint64_t bytes) override {
    return play("mmap " + std::to_string(descriptor) + " " + std::to_string(offset) + " " + std::to_string(bytes));
  }
  [[nodiscard]] int munmap(std::uint64_t, std::uint64_t bytes) override {
    return play_int("munmap " + std::to_string(bytes));
  }
  [[nodiscard]] std::int64_t read(int descriptor, std::span<std::byte> bytes) override {
    return play("read " + std::to_string(descriptor), {}, bytes);
  }
  [[nodiscard]] std::int64_t write(int descriptor, std::span<const std::byte> bytes) override {
    return play("write " + std::to_string(descriptor), bytes);
  }
  [[nodiscard]] std::int64_t pread(int descriptor, std::span<std::byte> bytes, std::uint64_t offset) override {
    return play(
        "pread " + std::to_string(descriptor) + " " + std::to_string(offset) + " " + std::to_string(bytes.size()), {},
        bytes);
  }
  [[nodiscard]] std::int64_t pwrite(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) override {
    return play("pwrite " + std::to_string(descriptor) + " " + std::to_string(offset), bytes);
  }
  [[nodiscard]] int eventfd() override { return play_int("eventfd"); }
  [[nodiscard]] int memfd_create(const std::string& name) override { return play_int("memfd_create " + name); }
  [[nodiscard]] int ftruncate(int descriptor, std::uint64_t bytes) override {
    return play_int("ftruncate " + std::to_string(descriptor) + " " + std::to_string(bytes));
  }
  [[nodiscard]] int add_seals(int descriptor, unsigned seals) override {
    return play_int("add_seals " + std::to_string(descriptor) + " " + std::to_string(seals));
  }
  [[nodiscard]] std::int64_t file_size(int descriptor) override {
    return play("file_size " + std::to_string(descriptor));
  }
  [[nodiscard]] int reboot(unsigned command) override { return play_int("reboot " + std::to_string(command)); }
  void sync() override { static_cast<void>(play("sync")); }
  [[nodiscard]] int kexec_file_load(int kernel, int initrd, const std::string& command_line,
                                    unsigned long flags) override {
    return play_int("kexec_file_load " + std::to_string(kernel) + " " + std::to_string(initrd) + " «" + command_line +
                    "» " + std::to_string(flags));
  }
  [[nodiscard]] int delete_module(const std::string& name) override { return play_int("delete_module " + name); }
  [[nodiscard]] int readlink(const std::string& path, std::string& target) override {
    Recorded out;
    const std::int64_t answer = play("readlink " + path, {}, {}, &out);
    target.assign(reinterpret_cast<const char*>(out.data()), out.size());
    return static_cast<int>(answer);
  }
  // The names in `out` are separated by line breaks.
  [[nodiscard]] int list(const std::string& path, std::vector<std::string>& names) override {
    Recorded out;
    const std::int64_t answer = play("list " + path, {}, {}, &out);
    names.clear();
    std::string name;
    for (const std::byte byte : out) {
      if (static_cast<char>(byte) == '\n') {
        names.push_back(std::exchange(name, {}));
      } else {
        name += static_cast<char>(byte);
      }
    }
    return static_cast<int>(answer);
  }
  [[nodiscard]] std::chrono::nanoseconds now() override { return time += tick; }
  void sleep(std::chrono::nanoseconds duration) override { time += duration; }

  std::chrono::nanoseconds time{0};
  std::chrono::nanoseconds tick{0};  // passes with every look at the clock

 private:
  struct Step {
    std::string call;
    Recorded in;
    std::int64_t answer;
    Recorded out;
  };

  static std::string ioctl_name(int descriptor, unsigned long request) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text = "ioctl " + std::to_string(descriptor) + " 0x";
    for (int shift = 12; shift >= 0; shift -= 4) text += kDigits[(request >> shift) & 0xf];
    return text;
  }

  int play_int(const std::string& call) { return static_cast<int>(play(call)); }

  std::int64_t play(const std::string& call, std::span<const std::byte> in = {}, std::span<std::byte> out = {},
                    Recorded* text = nullptr) {
    if (script_.empty() || script_.front().call != call) {
      ADD_FAILURE() << "unexpected call: " << call
                    << "; expected: " << (script_.empty() ? std::string("none") : script_.front().call);
      return -EBADRQC;
    }
    const Step step = script_.front();
    script_.pop_front();
    if (in.size() != step.in.size() || !std::equal(in.begin(), in.end(), step.in.begin())) {
      ADD_FAILURE() << call << " brought other bytes: " << hex(in) << "; expected: " << hex(step.in);
      return -EBADRQC;
    }
    if (text != nullptr) *text = step.out;
    if (step.answer >= 0 && !step.out.empty() && text == nullptr) {
      EXPECT_LE(step.out.size(), out.size()) << call;
      std::copy_n(step.out.begin(), std::min(step.out.size(), out.size()), out.begin());
    }
    return step.answer;
  }

  static std::string hex(std::span<const std::byte> bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : bytes) {
      text += kDigits[static_cast<unsigned>(byte) >> 4];
      text += kDigits[static_cast<unsigned>(byte) & 0xf];
    }
    return text;
  }

  std::deque<Step> script_;
};

}  // namespace holdover::testing
